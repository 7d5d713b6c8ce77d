//! What becomes of a card that is shown: to a validator, to an inspector, or for a pass. Pure.
//!
//! A validator decides on its own, so what it has let in stands: fares are booked whatever the purse holds, and the issuer advances
//! what is lacking.

use card_schema::date::Date;
use card_schema::envelope::receipt::Outcome;
use card_schema::operation::{Operation, transit};

use super::booking::{self, Payer};
use super::fares::Fares;
use super::model::{Base, FareGroup, PassSold, RiderKey, Riding, Right, RightOf, Showing, Sold, account_of};
use super::tariff::{PassTime, Validation};
use crate::domains::{Ask, Decision, Effect, Room};
use crate::ledger::{AccountKey, Book, Phase, Transfer, TransferKind};

/// See the module.
#[derive(Clone, Copy, Debug)]
pub struct Transit;

/// What has to be known of whoever shows a card.
#[derive(Clone, Copy, Debug)]
pub struct Known<'a> {
    /// The fares.
    pub fares: &'a Fares,
    /// Whose fares they are.
    pub rider: RiderKey,
    /// What is known of them.
    pub riding: &'a Riding,
}

/// Whether this room decides an operation.
pub const fn is_concerned(operation: &Operation) -> bool {
    matches!(operation, Operation::TransitValidation(_) | Operation::TransitInspection(_) | Operation::TransitPass(_))
}

/// What is kept of a validation.
fn showing(ask: &Ask<'_>, validation: &transit::Validation) -> Showing {
    let transit::Validation { tariff, route, stop, side } = validation;
    Showing {
        at: ask.at,
        side: *side,
        stop: stop.clone(),
        route: route.clone(),
        organisation: ask.organisation,
        tariff: *tariff,
        tap: ask.tap,
    }
}

/// What an operator has taken for a pass.
fn sold(ask: &Ask<'_>, purchase: &transit::PassPurchase) -> FareGroup {
    FareGroup { organisation: ask.organisation, sold: Sold::Pass(purchase.pass.clone()) }
}

impl Known<'_> {
    /// Whether a validation is good for whoever is on this route at that moment, or a pass.
    fn is_valid(&self, ask: &Ask<'_>, route: &str) -> bool {
        let Some(tariff) = self.fares.at(ask.at).map(|version| &*version.tariff) else { return false };
        let Some(network) = tariff.route_named(route).map(|route| tariff.network_of(route)) else { return false };
        let on = |showing: &&Showing| showing.side == transit::Side::On && showing.at <= ask.at;
        match network.validation {
            _ if tariff.has_pass(&self.riding.rights, &network.id, ask.at) => true,
            Validation::On { valid_s } => self.riding.showings.iter().filter(on).any(|showing| {
                let is_same =
                    tariff.route_named(&showing.route).is_some_and(|route| tariff.network_of(route).id == network.id);
                is_same && ask.at.seconds() - showing.at.seconds() <= valid_s
            }),
            Validation::OnOff { .. } => {
                let before: Vec<&Showing> =
                    self.riding.showings.iter().filter(|showing| showing.at <= ask.at).collect();
                let open = self.fares.reckon(&Base::default(), &[], &before, ask.at).open;
                open.is_some_and(|(place, _)| {
                    let (from, to) = (tariff.route_named(&before[place].route), tariff.route_named(route));
                    from.zip(to).is_some_and(|(from, to)| tariff.leads(tariff.network(from), tariff.network(to)))
                })
            }
        }
    }
}

/// A pass for the money that the fares ask for it.
fn sell(ask: &Ask<'_>, known: &Known<'_>, purchase: &transit::PassPurchase, book: &Book) -> Decision {
    let purse = Payer::of(known.rider).purse;
    let say = |outcome| Decision { shows: purse, ..Decision::plain(outcome) };
    let today = Date::in_china(ask.received_at);
    let ahead = purchase.from.days() - today.days();
    let then = known.fares.at(transit::PassPurchase::priced_at(purchase.from));
    let pass = then.and_then(|then| then.tariff.pass_of(&purchase.pass));
    let Some(pass) =
        pass.filter(|pass| pass.price == purchase.price && (0..=transit::SOLD_AHEAD_DAYS).contains(&ahead))
    else {
        return say(Outcome::NotOnSale);
    };
    let right = Right {
        of: RightOf::Pass(purchase.pass.clone()),
        from: purchase.from,
        until: match pass.good_for {
            PassTime::Month => purchase.from.end_of_month_after(0),
            PassTime::Days(days) => {
                Date::from_days(purchase.from.days() + i64::from(days) - 1).unwrap_or(purchase.from)
            }
        },
    };
    // Whoever has it already does not need it twice.
    let overlaps = |held: &Right| held.of == right.of && held.from <= right.until && right.from <= held.until;
    if known.riding.rights.iter().any(overlaps) {
        return say(Outcome::NotOnSale);
    }
    let Some(debit) = purse.filter(|purse| book.available(purse) >= pass.price.0) else {
        return say(Outcome::InsufficientFunds);
    };
    let group = sold(ask, purchase);
    let credit = group.account(ask.shard);
    let (amount, kind) = (pass.price.0, TransferKind::Pass);
    let transfer = Transfer { debit, credit, amount, kind, reference: None, phase: Phase::Posted };
    let transfers = Vec::from_iter((amount > 0).then_some(transfer));
    let effects = vec![Effect::PassSold(PassSold { rider: known.rider, right, group, tap: ask.tap })];
    Decision { transfers, effects, ..say(Outcome::Accepted) }
}

impl Room for Transit {
    fn accounts(&self, ask: &Ask<'_>) -> Vec<AccountKey> {
        let Some(known) = &ask.transit else { return Vec::new() };
        let mut accounts: Vec<AccountKey> = Payer::of(known.rider).accounts().collect();
        match ask.operation {
            Operation::TransitValidation(validation) => {
                let groups = booking::groups(known.fares, known.riding, Some(&showing(ask, validation)));
                accounts.extend(groups.into_iter().map(|group| account_of(group, ask.shard)));
            }
            Operation::TransitPass(purchase) => accounts.push(sold(ask, purchase).account(ask.shard)),
            _ => return Vec::new(),
        }
        accounts
    }

    fn decide(&self, ask: &Ask<'_>, book: &Book) -> Decision {
        let Some(known) = &ask.transit else { return Decision::plain(Outcome::OperationNotAllowed) };
        match ask.operation {
            Operation::TransitValidation(validation) => {
                // What was before is folded, and does not change any more.
                if known.riding.base.until.is_some_and(|until| ask.at <= until) {
                    return Decision::plain(Outcome::ClockImplausible);
                }
                let new = Some(showing(ask, validation));
                let now = ask.received_at.max(ask.at);
                let booking::Booking { transfers, ride } =
                    booking::book(known.fares, known.rider, known.riding, new, now, book);
                let suspends = ride.advanced > 0;
                let effects = [Some(Effect::Rode(ride)), suspends.then_some(Effect::Suspend)];
                Decision {
                    transfers,
                    effects: effects.into_iter().flatten().collect(),
                    ..Decision::plain(Outcome::Accepted)
                }
            }
            Operation::TransitInspection(transit::Inspection { route }) => {
                let is_valid = known.is_valid(ask, route);
                Decision::plain(if is_valid { Outcome::Accepted } else { Outcome::NoValidJourney })
            }
            Operation::TransitPass(purchase) => sell(ask, known, purchase, book),
            _ => Decision::plain(Outcome::OperationNotAllowed),
        }
    }
}
