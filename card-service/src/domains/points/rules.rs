//! What is earned, given, taken back and gone. Pure.

use card_schema::date::Date;
use card_schema::envelope::receipt::{Ending, Outcome};
use card_schema::money::Fen;
use card_schema::operation::{Operation, points};
use card_schema::points::{ProgrammeId, Terms};

use super::model::{Earned, Lots, Programme, Wanted, given_by, points_of};
use crate::domains::{Ask, Decision, Effect, Original, Room, ShownPoints};
use crate::ledger::{AccountKey, Book, Named, Phase, Reference, Transfer, TransferKind};

/// See the module.
#[derive(Clone, Copy, Debug)]
pub struct Points;

/// What a day's purchases have left of what may be earned.
fn left_today(programme: &Programme, lots: Option<&Lots>, day: Date) -> i64 {
    let earned = lots.and_then(|lots| lots.get(&day)).copied().unwrap_or_default();
    programme.day_most.map_or(i64::MAX, |most| (i64::from(most) - earned).max(0))
}

/// What has been given away, or has gone, of what was earned.
fn consumed(lots: &Lots, balance: i64) -> i64 {
    lots.values().sum::<i64>() - balance
}

/// Of what was earned, oldest first, what is left of each day's.
fn rests(lots: &Lots, balance: i64) -> impl Iterator<Item = (Date, i64)> {
    let mut consumed = consumed(lots, balance);
    lots.iter().map(move |(day, points)| {
        let taken = consumed.clamp(0, *points);
        consumed -= taken;
        (*day, points - taken)
    })
}

/// The last day of points earned on a day.
pub(super) fn good_until(programme: &Programme, day: Date) -> Date {
    day.end_of_month_after(programme.validity_months)
}

/// The first day whose points are good still.
pub(super) fn oldest_good(programme: &Programme, today: Date) -> Date {
    let months = i64::from(today.year()) * 12 + i64::from(today.month() - 1) - i64::from(programme.validity_months);
    let (year, month) = (u16::try_from(months.div_euclid(12)), u8::try_from(months.rem_euclid(12) + 1));
    let first = Date::new(1, 1, 1).expect("the first day of all");
    year.ok().zip(month.ok()).and_then(|(year, month)| Date::new(year, month, 1)).unwrap_or(first)
}

/// How many of a holder's points are of days before one, the oldest of them gone first.
pub(super) fn over(lots: &Lots, balance: i64, before: Date) -> i64 {
    rests(lots, balance).filter(|(day, _)| *day < before).map(|(_, rest)| rest).sum()
}

/// The next of a holder's points that will be over.
pub(super) fn ending(programme: &Programme, lots: &Lots, balance: i64, today: Date) -> Option<Ending> {
    let mut left = rests(lots, balance)
        .map(|(day, points)| Ending { points, until: good_until(programme, day) })
        .filter(|ending| ending.points > 0 && ending.until >= today);
    let first = left.next()?;
    let same = left.take_while(|ending| ending.until == first.until).map(|ending| ending.points);
    Some(Ending { points: first.points + same.sum::<i64>(), ..first })
}

/// What a tap has moved, as far as it was points.
fn moved(named: &Named, kind: TransferKind) -> bool {
    named.entry.transfer.kind == kind && matches!(named.entry.transfer.phase, Phase::Posted)
}

/// What has to be known of a holder before points go back.
#[derive(Clone, Copy, Debug)]
pub struct Standing<'a> {
    /// The programme.
    pub programme: &'a Programme,
    /// How many points there are.
    pub balance: i64,
    /// What was earned and is still good, all of it where points were given for money off.
    pub lots: Option<&'a Lots>,
    /// The day of the purchase.
    pub day: Date,
    /// The day on which it goes back.
    pub today: Date,
}

/// What goes back of the points of a purchase.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Back {
    /// To be posted with the money.
    pub transfers: Vec<Transfer>,
    /// What is added to the lots of days.
    pub lots: Vec<(Date, i64)>,
}

