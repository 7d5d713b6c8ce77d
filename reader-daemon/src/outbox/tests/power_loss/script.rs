//! What a terminal does while its disk is watched: the outbox as it ships, driven in the order of `tap::Line` and
//! `submit::Submitter`. A card's signature is the terminal's here: the outbox looks at neither.

use std::{collections::BTreeMap, env, fs::File, io::Write as _, path::Path, process, sync::Arc};

use card_schema::{
    card::Slot,
    clock::Micros,
    envelope::{PublicKey, receipt::Outcome, tap::Tap},
    ids::{CardId, TapId},
    money::Fen,
    operation::{Operation, purse::Payment},
};
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair},
};
use serde::{Deserialize, Serialize};
use sqlx::Connection as _;

use super::{
    super::{answered, open, terminal},
    MARKS,
    promise::Mark,
};
use crate::{
    outbox::{KnownCard, Lane, Outbox, StoredTap, Writing},
    tap::{Line, Shared, TapError, sign::TerminalKey, tests::knowledge, validation::Recent},
};

/// The name of the test that plays an act in a process of its own.
pub(super) const PLAYED: &str = "outbox::tests::power_loss::script::played_by_the_other_tests_under_strace";
/// Where it plays.
pub(super) const FOLDER: &str = "NRC_WATCHED_FOLDER";
/// What it plays: an [`Act`] as JSON.
pub(super) const ACT: &str = "NRC_WATCHED_ACT";

const TILL: &str = "Test Reader 00";
const KIOSK: &str = "Test Reader 01";

/// A part of the script, and what is wrong with the program that plays it.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Act {
    pub(super) number: u8,
    pub(super) defect: Option<Defect>,
}

/// Programs that must be found out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Defect {
    /// SQLite syncs nothing.
    SynchronousOff,
    /// SQLite does not sync the log at each commit.
    SynchronousNormal,
    /// Somebody hears "accepted" and only then the tap is stored.
    AcknowledgedBeforeStored,
    /// A card signs before the tap is kept that reserves its number.
    AskedBeforeReserved,
    /// Taps are forgotten and only then their receipt is looked at.
    ForgottenBeforeReceipt,
    /// A tap names no other before it.
    ChainNotContinued,
}

/// The card that is tapped.
pub(super) fn card() -> CardId {
    CardId::from_bytes([1; 16])
}

/// What its certificate said.
pub(super) fn known_card() -> KnownCard {
    let mut point = [5; 65];
    point[0] = 4;
    KnownCard { key: PublicKey::from_sec1(&point).unwrap(), expires: Micros(9) }
}

/// A status list that does not fit on one page of the database; version 0 is none.
pub(super) fn status_list(version: u64) -> Vec<u8> {
    vec![version.to_be_bytes()[7]; if version == 0 { 0 } else { 6000 }]
}

/// A terminal with two readers.
pub(super) struct Terminal {
    pub(super) outbox: Arc<Outbox>,
    key: Arc<TerminalKey>,
    lanes: BTreeMap<String, Lane>,
    marks: Option<File>,
    defect: Option<Defect>,
}

