//! `validator on|off|inspect|stop|show`: what readers do with each card, through the running daemon.

use std::fmt::Write as _;

use card_schema::operation::transit::Side;
use clap::{Args, Subcommand};

use super::{
    Settings,
    messages::{CliError, Language},
    output::Context,
};
use crate::{
    local::{
        client::Client,
        wire::{ValidatorDuty, ValidatorReply, ValidatorRequest},
    },
    validator::Duty,
};

/// Where it is set and read.
const PATH: &str = "/v1/validator";

/// Arguments of `validator`.
#[derive(Debug, Args)]
pub(super) struct ValidatorArgs {
    #[command(subcommand)]
    command: ValidatorCommand,
}

#[derive(Debug, Subcommand)]
enum ValidatorCommand {
    /// Let people on at a stop
    #[command(after_help = "Examples:\n  reader-daemon validator on --route 1 --stop s12\n  \
        reader-daemon validator on --route 1 --stop s12 --reader \"Front 00 00\"")]
    On {
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        which: Which,
    },
    /// Let people off at a stop
    #[command(after_help = "Examples:\n  reader-daemon validator off --route m2 --stop s12")]
    Off {
        #[command(flatten)]
        place: Place,
        #[command(flatten)]
        which: Which,
    },
    /// Ask whether people on a route have validated
    #[command(after_help = "Examples:\n  reader-daemon validator inspect --route 1")]
    Inspect {
        /// route_id of the vehicle
        #[arg(long)]
        route: String,
        #[command(flatten)]
        which: Which,
    },
    /// Do nothing more with cards
    #[command(after_help = "Examples:\n  reader-daemon validator stop")]
    Stop {
        #[command(flatten)]
        which: Which,
    },
    /// Show what readers do, and what became of the last card
    #[command(after_help = "Examples:\n  reader-daemon validator show --format json")]
    Show,
}

#[derive(Debug, Args)]
struct Place {
    /// route_id of the vehicle, or of one of the routes behind a barrier
    #[arg(long)]
    route: String,
    /// stop_id
    #[arg(long)]
    stop: String,
}

#[derive(Debug, Args)]
struct Which {
    /// Reader by its PC/SC name; all that are not named otherwise when not given
    #[arg(long)]
    reader: Option<String>,
}

pub(super) fn run(args: &ValidatorArgs, settings: &Settings, context: Context) -> Result<(), CliError> {
    let client = Client::open(&settings.load()?.local_file())?;
    let validate = |Place { route, stop }: &Place, side| {
        let (route, stop) = (route.clone(), stop.clone());
        Some(Duty::Validate { route, stop, side })
    };
    let wish = match &args.command {
        ValidatorCommand::On { place, which } => Some((validate(place, Side::On), which)),
        ValidatorCommand::Off { place, which } => Some((validate(place, Side::Off), which)),
        ValidatorCommand::Inspect { route, which } => Some((Some(Duty::Inspect { route: route.clone() }), which)),
        ValidatorCommand::Stop { which } => Some((None, which)),
        ValidatorCommand::Show => None,
    };
    let reply: ValidatorReply = super::block_on(async {
        let now: ValidatorReply = client.get(PATH).await?;
        let Some((duty, Which { reader })) = wish else { return Ok(now) };
        let mut duties = now.duties;
        duties.retain(|one| one.reader != *reader);
        duties.extend(duty.map(|duty| ValidatorDuty { reader: reader.clone(), duty }));
        client.put(PATH, &ValidatorRequest { duties }).await
    })??;
    context.print(&reply, |reply| describe(reply, context.language));
    Ok(())
}

fn describe(reply: &ValidatorReply, language: Language) -> String {
    let tariff = reply.tariff.map_or_else(|| language.choose("无", "none").to_owned(), |number| number.to_string());
    let mut text = format!("{}{tariff}\n", language.choose("票价版本：", "Fares, version: "));
    for ValidatorDuty { reader, duty } in &reply.duties {
        let reader = reader.as_deref().unwrap_or(language.choose("其余读卡器", "all other readers"));
        let does = match duty {
            Duty::Validate { route, stop, side: Side::On } => {
                format!("{} {route} {stop}", language.choose("上车", "on"))
            }
            Duty::Validate { route, stop, side: Side::Off } => {
                format!("{} {route} {stop}", language.choose("下车", "off"))
            }
            Duty::Inspect { route } => format!("{} {route}", language.choose("查票", "inspect")),
        };
        let _ = writeln!(text, "{reader}: {does}");
    }
    for at in &reply.readers {
        let _ = write!(text, "{}  {}{}", at.reader, language.choose("刷卡次数：", "cards: "), at.cards);
        let last = match (&at.refusal, at.shown) {
            (Some(refusal), _) => language.choose(&refusal.zh, &refusal.en),
            (None, true) => language.choose("通过", "yes"),
            (None, false) => "",
        };
        let _ = writeln!(text, "  {last}");
    }
    text
}
