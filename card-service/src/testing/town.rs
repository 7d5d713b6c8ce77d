//! A town on paper: a terminal and cards with keys of their own in a real database, and taps that they sign.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, LazyLock};

use card_schema::card::Slot;
use card_schema::clock::Micros;
use card_schema::envelope::batch::Batch;
use card_schema::envelope::receipt::{Receipt, TapOutcome};
use card_schema::envelope::tap::{LogHead, Tap};
use card_schema::envelope::{Envelope, Kid, Payload, PublicKey, Signature, ToBeSigned};
use card_schema::ids::{CardId, HolderId, OrganisationId, Shard, TapId, TerminalId};
use card_schema::money::Fen;
use card_schema::operation::{Operation, OperationCode};
use card_schema::wire::terminal::{Limits, OfflineLimits, RefundLimits};
use ring::rand::{SecureRandom, SystemRandom};
use ring::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair};
use tokio::sync::watch;
use uuid::Uuid;

use super::Scratch;
use crate::cards::deed::model::Reason;
use crate::cards::store::Because;
use crate::cards::{self, CardState};
use crate::consent::Text;
use crate::db::{Db, DbError, query};
use crate::domains::points::Programmes;
use crate::domains::purse::{DayLimits, Spent};
use crate::domains::residence::model::Field;
use crate::domains::residence::{
    self,
    store::{NewHolder, SealedPerson},
};
use crate::evidence::Recent;
use crate::intake::{Intake, Policy, TerminalIdentity};
use crate::keys::file::{FileStore, Opener};
use crate::keys::{KeyStore, Role};
use crate::people::member::{self, model::Post};
use crate::people::{Organisation, Staff, StaffId, StaffRole, organisation};
use crate::terminals::{self, TerminalState, model::RevocationReason};

/// When every test begins.
pub(crate) const START: Micros = Micros(1_790_000_000_000_000);

/// Where terminals are told to connect to.
pub(crate) const TERMINALS_URL: &str = "https://localhost:8444";
/// What the terminals of this town accept on their own.
pub(crate) const OFFLINE: OfflineLimits = OfflineLimits {
    tap: Fen(20_000),
    card_day: Fen(50_000),
    card_count: 20,
    terminal: Fen(1_000_000),
    drawn_percent: 0,
    freeze_days: 7,
};
/// How long payments of this town may be given back.
pub(crate) const REFUNDS: RefundLimits = RefundLimits { refund_days: 30, void_minutes: 15 };
/// More than most tests pay on a day.
pub(crate) const DAY_LIMITS: DayLimits = DayLimits { paid: Fen(100_000_000), without_pin: 1_000 };
/// A holder who has paid nothing today.
pub(crate) const NOTHING_SPENT: Spent = Spent { paid: Fen::ZERO, without_pin: 0, topped_up: Fen::ZERO };
/// A city without points.
pub(crate) static NO_PROGRAMMES: LazyLock<Programmes> = LazyLock::new(Programmes::default);
/// The rules of most tests.
pub(crate) const POLICY: Policy = Policy {
    limits: Limits {
        no_pin_limit: Fen(10_000),
        tap_limit: Fen(1_000_000),
        top_up_alone: Fen(1_000_000_000),
        offline: OFFLINE,
        refunds: REFUNDS,
        low_balance: Fen(1_000),
    },
    day_limits: DAY_LIMITS,
    clock_tolerance_seconds: 300,
    offline_limit_seconds: 30 * 86_400,
};

pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    SystemRandom::new().fill(&mut bytes).unwrap();
    bytes
}

/// A P-256 key pair.
pub(crate) struct Signer(EcdsaKeyPair);

impl Signer {
    pub(crate) fn new() -> Self {
        let (random, algorithm) = (SystemRandom::new(), &ECDSA_P256_SHA256_FIXED_SIGNING);
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(algorithm, &random).unwrap();
        Self(EcdsaKeyPair::from_pkcs8(algorithm, pkcs8.as_ref(), &random).unwrap())
    }

    pub(crate) fn public(&self) -> PublicKey {
        PublicKey::from_sec1(self.0.public_key().as_ref()).unwrap()
    }

