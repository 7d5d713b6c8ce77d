//! What the page at the reader shows. No I/O; the words stand in the templates, in both languages.

use std::borrow::Cow;

use askama::Template;
use axum::{http::StatusCode, response::Html};
use card_schema::{
    clock::Micros, envelope::receipt::Outcome, money::Fen, operation::OperationCode, wire::terminal::TerminalProfile,
};
use jiff::Timestamp;
use uuid::Uuid;

use super::{
    returns::Offer,
    seen::{Lying, Mode, Seen},
};
use crate::{
    cli::{
        messages::{CliError, Language},
        messages_daemon,
    },
    clock::CHINA,
    counter::{End, Step, Transaction},
    local::wire::{PromptKind, View},
    outbox::Fate,
};

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
            Self::Busy | Self::Used => StatusCode::CONFLICT,
            _ => StatusCode::UNPROCESSABLE_ENTITY,
        }
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
            Self::Said(error) => language.choose(&error.zh, &error.en),
        };
        Cow::Borrowed(text)
    }
}

/// What is asked at the reader, or that nothing is.
#[derive(Template)]
#[template(path = "page/reader.html")]
pub(super) struct Reader<'a> {
    pub(super) language: Language,
    pub(super) seen: &'a Seen,
    pub(super) wrong: Option<&'a str>,
}

impl Reader<'_> {
    /// The text to agree to.
    fn lines(&self) -> impl Iterator<Item = &str> {
        self.seen.prompt.iter().filter_map(|prompt| prompt.text.as_deref()).flat_map(str::lines)
    }
}

/// A merchant types what is to be charged.
#[derive(Template)]
#[template(path = "page/charge.html")]
pub(super) struct Charge<'a> {
    pub(super) language: Language,
    pub(super) seen: &'a Seen,
    pub(super) mode: Mode,
    /// The number of the transaction that this form starts.
    pub(super) id: Uuid,
    pub(super) typed: &'a str,
    pub(super) no_pin_limit: Fen,
    pub(super) wrong: Option<&'a str>,
}

impl Charge<'_> {
    /// What else this terminal may do: where that is, its name, and whether it is what is shown.
    fn tabs(&self) -> impl Iterator<Item = (&'static str, &'static str, bool)> {
        self.seen.modes.iter().map(|mode| (mode.path(), self.name(*mode), *mode == self.mode))
    }

    fn title(&self) -> &'static str {
        self.name(self.mode)
    }

    fn name(&self, mode: Mode) -> &'static str {
        match mode {
            Mode::Till => self.language.choose("收款", "Payment"),
            Mode::TopUp => self.language.choose("充值", "Top-up"),
            Mode::Balance => self.language.choose("查询余额", "Balance"),
        }
    }
}

/// A transaction from the order to its end, on either screen.
#[derive(Template)]
#[template(path = "page/payment.html")]
pub(super) struct Payment<'a> {
    pub(super) language: Language,
    pub(super) view: View,
    pub(super) seen: &'a Seen,
    pub(super) transaction: &'a Transaction,
    /// What is wrong with what was typed here.
    pub(super) wrong: Option<&'a str>,
}

