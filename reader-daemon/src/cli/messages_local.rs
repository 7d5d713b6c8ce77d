//! What programs and people read of a request to the local API, or at the counter, that cannot be. The words only.

use card_schema::envelope::gate::PassRefused;

use super::{messages::CliError, messages_daemon};
use crate::{
    tap::{Refused, gate::GateRefused},
    validator::Wrong,
};

/// A request to the local API that is not of its form.
pub(crate) fn bad_request(cause: &str) -> CliError {
    CliError::usage(
        "bad-request",
        format!("请求有误：{cause}。请更正后重试。"),
        format!("The request is wrong: {cause}. Correct it and try again."),
    )
}

/// A path that the local API does not have.
pub(crate) fn no_such_request() -> CliError {
    CliError::nothing("no-such-request", "本机接口没有这个请求。", "The local API has no such request.")
}

/// A tap that is not this terminal's, or too old for it to know.
pub(crate) fn no_such_tap() -> CliError {
    CliError::nothing(
        "no-such-tap",
        "本终端没有这笔记录，或已超出保存数量。请在控制台查询。",
        "This terminal has no such tap, or keeps it no longer. Look it up in the console.",
    )
}

/// The card of the last transaction has not been lifted.
pub(crate) fn card_of_before() -> CliError {
    CliError::failed(
        "card-of-before",
        "上一笔交易的卡还在读卡器上。请先取下，再放上本次交易的卡。",
        "The card of the last transaction is still there. Take it off first, then put down the one for this one.",
    )
}

/// The service asks for the PIN, which the terminal did not: it counts payments without, and its limits may be newer.
pub(crate) fn pin_wanted() -> CliError {
    CliError::failed(
        "pin-wanted",
        "这笔付款须输入密码（例如今日免密次数已用完），尚未扣款。请持卡人输入密码。",
        "This payment needs the PIN, for instance since there were enough without it today. Nothing was charged yet.",
    )
}

/// The staff card lies where the holder's has to come.
pub(crate) fn approved() -> CliError {
    CliError::failed(
        "approved",
        "已批准。请取下工作人员的卡，再放上持卡人的卡。",
        "Approved. Take the staff card off, then put down the holder's.",
    )
}

/// A card lies where the staff card has to come.
pub(crate) fn staff_card_alone() -> CliError {
    CliError::failed(
        "staff-card-alone",
        "请先取下读卡器上的卡，再放上工作人员自己的卡。",
        "Take off the card that lies there, then put down the staff card.",
    )
}

/// The service counts what a holder tops up on a day.
pub(crate) fn approval_wanted() -> CliError {
    CliError::failed(
        "approval-wanted",
        "加上今日已充值的金额超过限额，须工作人员批准，尚未到账。",
        "Together with what was topped up today it is above the limit: a member of staff has to approve it. Nothing was booked yet.",
    )
}

/// The service has not answered, or holds the approval.
pub(crate) fn approval_unconfirmed() -> CliError {
    CliError::failed(
        "approval-unconfirmed",
        "批准没有得到服务的确认，没有到账。请稍后重新办理，或少充一些。",
        "The service has not confirmed the approval; nothing was booked. Begin again later, or top up less.",
    )
}

/// The card is nobody's who may.
pub(crate) fn may_not_approve() -> CliError {
    CliError::failed(
        "may-not-approve",
        "这张卡不能批准充值，没有到账。须用窗口工作人员或主管的、已开通登录的工作卡。",
        "This card may not approve top-ups; nothing was booked. It takes the card of a clerk or supervisor of which it was agreed that it signs in.",
    )
}

/// The holder's card has to sign right after the staff card, and did not.
pub(crate) fn approval_over() -> CliError {
    CliError::failed(
        "approval-over",
        "批准之后有一次刷卡没有完成，批准已失效，尚未到账。请工作人员重新批准。",
        "After the approval a card was taken away too early, so it does not hold any more. Nothing was booked yet. Approve once more.",
    )
}

/// The service has not answered an inspector.
pub(crate) fn inspection_unanswered() -> CliError {
    CliError::failed(
        "inspection-unanswered",
        "网络中断或服务没有答复，查不到乘车记录。请不要据此认定持卡人没有刷卡。",
        "The service does not answer, so nobody can say whether this card has validated. Do not hold it against the holder.",
    )
}

