//! A service with as many people as a run asks for, each with a card that has been used, some with a residence permit.
//!
//! People are sealed and stored by the product's own functions, in batches; cards, permits and taps are written as rows
//! with their leaves, because making them card by card would take weeks.

use std::{
    collections::{BTreeMap, HashMap},
    path::PathBuf,
    sync::{Arc, mpsc},
    thread,
    time::Duration,
};

use anyhow::{Context, Result, anyhow};
use card_schema::{
    card::Slot,
    clock::Micros,
    date::Date,
    envelope::{Kid, Signature, ToBeSigned, tap::Tap},
    ids::{CardId, HolderId, TapId, TerminalId},
    money::Fen,
    operation::{Operation, OperationCode, purse::Payment},
};
use card_service::{
    config::{Config, Overrides},
    db::{self, Db, DbError, Tx, query},
    domains::residence::{self, Newcomer, Registration, model::Facts},
    evidence::{
        self, Action, ActionKind, RowImage,
        tables::{self, Table, Value},
    },
    http::Refusal,
    keys::KeyStore,
    people::StaffId,
    serve,
};
use postgres_cluster::Cluster;
use ring::rand::SystemRandom;
use tempfile::TempDir;
use town::{service::Service, wait};
use uuid::Uuid;

use super::{
    homes::{self, House},
    people::People,
};
use crate::intake::{
    installation::{Engine, by_column, now, open_for_bulk, progress, random},
    naive::tap_row,
};

/// People stored in one transaction.
const STEP: u64 = 20_000;
/// How many of those who were registered are kept in clear where some are looked for.
pub(crate) const SAMPLE: u64 = 2_000;
/// Of so many people, one has a permit in each of the stages that a list shows.
const PERMITS: u64 = 40;
const UNTIL_LOGGED: Duration = Duration::from_mins(30);
const DAY_SECONDS: i64 = 86_400;

/// Somebody who is registered.
#[derive(Clone, Debug)]
pub(crate) struct Resident {
    pub(crate) holder: HolderId,
    pub(crate) card: CardId,
    pub(crate) facts: Facts,
}

/// A running service in a city. Dropping it stops the service and removes everything.
#[derive(Debug)]
pub(crate) struct City {
    pub(crate) service: Service,
    pub(super) people: People,
    pub(crate) residents: Vec<Resident>,
    _cluster: Option<Cluster>,
    _folder: TempDir,
}

impl City {
    /// Founds a service and registers people, of whom about so many are kept in clear.
    pub(crate) fn found(engine: Engine, people: u64, seed: u64, kept: u64) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("bench-").tempdir().context("a folder for the city")?;
        let (cluster, mut service) = engine.found(&folder.path().join("service"))?;
        let office = service.office()?;
        let consents = [OperationCode::RegistrationConsent, OperationCode::PursePayment];
        let terminal = office.add_terminal("desk", "Invented Station", &consents)?.id;
        service.process().stop()?;
        let mut invented = People::new(seed, today()?);
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let residents = runtime.block_on(settle(&service, &mut invented, (people, kept), terminal))?;
        service.start()?;
        let city = Self { service, people: invented, residents, _cluster: cluster, _folder: folder };
        city.until_logged()?;
        Ok(city)
    }

    /// The keys that seal in this city.
    pub(crate) fn keys(&self) -> Result<Arc<dyn KeyStore>> {
        keys(&self.service)
    }

    /// Waits until every leaf has its place in a signed tree: the log works no more beside what is measured.
    fn until_logged(&self) -> Result<()> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let db = runtime.block_on(Db::look(self.service.database_url()))?;
        let logged = wait::within(UNTIL_LOGGED, "every leaf has its place", || {
            let waiting = runtime.block_on(async { evidence::store::count_pending(&mut db.read().await?).await })?;
            Ok((waiting == 0).then_some(()))
        });
        runtime.block_on(db.close());
        logged
    }
}

/// The day on which it is.
pub(super) fn today() -> Result<Date> {
    Ok(Date::of_utc(now()?))
}

fn keys(service: &Service) -> Result<Arc<dyn KeyStore>> {
    let overrides = Overrides { data_dir: Some(PathBuf::from(service.data())), ..Overrides::default() };
    Ok(serve::open_keys(&Config::load(None, &HashMap::new(), &overrides)?)?)
}

/// What a refusal is to somebody who measures.
pub(crate) fn refused(refusal: &Refusal) -> anyhow::Error {
    anyhow!("refused: {refusal:?}")
}

