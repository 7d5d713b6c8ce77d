//! What stands at the reader, as a page shows it: one value, looked at anew each time. No I/O beyond looking.

use card_schema::{
    money::Fen,
    operation::OperationCode,
    points::Terms,
    wire::{clinic::VisitReply, terminal::TerminalProfile},
};

use crate::{
    counter::{Step, Transaction},
    local::{
        api::App,
        wire::{Prompt, PromptKind, View},
    },
    station::ReaderState,
    validator::Board,
};

/// What every page needs.
const SHARED: [&str; 3] = ["/page.css", "/page.js", "/language"];

impl View {
    /// All of them.
    pub(in crate::local) const ALL: [Self; 3] = [Self::Holder, Self::Counter, Self::Validator];

    /// Where it begins.
    pub(super) const fn path(self) -> &'static str {
        match self {
            Self::Holder => "/",
            Self::Counter => "/counter",
            Self::Validator => "/validator",
        }
    }

    /// What the addresses of its forms begin with.
    pub(super) const fn prefix(self) -> &'static str {
        match self {
            Self::Holder => "",
            Self::Counter => "/counter",
            Self::Validator => "/validator",
        }
    }

    /// What the name of its cookie begins with.
    pub(in crate::local) const fn cookie(self) -> &'static str {
        match self {
            Self::Holder => "holder_session_",
            Self::Counter => "counter_session_",
            Self::Validator => "validator_session_",
        }
    }

    /// Whether a browser that was let in to this page may ask for a path.
    pub(in crate::local) fn opens(self, path: &str) -> bool {
        let is_of = |view: &Self| *view != Self::Holder && path.starts_with(view.prefix());
        match Self::ALL.into_iter().find(is_of).unwrap_or(Self::Holder) {
            Self::Holder => self != Self::Validator || SHARED.contains(&path),
            of => self == of,
        }
    }
}

/// What a merchant does at the counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    Till,
    TopUp,
    Award,
    Redeem,
    Pass,
    Balance,
    Statement,
    Clinic,
}

impl Mode {
    pub(super) const ALL: [Self; 8] =
        [Self::Till, Self::TopUp, Self::Award, Self::Redeem, Self::Pass, Self::Balance, Self::Statement, Self::Clinic];

    pub(super) const fn path(self) -> &'static str {
        match self {
            Self::Till => "/counter/till",
            Self::TopUp => "/counter/top-up",
            Self::Award => "/counter/award",
            Self::Redeem => "/counter/redeem",
            Self::Pass => "/counter/pass",
            Self::Balance => "/counter/balance",
            Self::Statement => "/counter/statement",
            Self::Clinic => "/counter/clinic",
        }
    }

    pub(super) const fn operation(self) -> OperationCode {
        match self {
            Self::Till => OperationCode::PursePayment,
            Self::TopUp => OperationCode::PurseTopUp,
            Self::Award => OperationCode::PointsAward,
            Self::Redeem => OperationCode::PointsRedemption,
            Self::Pass => OperationCode::TransitPass,
            Self::Balance => OperationCode::PurseInquiry,
            Self::Statement => OperationCode::PurseStatement,
            Self::Clinic => OperationCode::ClinicCheckIn,
        }
    }

    /// Whether it is about points alone.
    const fn is_of_points(self) -> bool {
        matches!(self, Self::Award | Self::Redeem)
    }
}

/// What lies on a reader.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lying {
    Nothing,
    Card,
    /// Something that does not answer: two cards at once, or a card the wrong way up.
    Mute,
}

/// What stands at the reader.
#[derive(Clone, Debug)]
pub(super) struct Seen {
    /// The terminal's name.
    pub(super) name: String,
    /// Whether a reader is connected.
    pub(super) has_reader: bool,
    /// Whether a month of social security can be disputed here.
    pub(super) may_dispute: bool,
    /// What lies on the reader that is meant, or on any.
    pub(super) lying: Lying,
    /// Whether the last exchange with the service succeeded; nothing before the first.
    pub(super) online: Option<bool>,
    /// Taps that the service has not answered.
    pub(super) waiting: u64,
    /// How much of what this terminal may accept without the service is used, in percent; nothing while it is reached.
    pub(super) offline_used: Option<u8>,
    /// A holder whom a payment leaves less is told so.
    pub(super) low_balance: Fen,
    /// Whether the service takes no more taps of this terminal.
    pub(super) is_revoked: bool,
    /// What this terminal may do.
    pub(super) modes: Vec<Mode>,
    /// The points that the shop gives and takes.
    pub(super) points: Option<Terms>,
    /// What a job asks; the holder's page alone asks it.
    pub(super) prompt: Option<Prompt>,
    /// What is being paid, as long as this page's person looks at it.
    pub(super) transaction: Option<Transaction>,
    /// What is covered of whoever has just checked in at a clinic.
    pub(super) visit: Option<Box<VisitReply>>,
    /// What readers show that work alone; the counter does not show it.
    pub(super) board: Board,
}

