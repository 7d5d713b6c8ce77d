//! What a bill costs its holder and the fund, and who is covered. Pure.
//!
//! The fund's share follows from what has accumulated, never from a line or a bill alone: it is what it pays of all that is eligible with the
//! bill, less what it pays of all without it. So it does not matter into how many lines or visits the same is divided.

use std::collections::BTreeSet;

use card_schema::coverage::{Eligibility, ItemClass, Level, Line, Piece, Shares};
use card_schema::date::Date;
use card_schema::money::Fen;
use card_schema::month::Month;
use card_schema::rate::Rate;
use card_schema::wire::clinic::{BandLeft, Covered};

use super::catalogue::{Catalogue, Item};
use super::model::{Bill, Explained, SoFar, Visit, Wrong};
use super::policy::{Period, Policy, Rule, Version};

/// What a bill costs, line by line in the order of the clinic.
///
/// # Errors
/// [`Wrong`].
pub fn calculate<'a>(
    policy: &Policy,
    catalogue: &'a Catalogue,
    visit: &Visit,
    so_far: &SoFar,
    lines: &[Line],
) -> Result<Bill<'a>, Wrong> {
    let rule = rule(policy, *visit)?;
    if so_far.eligible < Fen::ZERO || so_far.fund < Fen::ZERO {
        return Err(Wrong::SoFar);
    }
    let paid = Paid::new(rule, *visit, so_far.stays);
    let mut reached = reached(rule, so_far);
    let mut left = rule.ceiling.map(|ceiling| Fen((ceiling.0 - so_far.fund.0).max(0)));
    let mut bill = Bill { lines: Vec::with_capacity(lines.len()), shares: Shares::default() };
    let mut total = Fen::ZERO;
    for (line, place) in lines.iter().zip(1..) {
        let item = item(catalogue, visit.day, line, place)?;
        let (amount, mut shares) = before_the_fund(item, line).ok_or(Wrong::Overflow)?;
        total = total.checked_add(amount).ok_or(Wrong::Overflow)?;
        let eligible = Fen(amount.0 - shares.own().0);
        let to = reached.checked_add(eligible).ok_or(Wrong::Overflow)?;
        let pieces = paid.divide(reached, to, left, &mut shares);
        left = left.map(|left| Fen(left.0 - shares.fund_fen.0));
        reached = to;
        bill.shares = bill.shares.plus(&shares);
        bill.lines.push(Explained {
            item,
            quantity: line.quantity,
            price_fen: line.price_fen,
            amount_fen: amount,
            eligible_fen: eligible,
            pieces,
            shares,
        });
    }
    Ok(bill)
}

/// What a bill costs whoever is not covered: all of it.
///
/// # Errors
/// [`Wrong`].
pub fn uncovered<'a>(catalogue: &'a Catalogue, day: Date, lines: &[Line]) -> Result<Bill<'a>, Wrong> {
    let mut bill = Bill { lines: Vec::with_capacity(lines.len()), shares: Shares::default() };
    for (line, place) in lines.iter().zip(1..) {
        let item = item(catalogue, day, line, place)?;
        let amount_fen = line.quantity.cost(line.price_fen).ok_or(Wrong::Overflow)?;
        bill.shares.excluded_fen = bill.shares.excluded_fen.checked_add(amount_fen).ok_or(Wrong::Overflow)?;
        bill.lines.push(Explained {
            item,
            quantity: line.quantity,
            price_fen: line.price_fen,
            amount_fen,
            eligible_fen: Fen::ZERO,
            pieces: Vec::new(),
            shares: Shares { excluded_fen: amount_fen, ..Shares::default() },
        });
    }
    Ok(bill)
}

/// What the fund still pays of what comes, after what has accumulated.
///
/// # Errors
/// [`Wrong`].
pub fn left(policy: &Policy, visit: &Visit, so_far: &SoFar) -> Result<Covered, Wrong> {
    let rule = rule(policy, *visit)?;
    let paid = Paid::new(rule, *visit, so_far.stays);
    let reached = reached(rule, so_far);
    let mut begins = reached.max(paid.deductible);
    let mut bands = Vec::with_capacity(rule.bands.len());
    for band in rule.bands.iter().filter(|band| band.up_to.is_none_or(|up_to| up_to > reached.max(paid.deductible))) {
        let left_fen = band.up_to.map(|up_to| Fen(up_to.0 - begins.0));
        bands.push(BandLeft { rate: band.rate(visit.level).minus(paid.less), left_fen });
        begins = band.up_to.unwrap_or(begins);
    }
    Ok(Covered {
        deductible_left_fen: Fen((paid.deductible.0 - reached.0).max(0)),
        bands,
        fund_left_fen: rule.ceiling.map(|ceiling| Fen((ceiling.0 - so_far.fund.0).max(0))),
        wants_referral: rule.referral.as_ref().is_some_and(|referral| referral.levels.contains(&visit.level)),
    })
}

/// The rule of a visit.
fn rule(policy: &Policy, visit: Visit) -> Result<&Rule, Wrong> {
    version(policy, visit.day)?.benefits.get(&visit.benefit).ok_or(Wrong::NotOffered(visit.benefit))
}

/// What of that which has accumulated counts for a visit.
const fn reached(rule: &Rule, so_far: &SoFar) -> Fen {
    match rule.period {
        Period::Year => so_far.eligible,
        Period::Stay => Fen::ZERO,
    }
}