/// What goes back of the points of a purchase when `returned` of what it came to, `whole`, has gone back in all: those that
/// were given for it in proportion, rounded down; of those that were earned all but what the rest earns in proportion, rounded
/// down. Points that were given away already are taken back only where the programme has it so, and those that are over not at
/// all. Points that come back are as old as they were; where those of that day are over, they are new ones.
pub fn back(
    caused: &[Named],
    (whole, returned): (i64, i64),
    standing: &Standing<'_>,
    reference: Option<Reference>,
) -> Back {
    let Standing { programme, balance, lots, day, today } = *standing;
    let share = |points: i64, part: i64| {
        let share = i128::from(points) * i128::from(part) / i128::from(whole.max(1));
        i64::try_from(share).unwrap_or(points).clamp(0, points)
    };
    let find = |kind| caused.iter().find(|named| moved(named, kind));
    let given = find(TransferKind::PointsRedeemed).map(|named| {
        let due = share(named.entry.transfer.amount, returned) - named.reversed;
        (named, due.max(0))
    });
    let comes = given.map_or(0, |(_, due)| due);
    let earned = find(TransferKind::PointsEarned).filter(|_| day >= oldest_good(programme, today)).map(|named| {
        let all = named.entry.transfer.amount;
        let due = (all - share(all, whole - returned) - named.reversed).max(0);
        (named, if programme.below_zero { due } else { due.min((balance + comes).max(0)) })
    });
    let goes = earned.map_or(0, |(_, due)| due);
    let transfers = given.into_iter().chain(earned).filter(|(_, due)| *due > 0);
    let transfers = transfers.map(|(named, due)| named.entry.reversal(due, reference)).collect();
    let kept: i64 = lots.into_iter().flat_map(|lots| lots.values()).sum();
    let of_no_day = if comes > 0 { (balance + comes - kept).clamp(0, comes) } else { 0 };
    let lots = [(day, -goes), (today, of_no_day)].into_iter().filter(|(_, points)| *points != 0).collect();
    Back { transfers, lots }
}

/// The transfers of a tap that is named.
fn caused(ask: &Ask<'_>, book: &Book, original: &Original) -> Vec<Named> {
    original.transfers.iter().filter_map(|id| book.named(ask.shard, *id)).collect()
}

/// What a decision of this room moves.
#[derive(Default)]
struct Moves {
    transfers: Vec<Transfer>,
    earned: Vec<Earned>,
}

impl Moves {
    /// What goes back, as this tap's holder has it.
    fn back(ask: &Ask<'_>, programme: ProgrammeId, back: Back) -> Self {
        let earned = back.lots.into_iter().map(|(day, points)| {
            let (shard, holder) = (ask.shard, ask.holder);
            Earned { shard, holder, programme, day, points }
        });
        Self { transfers: back.transfers, earned: earned.collect() }
    }
}

/// The terms of a programme at the shop on the day of the tap, where it takes part.
fn terms<'a>(ask: &Ask<'a>, programme: ProgrammeId) -> Option<(&'a Programme, Terms)> {
    let terms = ask.programmes.terms(ask.organisation, Date::in_china(ask.at));
    terms.filter(|(of, _)| of.id == programme)
}

/// Gives what was promised, as far as the terms allow it: what is promised beyond them is not given, and the purchase stands
/// all the same.
fn earn(ask: &Ask<'_>, terms: Option<&(&Programme, Terms)>, promised: u32, paid: Fen) -> Moves {
    let day = Date::in_china(ask.at);
    let Some((shop, terms)) = terms else { return Moves::default() };
    let programme = shop.id;
    let allowed = i64::from(terms.earned(paid, day).min(promised)).min(left_today(shop, ask.lots, day));
    if allowed <= 0 || ask.is_issuers {
        return Moves::default();
    }
    let transfer = Transfer {
        debit: given_by(ask.organisation, ask.shard, programme),
        credit: points_of(ask.holder, ask.shard, programme),
        amount: allowed,
        kind: TransferKind::PointsEarned,
        reference: None,
        phase: Phase::Posted,
    };
    let earned = Earned { shard: ask.shard, holder: ask.holder, programme, day, points: allowed };
    Moves { transfers: vec![transfer], earned: vec![earned] }
}

/// Takes points from the holder.
fn redeem(ask: &Ask<'_>, book: &Book, programme: ProgrammeId, points: u32) -> Result<Transfer, Outcome> {
    let day = Date::in_china(ask.at);
    if ask.programmes.member(ask.organisation, day).is_none_or(|member| member.programme != programme) {
        return Err(Outcome::PointsTermsDiffer);
    }
    let from = points_of(ask.holder, ask.shard, programme);
    if points == 0 {
        return Err(Outcome::AmountOutOfRange);
    }
    if book.balance(&from) < i64::from(points) {
        return Err(Outcome::InsufficientPoints);
    }
    let credit = given_by(ask.organisation, ask.shard, programme);
    let (amount, kind) = (i64::from(points), TransferKind::PointsRedeemed);
    Ok(Transfer { debit: from, credit, amount, kind, reference: None, phase: Phase::Posted })
}

