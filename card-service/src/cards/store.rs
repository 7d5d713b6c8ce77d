//! The tables card, card_state_change, card_key and card_certificate.

use std::collections::HashMap;

use card_schema::card::Slot;
use card_schema::clock::Micros;
use card_schema::envelope::PublicKey;
use card_schema::envelope::receipt::Outcome;
use card_schema::ids::{CardId, HolderId, Shard};
use uuid::Uuid;

use super::deed::{self, model::Reason, store::Deed};
use super::model::{Bearer, Card, CardForIntake, CardKeys, CardState};
use super::{consent, status, stock, unblock};
use crate::db::{Connection, DbError, Row, Rows, Tx, columns, query};
use crate::evidence::{ActionKind, Change, tables};
use crate::people::StaffId;

/// What deciding taps needs to know of their cards; cards that are not ours are missing from the answer.
pub async fn load_for_intake(
    connection: &mut Connection,
    cards: &[CardId],
) -> Result<HashMap<CardId, CardForIntake>, DbError> {
    if cards.is_empty() {
        return Ok(HashMap::new());
    }
    let rows = query(
        "SELECT c.card_id, c.shard, c.holder_id, c.staff_id, c.signs_in, c.state, c.changed_at, c.expires_at, k.slot, k.public_key
         FROM {wanted} JOIN card c ON c.card_id = wanted.card_id
         LEFT JOIN card_key k ON k.card_id = c.card_id AND k.current = 1",
    )
    .set("wanted", Rows::new().bytes("card_id", cards.iter().map(|card| *card.as_bytes())))
    .all(connection)
    .await?;
    let mut found: HashMap<CardId, CardForIntake> = HashMap::new();
    for row in rows {
        let card_id = CardId::from_bytes(columns::bytes(&row, "card_id")?);
        let entry = match found.entry(card_id) {
            std::collections::hash_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::hash_map::Entry::Vacant(entry) => entry.insert(CardForIntake {
                shard: columns::shard(row.get("shard")?)?,
                bearer: bearer(&row)?,
                signs_in: row.get::<i64>("signs_in")? != 0,
                state: state(&row)?,
                changed_at: Micros(row.get("changed_at")?),
                keys: CardKeys::default(),
                expires_at: Micros(row.get("expires_at")?),
            }),
        };
        if let (Some(slot), Some(point)) = (row.get::<Option<i64>>("slot")?, row.get::<Option<Vec<u8>>>("public_key")?)
        {
            entry.keys.set(read_slot(slot)?, read_key(&point)?);
        }
    }
    Ok(found)
}

/// Cards of these shards that changed after a leaf, or whose keys did.
pub async fn changed_since(connection: &mut Connection, since: &[(Shard, i64)]) -> Result<Vec<CardId>, DbError> {
    if since.is_empty() {
        return Ok(Vec::new());
    }
    let rows = query(
        "SELECT c.card_id FROM {since} CROSS JOIN card c WHERE c.shard = since.shard AND c.leaf > since.leaf
         UNION ALL
         SELECT k.card_id FROM {since} CROSS JOIN card_key k WHERE k.shard = since.shard AND k.leaf > since.leaf",
    )
    .set(
        "since",
        Rows::new()
            .ints("shard", since.iter().map(|(shard, _)| i64::from(shard.0)))
            .ints("leaf", since.iter().map(|(_, leaf)| *leaf)),
    )
    .all(connection)
    .await?;
    rows.iter().map(|row| Ok(CardId::from_bytes(columns::bytes(row, "card_id")?))).collect()
}

/// What came of a consent.
#[derive(Debug)]
pub struct Consented {
    /// What became of it.
    pub outcome: Outcome,
    /// Cards of the holder that are in use no more.
    pub replaced: Vec<CardId>,
}

/// A card has signed its holder's consent to a text, of which `signed` is the hash. A card that waits for it becomes
/// active when this is the text that was sent, and takes the place of the holder's others; otherwise it goes on waiting.
pub async fn on_consent(tx: &mut Tx, at: Micros, card: CardId, signed: &[u8; 32]) -> Result<Consented, DbError> {
    let plain = |outcome| Consented { outcome, replaced: Vec::new() };
    let Some(found) = one(tx.conn(), card).await? else { return Ok(plain(Outcome::UnknownCard)) };
    let sent = consent::store::newest(tx.conn(), card).await?;
    let outcome = consent::model::decide(found.state, sent.as_ref().map(|request| &request.hash), signed);
    if outcome != Outcome::Accepted {
        return Ok(plain(outcome));
    }
    set_state(tx, at, &found, CardState::Active, Because::of("consent")).await?;
    let replaced = replace_all(tx, at, found.bearer, Some(card), Because::of("replacement")).await?;
    stock::store::issued(tx, at, card).await?;
    Ok(Consented { outcome, replaced })
}