/// The item of a line, whose price is one.
fn item<'a>(catalogue: &'a Catalogue, day: Date, line: &Line, place: usize) -> Result<&'a Item, Wrong> {
    let item = catalogue.item(&line.item, day).ok_or(Wrong::UnknownItem(place))?;
    if line.price_fen < Fen::ZERO { Err(Wrong::Price(place)) } else { Ok(item) }
}

/// The rules of a day.
///
/// # Errors
/// [`Wrong::Before`].
pub fn version(policy: &Policy, day: Date) -> Result<&Version, Wrong> {
    policy.of(Month::of(day)).ok_or(Wrong::Before(policy.versions()[0].from))
}

/// What a line costs, and what of it the catalogue leaves to the holder; nothing where that leaves the range of 64 bits.
fn before_the_fund(item: &Item, line: &Line) -> Option<(Fen, Shares)> {
    let amount = line.quantity.cost(line.price_fen)?;
    let mut shares = Shares::default();
    if item.class == ItemClass::C {
        shares.excluded_fen = amount;
        return Some((amount, shares));
    }
    let within = match item.limit_fen.filter(|limit| *limit < line.price_fen) {
        Some(limit) => line.quantity.cost(limit)?,
        None => amount,
    };
    shares.over_price_fen = Fen(amount.0 - within.0);
    shares.first_fen = item.first.of(within);
    Some((amount, shares))
}

/// What the fund pays of what has accumulated, at a clinic of one level.
struct Paid<'a> {
    rule: &'a Rule,
    level: Level,
    deductible: Fen,
    less: Rate,
}

impl<'a> Paid<'a> {
    fn new(rule: &'a Rule, visit: Visit, stays: u32) -> Self {
        let lacks = |levels: &BTreeSet<_>| !visit.referred && levels.contains(&visit.level);
        let missing = rule.referral.as_ref().filter(|referral| lacks(&referral.levels));
        let less = missing.map_or(Rate::ZERO, |referral| referral.less);
        Self { rule, level: visit.level, deductible: rule.deductible(stays), less }
    }

    /// What lies between two amounts and above the deductible, band by band.
    fn pieces(&self, from: Fen, to: Fen) -> impl Iterator<Item = Piece> {
        let mut begins = from.max(self.deductible);
        self.rule.bands.iter().map(move |band| {
            let ends = band.up_to.map_or(to, |up_to| up_to.min(to));
            let amount_fen = Fen((ends.0 - begins.0).max(0));
            begins = begins.max(ends);
            Piece { rate: band.rate(self.level).minus(self.less), amount_fen }
        })
    }

    /// What the fund pays of all that has accumulated up to an amount, without a ceiling: all millionths together are rounded once, half a
    /// fen upwards.
    fn of_all(&self, to: Fen) -> Fen {
        let part = |piece: Piece| i128::from(piece.rate.millionths()) * i128::from(piece.amount_fen.0);
        let millionths: i128 = self.pieces(Fen::ZERO, to).map(part).sum();
        Fen(i64::try_from((millionths + 500_000) / 1_000_000).expect("no more than the amount"))
    }

    /// Divides what lies between two amounts, where the fund pays no more than is left below its ceiling.
    ///
    /// Nothing of it falls below zero: no rate is above a hundred percent, so that of each fen at most one is paid, and rounding what
    /// has grown by whole fens adds no more than these.
    fn divide(&self, from: Fen, to: Fen, left: Option<Fen>, shares: &mut Shares) -> Vec<Piece> {
        let pieces: Vec<_> = self.pieces(from, to).filter(|piece| piece.amount_fen > Fen::ZERO).collect();
        let above = Fen(to.0.max(self.deductible.0) - from.0.max(self.deductible.0));
        let in_bands = Fen(pieces.iter().map(|piece| piece.amount_fen.0).sum());
        let pays = Fen(self.of_all(to).0 - self.of_all(from).0);
        shares.fund_fen = left.map_or(pays, |left| left.min(pays));
        shares.deductible_fen = Fen(to.0 - from.0 - above.0);
        shares.co_insurance_fen = Fen(in_bands.0 - pays.0);
        // What the fund would have paid, and what lies above every band.
        shares.over_ceiling_fen = Fen(pays.0 - shares.fund_fen.0 + above.0 - in_bands.0);
        pieces
    }
}

/// Whether somebody is covered on a day, by the months that count. Those after it do not count yet. Of a day before the first rules
/// those are taken.
pub fn eligibility(policy: &Policy, counted: &BTreeSet<Month>, day: Date) -> Eligibility {
    let this = Month::of(day);
    let terms = policy.of(this).unwrap_or(&policy.versions()[0]).eligibility;
    // The last month that counts without a gap, and the first that is covered by these.
    let mut run: Option<(Month, Month)> = None;
    let mut covered = None;
    for &month in counted.range(..=this) {
        let begins = match run {
            None => later(month, terms.first_waiting),
            Some((last, begins)) if month <= later(last, terms.gap.saturating_add(1)) => begins,
            Some(_) => later(month, terms.waiting),
        };
        run = Some((month, begins));
        covered = Some(later(month, terms.lasts)).filter(|until| *until >= begins).or(covered);
    }
    match (run, covered) {
        (Some((last, begins)), _) if this <= later(last, terms.lasts) && this < begins => {
            Eligibility::Waiting { from: begins.first() }
        }
        (_, Some(until)) if this <= until => Eligibility::Covered { until: until.first().end_of_month_after(0) },
        (_, Some(until)) => Eligibility::Ended { on: until.first().end_of_month_after(0) },
        (_, None) => Eligibility::Never,
    }
}

/// The month so many later.
fn later(month: Month, months: u16) -> Month {
    Month::of(month.first().end_of_month_after(months.into()))
}