impl Payment<'_> {
    fn amount(&self) -> Option<Fen> {
        self.transaction.order.operation.amount()
    }

    /// What the window is called.
    fn title(&self) -> String {
        self.amount().map_or_else(|| self.what().to_owned(), |amount| amount.to_string())
    }

    /// Over the amount.
    fn what(&self) -> &'static str {
        match self.transaction.order.operation.code() {
            OperationCode::PursePayment if self.view == View::Holder && self.transaction.end().is_none() => {
                self.language.choose("应付", "To pay")
            }
            OperationCode::PursePayment => self.language.choose("收款", "Payment"),
            code => operation(self.language, code),
        }
    }

    /// Whether so little is left that the holder may want to top up.
    fn runs_low(&self) -> bool {
        let left = match self.transaction.step {
            Step::Ended(End::Accepted { balance }) => balance,
            _ => None,
        };
        let is_payment = self.transaction.order.operation.code() == OperationCode::PursePayment;
        is_payment && left.is_some_and(|left| left < self.seen.low_balance)
    }

    fn is_inquiry(&self) -> bool {
        self.transaction.order.operation.code() == OperationCode::PurseInquiry
    }

    fn is_top_up(&self) -> bool {
        self.transaction.order.operation.code() == OperationCode::PurseTopUp
    }

    fn gives_back(&self) -> bool {
        self.transaction.order.operation.original().is_some()
    }

    /// That it is done.
    fn done(&self, balance: Option<&Fen>) -> &'static str {
        let (zh, en) = match self.transaction.order.operation.code() {
            OperationCode::PurseTopUp => ("充值成功", "Topped up"),
            OperationCode::PurseRefund => ("退款成功", "Refunded"),
            OperationCode::PurseVoid => ("已撤销", "Voided"),
            OperationCode::PurseInquiry if self.view == View::Counter => {
                ("已查询，余额只给持卡人看", "Answered, for the holder's eyes only")
            }
            // The answer has come too late to be shown.
            OperationCode::PurseInquiry if balance.is_none() => ("没有查到", "Not answered"),
            OperationCode::PurseInquiry => ("已查询", "Answered"),
            _ => ("付款成功", "Paid"),
        };
        self.language.choose(zh, en)
    }

    fn says<'a>(&self, error: &'a CliError) -> &'a str {
        error.text(self.language)
    }

    /// What is wrong with the PIN: as it was typed, or as the card says.
    fn pin_wrong(&self) -> Option<&str> {
        match &self.transaction.step {
            Step::Pin { wrong: Some(error) } if self.wrong.is_none() => Some(error.text(self.language)),
            _ => self.wrong,
        }
    }

    /// Why the card is asked for once more.
    fn again(&self) -> Option<&str> {
        match &self.transaction.step {
            _ if self.seen.is_mute() => Some(self.language.choose(
                "卡片没有应答。请只放一张卡，平放不要移动。",
                "No card answers. Put one card there alone, flat, and leave it.",
            )),
            Step::Card { again: Some(again) } => Some(again.said.text(self.language)),
            _ => None,
        }
    }

    /// After how many seconds a browser without scripts looks again: not while somebody types, nor where nothing comes after.
    fn refresh_s(&self) -> Option<u8> {
        match (self.view, &self.transaction.step) {
            (View::Counter, Step::Ended(End::Kept { .. })) => Some(5),
            (_, Step::Pin { .. }) | (View::Counter, Step::Ended(_)) => None,
            _ => Some(1),
        }
    }

    /// What is heard at the counter: yes, no, or try again.
    fn sound(&self) -> &'static str {
        match (self.view, &self.transaction.step) {
            (View::Holder, _) => "",
            _ if self.seen.is_mute() => "again",
            (_, Step::Ended(End::Accepted { .. } | End::Kept { is_guaranteed: true })) => "yes",
            (_, Step::Ended(End::Refused(_))) => "no",
            (_, Step::Ended(End::Kept { .. }) | Step::Pin { wrong: Some(_) } | Step::Card { again: Some(_) }) => {
                "again"
            }
            _ => "",
        }
    }
}

/// The words for an operation.
fn operation(language: Language, operation: OperationCode) -> &'static str {
    match operation {
        OperationCode::PursePayment => language.choose("付款", "Payment"),
        OperationCode::PurseTopUp => language.choose("充值", "Top-up"),
        OperationCode::PurseRefund => language.choose("退款", "Refund"),
        OperationCode::PurseVoid => language.choose("撤销", "Void"),
        OperationCode::PurseInquiry => language.choose("查询余额", "Balance inquiry"),
        OperationCode::GateCheck => language.choose("通行", "Gate"),
        OperationCode::SignIn => language.choose("登录", "Sign-in"),
        OperationCode::RegistrationConsent => language.choose("同意", "Agreement"),
        OperationCode::Abandoned => language.choose("未用的流水号", "A number not used"),
    }
}

/// What became of a tap, in a word, and how it looks.
fn became(language: Language, outcome: Option<Outcome>) -> (&'static str, &'static str) {
    match outcome {
        None => ("kept", language.choose("待上传", "To be sent")),
        Some(Outcome::Accepted) => ("ok", language.choose("已记账", "Booked")),
        Some(Outcome::Quarantined) => ("kept", language.choose("待人工审核", "A person decides")),
        Some(_) => ("no", language.choose("未成功", "Not done")),
    }
}

