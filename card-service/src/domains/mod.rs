//! The rooms: one folder a domain, all of one shape, and the place that composes them for intake.
//!
//! A room decides what an operation of its domain does, as a pure function of what is loaded. To add one: a folder
//! with `mod.rs model.rs rules.rs store.rs tests.rs`, an `impl Room`, and a line in [`rooms_of`]. Rooms never import
//! rooms: what crosses between them is transfers in the ledger and the card's holder. An operation of several rooms is decided
//! by each, and comes about where all agree.

pub mod clinic;
pub mod gate;
pub mod points;
pub mod purse;
pub mod residence;
pub mod social_security;
pub mod transit;

use card_schema::clock::Micros;
use card_schema::date::Date;
use card_schema::envelope::receipt::{Ending, Outcome};
use card_schema::ids::{HolderId, OrganisationId, PaperNumber, Shard, TapId, TerminalId};
use card_schema::operation::Operation;
use card_schema::points::ProgrammeId;
use card_schema::wire::terminal::Limits;

use crate::db::{Connection, DbError, Tx};
use crate::ledger::{self, AccountKey, AccountKind, Book, Named, Reference, Transfer, Unit};

/// One tap that a room has to decide: signatures, card and terminal are already found good.
#[derive(Clone, Copy, Debug)]
pub struct Ask<'a> {
    /// The tap.
    pub tap: TapId,
    /// What is asked.
    pub operation: &'a Operation,
    /// The holder of the card.
    pub holder: HolderId,
    /// Where everything of this tap is written.
    pub shard: Shard,
    /// Who runs the terminal.
    pub organisation: OrganisationId,
    /// The terminal.
    pub terminal: TerminalId,
    /// The terminal's clock, found plausible.
    pub at: Micros,
    /// When the service got it, by its own clock.
    pub received_at: Micros,
    /// The limits in force.
    pub limits: Limits,
    /// Those of a day.
    pub day_limits: purse::DayLimits,
    /// What the holder has paid today.
    pub spent: purse::Spent,
    /// Whether the holder has typed the PIN for it.
    pub with_pin: bool,
    /// Whether a member of staff has approved it.
    pub is_approved: bool,
    /// What the operation names to be given back or undone, if the same holder has it in the books.
    pub original: Option<&'a Original>,
    /// The programmes of points there are.
    pub programmes: &'a points::Programmes,
    /// What the holder has earned in the programme that the operation is about, and is still good, as far as
    /// [`points::lots_needed`] asks for it.
    pub lots: Option<&'a points::Lots>,
    /// All bills of the person, where it is about one of them.
    pub claims: &'a [clinic::model::Claim],
    /// What is known of the rider, where it is about travelling.
    pub transit: Option<transit::Known<'a>>,
    /// The card was out of use when it signed, and a terminal that had accepted the tap on its own could not know: what it
    /// costs is not the holder's.
    pub is_issuers: bool,
}

/// A tap that has moved something and that a later one names: to give it back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Original {
    /// Whose card it was.
    pub holder: HolderId,
    /// Where.
    pub terminal: TerminalId,
    /// When the service booked it, by its own clock.
    pub booked_at: Micros,
    /// The numbers of what it moved, within the holder's shard.
    pub transfers: Vec<i64>,
    /// The programme whose points it moved.
    pub programme: Option<ProgrammeId>,
}

impl Original {
    /// The programme whose points transfers have moved, if they have moved any.
    pub fn programme_of<'a>(moved: impl IntoIterator<Item = &'a Transfer>) -> Option<ProgrammeId> {
        moved.into_iter().find_map(|transfer| match transfer.debit.unit {
            Unit::Points(programme) => Some(programme),
            Unit::CnyFen => None,
        })
    }
}

/// The points whose standing the receipt shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ShownPoints {
    /// Of which programme.
    pub programme: ProgrammeId,
    /// The holder's account.
    pub account: AccountKey,
    /// Which of them are over next.
    pub ending: Option<Ending>,
}

/// What a room decides.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// What the receipt says.
    pub outcome: Outcome,
    /// Transfers to post, all or none. Empty unless the outcome is [`Outcome::Accepted`].
    pub transfers: Vec<Transfer>,
    /// The account whose balance the receipt shows.
    pub shows: Option<AccountKey>,
    /// The points that it shows.
    pub points: Option<ShownPoints>,
    /// What else is to be written.
    pub effects: Vec<Effect>,
}

impl Decision {
    /// A decision that writes nothing but the tap itself.
    pub const fn plain(outcome: Outcome) -> Self {
        Self { outcome, transfers: Vec::new(), shows: None, points: None, effects: Vec::new() }
    }

    /// With what another room decides about the same tap: where one refuses, nothing is moved, nothing is told of points, and the
    /// first says why.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        let shows = self.shows.or(other.shows);
        match (self.outcome, other.outcome) {
            (Outcome::Accepted, Outcome::Accepted) => {
                self.transfers.extend(other.transfers);
                self.effects.extend(other.effects);
                Self { shows, points: self.points.or(other.points), ..self }
            }
            (Outcome::Accepted, refused) => Self { effects: other.effects, shows, ..Self::plain(refused) },
            _ => Self { shows, points: None, ..self },
        }
    }
}

/// Rows of a room's own that a decision writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// One more was let in at a gate.
    GateCount(gate::Count),
    /// Points were earned on a day.
    Earned(points::Earned),
    /// Something was paid on a day.
    Spent(purse::HolderDay, purse::Spent),
    /// A rider's fares were reckoned.
    Rode(transit::model::Ride),
    /// A pass was bought.
    PassSold(transit::model::PassSold),
    /// The card of this tap has spent what it did not have: it is suspended until somebody has looked.
    Suspend,
}