/// The points of a payment: first what is given for money off, then what is earned.
fn with_payment(ask: &Ask<'_>, book: &Book, movement: &points::Movement, paid: Fen) -> Result<Moves, Outcome> {
    let points::Movement { programme, earned, redeemed, discount } = *movement;
    let terms = terms(ask, programme);
    let mut moves = earn(ask, terms.as_ref(), earned, paid);
    if redeemed > 0 {
        let price = paid.checked_add(discount).ok_or(Outcome::AmountOutOfRange)?;
        // What they are worth may have changed since the terminal heard of it.
        if terms.and_then(|(_, terms)| terms.discount(redeemed, price).ok()) != Some(discount) {
            return Err(Outcome::PointsTermsDiffer);
        }
        moves.transfers.insert(0, redeem(ask, book, programme, redeemed)?);
    }
    Ok(moves)
}

/// How the holder stands whose tap names another.
fn standing<'a>(ask: &Ask<'a>, book: &Book, programme: &'a Programme) -> Option<Standing<'a>> {
    let balance = book.balance(&points_of(ask.holder, ask.shard, programme.id));
    let (day, today) = (Date::in_china(ask.operation.original()?.at), Date::in_china(ask.received_at));
    Some(Standing { programme, balance, lots: ask.lots, day, today })
}

/// What a refund or a void takes with it.
fn with_return(ask: &Ask<'_>, book: &Book, amount: i64) -> Option<Moves> {
    let original = ask.original?;
    let caused = caused(ask, book, original);
    let payment = caused.iter().find(|named| moved(named, TransferKind::Payment))?;
    let programme = ask.programmes.programmes.get(&original.programme?)?;
    let whole = payment.entry.transfer.amount;
    let returned = payment.reversed.saturating_add(amount.max(0)).min(whole);
    let back = back(&caused, (whole, returned), &standing(ask, book, programme)?, None);
    Some(Moves::back(ask, programme.id, back))
}

/// Undoes an award or a redemption.
fn undo(ask: &Ask<'_>, book: &Book) -> Result<Moves, Outcome> {
    let original = ask.original.ok_or(Outcome::OriginalUnknown)?;
    let caused = caused(ask, book, original);
    let programme = original.programme.ok_or(Outcome::OriginalUnknown)?;
    let ours = given_by(ask.organisation, ask.shard, programme);
    let is_ours = |named: &&Named| [named.entry.transfer.debit, named.entry.transfer.credit].contains(&ours);
    let named = match caused.as_slice() {
        [named] if is_ours(&named) => named,
        // Points of a payment go back with it.
        _ => return Err(Outcome::OriginalUnknown),
    };
    if !matches!(named.entry.transfer.phase, Phase::Posted) {
        return Err(Outcome::RefundOfRefund);
    }
    if !ask.limits.refunds.allows_refund(ask.received_at.distance(original.booked_at)) {
        return Err(Outcome::RefundTooLate);
    }
    if named.reversed > 0 {
        return Err(Outcome::RefundExceedsRest);
    }
    let programme = ask.programmes.programmes.get(&programme).ok_or(Outcome::OriginalUnknown)?;
    let standing = standing(ask, book, programme).ok_or(Outcome::OriginalUnknown)?;
    let is_award = named.entry.transfer.kind == TransferKind::PointsEarned;
    if is_award && standing.day < oldest_good(programme, standing.today) {
        return Err(Outcome::RefundTooLate);
    }
    if is_award && !programme.below_zero && standing.balance < named.entry.transfer.amount {
        return Err(Outcome::InsufficientPoints);
    }
    Ok(Moves::back(ask, programme.id, back(&caused, (1, 1), &standing, None)))
}

/// Whether points may be moved or shown.
pub const fn are_concerned(operation: &Operation) -> bool {
    match operation {
        Operation::PursePayment(payment) => payment.points.is_some(),
        Operation::PurseRefund(_)
        | Operation::PurseVoid(_)
        | Operation::PurseInquiry(_)
        | Operation::PointsAward(_)
        | Operation::PointsRedemption(_)
        | Operation::PointsUndo(_) => true,
        _ => false,
    }
}