/// Registers people: one thread draws and seals them, another stores them.
async fn settle(
    service: &Service,
    people: &mut People,
    (count, kept): (u64, u64),
    terminal: TerminalId,
) -> Result<Vec<Resident>> {
    let db = open_for_bulk(service.database_url()).await?;
    let (keys, engine) = (keys(service)?, db.engine());
    let staff: Vec<u8> = query("SELECT staff_id FROM staff").scalar_one(&mut db.read().await?).await?;
    let by = StaffId(Uuid::from_slice(&staff)?);
    let at = now()?;
    homes::found_cells(&db, at).await?;
    let build = db.write::<_, DbError, _>(move |tx| Box::pin(homes::build(tx, at, by, count)));
    let houses = Arc::new(build.await?);
    let every = count.div_ceil(kept).max(1);
    let (sender, batches) = mpsc::sync_channel::<Vec<(Newcomer, Option<Facts>)>>(1);
    let bar = progress("registering people", count);
    let residents = thread::scope(|scope| -> Result<Vec<Resident>> {
        let sealing = scope.spawn(move || -> Result<()> {
            let random = SystemRandom::new();
            let mut sealed = 0;
            while sealed < count {
                let step = STEP.min(count - sealed);
                let one = |place: u64| {
                    let facts = people.checked();
                    let kept = place.is_multiple_of(every).then(|| facts.clone());
                    let newcomer = Newcomer::seal(&*keys, &random, engine, Registration::of(facts));
                    Ok((newcomer.map_err(|refusal| refused(&refusal))?, kept))
                };
                if sender.send((sealed..sealed + step).map(one).collect::<Result<_>>()?).is_err() {
                    return Ok(());
                }
                sealed += step;
            }
            Ok(())
        });
        let runtime = tokio::runtime::Handle::current();
        let (mut residents, mut first) = (Vec::new(), 0);
        for batch in batches {
            let size = batch.len() as u64;
            let (newcomers, kept): (Vec<_>, Vec<_>) = batch.into_iter().unzip();
            let stored = tokio::task::block_in_place(|| {
                runtime.block_on(store(&db, by, terminal, Arc::clone(&houses), (first, newcomers)))
            })?;
            let found = stored.into_iter().zip(kept).filter_map(|(stored, facts)| {
                let ((holder, card), facts) = (stored?, facts?);
                Some(Resident { holder, card, facts })
            });
            residents.extend(found);
            first += size;
            bar.set_position(first);
        }
        sealing.join().map_err(|_| anyhow!("the sealing thread panicked"))??;
        Ok(residents)
    })?;
    bar.finish_and_clear();
    db.close().await;
    Ok(residents)
}

/// Stores people in one transaction, with their cards. Who is not new, because a number was drawn twice, is left out.
async fn store(
    db: &Db,
    by: StaffId,
    terminal: TerminalId,
    houses: Arc<Vec<House>>,
    (first, newcomers): (u64, Vec<Newcomer>),
) -> Result<Vec<Option<(HolderId, CardId)>>> {
    let at = now()?;
    let stored = db
        .write::<_, DbError, _>(move |tx| {
            Box::pin(async move {
                let stored = residence::store_all(tx, at, by, newcomers).await?;
                let mut holders = Vec::with_capacity(stored.len());
                for (place, holder) in (first..).zip(stored) {
                    let card = holder.map(|holder| {
                        let index = u32::try_from(place).map_err(|_| DbError::Unreadable("too many people"))?;
                        let bytes = random().map_err(|_| DbError::Randomness)?;
                        Ok::<_, DbError>((place, holder, CardId::new(index, holder.shard(), bytes)))
                    });
                    holders.push(card.transpose()?);
                }
                let there: Vec<_> = holders.iter().flatten().copied().collect();
                belongings(tx, at, by, terminal, (&houses, &there)).await?;
                Ok(holders)
            })
        })
        .await?;
    Ok(stored.into_iter().map(|one| one.map(|(_, holder, card)| (holder, card))).collect())
}

/// The tables that the belongings of a holder lie in.
const BELONGINGS: [&Table; 6] =
    [&tables::CARD, &tables::CARD_KEY, &tables::TAP, &tables::PERMIT, &tables::PERMIT_ACT, &tables::HOME];

/// Writes what holders have, with a leaf for each holder.
async fn belongings(
    tx: &mut Tx,
    at: Micros,
    by: StaffId,
    terminal: TerminalId,
    (houses, holders): (&[House], &[(u64, HolderId, CardId)]),
) -> Result<(), DbError> {
    let mut rows: BTreeMap<&str, Vec<Vec<Value>>> = BTreeMap::new();
    let mut actions = Vec::with_capacity(holders.len());
    for (place, holder, card) in holders {
        let leaf = evidence::reserve(tx, holder.shard());
        let lives = usize::try_from(*place).unwrap_or_default() % houses.len();
        let (house, place) = (houses[lives], place);
        let owned = Owner { house, place: *place, holder: *holder, card: *card, leaf: leaf.leaf_id, at, by, terminal };
        let mut images: Vec<RowImage> = Vec::new();
        for (table, row) in BELONGINGS.into_iter().zip(owned.rows()) {
            if let Some(row) = row {
                // What is withheld of a permit's act is nothing here.
                let exported: Vec<Value> =
                    row.iter().cloned().chain(table.seal(&vec![Value::Null; table.withheld.len()])).collect();
                images.push(table.image(&exported));
                rows.entry(table.name).or_default().push(row);
            }
        }
        actions.push((leaf, Action::new(holder.shard(), ActionKind::CardPrepared, images)));
    }
    evidence::append_reserved(tx, at, actions).await?;
    for table in BELONGINGS {
        if let Some(rows) = rows.get(table.name) {
            db::insert(tx.conn(), table.name, by_column(table, rows)?, "").await?;
        }
    }
    Ok(())
}

