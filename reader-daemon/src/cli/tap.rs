//! `tap pay|refund|void|top-up|award|redeem|undo|gate`: one operation with the card that is presented, through the running daemon.

use card_schema::{ids::TapId, money::Fen, operation::OperationCode};
use clap::{Args, Subcommand};

use super::{Settings, messages::CliError, output::Context, pin};
use crate::local::{
    client::Client,
    wire::{PinText, TapReply, TapRequest, TapState, default_receipt_wait_ms},
};

/// Arguments of `tap`.
#[derive(Debug, Args)]
pub(super) struct TapArgs {
    #[command(subcommand)]
    command: TapCommand,
}

#[derive(Debug, Subcommand)]
enum TapCommand {
    /// Take a payment
    #[command(after_help = "Examples:\n  reader-daemon tap pay 12.50\n  reader-daemon tap pay 320 --pin\n  \
        echo 246810 | reader-daemon tap pay 320 --pin-stdin --format json\n  reader-daemon tap pay 12.50 --points 500 --pin")]
    Pay {
        /// Price in yuan, e.g. 12.50
        amount: Fen,
        /// Points that the holder gives for money off the price
        #[arg(long)]
        points: Option<u32>,
        #[command(flatten)]
        common: Common,
    },
    /// Give back a payment of this terminal, or a part of it
    #[command(after_help = "Examples:\n  reader-daemon tap refund 5.00 --payment TAP_ID")]
    Refund {
        /// Amount in yuan, e.g. 5.00
        amount: Fen,
        /// The payment, as its receipt names it
        #[arg(long)]
        payment: TapId,
        #[command(flatten)]
        common: Common,
    },
    /// Undo a payment of this terminal in full, soon after it was made
    #[command(after_help = "Examples:\n  reader-daemon tap void 12.50 --payment TAP_ID")]
    Void {
        /// All that was paid, in yuan
        amount: Fen,
        /// The payment, as its receipt names it
        #[arg(long)]
        payment: TapId,
        #[command(flatten)]
        common: Common,
    },
    /// Credit cash that was handed over
    #[command(after_help = "Examples:\n  reader-daemon tap top-up 50.00")]
    TopUp {
        /// Amount in yuan, e.g. 50.00
        amount: Fen,
        #[command(flatten)]
        common: Common,
    },
    /// Give points for a purchase that was paid otherwise
    #[command(after_help = "Examples:\n  reader-daemon tap award 35.00")]
    Award {
        /// What was paid, in yuan, e.g. 35.00
        amount: Fen,
        #[command(flatten)]
        common: Common,
    },
    /// Take points for goods
    #[command(after_help = "Examples:\n  reader-daemon tap redeem 500 --pin")]
    Redeem {
        /// How many, e.g. 500
        points: u32,
        #[command(flatten)]
        common: Common,
    },
    /// Undo points that this terminal gave for a purchase or took for goods
    #[command(after_help = "Examples:\n  reader-daemon tap undo --tap TAP_ID")]
    Undo {
        /// What is undone, as its receipt names it
        #[arg(long)]
        tap: TapId,
        #[command(flatten)]
        common: Common,
    },
    /// May this card pass here, now?
    #[command(after_help = "Examples:\n  reader-daemon tap gate --wait 10")]
    Gate {
        #[command(flatten)]
        common: Common,
    },
}

#[derive(Debug, Args)]
struct Common {
    /// Reader by its PC/SC name; needed when there are several
    #[arg(long)]
    reader: Option<String>,
    /// Ask for the holder's PIN
    #[arg(long)]
    pin: bool,
    /// Read the holder's PIN from the first line of stdin
    #[arg(long, conflicts_with = "pin")]
    pin_stdin: bool,
    /// Seconds to wait for a card
    #[arg(long, default_value_t = 30)]
    wait: u64,
    /// Do not wait for the service's answer once the tap is stored
    #[arg(long)]
    no_receipt: bool,
}

pub(super) fn run(args: &TapArgs, settings: &Settings, context: Context) -> Result<(), CliError> {
    let (operation, amount, points, payment, common) = match &args.command {
        TapCommand::Pay { amount, points, common } => {
            (OperationCode::PursePayment, Some(*amount), *points, None, common)
        }
        TapCommand::Refund { amount, payment, common } => {
            (OperationCode::PurseRefund, Some(*amount), None, Some(*payment), common)
        }
        TapCommand::Void { amount, payment, common } => {
            (OperationCode::PurseVoid, Some(*amount), None, Some(*payment), common)
        }
        TapCommand::TopUp { amount, common } => (OperationCode::PurseTopUp, Some(*amount), None, None, common),
        TapCommand::Award { amount, common } => (OperationCode::PointsAward, Some(*amount), None, None, common),
        TapCommand::Redeem { points, common } => (OperationCode::PointsRedemption, None, Some(*points), None, common),
        TapCommand::Undo { tap, common } => (OperationCode::PointsUndo, None, None, Some(*tap), common),
        TapCommand::Gate { common } => (OperationCode::GateCheck, None, None, None, common),
    };
    let client = Client::open(&settings.load()?.local_file())?;
    let request = TapRequest {
        operation,
        amount_fen: amount,
        points,
        payment,
        reader: common.reader.clone(),
        pin: read_pin(common, context)?,
        wait_ms: common.wait.saturating_mul(1_000),
        receipt_wait_ms: if common.no_receipt { 0 } else { default_receipt_wait_ms() },
    };
    context.progress("请出示卡片……", "Hold the card to the reader …");
    let reply: TapReply = super::block_on(client.post("/v1/taps", &request))??;
    context.print(&reply, |reply| describe(&args.command, reply, context));
    match (&reply.refusal, reply.outcome, reply.state) {
        (Some(refusal), ..) => Err(CliError::failed(refusal.code.clone(), refusal.zh.clone(), refusal.en.clone())),
        (None, Some(outcome), TapState::Refused) => Err(super::messages_outcome::outcome(outcome)),
        _ => Ok(()),
    }
}

fn read_pin(common: &Common, context: Context) -> Result<Option<PinText>, CliError> {
    if common.pin_stdin || common.pin { pin::read(common.pin_stdin, context).map(Some) } else { Ok(None) }
}

fn describe(command: &TapCommand, reply: &TapReply, context: Context) -> String {
    let balance = |zh: &str, en: &str| {
        reply.balance_fen.map_or(String::new(), |fen| format!("{}{fen}", context.language.choose(zh, en)))
    };
    let points = |zh: &str, en: &str| {
        let balance = reply.points.and_then(|points| points.balance);
        balance.map_or(String::new(), |balance| format!("{}{balance}", context.language.choose(zh, en)))
    };
    match reply.state {
        TapState::Accepted => format!(
            "{}{}{}",
            context.language.choose("成功。", "Accepted."),
            balance("余额（元）：", " Balance in yuan: "),
            points("。积分：", ". Points: "),
        ),
        TapState::Signed if matches!(command, TapCommand::Gate { .. }) => {
            context.language.choose("放行。", "Let in.").to_owned()
        }
        TapState::Signed => context
            .language
            .choose("已签名并保存，联网后自动上报。", "Signed and stored; goes up when the service can be reached.")
            .to_owned(),
        TapState::Refused => context.language.choose("拒绝。", "Refused.").to_owned(),
    }
}
