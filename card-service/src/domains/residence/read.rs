//! Reading a person's record: purpose first, leaf in the same transaction, and only then the datum.

use card_schema::clock::Micros;
use card_schema::ids::HolderId;
use card_schema::wire::ProblemType;
use zeroize::Zeroizing;

use super::model::{Facts, Field};
use super::protect::SealingKey;
use super::stays::{Before, Stay, stays};
use super::store::SealedPerson;
use super::{photo, protect, store};
use crate::app::App;
use crate::db::{Connection, Tx};
use crate::http::Refusal;
use crate::keys::{KeyError, seal};
use crate::people::{Purpose, StaffId};

/// What is stored of a person, and the key that opens it.
///
/// # Errors
/// `NotFound` where there is no such holder.
pub(super) async fn sealed(
    app: &App,
    connection: &mut Connection,
    holder: HolderId,
) -> Result<(SealedPerson, SealingKey), Refusal> {
    let person = store::load(connection, holder).await?;
    let person = person.ok_or(Refusal::because(ProblemType::NotFound, "holder-unknown"))?;
    let key = protect::unwrap(&*app.keys, holder, &person.wrapped_key)?;
    Ok((person, key))
}

/// Reads fields of a person's record, those that are there. Each leaves a leaf and a line that the holder can see. Whether
/// the reader's role allows the purpose is checked by the caller, who knows the role.
pub async fn reveal(
    app: &App,
    tx: &mut Tx,
    now: Micros,
    who: StaffId,
    holder: HolderId,
    purpose: Purpose,
    fields: &[Field],
) -> Result<Facts, Refusal> {
    let opened = sealed(app, tx.conn(), holder).await?;
    read_fields(tx, now, who, holder, purpose, fields, &opened).await
}

/// Reads all that is known of a person who is meant by what is known; nothing of anybody else, who leaves no leaf either.
pub(super) async fn reveal_if(
    app: &App,
    tx: &mut Tx,
    who: StaffId,
    holder: HolderId,
    purpose: Purpose,
    is_meant: impl Fn(&Facts) -> bool,
) -> Result<Option<Facts>, Refusal> {
    let opened = sealed(app, tx.conn(), holder).await?;
    let (person, key) = &opened;
    if !is_meant(&protect::open(key, holder, person)?) {
        return Ok(None);
    }
    read_fields(tx, app.now(), who, holder, purpose, &Field::ALL, &opened).await.map(Some)
}

async fn read_fields(
    tx: &mut Tx,
    now: Micros,
    who: StaffId,
    holder: HolderId,
    purpose: Purpose,
    fields: &[Field],
    (person, key): &(SealedPerson, SealingKey),
) -> Result<Facts, Refusal> {
    let known: Vec<_> = fields.iter().filter_map(|field| Some((*field, person.facts.get(field)?))).collect();
    let names: Vec<_> = known.iter().map(|(field, _)| field.name()).collect();
    store::record_reads(tx, now, holder, who, purpose, &names).await?;
    let mut revealed = Facts::default();
    for (field, sealed) in known {
        revealed.set(field, protect::open_field(key, holder, field, sealed)?.as_str());
    }
    metrics::counter!("person_reads_total").increment(1);
    Ok(revealed)
}

/// Seals a word about a person under the person's key, bound to where it is to lie.
///
/// # Errors
/// `NotFound` where there is no such holder.
pub async fn seal_word(
    app: &App,
    connection: &mut Connection,
    holder: HolderId,
    place: &[u8],
    word: &str,
) -> Result<Vec<u8>, Refusal> {
    let (_, key) = sealed(app, connection, holder).await?;
    Ok(seal::seal(&key, *app.random_bytes()?, place, word.as_bytes()))
}

