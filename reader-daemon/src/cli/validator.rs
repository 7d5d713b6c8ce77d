//! `validator on|off|inspect|gate|stop|show|pass`: what readers do with each card, through the running daemon.

use std::{collections::BTreeMap, fmt::Write as _};

use card_schema::operation::transit::Side;
use clap::{Args, Subcommand};

use super::{
    Settings,
    messages::{CliError, Language},
    messages_local,
    output::Context,
};
use crate::{
    local::{
        client::Client,
        wire::{PassRequest, ValidatorDuty, ValidatorReply, ValidatorRequest},
    },
    validator::{Duty, tell},
};

/// Where it is set and read.
const PATH: &str = "/v1/validator";
/// Where a visitor's pass is shown.
const PASSES: &str = "/v1/passes";

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
    /// Open this gate for those who may pass
    #[command(after_help = "Examples:\n  reader-daemon validator gate")]
    Gate {
        #[command(flatten)]
        which: Which,
    },
    /// Say whether a visitor's pass opens this gate
    #[command(after_help = "Examples:\n  reader-daemon validator pass \"$SCANNED\"\n  \
        scanner | reader-daemon validator pass -")]
    Pass {
        /// Text of the pass's square code; - reads it from stdin
        text: String,
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
        ValidatorCommand::Gate { which } => Some((Some(Duty::Gate {}), which)),
        ValidatorCommand::Stop { which } => Some((None, which)),
        ValidatorCommand::Show => None,
        ValidatorCommand::Pass { text } => return pass(&client, text, context),
    };
    let reply: ValidatorReply = super::block_on(async {
        let now: ValidatorReply = client.get(PATH).await?;
        let Some((duty, Which { reader })) = wish else { return Ok(now) };
        let mut duties: BTreeMap<_, _> =
            now.duties.into_iter().map(|one| (one.reader.unwrap_or_default(), one.duty)).collect();
        tell(&mut duties, reader.as_deref().unwrap_or_default(), duty);
        let named = |name: String| Some(name).filter(|name| !name.is_empty());
        let duties = duties.into_iter().map(|(name, duty)| ValidatorDuty { reader: named(name), duty }).collect();
        client.put(PATH, &ValidatorRequest { duties }).await
    })??;
    context.print(&reply, |reply| describe(reply, context.language));
    Ok(())
}

/// Says whether a visitor's pass opens this gate, and fails where it does not.
fn pass(client: &Client, text: &str, context: Context) -> Result<(), CliError> {
    let text = if text == "-" {
        std::io::read_to_string(std::io::stdin()).map_err(|error| messages_local::bad_request(&error.to_string()))?
    } else {
        text.to_owned()
    };
    let () = super::block_on(client.post(PASSES, &PassRequest { text }))??;
    let admitted = serde_json::json!({ "admitted": true });
    context.print(&admitted, |_| context.language.choose("放行", "Let in").to_owned());
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
            Duty::Gate {} => language.choose("门禁", "gate").to_owned(),
            Duty::Nothing {} => language.choose("不工作", "nothing").to_owned(),
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