/// A validator cannot be set so.
pub(crate) fn duty(wrong: Wrong) -> CliError {
    match wrong {
        Wrong::NotAllowed(code) => messages_daemon::tap(&Refused::OperationNotAllowed(code).into()),
        Wrong::NoFares => messages_daemon::tap(&Refused::NoFares.into()),
        Wrong::Route => CliError::usage(
            "route-unknown",
            "现行票价中没有这条线路。请核对 route_id。",
            "The fares in force have no such route. Check its route_id.",
        ),
        Wrong::Stop => CliError::usage(
            "stop-unknown",
            "现行票价中没有这个站点。请核对 stop_id。",
            "The fares in force have no such stop. Check its stop_id.",
        ),
        Wrong::NothingToLeave => CliError::usage(
            "nothing-to-leave",
            "这条线路只在上车时刷卡。请设为上车（on）。",
            "On this route people validate when they get on, and not when they leave. Set it to on.",
        ),
    }
}

/// The gate stays shut.
pub(crate) fn gate(refused: GateRefused) -> CliError {
    match refused {
        GateRefused::NoRights => CliError::failed(
            "no-rights",
            "本机尚未取得通行名单，暂不能放行。请接通网络后稍候，或由值守人员处理。",
            "This gate has not been told yet who may pass. Connect it to the network and wait a moment, or ask whoever watches it.",
        ),
        GateRefused::StandsNowhere => CliError::failed(
            "stands-nowhere",
            "本机没有设在任何地点，不能放行。请管理人员在“门禁地点”里设置。",
            "This gate stands at no site, so nobody is let in. Whoever runs terminals puts it at one, under Sites with gates.",
        ),
        GateRefused::MayNotPass => CliError::failed(
            "may-not-pass",
            "此时此处不能通行。如有疑问，请持卡人到站点办理；刚办理的，请一分钟后再试。",
            "This card does not open this gate now. The holder may ask at a station; if that was just done, try again in a minute.",
        ),
        GateRefused::NoPass => CliError::failed(
            "no-pass",
            "这不是有效的访客通行证。请重新扫描；仍不行的，请联系邀请方。",
            "This is no visitor's pass of ours. Scan it again; if that does not help, ask whoever invited you.",
        ),
        GateRefused::Pass(PassRefused::OtherSite) => CliError::failed(
            "pass-elsewhere",
            "这张访客通行证用于另一个地点。请核对地址。",
            "This visitor's pass is for another place. Check the address.",
        ),
        GateRefused::Pass(PassRefused::NotYet) => CliError::failed(
            "pass-not-yet",
            "这张访客通行证还没有生效。请在证上的时间内再来。",
            "This visitor's pass is not good yet. Come back at the time that stands on it.",
        ),
        GateRefused::Pass(PassRefused::Over | PassRefused::Withdrawn) => CliError::failed(
            "pass-over",
            "这张访客通行证已经失效。请联系邀请方重新办理。",
            "This visitor's pass is good no more. Ask whoever invited you for another.",
        ),
    }
}

/// Another sale is under way.
pub(crate) fn clinic_unreachable() -> CliError {
    CliError::failed(
        "clinic-unreachable",
        "现在连不上服务，查不到待遇，也不能计算账单。请检查网络后再试；已录入的内容还在。",
        "The service cannot be reached: nobody can say what is covered or what a bill comes to. Check the network and try again; what was typed is there still.",
    )
}

/// Another transaction is under way.
pub(crate) fn counter_busy() -> CliError {
    CliError::failed(
        "counter-busy",
        "收银台正在办理另一笔交易。请等待其结束后重试。",
        "Another transaction is under way at this counter. Wait for its end and try again.",
    )
}

/// A number that another order has already.
pub(crate) fn other_order() -> CliError {
    CliError::failed(
        "other-order",
        "该编号已用于另一笔交易。请为新交易使用新的编号。",
        "This number is another order's. Take a new number for a new transaction.",
    )
}

/// A transaction that this daemon does not remember.
pub(crate) fn no_such_transaction() -> CliError {
    CliError::nothing(
        "no-such-transaction",
        "没有这笔交易；或读卡程序在卡片签名之前重新启动过，没有扣款。",
        "There is no such transaction; or the program was started anew before a card had signed for it, and nothing was charged.",
    )
}

/// What a transaction does not wait for.
pub(crate) fn not_now() -> CliError {
    CliError::failed(
        "not-now",
        "该交易目前不能进行此操作。请先查询其状态。",
        "That cannot be done to this transaction now. Ask first where it stands.",
    )
}

/// A level of the API that this daemon does not speak.
pub(crate) fn api_level(levels: &[u16]) -> CliError {
    CliError::usage(
        "api-level",
        format!("本服务支持的接口版本为 {levels:?}。请更新收银程序或读卡服务。"),
        format!("This daemon speaks levels {levels:?} of the API. Update the register or the daemon."),
    )
}

/// An answer to a question that is not asked any more.
pub(crate) fn question_over() -> CliError {
    CliError::nothing(
        "question-over",
        "该问题已结束，请查看当前问题后重新回答。",
        "That question is over. Look what is asked now and answer again.",
    )
}