/// Looks.
pub(super) fn look(app: &App, view: View) -> Seen {
    let readers = app.stations.presence().readers();
    let (known, waiting, online) = (app.known.now(), app.outbox.waiting(), app.submitter.online());
    let transaction = app.counter.newest().filter(|newest| match view {
        View::Holder => newest.is_at_holder,
        View::Counter => newest.is_at_counter,
        View::Validator => false,
    });
    let wanted = transaction.as_ref().and_then(|transaction| transaction.order.reader.as_ref());
    Seen {
        name: known.profile.name.clone(),
        has_reader: !readers.is_empty(),
        lying: lying(
            readers.iter().filter(|(name, _)| wanted.is_none_or(|wanted| wanted == *name)).map(|(_, state)| state),
        ),
        online,
        waiting: waiting.taps,
        offline_used: (online == Some(false)).then(|| percent(waiting.payments, known.profile.limits.offline.terminal)),
        low_balance: known.profile.limits.low_balance,
        is_revoked: known.is_revoked,
        may_dispute: known.profile.operations.contains(&OperationCode::SocialSecurityDispute),
        modes: modes(&known.profile),
        points: known.profile.points.clone(),
        prompt: if view == View::Holder { app.prompts.first() } else { None },
        visit: transaction.as_ref().and_then(|transaction| app.clinic.find(transaction.order.id)?.told),
        transaction,
        board: if view == View::Counter { Board::new() } else { app.validator.board() },
    }
}

/// What a terminal may do: with points, where its shop gives some.
fn modes(profile: &TerminalProfile) -> Vec<Mode> {
    let may = |mode: &Mode| {
        profile.operations.contains(&mode.operation()) && (profile.points.is_some() || !mode.is_of_points())
    };
    Mode::ALL.into_iter().filter(may).collect()
}

fn lying<'a>(readers: impl Iterator<Item = &'a ReaderState>) -> Lying {
    readers.fold(Lying::Nothing, |lying, state| match (lying, state) {
        (_, ReaderState::Card(_)) => Lying::Card,
        (Lying::Nothing, ReaderState::Mute) => Lying::Mute,
        _ => lying,
    })
}

/// A part of a whole, rounded up: 100 says that nothing is left.
fn percent(part: Fen, whole: Fen) -> u8 {
    let hundredths = i128::from(part.0) * 100;
    let rounded = if whole.0 > 0 { (hundredths + i128::from(whole.0) - 1) / i128::from(whole.0) } else { 100 };
    u8::try_from(rounded.clamp(0, 100)).unwrap_or(100)
}

impl Seen {
    /// Whether somebody types an answer: the page is not shown anew by itself.
    pub(super) fn is_typed(&self) -> bool {
        match (&self.prompt, &self.transaction) {
            (Some(prompt), _) => prompt.kind != PromptKind::InsertCard,
            (None, Some(transaction)) => matches!(transaction.step, Step::Pin { .. }),
            (None, None) => false,
        }
    }

    /// Whether a card is waited for and what lies there does not answer.
    pub(super) fn is_mute(&self) -> bool {
        let waits = self.transaction.as_ref().is_some_and(|transaction| matches!(transaction.step, Step::Card { .. }));
        waits && self.lying == Lying::Mute
    }

    /// Names what is asked or told: what somebody types stays as long as it does.
    pub(super) fn state(&self) -> String {
        match (&self.prompt, &self.transaction) {
            (Some(prompt), _) => format!("prompt.{}", prompt.id),
            (None, Some(transaction)) => {
                let mute = if self.is_mute() { ".mute" } else { "" };
                format!("transaction.{}.{}{mute}", transaction.order.id, transaction.steps)
            }
            (None, None) if self.board.is_empty() => "idle".to_owned(),
            // Each card has another number; what clears has none.
            (None, None) => {
                let shown = self
                    .board
                    .iter()
                    .map(|(reader, at)| format!("{reader}.{:?}.{}.{}", at.duty, at.cards, at.shown.is_some()));
                shown.collect::<Vec<_>>().join(".")
            }
        }
    }

    /// Whether somebody waits for what is asked or told now, where a page shows `last`. Nobody waits for hearing that the
    /// service is asked.
    pub(super) fn is_waited_for(&self, last: &Self) -> bool {
        let is_asking = self.transaction.as_ref().is_some_and(|transaction| transaction.step == Step::Asking);
        !is_asking && self.state() != last.state()
    }

