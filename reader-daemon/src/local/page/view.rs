//! What the page at the reader shows. No I/O; the words stand in the templates, in both languages.

use std::borrow::Cow;

use askama::Template;
use axum::response::Html;
use card_schema::{
    clock::Micros,
    coverage::Benefit,
    date::Date,
    envelope::{
        fares::FarePass,
        receipt::{Ending, Outcome},
    },
    money::Fen,
    month::Month,
    operation::{Operation, OperationCode, social_security::Dispute},
    points::Worth,
};
use jiff::Timestamp;
use uuid::Uuid;

use super::seen::{Lying, Mode, Seen};
use super::statement::Statement;
use crate::{
    cli::messages::{CliError, Language},
    clock::CHINA,
    counter::{Bearer, End, PointsLeft, Step, Transaction},
    local::wire::{PromptKind, View},
};

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
    pub(super) amount: &'a str,
    pub(super) points: &'a str,
    /// As what a visit is insured that begins.
    pub(super) benefit: &'a str,
    /// The pass that was chosen, and its first day.
    pub(super) pass: &'a str,
    pub(super) from: &'a str,
    /// What is sold.
    pub(super) passes: &'a [FarePass],
    pub(super) no_pin_limit: Fen,
    pub(super) wrong: Option<&'a str>,
    /// Whether that is about the points.
    pub(super) is_of_points: bool,
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
            Mode::Award => self.language.choose("积分", "Give points"),
            Mode::Redeem => self.language.choose("积分兑换", "Take points"),
            Mode::Pass => self.language.choose("月票、日票", "Pass"),
            Mode::Balance => self.language.choose("查询余额", "Balance"),
            Mode::Statement => self.language.choose("余额与明细", "Statement"),
            Mode::Clinic => self.language.choose("就诊报到", "Check in"),
        }
    }

    fn amount_label(&self) -> &'static str {
        let (zh, en) = match self.mode {
            Mode::TopUp => ("收到的现金（元）", "Cash received, in yuan"),
            Mode::Award => ("顾客已付（元）", "Paid otherwise, in yuan"),
            _ => ("金额（元）", "Amount in yuan"),
        };
        self.language.choose(zh, en)
    }

    /// What is to be known about the amount before it is typed.
    fn amount_hint(&self) -> Option<String> {
        let (zh, en) = match self.mode {
            Mode::Till => ("超过此金额须输入密码：", "Above this the holder types the PIN: "),
            Mode::Award => (
                "现金或其他方式付的款，刷卡只记积分，不扣款。",
                "Paid in cash or otherwise: the card gets its points, and nothing is charged.",
            ),
            _ => return None,
        };
        let hint = self.language.choose(zh, en);
        Some(if self.mode == Mode::Till { format!("{hint}{}", self.no_pin_limit) } else { hint.to_owned() })
    }

    /// What points are worth, where they may be typed.
    fn points_hint(&self) -> Option<String> {
        let terms = self.seen.points.as_ref()?;
        let zh = self.language == Language::Zh;
        match (self.mode, terms.worth) {
            (Mode::Till, Some(Worth { points, fen })) if zh => Some(format!("{points} 积分抵 {fen} 元，须输入密码。")),
            (Mode::Till, Some(Worth { points, fen })) => {
                Some(format!("{points} points take off {fen} yuan; the holder types the PIN."))
            }
            (Mode::Redeem, _) if zh => Some(format!("兑换商品，扣“{}”的积分，须输入密码。", terms.name)),
            (Mode::Redeem, _) => Some(format!("For goods, with points of {}; the holder types the PIN.", terms.name)),
            _ => None,
        }
    }

    /// How long a pass is good, in words.
    fn good_for(&self, pass: &FarePass) -> String {
        match (pass.days, self.language) {
            (None, Language::Zh) => "当月有效".to_owned(),
            (None, Language::En) => "good in the month in which it begins".to_owned(),
            (Some(days), Language::Zh) => format!("{days} 天有效"),
            (Some(days), Language::En) => format!("good for {days} days"),
        }
    }

    fn points_label(&self) -> &'static str {
        match self.mode {
            Mode::Till => self.language.choose("用积分抵扣（可不填）", "Points for money off (may stay empty)"),
            _ => self.language.choose("积分", "Points"),
        }
    }

    fn button(&self) -> &'static str {
        let (zh, en) = match self.mode {
            Mode::Till => ("收款", "Charge"),
            Mode::TopUp => ("充值", "Top up"),
            Mode::Award => ("记积分", "Give points"),
            Mode::Redeem => ("兑换", "Take points"),
            Mode::Pass => ("购买", "Sell it"),
            Mode::Balance | Mode::Statement => ("查询", "Ask"),
            Mode::Clinic => ("报到，请持卡人刷卡", "Check in with the card"),
        };
        self.language.choose(zh, en)
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
        self.amount().map_or_else(|| self.what().into_owned(), |amount| amount.to_string())
    }

    /// Over the amount.
    fn what(&self) -> Cow<'static, str> {
        let (zh, en) = match &self.transaction.order.operation {
            Operation::PursePayment(_) if self.view == View::Holder && self.transaction.end().is_none() => {
                ("应付", "To pay")
            }
            Operation::PursePayment(_) => ("收款", "Payment"),
            // What they sign is nothing for the counter.
            Operation::SocialSecurityDispute(Dispute { month, .. }) if self.view == View::Holder => {
                return Cow::Owned(match self.language {
                    Language::Zh => format!("对 {month} 社会保险的异议"),
                    Language::En => format!("Dispute: your social security of {month}"),
                });
            }
            operation => return Cow::Borrowed(self::operation(self.language, operation.code())),
        };
        Cow::Borrowed(self.language.choose(zh, en))
    }

    /// The points that are given, over the amount or instead of one.
    const fn points_given(&self) -> Option<u32> {
        self.transaction.order.operation.given()
    }

    /// What points take off the price, and the price.
    fn discount(&self) -> Option<(Fen, Fen)> {
        let off = self.transaction.order.operation.discount()?;
        Some((off, self.amount()?.checked_add(off)?))
    }

    /// What became of the holder's points, for whoever looks.
    fn points(&self) -> Option<String> {
        let Step::Ended(End::Accepted { points: Some(points), .. }) = &self.transaction.step else { return None };
        let zh = self.language == Language::Zh;
        let moved = match points.moved {
            0 => String::new(),
            moved if zh => format!("本次积分：{moved:+}。"),
            moved => format!("Points: {moved:+}. "),
        };
        let Some(PointsLeft { balance, ending }) = points.left.filter(|_| self.view == View::Holder) else {
            return (!moved.is_empty()).then(|| moved.trim_end().to_owned());
        };
        let left = if zh { format!("现有积分：{balance}。") } else { format!("You have {balance} points. ") };
        let below = match balance {
            0.. => "",
            _ if zh => "退货时收回的积分已先用掉，所以为负；以后的积分先补足。",
            _ => "Points that were taken back had been used already; what you earn next makes up for them.",
        };
        let ending = ending.map_or(String::new(), |Ending { points, until }| {
            if zh {
                format!("其中 {points} 积分 {until} 后过期。")
            } else {
                format!("Of them {points} are good until {until}.")
            }
        });
        Some(format!("{moved}{left}{below}{ending}").trim_end().to_owned())
    }

    fn is_award(&self) -> bool {
        self.transaction.order.operation.code() == OperationCode::PointsAward
    }

    fn is_of_points(&self) -> bool {
        let code = self.transaction.order.operation.code();
        matches!(code, OperationCode::PointsAward | OperationCode::PointsRedemption | OperationCode::PointsUndo)
    }

    /// Whether so little is left that the holder may want to top up.
    fn runs_low(&self) -> bool {
        let left = match self.transaction.step {
            Step::Ended(End::Accepted { balance, .. }) => balance,
            _ => None,
        };
        let is_payment = self.transaction.order.operation.code() == OperationCode::PursePayment;
        is_payment && left.is_some_and(|left| left < self.seen.low_balance)
    }

    /// What the holder has asked to see, on the holder's page alone.
    fn statement(&self) -> Option<Statement<'_>> {
        let reply = &self.transaction.statement.as_ref().filter(|_| self.view == View::Holder)?.reply;
        let Self { language, wrong, seen, .. } = *self;
        let (asked, may_dispute) = (self.transaction.order.id, seen.may_dispute);
        let this = Month::of(Date::in_china(crate::clock::now()));
        Some(Statement { language, reply, asked, may_dispute, this, wrong })
    }

    /// Whether the holder has asked for more than came.
    fn lacks_statement(&self) -> bool {
        let is_asked = self.transaction.order.operation.code() == OperationCode::PurseStatement;
        is_asked && self.view == View::Holder && self.transaction.statement.is_none()
    }

    /// Whether a member of staff is asked, and not the holder.
    fn asks_staff(&self) -> bool {
        self.transaction.asked == Bearer::Staff && self.transaction.end().is_none()
    }

    fn is_inquiry(&self) -> bool {
        let code = self.transaction.order.operation.code();
        matches!(code, OperationCode::PurseInquiry | OperationCode::PurseStatement)
    }

    fn is_dispute(&self) -> bool {
        self.transaction.order.operation.code() == OperationCode::SocialSecurityDispute
    }

    /// Whether no money moves, whatever comes of it.
    fn moves_nothing(&self) -> bool {
        self.is_inquiry() || self.is_dispute() || self.is_check_in()
    }

    fn is_top_up(&self) -> bool {
        self.transaction.order.operation.code() == OperationCode::PurseTopUp
    }

    fn gives_back(&self) -> bool {
        let code = self.transaction.order.operation.code();
        self.transaction.order.operation.original().is_some() || code == OperationCode::ClinicReversal
    }

    /// That it is done.
    fn done(&self, balance: Option<&Fen>) -> &'static str {
        let (zh, en) = match self.transaction.order.operation.code() {
            OperationCode::PurseTopUp => ("充值成功", "Topped up"),
            OperationCode::PurseRefund => ("退款成功", "Refunded"),
            OperationCode::PurseVoid => ("已撤销", "Voided"),
            OperationCode::PointsAward => ("积分已记", "Points given"),
            OperationCode::PointsRedemption => ("兑换成功", "Points taken"),
            OperationCode::PointsUndo => ("积分已撤销", "Points undone"),
            OperationCode::TransitPass => ("已购买", "Sold"),
            OperationCode::SocialSecurityDispute => ("异议已登记", "It is recorded"),
            OperationCode::ClinicCheckIn => ("已报到", "Checked in"),
            OperationCode::ClinicSettlement => ("已结算", "Settled"),
            OperationCode::ClinicReversal => ("已退费", "Taken back"),
            OperationCode::PurseInquiry | OperationCode::PurseStatement if self.view == View::Counter => {
                ("已查询，结果只给持卡人看", "Answered, for the holder's eyes only")
            }
            // The answer has come too late to be shown.
            OperationCode::PurseInquiry | OperationCode::PurseStatement if balance.is_none() => {
                ("没有查到", "Not answered")
            }
            OperationCode::PurseInquiry | OperationCode::PurseStatement => ("已查询", "Answered"),
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
            (View::Holder, _) if self.asks_staff() => Some(1),
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
pub(super) fn operation(language: Language, operation: OperationCode) -> &'static str {
    match operation {
        OperationCode::PursePayment => language.choose("付款", "Payment"),
        OperationCode::PurseTopUp => language.choose("充值", "Top-up"),
        OperationCode::PurseTopUpApproval => language.choose("批准充值", "Top-up approved"),
        OperationCode::PurseRefund => language.choose("退款", "Refund"),
        OperationCode::PurseVoid => language.choose("撤销", "Void"),
        OperationCode::PurseInquiry => language.choose("查询余额", "Balance inquiry"),
        OperationCode::PurseStatement => language.choose("查询明细", "Statement"),
        OperationCode::PointsAward => language.choose("购物积分", "Points for a purchase"),
        OperationCode::PointsRedemption => language.choose("积分兑换", "Points for goods"),
        OperationCode::PointsUndo => language.choose("积分撤销", "Points undone"),
        OperationCode::GateCheck => language.choose("通行", "Gate"),
        OperationCode::TransitValidation => language.choose("乘车", "Ride"),
        OperationCode::TransitInspection => language.choose("查票", "Inspection"),
        OperationCode::TransitPass => language.choose("购买月票、日票", "Pass"),
        OperationCode::SocialSecurityDispute => language.choose("社保异议", "Dispute: a month of social security"),
        OperationCode::ClinicCheckIn => language.choose("就诊报到", "Check-in at a clinic"),
        OperationCode::ClinicSettlement => language.choose("医疗费结算", "A clinic's bill"),
        OperationCode::ClinicReversal => language.choose("医疗费退费", "A clinic's bill taken back"),
        OperationCode::SignIn => language.choose("登录", "Sign-in"),
        OperationCode::RegistrationConsent => language.choose("同意", "Agreement"),
        OperationCode::Abandoned => language.choose("未用的流水号", "A number not used"),
    }
}

/// What became of a tap, in a word, and how it looks.
pub(super) fn became(language: Language, outcome: Option<Outcome>) -> (&'static str, &'static str) {
    match outcome {
        None => ("kept", language.choose("待上传", "To be sent")),
        Some(Outcome::Accepted) => ("ok", language.choose("已记账", "Booked")),
        Some(Outcome::Quarantined) => ("kept", language.choose("待人工审核", "A person decides")),
        Some(_) => ("no", language.choose("未成功", "Not done")),
    }
}

/// A minute as people here write it.
pub(super) fn minute(at: Micros) -> String {
    let at = Timestamp::from_microsecond(at.0).unwrap_or(Timestamp::UNIX_EPOCH);
    CHINA.to_datetime(at).strftime("%Y-%m-%d %H:%M").to_string()
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