impl Terminal {
    /// A terminal that nobody watches.
    pub(super) fn start(outbox: Arc<Outbox>) -> Self {
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new()).unwrap();
        let key = Arc::new(TerminalKey::from_pkcs8(pkcs8.as_ref()).unwrap());
        Self { outbox, key, lanes: BTreeMap::new(), marks: None, defect: None }
    }

    async fn watched(folder: &Path, defect: Option<Defect>) -> Self {
        let outbox = open(folder).await;
        let pragma = match defect {
            Some(Defect::SynchronousOff) => "PRAGMA synchronous = OFF",
            Some(Defect::SynchronousNormal) => "PRAGMA synchronous = NORMAL",
            _ => "PRAGMA synchronous = FULL",
        };
        sqlx::raw_sql(pragma).execute(&mut *outbox.lock().await).await.unwrap();
        let marks = File::options().create(true).append(true).open(folder.join(MARKS)).unwrap();
        Self { marks: Some(marks), defect, ..Self::start(Arc::new(outbox)) }
    }

    /// One write, so that the mark stands in the trace where it was made.
    fn mark(&mut self, mark: &Mark) {
        if let Some(marks) = &mut self.marks {
            marks.write_all(&serde_json::to_vec(mark).unwrap()).unwrap();
        }
    }

    /// A reader's lane after a restart: what was reserved and not used is reported as abandoned, a new number lies ready.
    pub(super) async fn lane(&mut self, reader: &str) -> Result<&Lane, TapError> {
        let known = Shared::new(knowledge());
        let mut line =
            Line::new(Arc::clone(&self.outbox), known, Arc::clone(&self.key), terminal(), Recent::default(), reader);
        line.prepare(Micros(5)).await?;
        let lane = self.outbox.lane(reader).await?;
        self.mark(&Mark::Lane { reader: reader.to_owned(), lane: lane.number });
        for tap in self.outbox.pending(u16::MAX).await?.into_iter().filter(|tap| tap.lane == lane.number) {
            self.mark(&Mark::Stored { lane: tap.lane, counter: tap.counter, tap: tap.tap_id });
        }
        Ok(self.lanes.entry(reader.to_owned()).insert_entry(lane).into_mut())
    }

    /// One payment: sign, store, say so.
    pub(super) async fn take(&mut self, reader: &str) -> Result<(), TapError> {
        let (mut lane, tap) = self.sign(reader)?;
        let stored = Mark::Stored { lane: lane.number, counter: tap.counter, tap: tap.tap_id };
        if self.defect == Some(Defect::AcknowledgedBeforeStored) {
            self.mark(&stored);
        }
        if self.defect == Some(Defect::AskedBeforeReserved) {
            self.mark(&Mark::Asked { lane: lane.number, counter: tap.counter + 1 });
        }
        self.outbox.store(&mut lane, tap).await?;
        self.mark(&stored);
        self.lanes.insert(reader.to_owned(), lane);
        Ok(())
    }

    /// A payment at each reader, both of which wait for the disk at once.
    async fn take_together(&mut self) {
        let [(mut kiosk, bought), (mut till, paid)] = [KIOSK, TILL].map(|reader| self.sign(reader).unwrap());
        let stored = [(kiosk.number, &bought), (till.number, &paid)].map(|(lane, tap)| Mark::Stored {
            lane,
            counter: tap.counter,
            tap: tap.tap_id,
        });
        let outbox = Arc::clone(&self.outbox);
        let busy = outbox.lock().await;
        let free = async { drop(busy) };
        let (bought, paid, ()) = tokio::join!(outbox.store(&mut kiosk, bought), outbox.store(&mut till, paid), free);
        bought.and(paid).unwrap();
        for stored in &stored {
            self.mark(stored);
        }
        self.lanes.extend([(TILL.to_owned(), till), (KIOSK.to_owned(), kiosk)]);
    }

    /// A card is asked, and signs.
    fn sign(&mut self, reader: &str) -> Result<(Lane, StoredTap), TapError> {
        let lane = self.lanes.remove(reader).expect("the reader was started");
        let counter = lane.ready().expect("a number lies ready");
        self.mark(&Mark::Asked { lane: lane.number, counter });
        let previous = if self.defect == Some(Defect::ChainNotContinued) { TapId::NONE } else { lane.head };
        let tap = Tap {
            card: Some(card()),
            terminal: terminal(),
            lane: lane.number,
            counter,
            previous,
            nonce: [6; 16],
            at: Micros(5),
            log_head: None,
            status_version: 0,
            operation: Operation::PursePayment(Payment::online(Fen(1250))),
        };
        let (digest, cose) = self.key.seal(&tap)?;
        Ok((lane, StoredTap::of(&tap, TapId(digest), None, cose)))
    }

    /// A receipt for so many of the newest taps.
    async fn receipt(&mut self, newest: usize) {
        let mut taps = self.outbox.pending(64).await.unwrap();
        let taps = taps.split_off(taps.len() - newest);
        let receipted = Mark::Receipted { taps: taps.iter().map(|tap| (tap.lane, tap.counter)).collect() };
        if self.defect != Some(Defect::ForgottenBeforeReceipt) {
            self.mark(&receipted);
        }
        self.outbox.settle(taps.into_iter().map(|tap| answered(tap, Outcome::Accepted)).collect(), None).await.unwrap();
        self.mark(&receipted);
    }

    /// What has changed since the list in force.
    async fn change(&mut self, version: u64) {
        self.outbox.keep_status_delta(version, &status_list(version)).await.unwrap();
        self.mark(&Mark::InForce { version });
    }

    async fn put_in_force(&mut self, version: u64) {
        self.outbox.keep_status_list(version, &status_list(version)).await.unwrap();
        self.mark(&Mark::InForce { version });
    }
}

