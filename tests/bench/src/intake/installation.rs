//! A service with as many cards and terminals as a run asks for.
//!
//! Terminals enrol one by one, as they do in life. Cards are written into the database in bulk while the service is
//! down, with their purses filled through the ledger: issuing ten million over the wire would take weeks. A sample of
//! them, spread evenly over all, has keys that somebody holds; nobody can tap with the others.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result, anyhow};
use card_schema::{
    clock::Micros,
    ids::{CardId, HolderId, OrganisationId, Shard, TapId},
    operation::OperationCode,
};
use card_service::{
    db::{self, Connection, Db, DbError, Rows, Tx, query},
    domains::purse::{float_of, purse_of},
    evidence::{
        self, Action, ActionKind, RowImage,
        tables::{self, Value},
    },
    ledger::{self, Phase, Reference, Transfer, TransferKind},
};
use clap::ValueEnum;
use indicatif::{ProgressBar, ProgressStyle};
use postgres_cluster::Cluster;
use reader_daemon::enrol;
use ring::{
    rand::{SecureRandom as _, SystemRandom},
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use tempfile::TempDir;
use town::{service::Service, wait};

/// Cards that can tap.
const SAMPLE: u64 = 20_000;
/// Cards written in one transaction.
const CARDS_A_STEP: u64 = 40_000;
/// 4 GiB, in `SQLite`'s notation: the indexes of ten million cards.
const BULK_CACHE: &str = "PRAGMA cache_size = -4194304";
/// Fen in each purse: more than all runs of one card together spend.
const FUNDS: i64 = 1_000_000;
const DAY_SECONDS: i64 = 86_400;
/// How long the log may take to catch up.
const UNTIL_LOGGED: Duration = Duration::from_mins(15);

/// What the service keeps its data in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Engine {
    /// SQLite, in the service's process.
    Sqlite,
    /// PostgreSQL, a cluster of this run's own.
    Postgres,
}

impl Engine {
    /// Founds a service in a folder that does not exist yet, on this engine.
    ///
    /// # Errors
    /// When a program fails.
    pub(crate) fn found(self, folder: &Path) -> Result<(Option<Cluster>, Service)> {
        Ok(match self {
            Self::Sqlite => (None, Service::found(folder)?),
            Self::Postgres => {
                let cluster = Cluster::start()?;
                let service = Service::found_on(&cluster.database("bench")?, folder)?;
                (Some(cluster), service)
            }
        })
    }

    /// The one of a pair that is for this engine: first SQLite's, then PostgreSQL's.
    pub(crate) const fn of(self, [sqlite, postgres]: [f64; 2]) -> f64 {
        match self {
            Self::Sqlite => sqlite,
            Self::Postgres => postgres,
        }
    }
}

/// A running installation. Dropping it stops the service and removes everything.
#[derive(Debug)]
pub struct Installation {
    service: Service,
    cluster: Option<Cluster>,
    terminals: Vec<PathBuf>,
    cards: PathBuf,
    folder: TempDir,
}

/// A card as it is written.
struct NewCard {
    card: CardId,
    holder: HolderId,
    /// Public key of the slot 9E.
    point: Vec<u8>,
}

impl NewCard {
    /// Its rows of `holder`, `card` and `card_key`, each with the number of a leaf.
    fn rows(&self, now: Micros, leaf: i64) -> [Vec<Value>; 3] {
        let shard = || Value::from(i64::from(self.card.shard().0));
        let id = |bytes: &[u8; 16]| Value::from(&bytes[..]);
        let (card, holder, at) = (self.card.as_bytes(), self.holder.as_bytes(), || Value::from(now.0));
        let (index, until) = (i64::from(self.card.status_index()), now.plus_seconds(365 * DAY_SECONDS).0);
        let active = Value::Text("active".to_owned());
        [
            vec![shard(), id(holder), at(), id(&[0; 16]), leaf.into()],
            vec![
                id(card),
                shard(),
                id(holder),
                Value::Null,
                0.into(),
                index.into(),
                active,
                at(),
                until.into(),
                at(),
                leaf.into(),
            ],
            vec![self.point[..].into(), shard(), id(card), 0x9E.into(), 1.into(), at(), leaf.into()],
        ]
    }
}