    /// Changes with whatever the page shows.
    pub(super) fn mark(&self) -> String {
        let online = self.online.map_or(2, u8::from);
        let flags = [self.has_reader, self.is_revoked].map(u8::from);
        let Self { lying, waiting, offline_used, modes, points, .. } = self;
        let worth = points.as_ref().map(|terms| terms.worth);
        format!("{}.{flags:?}.{lying:?}.{online}.{waiting}.{offline_used:?}.{}.{worth:?}", self.state(), modes.len())
    }
}

#[cfg(test)]
mod tests {
    use card_schema::operation::{Operation, purse};
    use uuid::Uuid;

    use super::*;
    use crate::counter::{Bearer, End, Order};

    fn seen(prompt: Option<Prompt>, transaction: Option<Transaction>) -> Seen {
        Seen {
            name: "test".to_owned(),
            has_reader: true,
            may_dispute: true,
            lying: Lying::Nothing,
            online: Some(true),
            waiting: 0,
            offline_used: None,
            low_balance: Fen(1_000),
            is_revoked: false,
            modes: Mode::ALL.to_vec(),
            points: None,
            prompt,
            transaction,
            visit: None,
            board: Board::new(),
        }
    }

    #[test]
    fn what_somebody_types_is_disturbed_by_another_question_only() {
        let asked = |kind| Some(Prompt { id: Uuid::from_u128(1), kind, reader: None, text: None, tries_left: None });
        for kind in [PromptKind::NewPin, PromptKind::Pin, PromptKind::Consent] {
            let typing = seen(asked(kind), None);
            assert!(typing.is_typed());
            let later = Seen { online: Some(false), lying: Lying::Card, waiting: 3, ..typing.clone() };
            assert_eq!(later.state(), typing.state(), "{kind:?}: the network went");
            assert_ne!(later.mark(), typing.mark(), "{kind:?}: but it is said");
            let next = Prompt { id: Uuid::from_u128(2), ..asked(kind).unwrap() };
            assert_ne!(seen(Some(next), None).state(), typing.state(), "{kind:?}: something else is asked");
            assert_ne!(seen(None, None).state(), typing.state(), "{kind:?}: nothing is asked any more");
        }
        assert!(!seen(asked(PromptKind::InsertCard), None).is_typed());
    }

    #[test]
    fn what_does_not_answer_is_told_while_a_card_is_waited_for() {
        let operation = Operation::PursePayment(purse::Payment::online(Fen(1)));
        let order = Order::of_anybody(Uuid::from_u128(1), operation);
        for (step, is_told) in [(Step::Card { again: None }, true), (Step::Pin { wrong: None }, false)] {
            let waiting = seen(None, Some(Transaction::new(order.clone(), Bearer::Holder, step)));
            let mute = Seen { lying: Lying::Mute, ..waiting.clone() };
            assert_eq!((mute.is_mute(), mute.state() != waiting.state()), (is_told, is_told));
            assert_ne!(mute.mark(), waiting.mark());
        }
        let event = ReaderState::Card(std::time::Instant::now());
        for (readers, expected) in [
            (vec![], Lying::Nothing),
            (vec![ReaderState::Empty, ReaderState::Mute], Lying::Mute),
            (vec![ReaderState::Mute, event], Lying::Card),
            (vec![event, ReaderState::Mute], Lying::Card),
        ] {
            assert_eq!(lying(readers.iter()), expected, "{readers:?}");
        }
    }

    #[test]
    fn what_is_used_is_never_said_to_be_less_than_it_is() {
        for (part, whole, expected) in
            [(0, 100, 0), (1, 1_000, 1), (99, 100, 99), (991, 1_000, 100), (5, 0, 100), (7, 5, 100)]
        {
            assert_eq!(percent(Fen(part), Fen(whole)), expected, "{part} of {whole}");
        }
        assert_eq!(percent(Fen(i64::MAX), Fen(i64::MAX)), 100);
    }

    #[test]
    fn each_step_of_a_transaction_is_shown_and_a_pin_is_typed_in_peace() {
        let operation = Operation::PursePayment(purse::Payment::online(Fen(1)));
        let order = Order::of_anybody(Uuid::from_u128(1), operation);
        let mut transaction = Transaction::new(order, Bearer::Holder, Step::Pin { wrong: None });
        let typing = seen(None, Some(transaction.clone()));
        assert!(typing.is_typed());
        let mut states = vec![seen(None, None).state(), typing.state()];
        for step in [Step::Card { again: None }, Step::Reading, Step::Asking, Step::Ended(End::GivenUp)] {
            transaction.enter(step);
            let next = seen(None, Some(transaction.clone()));
            assert!(!next.is_typed() && !states.contains(&next.state()));
            assert_eq!(next.is_waited_for(&typing), transaction.step != Step::Asking);
            let later = Seen { waiting: 1, online: Some(false), ..next.clone() };
            assert!(!later.is_waited_for(&next), "what is told is the same");
            states.push(next.state());
        }
    }
}