    /// r‖s over the message's SHA-256.
    pub(crate) fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.0.sign(&SystemRandom::new(), message).unwrap().as_ref().to_vec()
    }

    pub(crate) fn seal<P: Payload>(&self, payload: &P, kid: Kid) -> Vec<u8> {
        let to_be_signed = ToBeSigned::new(payload, kid);
        let signature = self.0.sign(&SystemRandom::new(), to_be_signed.message()).unwrap();
        to_be_signed.sign(&Signature(signature.as_ref().try_into().unwrap()))
    }
}

/// A chip card with its three keys.
pub(crate) struct TestCard {
    pub(crate) id: CardId,
    pub(crate) keys: [(Slot, Signer); 3],
}

impl TestCard {
    pub(crate) fn key(&self, slot: Slot) -> &Signer {
        &self.keys.iter().find(|(of, _)| *of == slot).unwrap().1
    }
}

/// A reader daemon on paper: it counts and chains like the real one.
pub(crate) struct TestTerminal {
    pub(crate) id: TerminalId,
    pub(crate) key: Signer,
    pub(crate) lane: u8,
    pub(crate) counter: u64,
    pub(crate) previous: TapId,
}

/// A signed tap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Signed {
    pub(crate) id: TapId,
    pub(crate) cose: Vec<u8>,
}

impl TestTerminal {
    /// The next tap of this lane, before it is signed.
    pub(crate) fn next(&mut self, card: Option<&TestCard>, operation: Operation) -> Tap {
        self.counter += 1;
        Tap {
            card: card.map(|card| card.id),
            terminal: self.id,
            lane: self.lane,
            counter: self.counter,
            previous: self.previous,
            nonce: random(),
            at: START,
            log_head: None,
            status_version: 1,
            operation,
        }
    }

    /// Signs a tap and makes it the head of the lane.
    pub(crate) fn sign(&mut self, tap: &Tap, key: &Signer, kid: Kid) -> Signed {
        let id = TapId(ToBeSigned::new(tap, kid).digest());
        self.previous = id;
        Signed { id, cose: key.seal(tap, kid) }
    }

    /// A card at this terminal.
    pub(crate) fn tap(&mut self, card: &TestCard, slot: Slot, operation: Operation) -> Signed {
        let tap = self.next(Some(card), operation);
        self.sign(&tap, card.key(slot), Kid::Card(slot))
    }

    /// What the terminal says on its own.
    pub(crate) fn say(&mut self, operation: Operation) -> Signed {
        let tap = self.next(None, operation);
        let kid = self.kid();
        let id = TapId(ToBeSigned::new(&tap, kid).digest());
        self.previous = id;
        Signed { id, cose: self.key.seal(&tap, kid) }
    }

    pub(crate) fn kid(&self) -> Kid {
        Kid::Key(self.key.public().key_id())
    }

    /// A signed batch.
    pub(crate) fn batch(&self, taps: &[Signed]) -> Vec<u8> {
        let taps = taps.iter().map(|tap| tap.cose.clone()).collect();
        self.key.seal(&Batch { terminal: self.id, at: START, taps }, self.kid())
    }
}

/// A database, keys, and intake on top.
pub(crate) struct Town {
    pub(crate) scratch: Scratch,
    pub(crate) keys: Arc<dyn KeyStore>,
    pub(crate) intake: Intake,
    pub(crate) log_head: watch::Sender<Option<LogHead>>,
    pub(crate) now: Arc<AtomicI64>,
    keys_folder: Arc<tempfile::TempDir>,
}

impl Town {
    pub(crate) async fn new() -> Self {
        Self::on(Scratch::new().await)
    }

    pub(crate) fn on(scratch: Scratch) -> Self {
        let keys_folder = tempfile::tempdir().unwrap();
        let opener = Opener::choose(keys_folder.path(), None, None);
        let keys: Arc<dyn KeyStore> = Arc::new(FileStore::create(keys_folder.path(), &opener).unwrap());
        Self::with_keys(scratch, keys, Arc::new(keys_folder))
    }

    /// The same town with another database, as after a start with another `database.url`.
    pub(crate) fn moved_to(&self, scratch: Scratch) -> Self {
        Self::with_keys(scratch, Arc::clone(&self.keys), Arc::clone(&self.keys_folder))
    }