/// Somebody who has a card.
struct Owner {
    place: u64,
    holder: HolderId,
    card: CardId,
    leaf: i64,
    at: Micros,
    by: StaffId,
    terminal: TerminalId,
    /// Where the holder lives.
    house: House,
}

impl Owner {
    /// Rows of [`BELONGINGS`].
    fn rows(&self) -> [Option<Vec<Value>>; 6] {
        let (card, key) = (self.card_rows(), self.place.to_be_bytes());
        let mut point = [4; 65];
        point[1..9].copy_from_slice(&key);
        point[9..25].copy_from_slice(self.card.as_bytes());
        let key = vec![
            point[..].into(),
            self.shard(),
            id(self.card.as_bytes()),
            0x9E.into(),
            1.into(),
            self.at.0.into(),
            self.leaf.into(),
        ];
        let (permit, act) = self.permit().unzip();
        let day = Date::of_utc(self.at).start_utc().0;
        let home = vec![
            self.shard(),
            id(self.holder.as_bytes()),
            self.leaf.into(),
            id(&self.house),
            day.into(),
            Value::Null,
            Value::Null,
            self.leaf.into(),
        ];
        [Some(card), Some(key), Some(self.tap()), permit, act, Some(home)]
    }

    fn shard(&self) -> Value {
        i64::from(self.holder.shard().0).into()
    }

    fn card_rows(&self) -> Vec<Value> {
        let until = self.at.plus_seconds(3_650 * DAY_SECONDS).0;
        vec![
            id(self.card.as_bytes()),
            self.shard(),
            id(self.holder.as_bytes()),
            Value::Null,
            0.into(),
            i64::from(self.card.status_index()).into(),
            Value::Text("active".to_owned()),
            self.at.0.into(),
            until.into(),
            self.at.0.into(),
            self.leaf.into(),
        ]
    }

    /// A payment. Nothing reads its signature.
    fn tap(&self) -> Vec<Value> {
        let tap = Tap {
            card: Some(self.card),
            terminal: self.terminal,
            lane: 0,
            counter: self.place + 1,
            previous: TapId::NONE,
            nonce: [0; 16],
            at: self.at,
            log_head: None,
            status_version: 1,
            operation: Operation::PursePayment(Payment::online(Fen(1))),
        };
        let signed = ToBeSigned::new(&tap, Kid::Card(Slot::Tap));
        // One by one: of taps that came in at one time the list would have to sort all.
        let received = Micros(self.at.0 + i64::try_from(self.place).unwrap_or_default());
        tap_row(&tap, TapId(signed.digest()), self.leaf, received, 0, signed.sign(&Signature([0; 64])))
    }

    /// A permit in one of the stages that a list shows, and what was done with it. Most people have none.
    fn permit(&self) -> Option<(Vec<Value>, Vec<Value>)> {
        let (stage, act, ends_in) = match self.place % PERMITS {
            0 => ("applied", "apply", None),
            1 => ("granted", "grant", None),
            2 => ("issued", "issue", Some(self.place / PERMITS % 360)),
            _ => return None,
        };
        // By day, as permits are.
        let day = |days: i64| Date::of_utc(self.at.plus_seconds(days * DAY_SECONDS)).start_utc().0;
        let applied = day(-i64::try_from(self.place / PERMITS % 20).unwrap_or_default());
        let ends = ends_in.map(|days| day(i64::try_from(days).unwrap_or_default() - 10));
        let (permit, optional) =
            (id(&random().unwrap_or_default()), |day: Option<i64>| day.map_or(Value::Null, Value::Int));
        let row = vec![
            self.shard(),
            id(self.holder.as_bytes()),
            permit.clone(),
            Value::Text(stage.to_owned()),
            applied.into(),
            (applied + 15 * DAY_SECONDS * 1_000_000).into(),
            optional(ends.map(|_| applied)),
            optional(ends),
            self.leaf.into(),
        ];
        let act = vec![
            self.shard(),
            id(self.holder.as_bytes()),
            self.leaf.into(),
            permit,
            Value::Text(act.to_owned()),
            self.at.0.into(),
            self.by.0.as_bytes()[..].into(),
            Value::Null,
            optional(ends),
        ];
        Some((row, act))
    }
}

fn id(bytes: &[u8; 16]) -> Value {
    bytes[..].into()
}
