//! A merchant's day: sales on the page of a real browser with a card that takes as long as a contactless one, with the
//! network and without, and the taps of a day without network going up.
//!
//! A sale's time is from the moment at which pcscd tells its clients of the card, as a client of its own sees it, to the
//! result in the page's document; the screen shows it with its next frame. The daemon knows a status list of a large city. Our own share is what is left of it without
//! the card's time: pcscd, the daemon, the disk, the service and the page.

use std::{
    ops::Range,
    path::PathBuf,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, ensure};
use browser::{Chromium, Scripts, terminal_page::enter_counter};
use card_schema::envelope::{
    PublicKey,
    status_list::{CardStatus, Claims, SignedToken, StatusDelta, StatusList, Statuses},
};
use card_service::db::{Db, DbError, query};
use postgres_cluster::Cluster;
use serde_json::{Value, json};
use town::{Place, Town, wait};
use virtual_card::Pace;

use crate::{
    figure::{Report, percentile},
    intake::{
        count,
        installation::{Engine, key_pair, now},
        load::Signer,
    },
    usage::resident_mib,
};

/// What is measured.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The database
    #[arg(long, value_enum, default_value = "sqlite")]
    db: Engine,
    /// Sales with the network, and as many without
    #[arg(long, default_value_t = 100)]
    sales: usize,
    /// Payments that a shop takes without network before it goes up
    #[arg(long, default_value_t = 10_000)]
    kept: usize,
    /// Cards on the status list
    #[arg(long, default_value_t = 10_000_000)]
    cards: u32,
    /// Cards on it that change in an hour
    #[arg(long, default_value_t = 10_000)]
    changed: u32,
}

/// The shop's reader.
const SLOT: usize = Place::Shop as usize;
/// What the page says, in the language in which it opens.
const PAID: &str = "Paid";
const PAID_WITHOUT_NETWORK: &str = "Paid (without network)";
/// How long the taps of a day may take.
const PATIENCE: Duration = Duration::from_mins(10);
/// Notes when the page first has a result and when it draws the frame with it: ms since 1970.
const WATCH: &str = "
    const [done] = arguments;
    const now = () => performance.timeOrigin + performance.now();
    window.shown = null;
    const observer = new MutationObserver(() => {
        if (!document.querySelector('h1.result')) return;
        observer.disconnect();
        const result = now();
        requestAnimationFrame(() => { window.shown = [result, now()]; });
    });
    observer.observe(document.documentElement, { childList: true, subtree: true });
    done();
";
const SHOWN: &str = "arguments[0](window.shown)";

pub(crate) fn measure(options: &Options, report: &mut Report) -> Result<()> {
    ensure!(options.sales > 0 && options.kept > 0 && options.cards > 99 && options.changed > 0, "measuring nothing");
    status_list(options, report)?;
    let cluster = (options.db == Engine::Postgres).then(Cluster::start).transpose()?;
    let mut town = match &cluster {
        Some(cluster) => Town::open_on(&cluster.database("town")?)?,
        None => Town::open()?,
    };
    let card = town.holder_with_money("测试乙 Bench Holder", "110000199001010021", "731945", 100_000)?;
    let mut shop = Shop { browser: Chromium::start(Scripts::Allowed)?, town, card };
    enter_counter(&mut shop.town, Place::Shop, &shop.browser)?;
    shop.town.pcscd.cards().pace(SLOT, Pace::CONTACTLESS)?;
    shop.know_a_list_of(options.cards)?;
    // First sight of the card at this terminal: reads and verifies its certificate.
    shop.sale()?;
    let mut online = shop.sales(options.sales, PAID)?;
    shop.town.service.process().stop()?;
    // The page may not know yet that nobody answers.
    shop.sale()?;
    let mut offline = shop.sales(options.sales, PAID_WITHOUT_NETWORK)?;
    shop.town.pcscd.cards().pace(SLOT, Pace::default())?;
    let uploaded = shop.kept(options.kept)?;
    let daemon = resident_mib(shop.town.at(Place::Shop).process().pid())?;

    report.figure("present_to_result_ms_p50", percentile(&mut online.total, 50), "ms", None);
    report.figure("present_to_result_ms_p95", percentile(&mut online.total, 95), "ms", Some(300.0));
    report.figure("present_to_frame_ms_p95", percentile(&mut online.frame, 95), "ms", Some(300.0));
    report.figure("own_share_ms_p50", percentile(&mut online.own, 50), "ms", None);
    report.figure("own_share_ms_p95", percentile(&mut online.own, 95), "ms", Some(15.0));
    report.figure("offline_present_to_result_ms_p50", percentile(&mut offline.total, 50), "ms", None);
    report.figure("offline_present_to_result_ms_p95", percentile(&mut offline.total, 95), "ms", Some(300.0));
    report.figure("offline_present_to_frame_ms_p95", percentile(&mut offline.frame, 95), "ms", Some(300.0));
    report.figure("offline_own_share_ms_p50", percentile(&mut offline.own, 50), "ms", None);
    report.figure("offline_own_share_ms_p95", percentile(&mut offline.own, 95), "ms", Some(15.0));
    report.figure(&format!("upload_{}_s", options.kept), uploaded, "s", Some(3.0));
    report.figure("daemon_rss_mib", daemon, "MiB", Some(25.0));
    Ok(())
}