    fn with_keys(scratch: Scratch, keys: Arc<dyn KeyStore>, keys_folder: Arc<tempfile::TempDir>) -> Self {
        let (log_head, watched) = watch::channel(None);
        let now = Arc::new(AtomicI64::new(START.0));
        let clock = {
            let now = Arc::clone(&now);
            Arc::new(move || Micros(now.load(Ordering::Relaxed)))
        };
        let intake =
            Intake::start(scratch.db.clone(), Arc::clone(&keys), watched, Recent::default(), POLICY, clock).unwrap();
        Self { scratch, keys, intake, log_head, now, keys_folder }
    }

    /// An enrolled terminal that may submit everything.
    pub(crate) async fn terminal(&self) -> TestTerminal {
        self.terminal_for(&OperationCode::ALL).await
    }

    pub(crate) async fn terminal_for(&self, operations: &[OperationCode]) -> TestTerminal {
        terminal_in(&self.scratch.db, operations).await
    }

    /// An active card of a new holder.
    pub(crate) async fn card(&self) -> TestCard {
        self.card_in(CardState::Active).await
    }

    pub(crate) async fn card_in(&self, state: CardState) -> TestCard {
        let holder = holder_in(&self.scratch.db).await;
        card_of(&self.scratch.db, cards::Bearer::Holder(holder), state).await
    }

    /// Sends a text for a card's holder to agree to.
    pub(crate) async fn ask_consent(&self, card: &TestCard, text: Text) {
        let card = card.id;
        self.scratch
            .db
            .write::<_, DbError, _>(move |tx| {
                Box::pin(async move { cards::consent::store::insert(tx, START, card, 1, text).await })
            })
            .await
            .unwrap();
    }

    /// Submits taps as one batch and reads the verified receipt.
    pub(crate) async fn submit(&self, terminal: &TestTerminal, taps: &[Signed]) -> Vec<TapOutcome> {
        self.submit_bytes(terminal, terminal.batch(taps)).await
    }

    pub(crate) async fn submit_bytes(&self, terminal: &TestTerminal, batch: Vec<u8>) -> Vec<TapOutcome> {
        let receipt = self.intake.accept(terminal.id, &batch).await.unwrap();
        let receipt = Envelope::<Receipt>::decode(&receipt).unwrap();
        let key = PublicKey::from_sec1(&self.keys.public(Role::Receipt).unwrap()).unwrap();
        receipt.verify(&key).unwrap();
        assert_eq!(receipt.payload.batch.0, Envelope::<Batch>::decode(&batch).unwrap().digest());
        receipt.payload.outcomes
    }

    /// The service's clock.
    pub(crate) fn now(&self) -> Micros {
        Micros(self.now.load(Ordering::Relaxed))
    }

    /// It goes on.
    pub(crate) fn later(&self, seconds: i64) {
        self.now.store(self.now().plus_seconds(seconds).0, Ordering::Relaxed);
    }

    /// One number from the database.
    pub(crate) async fn number(&self, sql: &'static str) -> i64 {
        query(sql).scalar_one(&mut self.scratch.db.read().await.unwrap()).await.unwrap()
    }
}

/// Who comes with the certificate that a terminal was given last; before it is enrolled with one of its own making.
pub(crate) async fn identity_of(db: &Db, terminal: TerminalId) -> TerminalIdentity {
    let found = terminals::store::one(&mut db.read().await.unwrap(), terminal).await.unwrap();
    let key = found.and_then(|found| found.public_key).unwrap_or_else(|| Signer::new().public());
    TerminalIdentity { terminal, key }
}

/// Revokes a terminal, as if somebody had lost it.
pub(crate) async fn revoke(db: &Db, terminal: TerminalId) {
    let by = StaffId(Uuid::nil());
    let revoked = db.write::<_, DbError, _>(move |tx| {
        Box::pin(async move { terminals::store::revoke(tx, START, by, terminal, RevocationReason::Lost).await })
    });
    assert!(revoked.await.unwrap());
}

/// An enrolled terminal of a new organisation.
pub(crate) async fn terminal_in(db: &Db, operations: &[OperationCode]) -> TestTerminal {
    let new = OrganisationId::from_bytes(random());
    let organisation = db.write::<_, DbError, _>(move |tx| {
        Box::pin(async move { organisation::store::named(tx, START, new, &format!("Test Shop {new}")).await })
    });
    enrolled(db, organisation.await.unwrap(), operations).await
}

