//! What the service has decided about a tap, for people: a stable code, and what to do next.

use card_schema::envelope::receipt::Outcome;

use super::messages::CliError;

/// Each outcome with its stable code and what people read in Chinese and in English, in the order of their numbers.
const SAID: [(Outcome, &str, &str, &str); Outcome::ALL.len()] = [
    (Outcome::Accepted, "accepted", "成功。", "Accepted."),
    (
        Outcome::Malformed,
        "malformed",
        "服务端无法识别。请联系管理员。",
        "The service cannot read it. Call the administrator.",
    ),
    (
        Outcome::UnknownCard,
        "unknown-card",
        "没有登记过这张卡。请持卡人到站点办理。",
        "This card is not known. The holder should go to a station.",
    ),
    (
        Outcome::BadSignature,
        "bad-signature",
        "卡片签名不正确，该卡不可信。请拒收。",
        "The card's signature is wrong: do not trust this card.",
    ),
    (
        Outcome::PinRequired,
        "pin-required",
        "须输入密码，请用 --pin 重试。",
        "This needs the PIN: try again with --pin.",
    ),
    (
        Outcome::CardNotActive,
        "card-not-active",
        "卡片已停用或尚未启用。请持卡人到站点办理。",
        "The card is suspended, blocked or not yet active. The holder should go to a station.",
    ),
    (
        Outcome::CardExpired,
        "card-expired",
        "卡片已过期。请持卡人到站点换卡。",
        "The card has expired. The holder should have it replaced at a station.",
    ),
    (
        Outcome::OperationNotAllowed,
        "operation-not-allowed",
        "本终端不能办理此项业务。请联系管理员。",
        "This terminal may not do this operation. Call the administrator.",
    ),
    (
        Outcome::AmountOutOfRange,
        "amount-out-of-range",
        "金额须大于零且不超过限额。请更改金额。",
        "The amount must be above zero and within the limit. Change the amount.",
    ),
    (
        Outcome::InsufficientFunds,
        "insufficient-funds",
        "余额不足，没有扣款，也没有退款。付款请先充值、更改金额或改付现金；退款请联系管理员。",
        "There is not enough for this, and no money has moved. To pay, top up first, change the amount or pay cash; for a refund, call the administrator.",
    ),
    (
        Outcome::ClockImplausible,
        "clock-implausible",
        "本机时钟偏差过大。请校准时间后重试。",
        "This machine's clock is far off. Set it and try again.",
    ),
    (
        Outcome::CounterFork,
        "counter-fork",
        "本终端的流水号重复，可能恢复过旧备份。请停用并联系管理员。",
        "A counter of this terminal was used twice, perhaps from an old backup. Stop using it and call the administrator.",
    ),
    (
        Outcome::WrongTerminal,
        "wrong-terminal",
        "记录属于另一终端。请联系管理员。",
        "It belongs to another terminal. Call the administrator.",
    ),
    (
        Outcome::Quarantined,
        "quarantined",
        "该笔记录已留存待人工审核，尚未入账；本终端可能已被停用。请停止使用，并联系管理员。",
        "The tap is kept for a person to decide and no money has moved; this terminal may have been revoked. Stop \
             using it and call the administrator.",
    ),
    (
        Outcome::WrongText,
        "wrong-text",
        "持卡人确认的不是服务端发出的文本，卡片未启用。请在站点重新确认。",
        "The holder agreed to another text than the one that was sent; the card is not active. Ask again at the station.",
    ),
    (
        Outcome::OriginalUnknown,
        "original-unknown",
        "这张卡的持卡人在此处没有这笔付款。请核对小票，并用付款人的卡。",
        "The holder of this card has made no such payment here. Check the receipt, and use a card of whoever paid.",
    ),
    (
        Outcome::RefundOfRefund,
        "refund-of-refund",
        "这笔记录本身是退款或撤销，不能再退。如退错，请重新收款。",
        "This is itself a refund or a void and cannot be given back. Where it was an error, charge anew.",
    ),
    (
        Outcome::RefundExceedsRest,
        "refund-exceeds-rest",
        "超出该笔付款尚可退的金额，或已退过款而不能撤销。请减少退款金额。",
        "It is more than is left of the payment; one of which a part went back cannot be voided. Refund less.",
    ),
    (
        Outcome::RefundTooLate,
        "refund-too-late",
        "已超过可退款或撤销的期限。撤销过期可改为退款；退款过期请到站点办理。积分过期不能撤销。",
        "The time for it is over. What can be voided no more may still be refunded; after that, go to a station. Points stay as they are.",
    ),
    (
        Outcome::InsufficientPoints,
        "insufficient-points",
        "积分不足，没有扣款，也没有扣积分。请减少积分，或不用积分。",
        "There are not enough points; nothing was charged and no points were taken. Use fewer points, or none.",
    ),
    (
        Outcome::PointsTermsDiffer,
        "points-terms-differ",
        "积分规则已变更，或本店已退出积分计划；没有扣款，也没有扣积分。请过一分钟重新办理，或不用积分。",
        "What points are worth here has changed, or this shop gives and takes no more; nothing was charged and no points were taken. Begin again in a minute, or do it without points.",
    ),
    (
        Outcome::Rejected,
        "rejected",
        "人工审核后不入账，没有扣款。如有疑问，请联系管理员。",
        "A person has looked at it and it is not booked; nothing was charged. Ask the administrator why.",
    ),
    (
        Outcome::DayLimitReached,
        "day-limit",
        "超过持卡人单日付款限额，没有扣款。请更改金额、改用其他方式付款，或次日再付。",
        "With this the holder would pay more than is allowed on one day; nothing was charged. Change the amount, take other money, or wait until tomorrow.",
    ),
    (
        Outcome::ApprovalRequired,
        "approval-required",
        "充值超过限额，须由工作人员刷卡批准；没有到账。请在收款页面重新办理，先刷工作人员卡，随后立即刷持卡人的卡。",
        "So much is topped up with the approval of a member of staff only; nothing was booked. Begin again on the counter's page: the staff card first, and the holder's right after it.",
    ),
    (
        Outcome::NoValidJourney,
        "no-valid-journey",
        "没有查到这次乘车的有效刷卡记录。请持卡人补刷或补票。",
        "No validation is known that is good for this journey. The holder validates now, or buys a ticket.",
    ),
    (
        Outcome::NotOnSale,
        "not-on-sale",
        "现行票价中没有此项、价格不符、日期不可售，或持卡人已有；没有扣款。请核对后重新办理。",
        "The fares in force do not sell this, or not at this price or for these days, or the holder has it already; nothing was charged. Look again at what is on sale.",
    ),
    (
        Outcome::NothingToDispute,
        "nothing-to-dispute",
        "没有查到该单位应为您在这个月参保，异议没有登记。请到社保经办机构办理。",
        "No such employer is known that had to see to that month; nothing was recorded. Go to the social security bureau.",
    ),
    (
        Outcome::ClaimUnknown,
        "claim-unknown",
        "没有查到这位持卡人在本院待结算（或可退费）的这张账单，没有扣款，也没有退款。请让持卡人重新报到，再录入账单。",
        "No such bill of this card's holder waits here to be settled or taken back; no money has moved. Have the holder check in once more, and write the bill again.",
    ),
    (
        Outcome::ClaimDiffers,
        "claim-differs",
        "账单的分担金额已有变化，或已经结算，没有扣款。请重新录入账单后再结算。",
        "Who pays what of the bill has changed, or it was settled already; no money has moved. Write the bill again, then settle it.",
    ),
    (
        Outcome::LaterClaims,
        "later-claims",
        "这张账单之后，持卡人又有账单结算，分担金额以前一张为基础；没有退款。请先退后面的账单。",
        "Bills of this holder that were settled after this one rest on it; nothing went back. Take the later ones back first.",
    ),
];

/// What the service decided about a tap, where it is no yes.
pub(crate) fn outcome(outcome: Outcome) -> CliError {
    let said = SAID.iter().find(|(of, ..)| *of == outcome);
    let (_, code, zh, en) = *said.expect("every outcome stands there");
    CliError::failed(code, zh, en)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_outcome_stands_there_in_order_with_a_code_of_its_own() {
        let codes: BTreeSet<_> = SAID.iter().map(|(_, code, ..)| *code).collect();
        assert_eq!(codes.len(), SAID.len());
        assert_eq!(SAID.map(|(outcome, ..)| outcome), Outcome::ALL);
        assert!(Outcome::ALL.is_sorted_by_key(|outcome| outcome.number()));
    }
}
