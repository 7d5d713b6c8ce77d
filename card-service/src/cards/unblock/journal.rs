//! The journal of one unblocking: from what was seen at the reader to what is to be done next. Pure; knows no PIN and no PUK.
//!
//! The chip proves its 9E key each time it comes to the reader, before any PUK is sent there. The PUK is used once for the
//! PIN and then replaced. Torn out in between, the card has the one or the other: one of them is tried, and the tries that
//! are left tell whether it was wrong, even where its answer was lost. Three wrong ones would leave a card that nothing opens.

use serde::{Deserialize, Serialize};

use crate::cards::Away;

/// Steps of an unblocking in which nothing goes wrong, for a progress bar.
pub const STEPS_EXPECTED: u32 = 4;
/// Errors of the card after which the job stops, until somebody takes it up again.
const TROUBLES_MAX: u8 = 3;

/// One of the two PUKs of a job.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Puk {
    /// The one that the card had before.
    Before,
    /// The one that it gets.
    After,
}

impl Puk {
    const fn other(self) -> Self {
        match self {
            Self::Before => Self::After,
            Self::After => Self::Before,
        }
    }
}

/// What is to be done next.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "want", rename_all = "snake_case")]
pub enum Want {
    /// See which card is there.
    ReadCard,
    /// Sign a challenge with 9E.
    Prove {
        /// What to sign.
        challenge: [u8; 16],
    },
    /// Let the holder choose a PIN and set it with the PUK that the card had before.
    Unblock,
    /// Replace the PUK.
    ReplacePuk {
        /// Which is thought to be there.
        old: Puk,
    },
    /// The holder has a PIN, and the card another PUK.
    Finished,
    /// The job is over.
    Failed {
        /// Why.
        failure: Failure,
    },
}

impl Want {
    /// Its name in records.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::ReadCard => "read_card",
            Self::Prove { .. } => "prove_possession",
            Self::Unblock => "unblock_pin",
            Self::ReplacePuk { .. } => "set_puk",
            Self::Finished => "finished",
            Self::Failed { .. } => "failed",
        }
    }

    /// Whether the job is over.
    pub const fn is_end(&self) -> bool {
        matches!(self, Self::Finished | Self::Failed { .. })
    }
}

/// Why an unblocking stopped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Failure {
    /// Another card was put in. Can go on with the right one.
    OtherCard,
    /// The card has no PIV application. Can go on with the right one.
    ForeignCard,
    /// The person at the reader declined or did not answer. Can go on.
    Declined,
    /// The card's answers go on being errors. Can go on.
    CardErrors,
    /// The chip says that it is this card and cannot prove it.
    NoPossession,
    /// The card does not take the PUK: it has to be replaced.
    PukRefused,
    /// The card was lost, blocked or replaced meanwhile.
    NotInUse,
    /// Somebody at the desk ended it. Can go on: the card may have either PUK.
    GivenUp,
}

impl Failure {
    /// Whether the same job can be taken up again.
    pub const fn may_resume(self) -> bool {
        matches!(self, Self::OtherCard | Self::ForeignCard | Self::Declined | Self::CardErrors | Self::GivenUp)
    }

    /// The key of its text for people.
    pub const fn text_key(self) -> &'static str {
        match self {
            Self::OtherCard => "unblock-other-card",
            Self::ForeignCard => "unblock-foreign-card",
            Self::Declined => "issue-declined",
            Self::CardErrors => "unblock-card-errors",
            Self::NoPossession => "unblock-no-possession",
            Self::PukRefused => "unblock-puk-refused",
            Self::NotInUse => "unblock-card-not-in-use",
            Self::GivenUp => "unblock-given-up",
        }
    }
}

/// What was seen, as far as the journal needs to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// A card: whether it says that it is the one.
    Card {
        /// It does.
        is_this: bool,
        /// PUK tries left, where the card says it.
        puk_tries: Option<u8>,
    },
    /// A challenge was signed: whether the signature verifies.
    Proof {
        /// It does.
        valid: bool,
    },
    /// Done.
    Done,
    /// The card is gone, with the reader or without.
    Removed(Away),
    /// The card answered with an error.
    Error {
        /// ISO 7816-4 status word.
        status_word: u16,
    },
    /// The person declined.
    Declined,
}

