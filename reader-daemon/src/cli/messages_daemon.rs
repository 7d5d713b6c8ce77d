//! What a person reads when the daemon, its configuration or the service is the cause, in both languages.
//!
//! Failures of card and reader are in [`super::messages`].

use card_schema::envelope::receipt::Outcome;

use super::messages::CliError;
use crate::config::{ConfigError, KEYS};

/// A configuration that cannot be used.
pub(crate) fn config(error: &ConfigError) -> CliError {
    match error {
        ConfigError::UnknownKey { key, origin } => {
            let keys = KEYS.map(|(key, _)| key).join(", ");
            CliError::usage(
                "unknown-setting",
                format!("{origin}：没有名为“{key}”的设置。可用的设置：{keys}。请更正名称后重试。"),
                format!("{origin}: there is no setting \"{key}\". Settings: {keys}. Correct the name and try again."),
            )
        }
        ConfigError::Invalid(cause) => CliError::usage(
            "bad-setting",
            format!("设置有误：{cause}。请更正后重试。"),
            format!("A setting is wrong: {cause}. Correct it and try again."),
        ),
        ConfigError::NotLoopback(address) => CliError::usage(
            "listen-not-loopback",
            format!("local.listen = {address}：本机接口只能监听回环地址，例如 127.0.0.1:0。"),
            format!("local.listen = {address}: the local API listens on loopback only, e.g. 127.0.0.1:0."),
        ),
    }
}

/// The PIN could not be read from terminal or stdin.
pub(crate) fn no_pin(cause: &std::io::Error) -> CliError {
    CliError::usage(
        "no-pin",
        format!("无法读取 PIN（{cause}）。请在终端中运行，或使用 --pin-stdin。"),
        format!("The PIN cannot be read ({cause}). Run in a terminal, or use --pin-stdin."),
    )
}

/// Something inside failed that no input causes.
pub(crate) fn internal(cause: &dyn std::fmt::Display) -> CliError {
    CliError::failed(
        "internal",
        format!("内部错误：{cause}。请重试；如再次出现，请把本信息交给管理员。"),
        format!("Internal error: {cause}. Try again; if it happens again, give this message to the administrator."),
    )
}

/// What the service decided about a tap, where it is no yes.
pub(crate) fn outcome(outcome: Outcome) -> CliError {
    let (code, zh, en) = match outcome {
        Outcome::Accepted => ("accepted", "成功。", "Accepted."),
        Outcome::Malformed => (
            "malformed",
            "服务端无法识别该笔记录。请联系管理员。",
            "The service cannot read the tap. Call the administrator.",
        ),
        Outcome::UnknownCard => (
            "unknown-card",
            "没有登记过这张卡。请持卡人到站点办理。",
            "This card is not known. The holder should go to a station.",
        ),
        Outcome::BadSignature => (
            "bad-signature",
            "卡片签名不正确，该卡不可信。请拒收。",
            "The card's signature is wrong: do not trust this card.",
        ),
        Outcome::PinRequired => {
            ("pin-required", "金额超过免密限额，请用 --pin 重试。", "The amount needs the PIN: try again with --pin.")
        }
        Outcome::CardNotActive => (
            "card-not-active",
            "卡片已停用或尚未启用。请持卡人到站点办理。",
            "The card is suspended, blocked or not yet active. The holder should go to a station.",
        ),
        Outcome::CardExpired => (
            "card-expired",
            "卡片已过期。请持卡人到站点换卡。",
            "The card has expired. The holder should have it replaced at a station.",
        ),
        Outcome::OperationNotAllowed => (
            "operation-not-allowed",
            "本终端不能办理此项业务。请联系管理员。",
            "This terminal may not do this operation. Call the administrator.",
        ),
        Outcome::AmountOutOfRange => (
            "amount-out-of-range",
            "金额须大于零且不超过限额。请更改金额。",
            "The amount must be above zero and within the limit. Change the amount.",
        ),
        Outcome::InsufficientFunds => (
            "insufficient-funds",
            "余额不足。请先充值或更改金额。",
            "The balance is short. Top up first or change the amount.",
        ),
        Outcome::ClockImplausible => (
            "clock-implausible",
            "本机时钟偏差过大。请校准时间后重试。",
            "This machine's clock is far off. Set it and try again.",
        ),
        Outcome::CounterFork => (
            "counter-fork",
            "本终端的流水号重复，可能恢复过旧备份。请停用并联系管理员。",
            "A counter of this terminal was used twice, perhaps from an old backup. Stop using it and call the administrator.",
        ),
        Outcome::WrongTerminal => (
            "wrong-terminal",
            "该笔记录属于另一终端。请联系管理员。",
            "The tap belongs to another terminal. Call the administrator.",
        ),
        Outcome::Quarantined => ("quarantined", "该笔记录待人工审核。", "The tap waits for a person to decide."),
    };
    CliError::failed(code, zh, en)
}
