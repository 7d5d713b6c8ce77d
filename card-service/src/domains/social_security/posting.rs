//! What moves when a declaration is paid, and when what an employer has paid arrives. Pure.
//!
//! What arrives stands to the employer's credit (shard 0). A declaration takes it from there, a chain of transfers a shard: to the fund
//! of each insurance what is not the workers' own, and to each worker's accounts what is. A correction posts what
//! holds and then moves back what the declaration that it corrects has moved for the worker, and names it.

use std::collections::BTreeMap;

use card_schema::ids::{HolderId, OrganisationId, Shard};
use card_schema::money::Fen;
use ring::digest::{Context, SHA256};

use super::declaration::{DeclarationId, Line, Sums};
use super::model::Insurance;
use crate::ledger::{AccountKey, AccountKind, Entry, Owner, Phase, Reference, Transfer, TransferKind, Unit};

/// Where what is declared goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum To {
    /// The fund of an insurance.
    Fund(Insurance),
    /// The worker's account of the pension insurance.
    PensionAccount(HolderId),
    /// And of the medical insurance.
    MedicalAccount(HolderId),
}

impl To {
    fn account(self, shard: Shard) -> AccountKey {
        let (owner, kind) = match self {
            Self::Fund(Insurance::Pension) => (Owner::ISSUER, AccountKind::PensionFund),
            Self::Fund(Insurance::Medical) => (Owner::ISSUER, AccountKind::MedicalFund),
            Self::Fund(Insurance::Unemployment) => (Owner::ISSUER, AccountKind::UnemploymentFund),
            Self::Fund(Insurance::WorkInjury) => (Owner::ISSUER, AccountKind::WorkInjuryFund),
            Self::Fund(Insurance::Maternity) => (Owner::ISSUER, AccountKind::MaternityFund),
            Self::PensionAccount(holder) => (holder.into(), AccountKind::PensionAccount),
            Self::MedicalAccount(holder) => (holder.into(), AccountKind::MedicalAccount),
        };
        AccountKey { shard, owner, kind, unit: Unit::CnyFen }
    }

    /// The cause of what a declaration moves there: nobody pays it twice.
    pub fn cause(self, declaration: DeclarationId) -> Reference {
        self.reference(&[b"nrc/contribution/v1\0", &declaration.0])
    }

    /// The cause of what a correction moves back from there.
    fn cause_back(self, correction: DeclarationId, earlier: DeclarationId) -> Reference {
        self.reference(&[b"nrc/contribution-back/v1\0", &correction.0, &earlier.0])
    }

    fn reference(self, parts: &[&[u8]]) -> Reference {
        let mut context = Context::new(&SHA256);
        for part in parts {
            context.update(part);
        }
        match self {
            Self::Fund(insurance) => context.update(insurance.name().as_bytes()),
            Self::PensionAccount(holder) => {
                context.update(b"pension\0");
                context.update(holder.as_bytes());
            }
            Self::MedicalAccount(holder) => {
                context.update(b"medical\0");
                context.update(holder.as_bytes());
            }
        }
        Reference(context.finish().as_ref().try_into().expect("SHA-256 has 32 bytes"))
    }

    /// What of a worker's month goes there.
    const fn part(self, sums: &Sums) -> Fen {
        match self {
            Self::Fund(insurance) => sums.to_fund(insurance),
            Self::PensionAccount(_) => sums.pension_account,
            Self::MedicalAccount(_) => sums.medical_account,
        }
    }

    fn all(holder: HolderId) -> impl Iterator<Item = Self> {
        Insurance::ALL.into_iter().map(Self::Fund).chain([Self::PensionAccount(holder), Self::MedicalAccount(holder)])
    }
}

/// What an employer has to its credit in a shard; all of them together are what it has.
pub const fn credit(shard: Shard, employer: OrganisationId) -> AccountKey {
    AccountKey { shard, owner: Owner(*employer.as_bytes()), kind: AccountKind::EmployerCredit, unit: Unit::CnyFen }
}

/// What has arrived at the bank for an employer, caused by the bank's own number of it.
pub fn arrival(employer: OrganisationId, amount: Fen, number: &str) -> Transfer {
    let mut context = Context::new(&SHA256);
    context.update(b"nrc/contribution-receipt/v1\0");
    context.update(number.as_bytes());
    Transfer {
        debit: AccountKey {
            shard: Shard(0),
            owner: Owner::ISSUER,
            kind: AccountKind::ContributionBank,
            unit: Unit::CnyFen,
        },
        credit: credit(Shard(0), employer),
        amount: amount.0,
        kind: TransferKind::ContributionArrived,
        reference: Some(Reference(context.finish().as_ref().try_into().expect("SHA-256 has 32 bytes"))),
        phase: Phase::Posted,
    }
}

/// What earlier declarations have moved that is corrected now, each once.
pub fn corrected(lines: &[Line<HolderId>]) -> Vec<(To, DeclarationId)> {
    let mut all: Vec<_> = lines
        .iter()
        .filter_map(|one| one.corrects.map(|earlier| (one.holder, earlier.declaration, earlier.sums)))
        .flat_map(|(holder, earlier, sums)| {
            To::all(holder).filter(move |to| to.part(&sums) > Fen::ZERO).map(move |to| (to, earlier))
        })
        .collect();
    all.sort_unstable();
    all.dedup();
    all
}

/// What a declaration moves in a shard, as transfers that stand or fall together. `earlier` are the transfers of [`corrected`].
///
/// # Errors
/// Where one of `earlier` is missing: what is corrected was never paid.
pub fn transfers(
    shard: Shard,
    employer: OrganisationId,
    declaration: DeclarationId,
    lines: &[Line<HolderId>],
    earlier: &BTreeMap<(To, DeclarationId), Entry>,
) -> Result<Vec<Transfer>, NotPaid> {
    let (mut back, mut to): (BTreeMap<_, i64>, BTreeMap<To, i64>) = <_>::default();
    for one in lines {
        for place in To::all(one.holder) {
            *to.entry(place).or_default() += place.part(&one.sums).0;
            if let Some(earlier) = &one.corrects {
                *back.entry((place, earlier.declaration)).or_default() += place.part(&earlier.sums).0;
            }
        }
    }
    let mut transfers = Vec::with_capacity(back.len() + to.len());
    for (place, amount) in to.into_iter().filter(|(_, amount)| *amount > 0) {
        transfers.push(Transfer {
            debit: credit(shard, employer),
            credit: place.account(shard),
            amount,
            kind: TransferKind::Contribution,
            reference: Some(place.cause(declaration)),
            phase: Phase::Posted,
        });
    }
    for ((place, of), amount) in back.into_iter().filter(|(_, amount)| *amount > 0) {
        let original = earlier.get(&(place, of)).ok_or(NotPaid)?;
        transfers.push(original.reversal(amount, Some(place.cause_back(declaration, of))));
    }
    Ok(transfers)
}

/// What is corrected was never paid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotPaid;