/// How far an unblocking has come. Holds no secret.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Journal {
    /// What the next observation answers.
    pub asked: Want,
    /// The holder has chosen a PIN.
    unblocked: bool,
    /// The PUK that the card has; none where it was torn out while that was being replaced.
    puk: Option<Puk>,
    /// The PUK that was tried when it was torn out.
    torn: Option<Puk>,
    /// PUK tries left when it was last read, where the card says it.
    puk_tries: Option<u8>,
    /// The card has said that its PUK is replaced.
    replaced: bool,
    troubles: u8,
    /// What has to come back before the card can be read.
    pub away: Option<Away>,
}

impl Default for Journal {
    fn default() -> Self {
        Self {
            asked: Want::ReadCard,
            unblocked: false,
            puk: Some(Puk::Before),
            torn: None,
            puk_tries: None,
            replaced: false,
            troubles: 0,
            away: None,
        }
    }
}

impl Journal {
    /// Takes a job up again with the card in the reader, also one whose last answer never came.
    #[must_use]
    pub fn resumed(mut self) -> Self {
        let asked = self.asked.clone();
        self.lose_card(&asked);
        self.troubles = 0;
        self.asked = Want::ReadCard;
        self
    }

    /// Ends the job. What was being done is unsure until it is taken up again.
    #[must_use]
    pub fn given_up(mut self) -> Self {
        let asked = self.asked.clone();
        self.lose_card(&asked);
        self.asked = Want::Failed { failure: Failure::GivenUp };
        self
    }

    /// Ends the job: nobody is to use the card any more.
    #[must_use]
    pub fn not_in_use(mut self) -> Self {
        self.asked = Want::Failed { failure: Failure::NotInUse };
        self
    }

    /// Whether the card has the PUK that the job gives it.
    pub const fn is_puk_replaced(&self) -> bool {
        self.replaced
    }

    /// The journal after an observation. `challenge` is fresh randomness.
    #[must_use]
    pub fn next(mut self, seen: Seen, challenge: [u8; 16]) -> Self {
        self.asked = match (self.asked.clone(), seen) {
            (ended @ (Want::Finished | Want::Failed { .. }), _) => ended,
            (asked, Seen::Removed(away)) => {
                self.lose_card(&asked);
                // A card that was waited for in vain was never there.
                self.away = (away == Away::Reader || asked != Want::ReadCard).then_some(away);
                Want::ReadCard
            }
            (asked, Seen::Declined) => {
                self.lose_card(&asked);
                Want::Failed { failure: Failure::Declined }
            }
            (Want::ReadCard, Seen::Card { is_this: true, puk_tries }) => {
                self.count(puk_tries);
                self.away = None;
                Want::Prove { challenge }
            }
            (Want::ReadCard, Seen::Card { is_this: false, .. }) => Want::Failed { failure: Failure::OtherCard },
            // Only a card without PIV refuses to be selected.
            (Want::ReadCard, Seen::Error { .. }) => Want::Failed { failure: Failure::ForeignCard },
            (Want::Prove { .. }, Seen::Proof { valid: true }) => self.plan(),
            (Want::Prove { .. }, Seen::Proof { valid: false }) => Want::Failed { failure: Failure::NoPossession },
            (Want::Unblock, Seen::Done) => {
                self.unblocked = true;
                // The right PUK has given all tries back, and how many that are nobody has said.
                self.puk_tries = None;
                self.plan()
            }
            (Want::ReplacePuk { .. }, Seen::Done) => {
                self.replaced = true;
                self.plan()
            }
            // It was not sure, and is now. The try that this has cost comes back with the right one.
            (Want::ReplacePuk { old }, Seen::Error { status_word })
                if is_wrong_puk(status_word) && self.puk != Some(old) =>
            {
                self.puk = Some(old.other());
                self.torn = None;
                self.puk_tries = u8::try_from(status_word & 0xF).ok();
                self.plan()
            }
            (Want::Unblock | Want::ReplacePuk { .. }, Seen::Error { status_word })
                if is_wrong_puk(status_word) || status_word == 0x6983 =>
            {
                Want::Failed { failure: Failure::PukRefused }
            }
            (asked, _) => {
                self.lose_card(&asked);
                self.troubles += 1;
                if self.troubles >= TROUBLES_MAX {
                    Want::Failed { failure: Failure::CardErrors }
                } else {
                    Want::ReadCard
                }
            }
        };
        self
    }