/// Locks a card for a change of its state, and the list that says which cards are valid.
pub async fn lock(tx: &mut Tx, card: CardId) -> Result<(), DbError> {
    tx.lock([Shard(0), card.shard()]).await
}

/// What [`read`] reads.
pub(super) const SELECT: &str =
    "SELECT card_id, holder_id, staff_id, signs_in, state, created_at, expires_at, changed_at FROM card";

/// One card.
pub async fn one(connection: &mut Connection, card: CardId) -> Result<Option<Card>, DbError> {
    let row = query(format!("{SELECT} WHERE card_id = $1")).bind(card).optional(connection).await?;
    row.map(|row| read(&row)).transpose()
}

/// The card of a number in the status list, which is the one that is printed on it.
pub async fn by_status_index(connection: &mut Connection, index: u32) -> Result<Option<Card>, DbError> {
    let row = query(format!("{SELECT} WHERE status_index = $1")).bind(i64::from(index)).optional(connection).await?;
    row.map(|row| read(&row)).transpose()
}

/// The cards of somebody, newest first.
pub async fn of(connection: &mut Connection, bearer: Bearer) -> Result<Vec<Card>, DbError> {
    let rows = match bearer {
        Bearer::Holder(holder) => {
            let whose = format!("{SELECT} WHERE shard = $1 AND holder_id = $2 ORDER BY created_at DESC");
            query(whose).bind(holder.shard()).bind(holder).all(connection).await?
        }
        Bearer::Staff(staff) => {
            query(format!("{SELECT} WHERE staff_id = $1 ORDER BY created_at DESC"))
                .bind(staff.0)
                .all(connection)
                .await?
        }
    };
    rows.iter().map(read).collect()
}

/// Keeps whether the bearer of a card signs in with it.
pub async fn set_signs_in(tx: &mut Tx, at: Micros, card: CardId, signs_in: bool) -> Result<(), DbError> {
    let mut change = Change::begin(tx, card.shard()).await?;
    change.touch(tx, &tables::CARD, vec![card.as_bytes()[..].into()]).await?;
    query("UPDATE card SET signs_in = $1, leaf = $2 WHERE card_id = $3")
        .bind(i64::from(signs_in))
        .bind(change.leaf())
        .bind(card)
        .execute(tx.conn())
        .await?;
    change.record(tx, at, ActionKind::CardSignsIn).await
}

/// The number that the next card takes in the status list.
pub async fn next_status_index(tx: &mut Tx) -> Result<u32, DbError> {
    // Two who prepare cards at once take different numbers.
    tx.lock([Shard(0)]).await?;
    let next: i64 = query("SELECT COALESCE(MAX(status_index) + 1, 0) FROM card").scalar_one(tx.conn()).await?;
    u32::try_from(next).map_err(|_| DbError::Unreadable("the status list is full"))
}

/// Adds a card that is to be written, for a reason.
pub async fn insert(tx: &mut Tx, at: Micros, by: StaffId, card: &Card, reason: Reason) -> Result<(), DbError> {
    let mut change = Change::begin(tx, card.card_id.shard()).await?;
    change.touch(tx, &tables::CARD, vec![card.card_id.as_bytes()[..].into()]).await?;
    query(
        "INSERT INTO card (card_id, shard, holder_id, staff_id, signs_in, status_index, state, created_at, expires_at,
         changed_at, leaf) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
    )
    .bind(card.card_id)
    .bind(card.card_id.shard())
    .bind(card.bearer.holder().map(|holder| holder.as_bytes().to_vec()))
    .bind(match card.bearer {
        Bearer::Holder(_) => None,
        Bearer::Staff(staff) => Some(staff.0.as_bytes().to_vec()),
    })
    .bind(i64::from(card.signs_in))
    .bind(i64::from(card.card_id.status_index()))
    .bind(card.state.name())
    .bind(card.created_at.0)
    .bind(card.expires_at.0)
    .bind(card.changed_at.0)
    .bind(change.leaf())
    .execute(tx.conn())
    .await?;
    deed::store::add(tx, &mut change, at, card.card_id, by, Deed::Issue(reason)).await?;
    change.record(tx, at, ActionKind::CardPrepared).await
}