/// Another enrolled terminal of the organisation of this one, that may submit the same.
pub(crate) async fn terminal_beside(db: &Db, terminal: TerminalId) -> TestTerminal {
    let first = terminals::store::one(&mut db.read().await.unwrap(), terminal).await.unwrap().unwrap();
    enrolled(db, first.organisation, &first.operations).await
}

async fn enrolled(db: &Db, organisation: Organisation, operations: &[OperationCode]) -> TestTerminal {
    let id = TerminalId::from_bytes(random());
    let key = Signer::new();
    let (public, operations) = (key.public(), operations.to_vec());
    db.write::<_, DbError, _>(move |tx| {
        let terminal = terminals::Terminal {
            terminal_id: id,
            name: "Test Till".to_owned(),
            organisation: organisation.clone(),
            operations: operations.clone(),
            state: TerminalState::Awaiting,
            public_key: None,
            certificate_until: None,
        };
        Box::pin(async move {
            let code = terminals::store::NewCode { hash: random(), expires_at: START.plus_seconds(60) };
            terminals::store::insert(tx, START, StaffId(Uuid::nil()), &terminal, code).await?;
            terminals::store::enrol(tx, START, id, &public, b"certificate", START.plus_seconds(86_400)).await
        })
    })
    .await
    .unwrap();
    TestTerminal { id, key, lane: 0, counter: 0, previous: TapId::NONE }
}

/// A new holder, of whom nothing can be read.
pub(crate) async fn holder_in(db: &Db) -> HolderId {
    let holder = HolderId::new(Shard(random::<1>()[0] % db.engine().shards()), random());
    db.write::<_, DbError, _>(move |tx| {
        Box::pin(async move {
            let person = SealedPerson {
                wrapped_key: random::<60>().to_vec(),
                facts: [Field::Name, Field::DocumentNumber].map(|field| (field, random::<40>().to_vec())).into(),
            };
            let by = StaffId(Uuid::from_bytes(random()));
            residence::store::insert(tx, START, by, &[NewHolder { holder, person, blind: random() }]).await
        })
    })
    .await
    .unwrap();
    holder
}

/// A card of somebody.
pub(crate) async fn card_of(db: &Db, bearer: cards::Bearer, state: CardState) -> TestCard {
    let keys = Slot::SIGNING.map(|slot| (slot, Signer::new()));
    let publics = keys.each_ref().map(|(slot, key)| (*slot, key.public()));
    let by = clerk_in(db).await;
    let id = db
        .write::<_, DbError, _>(move |tx| {
            Box::pin(async move {
                let index = cards::store::next_status_index(tx).await?;
                let card = cards::Card {
                    card_id: CardId::new(index, bearer.shard(), random()),
                    bearer,
                    signs_in: false,
                    state: CardState::Personalising,
                    created_at: START,
                    expires_at: START.plus_seconds(365 * 86_400),
                    changed_at: START,
                };
                cards::store::insert(tx, START, by, &card, Reason::First).await?;
                for (slot, key) in &publics {
                    assert!(cards::store::add_key(tx, START, card.card_id, *slot, key).await?);
                }
                cards::store::set_state(tx, START, &card, state, Because::of("test")).await?;
                Ok(card.card_id)
            })
        })
        .await
        .unwrap();
    TestCard { id, keys }
}

/// Puts a card into another state.
pub(crate) async fn set_state(db: &Db, at: Micros, id: CardId, next: CardState) {
    db.write::<_, DbError, _>(move |tx| {
        Box::pin(async move {
            cards::store::lock(tx, id).await?;
            let card = cards::store::one(tx.conn(), id).await?.unwrap();
            cards::store::set_state(tx, at, &card, next, Because::of("test")).await
        })
    })
    .await
    .unwrap();
}

/// The clerk of a town on paper, who never signs in.
pub(crate) async fn clerk_in(db: &Db) -> StaffId {
    let staff_id = StaffId(Uuid::from_u128(77));
    let staff = Staff { staff_id, name: "clerk on paper".to_owned(), role: StaffRole::Clerk };
    // One that is there already is the same one.
    db.write::<_, DbError, _>(move |tx| {
        Box::pin(async move { member::store::insert(tx, START, &staff, &Post::working(START), "").await })
    })
    .await
    .unwrap();
    staff_id
}