/// A domain, as intake sees it.
pub trait Room {
    /// The accounts whose balances [`Room::decide`] looks at or moves.
    fn accounts(&self, ask: &Ask<'_>) -> Vec<AccountKey>;

    /// Decides. Pure: the same ask and balances give the same decision.
    fn decide(&self, ask: &Ask<'_>, book: &Book) -> Decision;
}

/// The rooms of an operation, if rooms decide it.
fn rooms_of(operation: &Operation) -> &'static [&'static dyn Room] {
    match operation {
        Operation::PursePayment(_)
        | Operation::PurseRefund(_)
        | Operation::PurseVoid(_)
        | Operation::PurseInquiry(_) => &[&purse::Purse, &points::Points],
        Operation::PurseTopUp(_) | Operation::PurseStatement(_) => &[&purse::Purse],
        Operation::PointsAward(_) | Operation::PointsRedemption(_) | Operation::PointsUndo(_) => &[&points::Points],
        Operation::GateCheck(_) => &[&gate::Gate],
        Operation::TransitValidation(_) | Operation::TransitInspection(_) | Operation::TransitPass(_) => {
            &[&transit::Transit]
        }
        Operation::ClinicCheckIn(_) => &[&clinic::Clinic],
        Operation::ClinicSettlement(_) | Operation::ClinicReversal(_) => &[&clinic::Clinic, &purse::Purse],
        Operation::PurseTopUpApproval(_)
        | Operation::SocialSecurityDispute(_)
        | Operation::SignIn(_)
        | Operation::RegistrationConsent(_)
        | Operation::Abandoned(_) => &[],
    }
}

/// The accounts whose balances [`decide`] looks at or moves.
pub fn accounts(ask: &Ask<'_>) -> Vec<AccountKey> {
    rooms_of(ask.operation).iter().flat_map(|room| room.accounts(ask)).collect()
}

/// What the rooms of an operation decide; nothing where none does.
pub fn decide(ask: &Ask<'_>, book: &Book) -> Option<Decision> {
    rooms_of(ask.operation).iter().map(|room| room.decide(ask, book)).reduce(Decision::and)
}

/// What goes back of the points of a payment, in a shard that is locked, and what is to be written besides: for whoever
/// reverses it. `caused` is what the payment's tap has moved, of which `returned` will have gone back in all; `made_at` is the
/// terminal's clock in it.
pub async fn points_back(
    tx: &mut Tx,
    now: Micros,
    caused: &[Named],
    (payment, returned): (&Named, i64),
    made_at: Micros,
    reference: Reference,
) -> Result<(Vec<Transfer>, Vec<Effect>), DbError> {
    let accounts = caused.iter().flat_map(|named| [named.entry.transfer.debit, named.entry.transfer.credit]);
    let nothing = (Vec::new(), Vec::new());
    let Some(account) = accounts.into_iter().find(|key| key.kind == AccountKind::HolderPoints) else {
        return Ok(nothing);
    };
    let programmes = points::store::programmes(tx.conn()).await?.programmes;
    let of = programmes.values().find(|programme| Unit::Points(programme.id) == account.unit);
    let Some(programme) = of else { return Ok(nothing) };
    let (shard, holder, id) = (account.shard, HolderId::from_bytes(account.owner.0), programme.id);
    let wanted = points::model::Wanted { shard, holder, programme: id, day: None };
    let lots = points::store::lots(tx.conn(), &[wanted]).await?.remove(&(holder, id)).unwrap_or_default();
    let balance = ledger::store::balance(tx.conn(), &account).await?;
    let (day, today) = (Date::in_china(made_at), Date::in_china(now));
    let standing = points::Standing { programme, balance, lots: Some(&lots), day, today };
    let whole = payment.entry.transfer.amount;
    let points::Back { transfers, lots } =
        points::back(caused, (whole, returned.min(whole)), &standing, Some(reference));
    let earned = |(day, points)| Effect::Earned(points::Earned { shard, holder, programme: id, day, points });
    Ok((transfers, lots.into_iter().map(earned).collect()))
}

/// What is known of a visitor's pass.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PassSeen {
    /// Whether it is good no more, whatever its times are.
    pub is_withdrawn: bool,
    /// The name of its site.
    pub site: String,
}

/// What is known of the visitor's pass with a number, for whoever checks papers.
pub async fn pass_seen(connection: &mut Connection, number: PaperNumber) -> Result<Option<PassSeen>, DbError> {
    let Some(pass) = gate::store::passes::one(&mut *connection, number).await? else { return Ok(None) };
    let site = gate::store::one(connection, pass.site).await?.ok_or(DbError::Unreadable("gate_pass.site_id"))?;
    Ok(Some(PassSeen { is_withdrawn: pass.withdrawn_at.is_some() || site.closed, site: site.name }))
}

/// Writes the effects of many decisions.
pub async fn write_effects(connection: &mut Connection, effects: &[Effect]) -> Result<(), DbError> {
    let (mut counts, mut earned, mut spent) = (Vec::new(), Vec::new(), Vec::new());
    let (mut rides, mut passes) = (Vec::new(), Vec::new());
    for effect in effects {
        match effect {
            Effect::GateCount(count) => counts.push(*count),
            Effect::Earned(points) => earned.push(*points),
            Effect::Spent(day, payment) => spent.push((*day, *payment)),
            Effect::Rode(ride) => rides.push(ride.clone()),
            Effect::PassSold(sold) => passes.push(sold.clone()),
            Effect::Suspend => {}
        }
    }
    transit::store::riding::add(connection, &rides).await?;
    transit::store::riding::add_passes(connection, &passes).await?;
    gate::store::add(connection, &counts).await?;
    purse::store::add(connection, &spent).await?;
    points::store::add(connection, &earned).await
}