    /// What was being changed is unsure.
    fn lose_card(&mut self, asked: &Want) {
        if let Want::ReplacePuk { old } = asked {
            self.torn = Some(*old);
            // Replacing the new one by itself changes nothing.
            if self.puk != Some(Puk::After) {
                self.puk = None;
            }
        }
    }

    /// A try fewer than before says that the PUK was wrong whose answer was lost.
    fn count(&mut self, puk_tries: Option<u8>) {
        if let (Some(tried), Some(before), Some(now)) = (self.torn, self.puk_tries, puk_tries)
            && now < before
        {
            self.puk = Some(tried.other());
        }
        self.puk_tries = puk_tries;
    }

    fn plan(&self) -> Want {
        if self.replaced {
            return Want::Finished;
        }
        if !self.unblocked {
            return Want::Unblock;
        }
        let likely = || match (self.torn, self.puk_tries) {
            // Wrong this time, it was right when its answer was lost; and should that answer be lost as well, the tries tell.
            (Some(torn), Some(_)) => torn,
            (Some(torn), None) => torn.other(),
            (None, _) => Puk::Before,
        };
        Want::ReplacePuk { old: self.puk.unwrap_or_else(likely) }
    }
}

/// 63Cx: wrong, and x tries are left.
const fn is_wrong_puk(status_word: u16) -> bool {
    status_word >> 4 == 0x63C
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// A card at a reader, and whoever tears it out.
    #[derive(Debug)]
    struct Card {
        puk: Puk,
        puk_tries: u8,
        has_new_pin: bool,
        /// Whether it says how many tries are left.
        counts: bool,
    }

    impl Card {
        /// Carries out what is wanted. Torn out, it did it or not, and nobody hears which.
        fn carry_out(&mut self, want: &Want, tear: Tear) -> Seen {
            if tear == Tear::Before {
                return Seen::Removed(Away::Card);
            }
            let seen = match want {
                Want::ReadCard => Seen::Card { is_this: true, puk_tries: self.counts.then_some(self.puk_tries) },
                Want::Prove { .. } => Seen::Proof { valid: true },
                Want::Unblock => self.with_puk(Puk::Before, |card| card.has_new_pin = true),
                Want::ReplacePuk { old } => self.with_puk(*old, |card| card.puk = Puk::After),
                Want::Finished | Want::Failed { .. } => unreachable!("it is over"),
            };
            if tear == Tear::After { Seen::Removed(Away::Card) } else { seen }
        }

        fn with_puk(&mut self, puk: Puk, does: impl FnOnce(&mut Self)) -> Seen {
            if self.puk_tries == 0 {
                return Seen::Error { status_word: 0x6983 };
            }
            if puk != self.puk {
                self.puk_tries -= 1;
                return Seen::Error { status_word: 0x63C0 | u16::from(self.puk_tries) };
            }
            self.puk_tries = 3;
            does(self);
            Seen::Done
        }
    }

    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    enum Tear {
        No,
        Before,
        After,
    }

    fn one_tear() -> impl Strategy<Value = Tear> {
        prop_oneof![Just(Tear::Before), Just(Tear::After)]
    }

    proptest! {
        #[test]
        fn a_card_torn_out_anywhere_gets_its_pin_and_another_puk(
            tears in proptest::collection::vec(
                prop_oneof![3 => Just(Tear::No), 1 => Just(Tear::Before), 1 => Just(Tear::After)], 0..40)
        ) {
            let (card, journal, fewest) = torn(true, tears);
            prop_assert!(fewest >= 2, "a wrong PUK is tried once at most");
            prop_assert_eq!(&journal.asked, &Want::Finished);
            prop_assert!(card.has_new_pin && card.puk == Puk::After && journal.is_puk_replaced());
        }

        #[test]
        fn a_card_that_does_not_say_how_many_tries_are_left_may_be_torn_out_twice_in_a_row(
            calm in 0_usize..8, first in one_tear(), second in one_tear()
        ) {
            let mut tears = vec![Tear::No; calm];
            tears.extend([first, second]);
            let (card, journal, fewest) = torn(false, tears);
            prop_assert!(fewest >= 2);
            prop_assert_eq!(&journal.asked, &Want::Finished);
            prop_assert!(card.has_new_pin && card.puk == Puk::After);
        }
    }

    /// Carries a job to its end with a card that is torn out now and then; the fewest PUK tries that were left.
    fn torn(counts: bool, tears: Vec<Tear>) -> (Card, Journal, u8) {
        let mut card = Card { puk: Puk::Before, puk_tries: 3, has_new_pin: false, counts };
        let (mut journal, mut fewest) = (Journal::default(), 3);
        for tear in tears.into_iter().chain([Tear::No; 8]) {
            if journal.asked.is_end() {
                break;
            }
            let seen = card.carry_out(&journal.asked, tear);
            fewest = fewest.min(card.puk_tries);
            journal = journal.next(seen, [1; 16]);
        }
        (card, journal, fewest)
    }

    #[test]
    fn a_job_that_is_begun_anew_while_the_puk_was_being_replaced_does_not_know_which_the_card_has() {
        let mut card = Card { puk: Puk::Before, puk_tries: 3, has_new_pin: false, counts: true };
        let mut journal = Journal::default();
        while !matches!(journal.asked, Want::ReplacePuk { .. }) {
            journal = journal.clone().next(card.carry_out(&journal.asked, Tear::No), [1; 16]);
        }
        // It was done, and the reader was gone before it could say so.
        card.carry_out(&journal.asked, Tear::After);
        let mut journal = journal.resumed();
        while !journal.asked.is_end() {
            journal = journal.clone().next(card.carry_out(&journal.asked, Tear::No), [1; 16]);
        }
        assert_eq!((journal.asked, card.puk), (Want::Finished, Puk::After));
    }

    #[test]
    fn no_puk_goes_to_a_chip_that_has_not_proved_what_it_is() {
        let read = Journal::default().next(Seen::Card { is_this: true, puk_tries: None }, [1; 16]);
        assert_eq!(read.asked, Want::Prove { challenge: [1; 16] });
        let copied = read.clone().next(Seen::Proof { valid: false }, [2; 16]);
        assert_eq!(copied.asked, Want::Failed { failure: Failure::NoPossession });
        assert!(!Failure::NoPossession.may_resume());
        // Put back after it was away, it proves it again.
        let there = read.next(Seen::Proof { valid: true }, [2; 16]);
        assert_eq!(there.asked, Want::Unblock);
        let back =
            there.next(Seen::Removed(Away::Card), [3; 16]).next(Seen::Card { is_this: true, puk_tries: None }, [4; 16]);
        assert_eq!(back.asked, Want::Prove { challenge: [4; 16] });
    }

    #[test]
    fn another_card_a_person_who_goes_away_and_a_card_that_fails_leave_a_job_that_can_go_on() {
        let other = Journal::default().next(Seen::Card { is_this: false, puk_tries: None }, [1; 16]);
        assert_eq!(other.asked, Want::Failed { failure: Failure::OtherCard });
        assert_eq!(other.resumed().asked, Want::ReadCard);
        let asked = Journal { asked: Want::Unblock, ..Journal::default() };
        let foreign = Journal::default().next(Seen::Error { status_word: 0x6A82 }, [1; 16]);
        assert_eq!(foreign.asked, Want::Failed { failure: Failure::ForeignCard });
        assert_eq!(foreign.resumed().asked, Want::ReadCard);
        let taken = asked.clone().next(Seen::Removed(Away::Card), [1; 16]);
        assert_eq!((&taken.asked, taken.away), (&Want::ReadCard, Some(Away::Card)));
        let unplugged = taken.next(Seen::Removed(Away::Reader), [1; 16]);
        assert_eq!((&unplugged.asked, unplugged.away), (&Want::ReadCard, Some(Away::Reader)));
        assert_eq!(unplugged.next(Seen::Card { is_this: true, puk_tries: None }, [1; 16]).away, None);
        let declined = asked.clone().next(Seen::Declined, [1; 16]);
        assert_eq!(declined.asked, Want::Failed { failure: Failure::Declined });
        let mut failing = asked.clone();
        for _ in 0..TROUBLES_MAX {
            failing = Journal { asked: Want::Unblock, ..failing }.next(Seen::Error { status_word: 0x6A80 }, [1; 16]);
        }
        assert_eq!(failing.asked, Want::Failed { failure: Failure::CardErrors });
        let lost = asked.clone().not_in_use();
        assert_eq!(lost.asked, Want::Failed { failure: Failure::NotInUse });
        assert!(!Failure::NotInUse.may_resume());
        for status_word in [0x63C2, 0x6983] {
            let refused = asked.clone().next(Seen::Error { status_word }, [1; 16]);
            assert_eq!(refused.asked, Want::Failed { failure: Failure::PukRefused }, "{status_word:04x}");
        }
    }
}
