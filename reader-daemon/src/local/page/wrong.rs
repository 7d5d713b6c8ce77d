//! What is wrong with what was typed, and what to do about it. No I/O.

use std::borrow::Cow;

use axum::http::StatusCode;
use card_schema::money::Fen;

use super::bill::BillWrong;
use crate::cli::messages::{CliError, Language};

/// What is wrong with what was typed.
#[derive(Clone, Debug)]
pub(super) enum Wrong {
    /// Not six to eight digits.
    Format,
    /// The PIN that every new card has.
    Factory,
    /// The second time it was another one.
    Differ,
    /// No amount in yuan.
    Amount,
    /// More decimals than a fen has.
    Decimals,
    /// Nothing, or less.
    Zero,
    /// More than is left of the payment, as far as this terminal knows.
    OverRest(Fen),
    /// No number of points.
    Points,
    /// Points that take nothing off the price: why.
    Discount(CliError),
    /// Not said as what the visit is insured.
    NoBenefit,
    /// What is wrong with a bill.
    Bill(BillWrong),
    /// Another bill than the one that waits, or none.
    OtherBill,
    /// No number of a bill.
    NoBill,
    /// More from the purse than is left to pay.
    MoreThanRest(Fen),
    /// No pass was chosen.
    NoPass,
    /// No day.
    Day,
    /// Another first day than the one whose prices were shown.
    OtherDay,
    /// Something else is under way.
    Busy,
    /// With this form something else was done already.
    Used,
    /// What the card or the service says.
    Said(CliError),
}

impl Wrong {
    /// Whether it is what was typed, or what else is going on.
    pub(super) const fn status(&self) -> StatusCode {
        match self {
            Self::Busy | Self::Used | Self::OtherBill => StatusCode::CONFLICT,
            _ => StatusCode::UNPROCESSABLE_ENTITY,
        }
    }

    /// Whether it is about the points that were typed.
    pub(super) const fn is_of_points(&self) -> bool {
        matches!(self, Self::Points | Self::Discount(_))
    }

    pub(super) fn text(&self, language: Language) -> Cow<'_, str> {
        let text = match self {
            Self::OverRest(left) => {
                let (zh, en) = (
                    format!("最多还可退 {left} 元。请减少金额。"),
                    format!("At most {left} yuan is left to refund. Refund less."),
                );
                return Cow::Owned(match language {
                    Language::Zh => zh,
                    Language::En => en,
                });
            }
            Self::MoreThanRest(left) => {
                return Cow::Owned(match language {
                    Language::Zh => format!("自付部分只有 {left} 元。请减少金额。"),
                    Language::En => {
                        format!("No more than {left} yuan is left to the holder. Take less from the purse.")
                    }
                });
            }
            Self::Bill(wrong) => return Cow::Owned(wrong.text(language)),
            Self::NoBenefit => language.choose("请选择就诊类别。", "Choose as what the visit is insured."),
            Self::OtherBill => language.choose(
                "这张账单已有变化。请核对后再办理一次。",
                "The bill is another by now. Look at it, and do it once more.",
            ),
            Self::NoBill => language.choose(
                "请输入小票上的账单编号，共 36 位。",
                "Type the number of the bill from its receipt: 36 characters.",
            ),
            Self::Format => {
                language.choose("密码须为 6 至 8 位数字。请重新输入。", "A PIN has 6 to 8 digits. Type it again.")
            }
            Self::Factory => language.choose(
                "这是所有新卡的初始密码，人人都知道。请另选一个。",
                "That is the PIN that every new card has, and everybody knows it. Choose another.",
            ),
            Self::Differ => {
                language.choose("两次输入的密码不同。请重新输入。", "The two PINs differ. Type both again.")
            }
            Self::Amount => {
                language.choose("请输入以元为单位的金额，例如 12.50。", "Type an amount in yuan, such as 12.50.")
            }
            Self::Decimals => language.choose(
                "金额最多两位小数（精确到分）。请重新输入，例如 12.50。",
                "An amount has at most two decimals. Type it again, such as 12.50.",
            ),
            Self::Zero => {
                language.choose("金额须大于零。请重新输入。", "The amount has to be above zero. Type it again.")
            }
            Self::Busy => language.choose(
                "上一笔交易还没有结束。请先完成或取消。",
                "Another transaction is under way. Finish or cancel it first.",
            ),
            Self::Used => language.choose(
                "用这张表单已经办过另一笔。请核对后再提交一次。",
                "Something else was done with this form already. Check it, and send it once more.",
            ),
            Self::Points => language.choose(
                "请输入积分，须是大于零的整数，例如 500。",
                "Type a whole number of points above zero, such as 500.",
            ),
            Self::NoPass => language.choose("请选择票种。", "Choose which one."),
            Self::Day => language.choose("请按 2026-12-01 的格式输入第一天。", "Type the first day as in 2026-12-01."),
            Self::OtherDay => language.choose(
                "以下是这一天的票种和价格。请核对后再确认一次。",
                "These are the passes and prices of that day. Look at them and send it once more.",
            ),
            Self::Said(error) | Self::Discount(error) => language.choose(&error.zh, &error.en),
        };
        Cow::Borrowed(text)
    }
}