/// A minute as people here write it.
fn minute(at: Micros) -> String {
    let at = Timestamp::from_microsecond(at.0).unwrap_or(Timestamp::UNIX_EPOCH);
    CHINA.to_datetime(at).strftime("%Y-%m-%d %H:%M").to_string()
}

/// Every tap of this terminal.
#[derive(Template)]
#[template(path = "page/taps.html")]
pub(super) struct Taps<'a> {
    pub(super) language: Language,
    pub(super) seen: &'a Seen,
    pub(super) fates: Vec<Fate>,
    /// How many to pass over for the ones before, and for the ones after.
    pub(super) older: Option<u32>,
    pub(super) newer: Option<u32>,
}

impl Taps<'_> {
    fn operation(&self, tap: &Fate) -> &'static str {
        operation(self.language, tap.operation)
    }

    fn became(&self, tap: &Fate) -> (&'static str, &'static str) {
        became(self.language, tap.outcome)
    }

    /// Each with the minute in which it was made.
    fn lines(&self) -> impl Iterator<Item = (&Fate, String)> {
        self.fates.iter().map(|tap| (tap, minute(tap.at)))
    }
}

/// One of them, for the holder's hand.
#[derive(Template)]
#[template(path = "page/receipt.html")]
pub(super) struct Receipt<'a> {
    pub(super) language: Language,
    pub(super) seen: &'a Seen,
    pub(super) profile: &'a TerminalProfile,
    pub(super) tap: &'a Fate,
    /// How much of it this terminal has given back.
    pub(super) returned: Fen,
    /// What else may be given back.
    pub(super) offer: Offer,
    /// The number of the void that this page may start.
    pub(super) id: Uuid,
    /// Why that did not start.
    pub(super) wrong: Option<&'a str>,
}

/// A merchant types how much of a payment goes back.
#[derive(Template)]
#[template(path = "page/refund.html")]
pub(super) struct Refund<'a> {
    pub(super) language: Language,
    pub(super) seen: &'a Seen,
    pub(super) tap: &'a Fate,
    pub(super) left: Fen,
    /// The number of the refund that this form starts.
    pub(super) id: Uuid,
    pub(super) typed: &'a str,
    pub(super) wrong: Option<&'a str>,
}

impl Receipt<'_> {
    fn operation(&self) -> &'static str {
        operation(self.language, self.tap.operation)
    }

    fn became(&self) -> (&'static str, &'static str) {
        became(self.language, self.tap.outcome)
    }

    fn minute(&self) -> String {
        minute(self.tap.at)
    }

    /// Why it did not come about.
    fn why(&self) -> Option<String> {
        let outcome = self.tap.outcome.filter(|outcome| *outcome != Outcome::Accepted)?;
        Some(messages_daemon::outcome(outcome).text(self.language).to_owned())
    }
}

/// A member of staff signs in.
#[derive(Template)]
#[template(path = "page/sign_in.html")]
pub(super) struct SignIn<'a> {
    pub(super) language: Language,
    pub(super) seen: &'a Seen,
    pub(super) wrong: Option<&'a str>,
}

/// The console is about to open.
#[derive(Template)]
#[template(path = "page/opened.html")]
pub(super) struct Opened<'a> {
    pub(super) language: Language,
    pub(super) url: &'a str,
}

/// Nobody was let in, or another site asks.
#[derive(Template)]
#[template(path = "page/turned_away.html")]
pub(super) struct TurnedAway {
    pub(super) language: Language,
    pub(super) is_ours: bool,
}

/// What was asked for is not there, or cannot be read.
#[derive(Template)]
#[template(path = "page/failed.html")]
pub(super) struct Failed<'a> {
    pub(super) language: Language,
    pub(super) seen: &'a Seen,
    pub(super) error: &'a CliError,
}

impl Failed<'_> {
    fn says(&self) -> &str {
        self.error.text(self.language)
    }
}

/// A page as an answer.
pub(super) fn html(page: &impl Template) -> Html<String> {
    Html(text(page))
}

/// A page as text.
pub(super) fn text(page: &impl Template) -> String {
    page.render().expect("writing to a string does not fail")
}