impl Installation {
    /// Founds a service, enrols terminals and writes cards.
    ///
    /// # Errors
    /// When a program fails.
    pub fn found(engine: Engine, cards: u64, terminals: usize) -> Result<Self> {
        let folder = tempfile::Builder::new().prefix("bench-").tempdir().context("a folder for the installation")?;
        let (cluster, mut service) = engine.found(&folder.path().join("service"))?;
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let terminals = enrol_all(&runtime, &service, folder.path(), terminals)?;
        service.process().stop()?;
        let file = folder.path().join("cards");
        runtime.block_on(write_cards(&service, cards, &file))?;
        service.start()?;
        Ok(Self { service, cluster, terminals, cards: file, folder })
    }

    /// The service.
    pub fn service(&self) -> &Service {
        &self.service
    }

    /// A folder for what belongs to the installation.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The folders of the terminals' identities.
    pub fn terminals(&self) -> &[PathBuf] {
        &self.terminals
    }

    /// The cards that can tap, as [`super::load`] reads them.
    pub(super) fn cards(&self) -> &Path {
        &self.cards
    }

    /// Its process.
    pub fn service_pid(&mut self) -> u32 {
        self.service.process().pid()
    }

    /// Every process whose work is the service's.
    pub(super) fn servers(&mut self) -> Vec<u32> {
        [self.service_pid()].into_iter().chain(self.database_server()).collect()
    }

    /// Bytes of the database on disk, its write-ahead log left out: that one has a bound of its own.
    pub(super) fn database_bytes(&self) -> Result<f64> {
        let bytes = match &self.cluster {
            None => fs::metadata(self.service.database())?.len(),
            Some(_) => u64::try_from(self.ask("SELECT pg_database_size(current_database())")?)?,
        };
        #[expect(clippy::cast_precision_loss, reason = "far below 2^52")]
        Ok(bytes as f64)
    }

    /// Waits until every leaf has its place in a signed tree.
    ///
    /// # Errors
    /// When it takes too long.
    pub fn until_logged(&self) -> Result<()> {
        wait::within(UNTIL_LOGGED, "every leaf has its place", || {
            let waiting = self.ask(
                "SELECT CAST(COALESCE((SELECT SUM(leaf) FROM shard), 0) - COALESCE((SELECT SUM(leaves) FROM leaf_run), 0)
                 AS BIGINT)",
            )?;
            Ok((waiting == 0).then_some(()))
        })
    }

    /// Ends the service in good order.
    pub(super) fn stop_service(&mut self) -> Result<()> {
        self.service.process().stop()
    }

    pub(super) fn start_service(&mut self) -> Result<()> {
        self.service.start()
    }

    pub(super) const fn engine(&self) -> Engine {
        if self.cluster.is_some() { Engine::Postgres } else { Engine::Sqlite }
    }

    /// The database server, if there is one.
    pub fn cluster(&self) -> Option<&Cluster> {
        self.cluster.as_ref()
    }

    /// Processes of a database server, if there is one.
    pub(super) fn database_server(&self) -> Vec<u32> {
        self.cluster.as_ref().map(Cluster::pid).into_iter().collect()
    }

    /// A database of the same engine with nothing in it.
    pub(super) fn empty_database(&self, name: &str) -> Result<String> {
        match &self.cluster {
            None => Ok(format!("sqlite:{}", self.folder.path().join(name).with_extension("db").display())),
            Some(cluster) => cluster.database(name),
        }
    }

    pub(super) fn kill_service(&mut self) -> Result<()> {
        self.service.process().kill()
    }

    /// How many of these taps are not in the database.
    pub(super) fn missing(&self, taps: &BTreeSet<TapId>) -> Result<usize> {
        let found: Vec<Vec<u8>> =
            self.with_database(async |connection| query("SELECT tap_id FROM tap").scalars(connection).await)?;
        let found: BTreeSet<TapId> = found.into_iter().filter_map(|id| id.try_into().ok().map(TapId)).collect();
        Ok(taps.difference(&found).count())
    }

    fn ask(&self, sql: &'static str) -> Result<i64> {
        self.with_database(async |connection| query(sql).scalar_one(connection).await)
    }

    fn with_database<T>(&self, ask: impl AsyncFnOnce(&mut Connection) -> Result<T, DbError>) -> Result<T> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        runtime.block_on(async {
            let db = Db::open(self.service.database_url()).await?;
            let answer = ask(&mut db.read().await?).await;
            db.close().await;
            Ok(answer?)
        })
    }
}