/// Milliseconds of some sales.
#[derive(Default)]
struct Sales {
    total: Vec<f64>,
    frame: Vec<f64>,
    own: Vec<f64>,
}

/// How one sale went.
struct Sale {
    total_ms: f64,
    frame_ms: f64,
    own_ms: f64,
    result: String,
}

struct Shop {
    browser: Chromium,
    town: Town,
    card: PathBuf,
}

impl Shop {
    fn sales(&mut self, number: usize, result: &str) -> Result<Sales> {
        let mut sales = Sales::default();
        for _ in 0..number {
            let sale = self.sale()?;
            ensure!(sale.result == result, "the page said {}", sale.result);
            sales.total.push(sale.total_ms);
            sales.frame.push(sale.frame_ms);
            sales.own.push(sale.own_ms);
        }
        Ok(sales)
    }

    /// One sale of one yuan.
    fn sale(&mut self) -> Result<Sale> {
        self.browser.clear("#amount")?;
        self.browser.type_into("#amount", "1")?;
        self.browser.follow("main form button.primary")?;
        self.browser.until("main.payment")?;
        self.browser.run(WATCH, &[])?;
        self.town.pcscd.insert(SLOT, &self.card)?;
        let present = Duration::from_micros(u64::try_from(now()?.0)?).as_secs_f64() * 1000.0;
        let [shown, drawn]: [f64; 2] =
            wait::until("the result is on the page", || Ok(serde_json::from_value(self.browser.run(SHOWN, &[])?)?))?;
        let result = self.browser.text("h1.result")?;
        self.town.take(Place::Shop)?;
        let apdus = self.town.pcscd.cards().trace(SLOT, 0)?;
        let insertion = apdus.last().context("the card was asked something")?.insertion;
        let of_card = apdus.iter().filter(|apdu| apdu.insertion == insertion).map(|apdu| apdu.micros).sum();
        let of_card = Duration::from_micros(of_card).as_secs_f64() * 1000.0;
        self.browser.follow("form[action$='/put-away'] button")?;
        self.browser.until("#amount")?;
        let total_ms = shown - present;
        Ok(Sale { total_ms, frame_ms: drawn - present, own_ms: total_ms - of_card, result })
    }

    /// Puts one in a hundred of so many cards out of use, and has the shop's daemon know it.
    fn know_a_list_of(&mut self, cards: u32) -> Result<()> {
        /// No more than one token may name.
        const AT_ONCE: u32 = 50_000;
        let shop = self.town.at(Place::Shop).local()?;
        let listed = cards / 100;
        let runtime = tokio::runtime::Runtime::new()?;
        for first in (0..listed).step_by(AT_ONCE as usize) {
            let last = (first + AT_ONCE).min(listed);
            runtime.block_on(list(self.town.service.database_url(), cards, first..last))?;
            shop.post("/v1/outbox/retry", &Value::Null)?.success()?;
            wait::until("the shop knows who is out of use", || {
                let version = shop.get("/v1/status")?.success()?["status_version"].as_u64();
                Ok(version.is_some_and(|version| version > u64::from(last)).then_some(()))
            })?;
        }
        Ok(())
    }

    /// Payments of a day without network, and the seconds until the service has all of them.
    fn kept(&mut self, payments: usize) -> Result<f64> {
        let shop = self.town.at(Place::Shop).local()?;
        let card = self.card.clone();
        self.town.put(&card, Place::Shop)?;
        for _ in 0..payments {
            let request = json!({"operation": "purse.payment", "amount_fen": 1, "receipt_wait_ms": 0});
            let said = shop.post("/v1/taps", &request)?.success()?;
            ensure!(said["state"] == "signed", "a payment was not kept: {said}");
        }
        let pending = || -> Result<u64> {
            let status: Value = shop.get("/v1/status")?.success()?;
            status["pending"].as_u64().context("a number of taps")
        };
        ensure!(pending()? >= payments as u64, "the shop keeps them");
        self.town.service.start()?;
        let began = Instant::now();
        shop.post("/v1/outbox/retry", &Value::Null)?.success()?;
        wait::within(PATIENCE, "the service has what the shop kept", || Ok((pending()? == 0).then_some(())))?;
        Ok(began.elapsed().as_secs_f64())
    }
}