/// Why a card's state changes, and by whom.
#[derive(Clone, Copy, Debug)]
pub struct Because<'a> {
    /// Why, for the record.
    pub reason: &'a str,
    /// Who does it; nobody where it comes about by itself.
    pub by: Option<StaffId>,
}

impl<'a> Because<'a> {
    /// It comes about by itself.
    pub const fn of(reason: &'a str) -> Self {
        Self { reason, by: None }
    }
}

/// Puts a card into another state, and onto the status list or off it. Whether it may is the caller's question, who holds the
/// lock of [`lock`].
pub async fn set_state(
    tx: &mut Tx,
    at: Micros,
    card: &Card,
    next: CardState,
    because: Because<'_>,
) -> Result<(), DbError> {
    let shard = i64::from(card.card_id.shard().0);
    let mut change = Change::begin(tx, card.card_id.shard()).await?;
    change.touch(tx, &tables::CARD, vec![card.card_id.as_bytes()[..].into()]).await?;
    change.touch(tx, &tables::CARD_STATE_CHANGE, vec![shard.into(), change.leaf().into()]).await?;
    query("UPDATE card SET state = $1, changed_at = $2, leaf = $3 WHERE card_id = $4")
        .bind(next.name())
        .bind(at.0)
        .bind(change.leaf())
        .bind(card.card_id)
        .execute(tx.conn())
        .await?;
    query(
        "INSERT INTO card_state_change (shard, leaf, card_id, at, state_before, state_after, reason)
         VALUES ($1, $2, $3, $4, $5, $6, $7)",
    )
    .bind(shard)
    .bind(change.leaf())
    .bind(card.card_id)
    .bind(at.0)
    .bind(card.state.name())
    .bind(next.name())
    .bind(because.reason)
    .execute(tx.conn())
    .await?;
    if let Some(by) = because.by {
        deed::store::add(tx, &mut change, at, card.card_id, by, Deed::Change).await?;
    }
    change.record(tx, at, ActionKind::CardStateChanged).await?;
    if card.state.status() != next.status() {
        status::store::list(tx, at, card.card_id, next.status()).await?;
    }
    if unblock::may_unblock(next) { Ok(()) } else { unblock::end(tx, at, card.card_id).await }
}

/// A card has spent what it did not have: until somebody has looked, it pays nothing more. Whether it is suspended by that; the caller
/// holds the lock of [`lock`].
pub async fn overspent(tx: &mut Tx, at: Micros, card: &Card) -> Result<bool, DbError> {
    let is_new = card.state == CardState::Active;
    if is_new {
        set_state(tx, at, card, CardState::Suspended, Because::of("overspent")).await?;
    }
    Ok(is_new)
}

/// Puts every card of somebody, but the one that is kept, into its last state but the one of coming back: a person has one
/// card. Says which.
pub async fn replace_all(
    tx: &mut Tx,
    at: Micros,
    bearer: Bearer,
    kept: Option<CardId>,
    because: Because<'_>,
) -> Result<Vec<CardId>, DbError> {
    let mut replaced = Vec::new();
    for other in of(tx.conn(), bearer).await? {
        if Some(other.card_id) != kept && other.state.may_become(CardState::Replaced) {
            set_state(tx, at, &other, CardState::Replaced, because).await?;
            replaced.push(other.card_id);
        }
    }
    Ok(replaced)
}

