//! What somebody has of social security, of all their records: for the holder at a station, and for staff who say why.

use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};

use card_schema::clock::Micros;
use card_schema::ids::{HolderId, OrganisationId};
use card_schema::month::Month;
use card_schema::wire::insurance::{Insurance, InsuredMonth, MonthSums};

use crate::db::{Connection, DbError};
use crate::domains::residence::merge;
use crate::domains::social_security::dispute::Dispute;
use crate::domains::social_security::record::{self, MonthOf};
use crate::domains::social_security::store;
use crate::ledger::{self, AccountKey, AccountKind, Unit};
use crate::people::organisation;

/// How many months back a holder is told of each.
const TOLD_MONTHS: u32 = 36;

/// See the module.
#[derive(Debug, Default)]
pub struct Insured {
    /// Months, the newest first.
    pub months: Vec<MonthOf>,
    /// What the employers are called.
    pub names: HashMap<OrganisationId, String>,
    /// What is in their account of the pension insurance, and of the medical insurance, in fen.
    pub accounts: [i64; 2],
    /// What was disputed, the newest first.
    pub disputes: Vec<Dispute>,
}

/// What a person has whose first record this is.
///
/// # Errors
/// When the database fails.
pub async fn of(connection: &mut Connection, person: HolderId, now: Micros, this: Month) -> Result<Insured, DbError> {
    let (mut employments, mut declared, mut accounts) = (Vec::new(), Vec::new(), [0; 2]);
    let mut disputes = Vec::new();
    for record in merge::records(&mut *connection, person).await? {
        let found = store::employment::of_holder(&mut *connection, record).await?;
        employments.extend(found.into_iter().map(|found| found.employment));
        declared.extend(store::declaration::of_holder(&mut *connection, record).await?);
        disputes.extend(store::dispute::of_holder(&mut *connection, record).await?);
        let kinds = [AccountKind::PensionAccount, AccountKind::MedicalAccount];
        for (sum, kind) in accounts.iter_mut().zip(kinds) {
            let key = AccountKey { shard: record.shard(), owner: record.into(), kind, unit: Unit::CnyFen };
            *sum += ledger::store::balance(&mut *connection, &key).await?;
        }
    }
    disputes.sort_by_key(|one: &Dispute| Reverse(one.at));
    let months = record::months(&employments, &declared, now, this);
    let employers = months.iter().map(|of| of.employer).chain(disputes.iter().map(|one| one.employer));
    let mut names = HashMap::new();
    for employer in employers.collect::<BTreeSet<_>>() {
        if let Some(entry) = organisation::store::one(&mut *connection, employer).await? {
            names.insert(employer, entry.organisation.name);
        }
    }
    Ok(Insured { months, names, accounts, disputes })
}

impl Insured {
    /// What an employer is called.
    pub fn name(&self, employer: OrganisationId) -> &str {
        self.names.get(&employer).map_or("", String::as_str)
    }

    /// What has become of a month with an employer.
    pub fn month(&self, month: Month, employer: OrganisationId) -> Option<&MonthOf> {
        self.months.iter().find(|of| (of.month, of.employer) == (month, employer))
    }

    /// What was disputed last of a month.
    pub fn dispute(&self, of: &MonthOf) -> Option<&Dispute> {
        self.disputes.iter().find(|one| (one.month, one.employer) == (of.month, of.employer))
    }

    /// As the holder is told in a month; nothing of whoever was never insured here.
    pub fn told(&self, this: Month) -> Option<Insurance> {
        let first = (0..TOLD_MONTHS).fold(this, |month, _| month.before());
        let is_told = |of: &&MonthOf| of.month > first || self.dispute(of).is_some();
        let (shown, older): (Vec<_>, Vec<_>) = self.months.iter().partition(is_told);
        let count = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        let [pension_fen, medical_fen] = self.accounts.map(card_schema::money::Fen);
        (!self.months.is_empty()).then(|| Insurance {
            counted: count(record::counted(&self.months)),
            pension_fen,
            medical_fen,
            months: shown.into_iter().map(|of| self.told_of(of)).collect(),
            older: count(older.len()),
            older_gaps: count(older.iter().filter(|of| of.state.is_gap()).count()),
        })
    }

    fn told_of(&self, of: &MonthOf) -> InsuredMonth {
        let sums = of.declared.map(|one| MonthSums {
            wage_fen: one.wage,
            person_fen: one.sums.person,
            employer_fen: one.sums.employer,
        });
        InsuredMonth {
            month: of.month,
            employer_id: of.employer,
            employer: self.name(of.employer).to_owned(),
            state: of.state,
            sums,
            correction_waits: of.correction_waits,
            dispute: self.dispute(of).map(Dispute::seen),
        }
    }
}
