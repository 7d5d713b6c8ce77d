//! Houses: where people live, so that how many live in a grid cell can be counted without opening any record.
//!
//! A house is found by a keyed hash of its address, which lies there sealed under a key of the house. Who lives in it from
//! when to when names the holder by id; the day of moving and the house follow from the record, in the same transaction.
//! Not here: what the record says of the address (`change`, `stays`), counting (`map`).

mod cells;
pub mod model;
pub mod rules;
pub(crate) mod store;
#[cfg(test)]
mod tests;

use card_schema::ids::HolderId;
use card_schema::wire::ProblemType;
use ring::hmac;
use zeroize::Zeroizing;

use super::area::{self, model::Level, store::Named};
use super::model::{ChangeReason, Facts, Field};
use super::{protect, rules as record_rules};
use crate::app::App;
use crate::db::{Connection, Tx};
use crate::http::Refusal;
use crate::keys::{KeyError, KeyStore, Role, seal};
use crate::people::StaffId;
use crate::plain;
pub(super) use cells::{Choices, Chosen, NOT_KNOWN, choices, chosen};
use model::{CellAnswer, House, HouseId, Stay};

const DAY_SECONDS: i64 = 86_400;

fn blind(keys: &dyn KeyStore, address: &str) -> Result<[u8; 32], KeyError> {
    let key = keys.derive(Role::BlindIndex, b"nrc/house-address/v1", 32)?;
    let normal = Zeroizing::new(plain::normal(address));
    let tag = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, &key), normal.as_bytes());
    Ok(tag.as_ref().try_into().expect("HMAC-SHA-256 has 32 bytes"))
}

/// The house with this address, if it is known.
pub(super) async fn known(app: &App, connection: &mut Connection, address: &str) -> Result<Option<House>, Refusal> {
    Ok(store::by_address(connection, blind(&*app.keys, address)?).await?)
}

/// Whether somebody has to be asked in which cell a house lies: there are cells, and the house is not known.
pub(super) async fn is_to_be_asked(app: &App, connection: &mut Connection, address: &str) -> Result<bool, Refusal> {
    Ok(area::store::any(connection).await? && known(app, connection, address).await?.is_none())
}

/// Keeps a house that was not known.
async fn found(app: &App, tx: &mut Tx, by: StaffId, address: &str, cell: &str) -> Result<House, Refusal> {
    if area::store::path(tx.conn(), Level::Cell, cell).await?.is_empty() {
        return Err(Refusal::because(ProblemType::MalformedRequest, "cell-unknown"));
    }
    let house = House { id: HouseId(app.new_id()), cell: cell.to_owned() };
    let key = protect::derived(&*app.keys, b"nrc/house-address/v1", house.id.0.as_bytes())?;
    let place = protect::place(house.id.0.as_bytes(), "house", "sealed");
    let sealed = seal::seal(&key, *app.random_bytes()?, &place, address.as_bytes());
    store::insert(tx, app.now(), by, &house, blind(&*app.keys, address)?, &sealed).await?;
    Ok(house)
}

/// Keeps where somebody lives in step with the record. Whoever may bring a new house has locked shard 0 as well.
///
/// # Errors
/// `MalformedRequest` where there is no such cell.
pub(super) async fn follow(
    app: &App,
    tx: &mut Tx,
    by: StaffId,
    holder: HolderId,
    (facts, cell): (&Facts, Option<&CellAnswer>),
    reason: ChangeReason,
) -> Result<(), Refusal> {
    let (now, day) = (app.now(), |field| record_rules::day(facts.get(field)));
    let since = day(Field::AddressSince).unwrap_or_else(|| app.today()).start_utc();
    let until = day(Field::StayUntil).map(|last| last.start_utc().plus_seconds(DAY_SECONDS));
    let address = facts.get(Field::Address);
    let house = match (address, cell.and_then(CellAnswer::code)) {
        ("", _) => None,
        (address, cell) => match (known(app, tx.conn(), address).await?, cell) {
            (None, Some(cell)) => Some(found(app, tx, by, address, cell).await?),
            (known, _) => known,
        },
    };
    let wanted = house.map(|house| Stay { house: house.id, since, until });
    let current = store::current(tx.conn(), holder).await?;
    let step = rules::step(current.map(|(_, stay)| stay), wanted, reason, since);
    Ok(store::carry_out(tx, now, holder, current.map(|(opened, _)| opened), step, reason.name()).await?)
}

/// The cell in which somebody lives, with all in which it lies, the largest first.
pub async fn cell_of(connection: &mut Connection, holder: HolderId) -> Result<Vec<Named>, Refusal> {
    match store::cell_of(connection, holder).await? {
        Some(cell) => Ok(area::store::path(connection, Level::Cell, &cell).await?),
        None => Ok(Vec::new()),
    }
}

/// Where a house lies, in words: by its address where it is known, otherwise as somebody has said. Empty where nobody knows,
/// nothing where there are no cells.
pub(super) async fn lies(
    app: &App,
    connection: &mut Connection,
    address: &str,
    said: Option<&CellAnswer>,
) -> Result<Option<String>, Refusal> {
    if !area::store::any(connection).await? {
        return Ok(None);
    }
    let cell = match known(app, connection, address).await? {
        Some(house) => Some(house.cell),
        None => said.and_then(CellAnswer::code).map(str::to_owned),
    };
    match cell {
        Some(cell) => Ok(Some(path_text(&area::store::path(connection, Level::Cell, &cell).await?))),
        None => Ok(Some(String::new())),
    }
}

/// A cell and all in which it lies, in words.
pub fn path_text(path: &[Named]) -> String {
    path.iter().map(|area| area.name.as_str()).collect::<Vec<_>>().join(" ")
}
