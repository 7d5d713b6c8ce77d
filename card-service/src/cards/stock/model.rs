//! What moves blank cards, and what that does to a balance. Pure.

use card_schema::clock::Micros;
use card_schema::ids::OrganisationId;

/// The most that one move may be: more is a slip of the finger.
pub const MOST: i64 = 100_000;
/// Below this a station has few.
pub const FEW: i64 = 20;

/// Why blanks are written off.
pub const WRITE_OFFS: [&str; 5] = ["torn", "damaged", "misprinted", "lost", "stolen"];
/// Why they were counted.
pub const COUNTS: [&str; 3] = ["regular", "handover", "mistyped"];

/// What a person does with a drawer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// A box came.
    Receive {
        /// How many are in it.
        amount: i64,
        /// What stands on it.
        batch: String,
    },
    /// Some are of no use any more.
    WriteOff {
        /// How many.
        amount: i64,
        /// A word of [`WRITE_OFFS`].
        reason: &'static str,
    },
    /// Somebody counted.
    Count {
        /// How many there are.
        found: i64,
        /// A word of [`COUNTS`].
        reason: &'static str,
    },
    /// Some go to another station.
    Send {
        /// How many.
        amount: i64,
        /// Which.
        to: OrganisationId,
    },
}

/// A row: what it is called, what it does to the balance, and why.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Move {
    /// Its name in the database.
    pub kind: &'static str,
    /// How many more there are.
    pub amount: i64,
    /// How many there are then.
    pub balance: i64,
    /// A word of a list.
    pub reason: Option<&'static str>,
    /// What stands on a box.
    pub batch: Option<String>,
}

/// There are not so many.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooFew;

impl Move {
    fn new(kind: &'static str, before: i64, amount: i64) -> Result<Self, TooFew> {
        let balance = before + amount;
        if balance < 0 { Err(TooFew) } else { Ok(Self { kind, amount, balance, reason: None, batch: None }) }
    }

    /// What an act does to a drawer with so many in it.
    ///
    /// # Errors
    /// [`TooFew`] where there are not so many as are to leave it.
    pub fn of(act: &Act, before: i64) -> Result<Self, TooFew> {
        Ok(match act {
            Act::Receive { amount, batch } => {
                Self { batch: Some(batch.clone()), ..Self::new("received", before, *amount)? }
            }
            Act::WriteOff { amount, reason } => {
                Self { reason: Some(reason), ..Self::new("written_off", before, -amount)? }
            }
            Act::Count { found, reason } => {
                Self { reason: Some(reason), ..Self::new("counted", before, found - before)? }
            }
            Act::Send { amount, .. } => Self::new("sent", before, -amount)?,
        })
    }

    /// What comes to the other station.
    ///
    /// # Errors
    /// Never: nothing leaves.
    pub fn arrived(amount: i64, before: i64) -> Result<Self, TooFew> {
        Self::new("arrived", before, amount)
    }

    /// A card came into use. A drawer that was empty by the books held one that nobody had written down.
    pub fn issued(before: i64) -> Self {
        let unbooked = Self { kind: "unbooked", amount: 0, balance: before, reason: None, batch: None };
        Self::new("issued", before, -1).unwrap_or(unbooked)
    }
}

/// A station's drawer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drawer {
    /// Whose.
    pub station: OrganisationId,
    /// What it is called.
    pub name: String,
    /// How many are in it; none where it was never counted and nothing came.
    pub balance: Option<i64>,
    /// Whether a card was issued that was not on the books, and nobody has counted since.
    pub to_count: bool,
}

impl Drawer {
    /// Whether there are few.
    pub fn is_low(&self) -> bool {
        self.balance.is_some_and(|balance| balance < FEW)
    }
}

/// Something that happened to a drawer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Past {
    /// When.
    pub at: Micros,
    /// What: the name of a kind.
    pub kind: String,
    /// How many more there were.
    pub amount: i64,
    /// How many there were then.
    pub balance: i64,
    /// Why.
    pub reason: Option<String>,
    /// What stood on the box.
    pub batch: Option<String>,
    /// The other station.
    pub other: Option<String>,
    /// Who did it.
    pub staff: Option<String>,
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn act() -> impl Strategy<Value = Act> {
        let amount = || 0..40_i64;
        prop_oneof![
            amount().prop_map(|amount| Act::Receive { amount, batch: "B1".to_owned() }),
            amount().prop_map(|amount| Act::WriteOff { amount, reason: "torn" }),
            amount().prop_map(|found| Act::Count { found, reason: "regular" }),
            amount().prop_map(|amount| Act::Send { amount, to: OrganisationId::from_bytes([1; 16]) }),
        ]
    }

    proptest! {
        #[test]
        fn the_balance_is_the_sum_of_what_moved_and_never_below_zero(
            acts in proptest::collection::vec(prop_oneof![3 => act().prop_map(Some), 1 => Just(None)], 0..60)
        ) {
            let (mut balance, mut sum) = (0, 0);
            for act in acts {
                let moved = match act {
                    None => Move::issued(balance),
                    Some(act) => match Move::of(&act, balance) {
                        Ok(moved) => moved,
                        Err(TooFew) => continue,
                    },
                };
                balance = moved.balance;
                sum += moved.amount;
                prop_assert!(balance >= 0);
                prop_assert_eq!(balance, sum);
            }
        }
    }

    #[test]
    fn a_card_from_an_empty_drawer_is_issued_all_the_same_and_written_down() {
        assert_eq!((Move::issued(1).kind, Move::issued(1).balance), ("issued", 0));
        assert_eq!((Move::issued(0).kind, Move::issued(0).balance), ("unbooked", 0));
        assert_eq!(Move::of(&Act::WriteOff { amount: 3, reason: "torn" }, 2), Err(TooFew));
        let counted = Move::of(&Act::Count { found: 7, reason: "regular" }, 9).unwrap();
        assert_eq!((counted.amount, counted.balance), (-2, 7));
    }
}