/// The lots by which [`Room::decide`] decides: those of the day where a day has a most, and all of them for an inquiry and where
/// points are given or may come back.
pub fn lots_needed(ask: &Ask<'_>) -> Option<Wanted> {
    let programme = ask.programmes.programmes.get(&programme(ask)?)?;
    let day = match ask.operation {
        Operation::PursePayment(payment) if payment.redeemed() > 0 => None,
        Operation::PurseInquiry(_)
        | Operation::PointsRedemption(_)
        | Operation::PurseRefund(_)
        | Operation::PurseVoid(_)
        | Operation::PointsUndo(_) => None,
        Operation::PursePayment(_) | Operation::PointsAward(_) if programme.day_most.is_some() => {
            Some(Date::in_china(ask.at))
        }
        _ => return None,
    };
    Some(Wanted { shard: ask.shard, holder: ask.holder, programme: programme.id, day })
}

/// The points that a receipt shows: to a shop of their programme, and to the one that moved them.
pub fn shown(ask: &Ask<'_>, book: Option<&Book>) -> Option<ShownPoints> {
    let programme = programme(ask)?;
    let member = ask.programmes.member(ask.organisation, Date::in_china(ask.at));
    let has_moved = ask.original.is_some_and(|original| original.programme == Some(programme));
    if !has_moved && member.is_none_or(|member| member.programme != programme) {
        return None;
    }
    let account = points_of(ask.holder, ask.shard, programme);
    let ending = match (ask.operation, ask.lots, ask.programmes.programmes.get(&programme), book) {
        (Operation::PurseInquiry(_), Some(lots), Some(programme), Some(book)) => {
            ending(programme, lots, book.balance(&account), Date::in_china(ask.received_at))
        }
        _ => None,
    };
    Some(ShownPoints { programme, account, ending })
}

/// The programme that an operation is about.
pub fn programme(ask: &Ask<'_>) -> Option<ProgrammeId> {
    match ask.operation {
        Operation::PursePayment(payment) => payment.points.map(|movement| movement.programme),
        Operation::PointsAward(award) => Some(award.programme),
        Operation::PointsRedemption(redemption) => Some(redemption.programme),
        Operation::PurseInquiry(_) => {
            ask.programmes.member(ask.organisation, Date::in_china(ask.at)).map(|member| member.programme)
        }
        _ => ask.original.and_then(|original| original.programme),
    }
}

impl Room for Points {
    fn accounts(&self, ask: &Ask<'_>) -> Vec<AccountKey> {
        let Some(programme) = programme(ask) else { return Vec::new() };
        vec![points_of(ask.holder, ask.shard, programme), given_by(ask.organisation, ask.shard, programme)]
    }

    fn decide(&self, ask: &Ask<'_>, book: &Book) -> Decision {
        let moves = match ask.operation {
            Operation::PursePayment(payment) => {
                let moves = payment.points.map(|movement| with_payment(ask, book, &movement, payment.amount));
                moves.unwrap_or_else(|| Ok(Moves::default()))
            }
            Operation::PointsAward(award) if award.paid <= Fen::ZERO || award.paid > ask.limits.tap_limit => {
                Err(Outcome::AmountOutOfRange)
            }
            Operation::PointsAward(award) => {
                Ok(earn(ask, terms(ask, award.programme).as_ref(), award.earned, award.paid))
            }
            Operation::PointsRedemption(points::Redemption { programme, points }) => {
                redeem(ask, book, *programme, *points)
                    .map(|transfer| Moves { transfers: vec![transfer], earned: Vec::new() })
            }
            Operation::PurseRefund(back) | Operation::PurseVoid(back) => {
                Ok(with_return(ask, book, back.amount.0).unwrap_or_default())
            }
            Operation::PointsUndo(_) => undo(ask, book),
            _ => Ok(Moves::default()),
        };
        match moves {
            Err(outcome) => Decision::plain(outcome),
            Ok(Moves { transfers, earned }) => Decision {
                transfers,
                points: shown(ask, Some(book)),
                effects: earned.into_iter().map(Effect::Earned).collect(),
                ..Decision::plain(Outcome::Accepted)
            },
        }
    }
}