/// Opens such words, each with its place, for somebody who says why. One leaf, and one line that the holder can see, says that
/// `what` was read; also where there is no word.
///
/// # Errors
/// `NotFound` where there is no such holder.
pub async fn open_words(
    app: &App,
    tx: &mut Tx,
    who: StaffId,
    (holder, what): (HolderId, &'static str),
    purpose: Purpose,
    words: &[(Vec<u8>, &[u8])],
) -> Result<Vec<Zeroizing<String>>, Refusal> {
    let (_, key) = sealed(app, tx.conn(), holder).await?;
    store::record_read(tx, app.now(), holder, who, purpose, what).await?;
    let open = |(place, sealed): &(Vec<u8>, &[u8])| {
        let opened = seal::open(&key, place, sealed).map_err(|_| KeyError::WrongKey)?;
        let word = std::str::from_utf8(&opened).map_err(|_| KeyError::Malformed("a sealed text is not UTF-8"))?;
        Ok(Zeroizing::new(word.to_owned()))
    };
    words.iter().map(open).collect()
}

/// A whole record, with where the person lived before.
#[derive(Debug)]
pub struct Record {
    /// What is known now.
    pub facts: Facts,
    /// Where the person lived and lives, the present address first.
    pub stays: Vec<Stay>,
    /// The photo as a JPEG, if there is one.
    pub photo: Option<Zeroizing<Vec<u8>>>,
}

/// Reads a whole record. Earlier addresses come with the present one, and its leaf speaks for them.
pub async fn record(
    app: &App,
    tx: &mut Tx,
    now: Micros,
    who: StaffId,
    holder: HolderId,
    purpose: Purpose,
) -> Result<Record, Refusal> {
    let opened = sealed(app, tx.conn(), holder).await?;
    let facts = read_fields(tx, now, who, holder, purpose, &Field::ALL, &opened).await?;
    let (_, key) = opened;
    let stays = lived(tx, holder, &key, &facts).await?;
    let photo = photo::reveal(tx, now, who, (holder, &key), purpose).await?;
    Ok(Record { facts, stays, photo })
}

/// What is written down as read where somebody looks at all that was done with a person.
const TIMELINE: &str = "timeline";

/// Where the person lived and lives, the present address first, for somebody who looks at all that was done with the person.
pub async fn homes(
    app: &App,
    tx: &mut Tx,
    now: Micros,
    who: StaffId,
    holder: HolderId,
    purpose: Purpose,
) -> Result<Vec<Stay>, Refusal> {
    let opened = sealed(app, tx.conn(), holder).await?;
    let lives = [Field::Address, Field::AddressSince];
    let facts = read_fields(tx, now, who, holder, purpose, &lives, &opened).await?;
    store::record_read(tx, now, holder, who, purpose, TIMELINE).await?;
    lived(tx, holder, &opened.1, &facts).await
}

async fn lived(tx: &mut Tx, holder: HolderId, key: &SealingKey, facts: &Facts) -> Result<Vec<Stay>, Refusal> {
    let mut changes: Vec<(i64, Before)> = Vec::new();
    for (leaf, reason, field, sealed) in
        store::before(tx.conn(), holder, &[Field::Address, Field::AddressSince]).await?
    {
        let text = match sealed {
            Some(sealed) => protect::open_field(key, holder, field, &sealed)?,
            None => Zeroizing::default(),
        };
        match changes.last_mut().filter(|(last, _)| *last == leaf) {
            Some((_, before)) => before.was.push((field, text)),
            None => changes.push((leaf, Before { reason, was: vec![(field, text)] })),
        }
    }
    let changes: Vec<_> = changes.into_iter().map(|(_, before)| before).collect();
    Ok(stays(facts, &changes))
}

/// The name for the printed information of a card, read on behalf of whoever registered the holder.
pub async fn name_for_card(app: &App, tx: &mut Tx, holder: HolderId) -> Result<Zeroizing<String>, Refusal> {
    let (registrar, purpose) = (registrar(tx, holder).await?, Purpose::CardIssuance);
    let read = reveal(app, tx, app.now(), registrar, holder, purpose, &[Field::Name]).await?;
    Ok(Zeroizing::new(read.get(Field::Name).to_owned()))
}

/// The photo for a card as a JPEG, if there is one, read on behalf of whoever registered the holder.
pub async fn photo_for_card(app: &App, tx: &mut Tx, holder: HolderId) -> Result<Option<Zeroizing<Vec<u8>>>, Refusal> {
    let registrar = registrar(tx, holder).await?;
    let (_, key) = sealed(app, tx.conn(), holder).await?;
    photo::reveal(tx, app.now(), registrar, (holder, &key), Purpose::CardIssuance).await
}

/// Refuses unless there is such a holder.
///
/// # Errors
/// When there is none, or the database fails.
pub async fn require_known(connection: &mut Connection, holder: HolderId) -> Result<(), Refusal> {
    if store::exists(connection, holder).await? {
        Ok(())
    } else {
        Err(Refusal::because(ProblemType::NotFound, "holder-unknown"))
    }
}

async fn registrar(tx: &mut Tx, holder: HolderId) -> Result<StaffId, Refusal> {
    store::registrar(tx.conn(), holder).await?.ok_or(Refusal::because(ProblemType::NotFound, "holder-unknown"))
}