/// The first day, up to a power loss while a card signs.
async fn first(mut terminal: Terminal) {
    for reader in [TILL, KIOSK] {
        terminal.lane(reader).await.unwrap();
    }
    terminal.outbox.learn_card(card(), Slot::Tap, &known_card()).await.unwrap();
    terminal.mark(&Mark::Learnt);
    terminal.put_in_force(1).await;
    terminal.change(2).await;
    for reader in [TILL, KIOSK, TILL] {
        terminal.take(reader).await.unwrap();
    }
    terminal.receipt(3).await;
    terminal.outbox.checkpoint().await.unwrap();
    terminal.take(TILL).await.unwrap();
    terminal.take_together().await;
    // The service has answered the newest first: the older one stays.
    terminal.receipt(1).await;
    terminal.outbox.checkpoint().await.unwrap();
    let till = &terminal.lanes[TILL];
    let asked = Mark::Asked { lane: till.number, counter: till.ready().unwrap() };
    terminal.mark(&asked);
    // Nothing is closed and nothing is given back.
    process::exit(0);
}

/// The next day: what was abandoned is reported, the service answers, and the terminal is switched off in good order.
async fn second(mut terminal: Terminal) {
    for reader in [TILL, KIOSK] {
        terminal.lane(reader).await.unwrap();
    }
    terminal.put_in_force(2).await;
    terminal.take(KIOSK).await.unwrap();
    let waiting = terminal.outbox.pending(64).await.unwrap().len();
    terminal.receipt(waiting).await;
    terminal.outbox.checkpoint().await.unwrap();
    for reader in [KIOSK, TILL] {
        terminal.take(reader).await.unwrap();
        let mut lane = terminal.lanes.remove(reader).unwrap();
        terminal.outbox.release(&mut lane).await.unwrap();
    }
    let outbox = Arc::into_inner(terminal.outbox).expect("nobody else holds the outbox");
    outbox.reading.into_inner().close().await.unwrap();
    let Writing { durable, soon } = outbox.writing.into_inner();
    soon.close().await.unwrap();
    durable.close().await.unwrap();
}

/// The third day, from a file without a log.
async fn third(mut terminal: Terminal) {
    for reader in [TILL, KIOSK] {
        terminal.lane(reader).await.unwrap();
        terminal.take(reader).await.unwrap();
    }
    process::exit(0);
}

#[tokio::test]
#[ignore = "the other tests here run it, each act in a process that is watched"]
async fn played_by_the_other_tests_under_strace() {
    let folder = env::var_os(FOLDER).expect("the watching test names the folder");
    let act: Act = serde_json::from_str(&env::var(ACT).expect("the watching test names the act")).unwrap();
    let terminal = Terminal::watched(Path::new(&folder), act.defect).await;
    match act.number {
        1 => first(terminal).await,
        2 => second(terminal).await,
        3 => third(terminal).await,
        number => panic!("there is no act {number}"),
    }
}
