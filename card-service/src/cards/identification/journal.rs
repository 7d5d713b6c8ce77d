//! The journal of one identification: from what was seen at the reader to what is to be done next. Pure.

use card_schema::ids::CardId;

/// Steps in which nothing goes wrong, for a progress bar.
pub const STEPS_EXPECTED: u32 = 2;
/// Errors of the card after which nothing more is asked of it.
const TROUBLES_MAX: u8 = 3;

/// What is to be done next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Want {
    /// See which card is there.
    ReadCard,
    /// Sign a challenge with 9E: a number alone can be copied.
    Prove {
        /// Which it says it is.
        card: CardId,
        /// What to sign.
        challenge: [u8; 16],
    },
    /// It is this one.
    Found {
        /// Which.
        card: CardId,
    },
    /// It is over.
    Failed {
        /// Why.
        failure: Failure,
    },
}

impl Want {
    pub(super) const fn is_end(self) -> bool {
        matches!(self, Self::Found { .. } | Self::Failed { .. })
    }
}

/// Why no card was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// A blank card, or one that is not of this office.
    NotOurs,
    /// It says that it is a card of this office and cannot prove it.
    NoPossession,
    /// The card's answers go on being errors.
    CardErrors,
    /// No card was put on the reader.
    NobodyCame,
    /// The reader is not there.
    NoReader,
}

impl Failure {
    /// Every one.
    pub const ALL: [Self; 5] = [Self::NotOurs, Self::NoPossession, Self::CardErrors, Self::NobodyCame, Self::NoReader];

    /// The key of its text for people.
    pub const fn text_key(self) -> &'static str {
        match self {
            Self::NotOurs => "identify-not-ours",
            Self::NoPossession => "identify-no-possession",
            Self::CardErrors => "identify-card-errors",
            Self::NobodyCame => "identify-nobody-came",
            Self::NoReader => "identify-no-reader",
        }
    }
}

/// What was seen, as far as the journal needs to know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// A card, with its number where it is one of this office.
    Card(Option<CardId>),
    /// A challenge was signed: whether the signature verifies.
    Proof {
        /// It does.
        valid: bool,
    },
    /// The card is gone, or did not come.
    Removed,
    /// The reader is gone.
    ReaderGone,
    /// The card answered with an error, or to something else than what was asked.
    Error,
}

/// How far an identification has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Journal {
    /// What the next observation answers.
    pub(super) asked: Want,
    troubles: u8,
}

impl Default for Journal {
    fn default() -> Self {
        Self { asked: Want::ReadCard, troubles: 0 }
    }
}

impl Journal {
    /// The journal after an observation. `challenge` is fresh randomness.
    pub(super) fn next(mut self, seen: Seen, challenge: [u8; 16]) -> Self {
        let failed = |failure| Want::Failed { failure };
        self.asked = match (self.asked, seen) {
            (ended @ (Want::Found { .. } | Want::Failed { .. }), _) => ended,
            (_, Seen::ReaderGone) => failed(Failure::NoReader),
            (Want::ReadCard, Seen::Card(Some(card))) => Want::Prove { card, challenge },
            (Want::ReadCard, Seen::Card(None)) => failed(Failure::NotOurs),
            (Want::ReadCard, Seen::Removed) => failed(Failure::NobodyCame),
            (Want::Prove { card, .. }, Seen::Proof { valid: true }) => Want::Found { card },
            (Want::Prove { .. }, Seen::Proof { valid: false }) => failed(Failure::NoPossession),
            // Taken away too soon: it may come back.
            (Want::Prove { .. }, Seen::Removed) => Want::ReadCard,
            (_, _) => {
                self.troubles += 1;
                if self.troubles < TROUBLES_MAX { Want::ReadCard } else { failed(Failure::CardErrors) }
            }
        };
        self
    }
}

#[cfg(test)]
mod tests {
    use card_schema::ids::Shard;
    use proptest::prelude::*;

    use super::*;

    fn card(byte: u8) -> CardId {
        CardId::new(u32::from(byte), Shard(1), [byte; 16])
    }

    #[test]
    fn a_card_is_found_only_by_its_signature() {
        let read = Journal::default().next(Seen::Card(Some(card(1))), [7; 16]);
        assert_eq!(read.asked, Want::Prove { card: card(1), challenge: [7; 16] });
        let proven = |valid| read.next(Seen::Proof { valid }, [0; 16]).asked;
        assert_eq!(proven(true), Want::Found { card: card(1) });
        assert_eq!(proven(false), Want::Failed { failure: Failure::NoPossession });
        assert_eq!(
            Journal::default().next(Seen::Card(None), [0; 16]).asked,
            Want::Failed { failure: Failure::NotOurs }
        );
    }

    #[test]
    fn a_card_that_is_taken_away_too_soon_may_come_back() {
        let gone = Journal::default().next(Seen::Card(Some(card(1))), [7; 16]).next(Seen::Removed, [8; 16]);
        assert_eq!(gone.asked, Want::ReadCard);
        let unplugged = gone.next(Seen::ReaderGone, [8; 16]).asked;
        assert_eq!(unplugged, Want::Failed { failure: Failure::NoReader });
        let nobody = Journal::default().next(Seen::Removed, [8; 16]).asked;
        assert_eq!(nobody, Want::Failed { failure: Failure::NobodyCame });
    }

    fn seen() -> impl Strategy<Value = Seen> {
        prop_oneof![
            (0_u8..3).prop_map(|byte| Seen::Card(Some(card(byte)))),
            Just(Seen::Card(None)),
            any::<bool>().prop_map(|valid| Seen::Proof { valid }),
            Just(Seen::Removed),
            Just(Seen::ReaderGone),
            Just(Seen::Error),
        ]
    }

    proptest! {
        /// Whatever is seen in whatever order, the card that is found is the one that was read last and then proved it.
        #[test]
        fn nothing_but_a_proof_right_after_the_reading_finds_a_card(walk in prop::collection::vec(seen(), 0..12)) {
            let mut journal = Journal::default();
            let mut before = None;
            for one in walk {
                let next = journal.next(one, [1; 16]);
                if let (Want::Found { card }, false) = (next.asked, journal.asked.is_end()) {
                    prop_assert_eq!(before, Some(Seen::Card(Some(card))));
                    prop_assert_eq!(one, Seen::Proof { valid: true });
                }
                (journal, before) = (next, Some(one));
            }
        }
    }
}
