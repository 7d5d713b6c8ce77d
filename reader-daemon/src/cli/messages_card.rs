//! What a person reads when reader or card is the cause, in both languages, with what to do next.
//!
//! Failures of daemon, configuration and service are in [`super::messages_daemon`].

use super::messages::{CliError, Language};
use crate::{
    card::link::LinkError,
    piv::{PivError, Reason, secrets::SecretFormatError, status::Name},
};

/// No reader is plugged in.
pub(crate) fn no_reader() -> CliError {
    CliError::nothing(
        "no-reader",
        "没有找到读卡器。请插好读卡器后重试。",
        "No reader was found. Plug one in and try again.",
    )
}

/// There are several readers and none was named.
pub(crate) fn several_readers(names: &[String]) -> CliError {
    let list = names.join("\n  ");
    CliError::usage(
        "several-readers",
        format!("有多个读卡器，请用 --reader 指定其中一个：\n  {list}"),
        format!("There are several readers. Name one with --reader:\n  {list}"),
    )
}

/// The named reader is not there.
pub(crate) fn unknown_reader(name: &str, names: &[String]) -> CliError {
    if names.is_empty() {
        return no_reader();
    }
    let list = names.join("\n  ");
    CliError::nothing(
        "unknown-reader",
        format!("没有名为“{name}”的读卡器。现有读卡器：\n  {list}"),
        format!("There is no reader \"{name}\". Readers:\n  {list}"),
    )
}

/// What was typed is no PIN or PUK. `what` is "PIN" or "PUK".
pub(crate) fn secret_format(what: &str, error: SecretFormatError) -> CliError {
    match error {
        SecretFormatError::Empty => CliError::usage(
            "empty-secret",
            format!("{what} 不能为空。请重新输入。"),
            format!("The {what} is empty. Type it again."),
        ),
        SecretFormatError::Length => CliError::usage(
            "secret-length",
            format!("{what} 须为 6 至 8 位。请重新输入。"),
            format!("The {what} must have 6 to 8 characters. Type it again."),
        ),
        SecretFormatError::NotDigits => CliError::usage(
            "secret-not-digits",
            format!("{what} 只能由数字 0 至 9 组成。请重新输入。"),
            format!("The {what} must be digits only. Type it again."),
        ),
    }
}

/// A secret that everybody knows.
pub(crate) fn factory_pin() -> CliError {
    CliError::usage(
        "factory-pin",
        "新 PIN 不能是出厂 PIN。请另选一个。",
        "The new PIN may not be the factory PIN. Choose another.",
    )
}

/// The card or its reader could not be spoken to.
pub(crate) fn link(error: &LinkError) -> CliError {
    match error {
        LinkError::ServiceDown => CliError::nothing(
            "no-card-service",
            "智能卡服务（pcscd）没有运行。请启动该服务后重试。",
            "The smart card service (pcscd) is not running. Start it and try again.",
        ),
        LinkError::ReaderGone => CliError::nothing(
            "reader-gone",
            "读卡器已断开。请重新插好后重试。",
            "The reader is gone. Plug it in again and try again.",
        ),
        LinkError::NoCard => CliError::nothing(
            "no-card",
            "读卡器中没有卡。请放入卡片后重试。",
            "There is no card in the reader. Put one in and try again.",
        ),
        LinkError::Removed => CliError::failed(
            "card-removed",
            "操作中卡片被移开，未计为 PIN 错误。请放回卡片后重试。",
            "The card was removed during the operation; this does not count as a wrong PIN. Put it back and try again.",
        ),
        LinkError::Reset => {
            CliError::failed("card-reset", "卡片被其他程序重置。请重试。", "Another program reset the card. Try again.")
        }
        LinkError::Busy => CliError::failed(
            "card-busy",
            "卡片正被其他程序占用。请关闭该程序后重试。",
            "Another program is using the card. Close it and try again.",
        ),
        LinkError::Mute => CliError::failed(
            "card-mute",
            "卡片没有应答。请检查方向后重新放入。",
            "The card does not answer. Check which way up it is and put it in again.",
        ),
        LinkError::Timeout { allowed } => CliError::failed(
            "card-timeout",
            format!("卡片在 {} 秒内没有完成操作。请取出后重新放入。", allowed.as_secs_f32()),
            format!("The card did not finish within {} s. Take it out and put it in again.", allowed.as_secs_f32()),
        ),
        LinkError::Protocol(cause) => CliError::failed(
            "card-protocol",
            format!("卡片的应答不符合规范（{cause}）。请勿使用该卡。"),
            format!("The card's answer breaks the protocol ({cause}). Do not use this card."),
        ),
        LinkError::Pcsc { .. } => CliError::failed(
            "card-service-error",
            format!("智能卡服务出错（{error}）。请重试。"),
            format!("The smart card service failed ({error}). Try again."),
        ),
    }
}