/// Writes what terminals are told of some cards, the last of so many first.
async fn list(database_url: &str, cards: u32, which: Range<u32>) -> Result<()> {
    let db = Db::open(database_url).await?;
    let numbers = [cards, which.start, which.end].map(i64::from);
    db.write::<_, DbError, _>(move |tx| {
        Box::pin(async move {
            query(
                "WITH RECURSIVE n (number) AS (SELECT $2 UNION ALL SELECT number + 1 FROM n WHERE number < $3 - 1)
                 INSERT INTO status_change (version, at, status_index, status, leaf)
                 SELECT number + 2, 0, $1 - 1 - number * 100, 1, 0 FROM n",
            )
            .bind(numbers[0])
            .bind(numbers[1])
            .bind(numbers[2])
            .execute(tx.conn())
            .await
            .map(drop)
        })
    })
    .await?;
    db.close().await;
    Ok(())
}

/// A list of many cards of which one in a hundred is out of use, and what changes in an hour: their size, and what it takes to verify
/// and apply them and to ask the list.
fn status_list(options: &Options, report: &mut Report) -> Result<()> {
    const LOOK_UPS: u32 = 1_000_000;
    let cards = options.cards;
    let mut random = fastrand::Rng::with_seed(1);
    let mut statuses = Statuses::default();
    statuses.set(cards - 1, CardStatus::Valid);
    let listed: Vec<u32> = (0..cards / 100).map(|_| random.u32(..cards)).collect();
    for index in &listed {
        let status = if random.u8(..4) == 0 { CardStatus::Suspended } else { CardStatus::Invalid };
        statuses.set(*index, status);
    }
    let subject = "https://localhost/v1/status-lists/cards".to_owned();
    let list = StatusList { subject: subject.clone(), issued_at_s: 0, time_to_live_s: 3_600, version: 1, statuses };
    // Some of those that are out of use come back, the others are new.
    let changes = (0..options.changed).map(|number| match number % 4 {
        0 => (random.choice(&listed).copied().unwrap_or_default(), CardStatus::Valid),
        1 => (random.u32(..cards), CardStatus::Suspended),
        _ => (random.u32(..cards), CardStatus::Invalid),
    });
    let changes = changes.collect();
    let delta = StatusDelta { subject, issued_at_s: 0, version: 1 + u64::from(options.changed), since: 1, changes };
    let (pkcs8, point) = key_pair()?;
    let (public, signer) = (PublicKey::from_sec1(&point)?, Signer::read(&pkcs8)?);
    let (token, changes) = (signed(&signer, &public, &list)?, signed(&signer, &public, &delta)?);
    report.figure("status_list_bytes", count(token.len()), "bytes", Some(180.0 * 1024.0));
    report.figure("status_delta_bytes", count(changes.len()), "bytes", Some(40.0 * 1024.0));

    let began = Instant::now();
    let mut list: StatusList = verified(&token, &public)?;
    report.figure("status_apply_ms", began.elapsed().as_secs_f64() * 1000.0, "ms", Some(100.0));
    let began = Instant::now();
    verified::<StatusDelta>(&changes, &public)?.apply(&mut list)?;
    report.figure("status_delta_apply_ms", began.elapsed().as_secs_f64() * 1000.0, "ms", Some(100.0));
    let began = Instant::now();
    let found = (0..LOOK_UPS).filter(|_| list.statuses.get(random.u32(..cards)) != CardStatus::Valid).count();
    let each = began.elapsed().as_secs_f64() * 1e6 / f64::from(LOOK_UPS);
    ensure!(found > 0, "one card in a hundred is listed");
    report.figure("status_lookup_us", each, "us", Some(1.0));
    Ok(())
}

fn signed(signer: &Signer, key: &PublicKey, claims: &impl Claims) -> Result<Vec<u8>> {
    let unsigned = claims.to_be_signed(key.key_id());
    Ok(unsigned.sign(&signer.sign(unsigned.message())?))
}

fn verified<C: Claims>(token: &[u8], key: &PublicKey) -> Result<C> {
    let token = SignedToken::<C>::decode(token)?;
    token.verify(key)?;
    Ok(token.claims)
}