/// Records a key that a card made. False where the key is known from another card or slot: a chip that shows it is
/// a copy, or its randomness is broken.
pub async fn add_key(tx: &mut Tx, at: Micros, card: CardId, slot: Slot, key: &PublicKey) -> Result<bool, DbError> {
    let owner = query("SELECT card_id, slot FROM card_key WHERE public_key = $1")
        .bind(key.as_sec1())
        .optional(tx.conn())
        .await?;
    if let Some(owner) = owner {
        let (of, of_slot): ([u8; 16], i64) = (columns::bytes(&owner, "card_id")?, owner.get("slot")?);
        return Ok(of == *card.as_bytes() && of_slot == i64::from(slot.key_reference()));
    }
    let mut change = Change::begin(tx, card.shard()).await?;
    let superseded: Vec<Vec<u8>> =
        query("SELECT public_key FROM card_key WHERE card_id = $1 AND slot = $2 AND current = 1")
            .bind(card)
            .bind(i64::from(slot.key_reference()))
            .scalars(tx.conn())
            .await?;
    for key in superseded {
        change.touch(tx, &tables::CARD_KEY, vec![key[..].into()]).await?;
        query("UPDATE card_key SET current = 0, leaf = $1 WHERE public_key = $2")
            .bind(change.leaf())
            .bind(key)
            .execute(tx.conn())
            .await?;
    }
    change.touch(tx, &tables::CARD_KEY, vec![key.as_sec1()[..].into()]).await?;
    query(
        "INSERT INTO card_key (public_key, shard, card_id, slot, current, made_at, leaf)
         VALUES ($1, $2, $3, $4, 1, $5, $6)",
    )
    .bind(key.as_sec1())
    .bind(card.shard())
    .bind(card)
    .bind(i64::from(slot.key_reference()))
    .bind(at.0)
    .bind(change.leaf())
    .execute(tx.conn())
    .await?;
    change.record(tx, at, ActionKind::CardKeyMade).await?;
    Ok(true)
}

/// The certificate made for a slot's key, if one was made.
pub async fn certificate(tx: &mut Tx, card: CardId, slot: Slot, key: &PublicKey) -> Result<Option<Vec<u8>>, DbError> {
    query("SELECT der FROM card_certificate WHERE card_id = $1 AND slot = $2 AND public_key = $3")
        .bind(card)
        .bind(i64::from(slot.key_reference()))
        .bind(key.as_sec1())
        .scalar(tx.conn())
        .await
}

/// Keeps the certificate made for a slot's key.
pub async fn keep_certificate(
    tx: &mut Tx,
    at: Micros,
    card: CardId,
    slot: Slot,
    key: &PublicKey,
    der: &[u8],
) -> Result<(), DbError> {
    let mut change = Change::begin(tx, card.shard()).await?;
    let place = vec![card.as_bytes()[..].into(), i64::from(slot.key_reference()).into()];
    change.touch(tx, &tables::CARD_CERTIFICATE, place).await?;
    query(
        "INSERT INTO card_certificate (card_id, slot, shard, public_key, der, made_at, leaf)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (card_id, slot) DO UPDATE SET public_key = excluded.public_key, der = excluded.der,
         made_at = excluded.made_at, leaf = excluded.leaf",
    )
    .bind(card)
    .bind(i64::from(slot.key_reference()))
    .bind(card.shard())
    .bind(key.as_sec1())
    .bind(der)
    .bind(at.0)
    .bind(change.leaf())
    .execute(tx.conn())
    .await?;
    change.record(tx, at, ActionKind::CardCertified).await
}

pub(super) fn read(row: &Row) -> Result<Card, DbError> {
    Ok(Card {
        card_id: CardId::from_bytes(columns::bytes(row, "card_id")?),
        bearer: bearer(row)?,
        signs_in: row.get::<i64>("signs_in")? != 0,
        state: state(row)?,
        created_at: Micros(row.get("created_at")?),
        expires_at: Micros(row.get("expires_at")?),
        changed_at: Micros(row.get("changed_at")?),
    })
}

fn bearer(row: &Row) -> Result<Bearer, DbError> {
    if row.get::<Option<&[u8]>>("staff_id")?.is_some() {
        return Ok(Bearer::Staff(StaffId(Uuid::from_bytes(columns::bytes(row, "staff_id")?))));
    }
    Ok(Bearer::Holder(HolderId::from_bytes(columns::bytes(row, "holder_id")?)))
}

pub(super) fn state(row: &Row) -> Result<CardState, DbError> {
    CardState::from_name(row.get("state")?).ok_or_else(|| DbError::Unreadable("card.state"))
}

fn read_slot(number: i64) -> Result<Slot, DbError> {
    u8::try_from(number).ok().and_then(Slot::from_key_reference).ok_or_else(|| DbError::Unreadable("card_key.slot"))
}

fn read_key(point: &[u8]) -> Result<PublicKey, DbError> {
    PublicKey::from_sec1(point).map_err(|_| DbError::Unreadable("card_key.public_key"))
}