fn enrol_all(
    runtime: &tokio::runtime::Runtime,
    service: &Service,
    folder: &Path,
    terminals: usize,
) -> Result<Vec<PathBuf>> {
    let office = service.office()?;
    let bar = progress("enrolling terminals", terminals as u64);
    let mut folders = Vec::with_capacity(terminals);
    for number in 0..terminals {
        let terminal = office.add_terminal(
            &format!("till {number}"),
            &format!("Invented Shop {}", number / 4),
            &[OperationCode::PursePayment],
        )?;
        let folder = folder.join(format!("terminal-{number}"));
        runtime.block_on(enrol::enrol(&folder, service.url(), &terminal.code, &service.root(), "en"))?;
        folders.push(folder);
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(folders)
}

/// Opens a database for writing millions of rows: what `SQLite`'s indexes have in random order stays in memory meanwhile.
pub(crate) async fn open_for_bulk(url: &str) -> Result<Db> {
    let db = Db::open(url).await?;
    if db.engine() == db::Engine::Sqlite {
        // It is that of the one connection that writes.
        db.write::<_, DbError, _>(|tx| Box::pin(async move { query(BULK_CACHE).execute(tx.conn()).await.map(drop) }))
            .await?;
    }
    Ok(db)
}

async fn write_cards(service: &Service, cards: u64, file: &Path) -> Result<()> {
    let db = open_for_bulk(service.database_url()).await?;
    let now = now()?;
    let shards = u64::from(db.engine().shards());
    let bank = OrganisationId::from_bytes(random()?);
    let every = cards.div_ceil(SAMPLE).max(1);
    let mut out = std::io::BufWriter::new(fs::File::create_new(file)?);
    let bar = progress("writing cards", cards);
    let mut written = 0;
    while written < cards {
        let step = CARDS_A_STEP.min(cards - written);
        let mut new = Vec::with_capacity(usize::try_from(step)?);
        for index in written..written + step {
            let shard = Shard(u8::try_from(index % shards)?);
            let card = CardId::new(u32::try_from(index)?, shard, random()?);
            let point = if index % every == 0 {
                let (pkcs8, point) = key_pair()?;
                super::load::write_card(&mut out, card, &pkcs8)?;
                point
            } else {
                // Nobody holds its key, so it need not lie on the curve.
                let mut point = vec![4; 65];
                point[1..].copy_from_slice(&ascending::<64>(index, cards, 0)?);
                point
            };
            new.push(NewCard { card, holder: HolderId::new(shard, ascending(index, cards, 1)?), point });
        }
        db.write::<_, DbError, _>(move |tx| Box::pin(async move { insert(tx, now, bank, &new).await })).await?;
        written += step;
        bar.set_position(written);
    }
    out.flush()?;
    bar.finish_and_clear();
    db.close().await;
    Ok(())
}

/// Random bytes of which five, from `at` on, grow from 0 to their largest as `index` does to `of`. Millions of rows in the
/// order of their keys fill a page of an index after the other; in another order each changes a page of its own.
fn ascending<const N: usize>(index: u64, of: u64, at: usize) -> Result<[u8; N]> {
    let place = u64::try_from((u128::from(index) << 40) / u128::from(of))?;
    let mut bytes = random::<N>()?;
    bytes[at..at + 5].copy_from_slice(&place.to_be_bytes()[3..]);
    Ok(bytes)
}

async fn insert(tx: &mut Tx, now: Micros, bank: OrganisationId, cards: &[NewCard]) -> Result<(), DbError> {
    let tables = [&tables::HOLDER, &tables::CARD, &tables::CARD_KEY];
    // One leaf a shard, as an office that takes over many cards at once would write.
    let mut images: BTreeMap<Shard, Vec<RowImage>> = BTreeMap::new();
    for new in cards {
        let rows = tables.iter().zip(new.rows(now, 0)).map(|(table, row)| table.image(&row));
        images.entry(new.card.shard()).or_default().extend(rows);
    }
    let actions = images.into_iter().map(|(shard, images)| Action::new(shard, ActionKind::CardPrepared, images));
    let leaves = evidence::append_all(tx, now, actions.collect()).await?;
    let leaf_of: BTreeMap<Shard, i64> = leaves.iter().map(|leaf| (leaf.shard, leaf.leaf_id)).collect();
    let mut rows = tables.map(|_| Vec::with_capacity(cards.len()));
    for new in cards {
        for (rows, row) in rows.iter_mut().zip(new.rows(now, leaf_of[&new.card.shard()])) {
            rows.push(row);
        }
    }
    for (table, rows) in tables.into_iter().zip(rows) {
        db::insert(tx.conn(), table.name, by_column(table, &rows)?, "").await?;
    }
    let fund = |new: &NewCard| {
        let shard = new.holder.shard();
        let mut reference = [0; 32];
        reference[..16].copy_from_slice(new.card.as_bytes());
        vec![Transfer {
            debit: float_of(bank, shard),
            credit: purse_of(new.holder, shard),
            amount: FUNDS,
            kind: TransferKind::TopUp,
            reference: Some(Reference(reference)),
            phase: Phase::Posted,
        }]
    };
    ledger::post(tx, now, &cards.iter().map(fund).collect::<Vec<_>>()).await?;
    Ok(())
}

/// Rows of a table, column by column. A column without any value is left out.
pub(crate) fn by_column(table: &tables::Table, rows: &[Vec<Value>]) -> Result<Rows, DbError> {
    table.columns.iter().enumerate().try_fold(Rows::new(), |columns, (at, name)| {
        let values = || rows.iter().map(|row| &row[at]);
        if let Some(numbers) = values().map(number).collect::<Option<Vec<_>>>() {
            Ok(columns.ints(name, numbers.into_iter()))
        } else if let Some(bytes) = values().map(bytes).collect::<Option<Vec<_>>>() {
            Ok(columns.bytes(name, bytes.into_iter()))
        } else if let Some(texts) = values().map(text).collect::<Option<Vec<_>>>() {
            Ok(columns.texts(name, texts.into_iter()))
        } else if values().all(|value| *value == Value::Null) {
            Ok(columns)
        } else if values().all(|value| matches!(value, Value::Int(_) | Value::Null)) {
            Ok(columns.optional_ints(name, values().map(number)))
        } else {
            Err(DbError::Unreadable("a column of mixed kinds"))
        }
    })
}

const fn number(value: &Value) -> Option<i64> {
    if let Value::Int(number) = value { Some(*number) } else { None }
}

fn bytes(value: &Value) -> Option<&[u8]> {
    if let Value::Bytes(bytes) = value { Some(bytes) } else { None }
}

fn text(value: &Value) -> Option<&str> {
    if let Value::Text(text) = value { Some(text) } else { None }
}

/// A key pair: PKCS #8 and the public point.
pub(crate) fn key_pair() -> Result<(Vec<u8>, Vec<u8>)> {
    let (random, algorithm) = (SystemRandom::new(), &ECDSA_P256_SHA256_FIXED_SIGNING);
    let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &random).map_err(|_| anyhow!("a key pair cannot be made"))?;
    let pair = EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref(), &random)
        .map_err(|rejected| anyhow!("a key pair cannot be read: {rejected}"))?;
    Ok((pkcs8.as_ref().to_vec(), pair.public_key().as_ref().to_vec()))
}

pub(crate) fn random<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).map_err(|_| anyhow!("no randomness"))?;
    Ok(bytes)
}

/// The time of this machine: the service that is measured has the same.
pub(crate) fn now() -> Result<Micros> {
    #[expect(clippy::disallowed_methods, reason = "the bench is the clock of the terminals that it plays")]
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
    Ok(Micros(i64::try_from(since.as_micros())?))
}

pub(crate) fn progress(what: &'static str, length: u64) -> ProgressBar {
    let bar = ProgressBar::new(length).with_message(what);
    let style = "{msg} [{bar:30}] {human_pos}/{human_len} ({eta})";
    bar.set_style(ProgressStyle::with_template(style).expect("the template is constant"));
    bar
}