/// A PIV command failed.
pub(crate) fn piv(error: &PivError) -> CliError {
    let refused = match error {
        PivError::Link(error) => return link(error),
        PivError::Malformed { .. } => {
            return CliError::failed(
                "card-malformed",
                format!("卡片数据不符合规范（{error}）。请勿使用该卡。"),
                format!("The card's data break the standard ({error}). Do not use this card."),
            );
        }
        PivError::Refused(refused) => refused,
    };
    match (refused.command, refused.reason) {
        (_, Reason::WrongPin { tries_left: Some(0) } | Reason::PinBlocked) => pin_blocked(),
        (_, Reason::WrongPuk { tries_left: Some(0) } | Reason::PukBlocked) => CliError::failed(
            "puk-blocked",
            "PUK 已锁定，此卡无法再解锁。请到站点换卡。",
            "The PUK is blocked: this card cannot be unblocked any more. Have it replaced at a station.",
        ),
        (_, Reason::WrongPin { tries_left }) => CliError::failed(
            "wrong-pin",
            format!("PIN 错误{}。请重试。", tries_zh(tries_left)),
            format!("Wrong PIN{}. Try again.", tries_en(tries_left)),
        ),
        (_, Reason::WrongPuk { tries_left }) => CliError::failed(
            "wrong-puk",
            format!("PUK 错误{}。请重试。", tries_zh(tries_left)),
            format!("Wrong PUK{}. Try again.", tries_en(tries_left)),
        ),
        (Name::Select, Reason::NotFound | Reason::InstructionNotSupported | Reason::ClassNotSupported) => {
            CliError::failed(
                "no-piv-card",
                "这不是新居民卡。请出示持卡人的新居民卡。",
                "This is no New Resident Card. Hold the holder's own card to the reader.",
            )
        }
        (Name::GetData, Reason::NotFound) => CliError::failed(
            "blank-card",
            "卡内没有身份标识，尚未制卡。请到站点办理。",
            "The card bears no identifier: it has not been issued. Go to a station.",
        ),
        (Name::Verify, Reason::FunctionNotSupported) => CliError::failed(
            "insert-card",
            "此卡不接受非接触方式输入 PIN。请将卡插入接触式读卡器。",
            "This card takes no PIN without contact. Insert it in a contact reader.",
        ),
        (command, reason) => CliError::failed(
            "card-refused",
            format!("卡片拒绝了 {command}：{}（{}）。", self::reason(reason, Language::Zh), refused.status),
            format!("The card refused {command}: {reason} ({}).", refused.status),
        ),
    }
}

/// What a status word means, where no tries are counted.
pub(crate) fn reason(reason: Reason, language: Language) -> String {
    let zh = match reason {
        Reason::WrongPin { .. } => "PIN 错误",
        Reason::WrongPuk { .. } => "PUK 错误",
        Reason::PinBlocked => "PIN 已锁定",
        Reason::PukBlocked => "PUK 已锁定",
        Reason::SecurityStatusNotSatisfied => "需要先验证 PIN 或管理密钥",
        Reason::ConditionsNotSatisfied => "使用条件不满足",
        Reason::WrongData => "数据不正确",
        Reason::FunctionNotSupported => "不支持此功能",
        Reason::NotFound => "没有找到",
        Reason::NotEnoughMemory => "卡内空间不足",
        Reason::WrongParameters => "参数不正确",
        Reason::ReferenceNotFound => "没有此密钥或 PIN",
        Reason::WrongLength => "长度不正确",
        Reason::ChainingNotSupported => "不支持命令链",
        Reason::SecureMessaging => "不支持安全报文或逻辑通道",
        Reason::MemoryFailure => "卡内存储器故障",
        Reason::ExecutionFailed => "卡片出错，未说明原因",
        Reason::InstructionNotSupported => "不支持此指令",
        Reason::ClassNotSupported => "不支持此指令类别",
        Reason::Unlisted => "含义未知",
    };
    language.choose(zh, &reason.to_string()).to_owned()
}

/// No PIN tries are left.
pub(crate) fn pin_blocked() -> CliError {
    CliError::failed(
        "pin-blocked",
        "PIN 已锁定。请用 PUK 解锁（card unblock）或到站点办理。",
        "The PIN is blocked. Unblock it with the PUK (card unblock) or go to a station.",
    )
}

fn tries_zh(left: Option<u8>) -> String {
    left.map_or(String::new(), |left| format!("，还可尝试 {left} 次"))
}

fn tries_en(left: Option<u8>) -> String {
    match left {
        None => String::new(),
        Some(1) => ", 1 try left".to_owned(),
        Some(left) => format!(", {left} tries left"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{card::apdu::StatusWord, piv::Refused};

    #[test]
    fn each_failure_has_its_own_code_and_exit() {
        let refused = |command, word| {
            let status = StatusWord(word);
            piv(&Refused { command, status, reason: Reason::of(command, status) }.into())
        };
        let table = [
            (no_reader(), "no-reader", 4),
            (several_readers(&["A".into(), "B".into()]), "several-readers", 2),
            (unknown_reader("C", &["A".into()]), "unknown-reader", 4),
            (link(&LinkError::NoCard), "no-card", 4),
            (link(&LinkError::ServiceDown), "no-card-service", 4),
            (link(&LinkError::Removed), "card-removed", 1),
            (refused(Name::Select, 0x6A82), "no-piv-card", 1),
            (refused(Name::Verify, 0x63C2), "wrong-pin", 1),
            (refused(Name::Verify, 0x63C0), "pin-blocked", 1),
            (refused(Name::Verify, 0x6983), "pin-blocked", 1),
            (refused(Name::ResetRetryCounter, 0x63C2), "wrong-puk", 1),
            (refused(Name::ResetRetryCounter, 0x6983), "puk-blocked", 1),
            (refused(Name::Sign, 0x6F42), "card-refused", 1),
            (secret_format("PIN", SecretFormatError::Empty), "empty-secret", 2),
        ];
        for (error, code, exit) in table {
            assert_eq!((error.code.as_ref(), error.exit_code()), (code, exit), "{error:?}");
            assert!(!error.zh.is_ascii() && !error.en.is_empty(), "both languages: {error:?}");
        }
        assert!(refused(Name::Verify, 0x63C1).en.contains("1 try left"));
        assert!(refused(Name::Sign, 0x6F42).en.contains("6F42"), "the word is not lost");
        assert!(several_readers(&["A".into(), "B".into()]).zh.contains("\n  A\n  B"));
    }
}
