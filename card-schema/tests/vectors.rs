//! The kept vectors: bytes that this version of the schema must go on reading and writing, for anyone who writes another
//! implementation. `tests/xtask/interop` checks the same files with libraries nobody here wrote.
//!
//! ECDSA signs with fresh randomness, so a signature cannot be made again: the files are kept, and the test checks
//! them. After a deliberate change of the format, `UPDATE_VECTORS=receipt cargo test -p card-schema --test vectors` makes
//! that one anew, `UPDATE_VECTORS=all` every one; old files of a published format stay under their names.

use std::fmt::Debug;
use std::path::PathBuf;
use std::{env, fs};

use card_schema::{
    card::Slot,
    clock::Micros,
    coverage::Benefit,
    date::Date,
    envelope::{
        Envelope, EnvelopeError, Kid, Payload, PublicKey, Signature, ToBeSigned,
        batch::Batch,
        fares::{FareNetwork, FarePack, FarePass, FareRoute, FareStop, FareVersion},
        gate::{CardDigest, CardRight, GatePack},
        paper::{Paper, PaperKind, Printed},
        pass::Pass,
        receipt::{Ending, Outcome, PointsStanding, Receipt, Recorded, TapOutcome},
        status_list::{CardStatus, Claims, SignedToken, StatusDelta, StatusList, Statuses},
        tap::{LogHead, Tap},
    },
    gate::{Hours, Weekdays, Window},
    ids::{BatchId, CardId, ClaimId, OrganisationId, PaperNumber, Shard, SiteId, TapId, TerminalId},
    money::Fen,
    month::Month,
    operation::{
        Operation, clinic, gate, points, purse, registration,
        sign_in::SignIn,
        social_security,
        terminal::{AbandonReason, Abandoned},
        transit,
    },
    paper::{self, Named, PaperError},
    points::ProgrammeId,
};
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair as _},
};
use serde_json::{Value, json};

/// A key pair that standards print, so that nobody can take it for a secret.
struct PublishedKey {
    source: &'static str,
    private: &'static str,
    public: &'static str,
}

const CARD: PublishedKey = PublishedKey {
    source: "test key printed in RFC 6979, A.2.5",
    private: "c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721",
    public: "0460fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6\
             7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299",
};

const TERMINAL: PublishedKey = PublishedKey {
    source: "test key printed in RFC 7515, A.3",
    private: "8e9b109e719098bf980487df1f5d77e9cb29606ebed2263b5f57c213df84f4b2",
    public: "047fcdce2770f6c45d4183cbee6fdb4b7b580733357be9ef13bacf6e3c7bd15445\
             c7f144cd1bbd9b7e872cdfedb9eeb9f4b3695d6ea90b24ad8a4623288588e5ad",
};

const SERVICE: PublishedKey = PublishedKey {
    source: "test key printed in RFC 5903, 8.1",
    private: "c88f01f510d9ac3f70a292daa2316de544e9aab8afe84049c62a9c57862d1433",
    public: "04dad0b65394221cf9b051e1feca5787d098dfe637fc90b9ef945d0c3772581180\
             5271a0461cdb8252d61f1c456fa3e59ab1f45b33accf5f58389e0577b8990bb3",
};

impl PublishedKey {
    fn public(&self) -> PublicKey {
        PublicKey::from_sec1(&unhex(self.public)).expect("a point of the curve")
    }

    fn sign(&self, message: &[u8]) -> Signature {
        let (algorithm, random) = (&ECDSA_P256_SHA256_FIXED_SIGNING, SystemRandom::new());
        let (private, public) = (unhex(self.private), unhex(self.public));
        let pair = EcdsaKeyPair::from_private_key_and_public_key(algorithm, &private, &public, &random)
            .expect("the printed halves belong together");
        assert_eq!(pair.public_key().as_ref(), public);
        Signature(pair.sign(&random, message).expect("signing").as_ref().try_into().expect("64 bytes"))
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

fn unhex(text: &str) -> Vec<u8> {
    let digit = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).expect("hexadecimal");
    (0..text.len()).step_by(2).map(digit).collect()
}

fn tap(card: Option<CardId>, counter: u64, previous: TapId, operation: Operation) -> Tap {
    Tap {
        card,
        terminal: TerminalId::from_bytes(*b"\x01\x9a\xbc\xde\xf0\x12\x7a\xaa\x8b\xbbtest-1"),
        lane: 2,
        counter,
        previous,
        nonce: *b"a made-up nonce!",
        at: Micros(1_795_392_000_123_456),
        log_head: (counter > 1).then_some(LogHead { size: 70_000, root: [0xAB; 32] }),
        status_version: 41,
        operation,
    }
}

fn card() -> CardId {
    CardId::new(7, Shard(3), *b"test card number")
}

fn terminal_kid() -> Kid {
    Kid::Key(TERMINAL.public().key_id())
}

fn payment() -> Tap {
    tap(Some(card()), 1, TapId::NONE, Operation::PursePayment(purse::Payment::online(Fen(1250))))
}

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("vectors").join(format!("{name}.json"))
}

fn kept(name: &str) -> Value {
    let path = path(name);
    let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

fn kept_bytes(name: &str, field: &str) -> Vec<u8> {
    unhex(kept(name)[field].as_str().unwrap_or_else(|| panic!("{name} has no {field}")))
}

/// Makes a file anew if that one is asked for, or every one.
fn update(name: &str, to_be_signed: &ToBeSigned, aad: &[u8], kid: &[u8], key: &PublishedKey, means: &str) {
    if env::var("UPDATE_VECTORS").ok().is_none_or(|which| which != name && which != "all") {
        return;
    }
    let cose = to_be_signed.sign(&key.sign(to_be_signed.message()));
    let vector = json!({
        "key": { "source": key.source, "private": key.private, "public": key.public },
        "kid": hex(kid),
        "external_aad": std::str::from_utf8(aad).expect("ASCII"),
        "sig_structure": hex(to_be_signed.message()),
        "id": hex(&to_be_signed.digest()),
        "cose_sign1": hex(&cose),
        "means": means,
    });
    fs::create_dir_all(path(name).parent().expect("a folder")).expect("making the folder");
    fs::write(path(name), format!("{vector:#}\n")).expect("writing the vector");
}

/// Checks one file against what the code says it holds, in both directions.
fn check<P: Payload + PartialEq + std::fmt::Debug>(name: &str, payload: &P, kid: Kid, key: &PublishedKey) {
    let to_be_signed = ToBeSigned::new(payload, kid);
    let kid_bytes = match kid {
        Kid::Card(slot) => vec![slot.key_reference()],
        Kid::Key(id) => id.0.to_vec(),
    };
    update(name, &to_be_signed, P::PURPOSE.aad(), &kid_bytes, key, &format!("{payload:?}"));
    assert_eq!(kept_bytes(name, "sig_structure"), to_be_signed.message(), "{name}: what is signed has changed");
    assert_eq!(kept_bytes(name, "id"), to_be_signed.digest(), "{name}");
    let cose = kept_bytes(name, "cose_sign1");
    let envelope = Envelope::<P>::decode(&cose).unwrap_or_else(|error| panic!("{name}: {error}"));
    assert_eq!(&envelope.payload, payload, "{name}");
    assert_eq!(envelope.kid, kid, "{name}");
    assert_eq!(envelope.digest(), to_be_signed.digest(), "{name}");
    envelope.verify(&key.public()).unwrap_or_else(|error| panic!("{name}: {error}"));
}

fn validation() -> transit::Validation {
    let (route, stop) = ("bus-1".to_owned(), "测试路口".to_owned());
    transit::Validation { tariff: 7, route, stop, side: transit::Side::On }
}

fn pass_purchase() -> transit::PassPurchase {
    let from = Date::new(2026, 12, 1).expect("a day");
    transit::PassPurchase { pass: "month".to_owned(), from, price: Fen(12_000) }
}

fn settlement() -> clinic::Settlement {
    let (fund, account, purse, cash) = (Fen(70_000), Fen(12_000), Fen(8_000), Fen(345));
    clinic::Settlement { claim: ClaimId::from_bytes([0x0C; 16]), fund, account, purse, cash }
}

fn dispute() -> social_security::Dispute {
    let month = Month::of(Date::new(2026, 10, 1).expect("a day"));
    social_security::Dispute { month, employer: OrganisationId::from_bytes([0x0E; 16]) }
}

fn check_taps() {
    let first = payment();
    check("tap-payment", &first, Kid::Card(Slot::Tap), &CARD);
    let previous = TapId(ToBeSigned::new(&first, Kid::Card(Slot::Tap)).digest());
    let original = purse::Original { tap: previous, at: first.at };
    let programme = ProgrammeId(7);
    let movement = points::Movement { programme, earned: 12, redeemed: 500, discount: Fen(250) };
    let table = [
        (
            "tap-payment-offline",
            Slot::Tap,
            Operation::PursePayment(purse::Payment { accepted_offline: true, ..purse::Payment::online(Fen(1250)) }),
        ),
        (
            "tap-payment-with-points",
            Slot::Approve,
            Operation::PursePayment(purse::Payment { points: Some(movement), ..purse::Payment::online(Fen(1250)) }),
        ),
        ("tap-award", Slot::Tap, Operation::PointsAward(points::Award { paid: Fen(1250), programme, earned: 12 })),
        ("tap-redemption", Slot::Approve, Operation::PointsRedemption(points::Redemption { programme, points: 300 })),
        ("tap-undo", Slot::Tap, Operation::PointsUndo(points::Undo { original })),
        ("tap-payment-with-pin", Slot::Approve, Operation::PursePayment(purse::Payment::online(Fen(123_456)))),
        ("tap-top-up", Slot::Tap, Operation::PurseTopUp(purse::TopUp::cash(Fen(5_000)))),
        (
            "tap-top-up-approved",
            Slot::Tap,
            Operation::PurseTopUp(purse::TopUp { amount: Fen(200_000), approved_by: Some(card()) }),
        ),
        (
            "tap-top-up-approval",
            Slot::Approve,
            Operation::PurseTopUpApproval(purse::TopUpApproval { amount: Fen(200_000) }),
        ),
        ("tap-refund", Slot::Tap, Operation::PurseRefund(purse::Return { original, amount: Fen(250) })),
        ("tap-void", Slot::Tap, Operation::PurseVoid(purse::Return { original, amount: Fen(1250) })),
        ("tap-inquiry", Slot::Approve, Operation::PurseInquiry(purse::Inquiry)),
        ("tap-statement", Slot::Approve, Operation::PurseStatement(purse::Statement)),
        ("tap-gate-check", Slot::Tap, Operation::GateCheck(gate::Check)),
        ("tap-validation", Slot::Tap, Operation::TransitValidation(validation())),
        ("tap-inspection", Slot::Tap, Operation::TransitInspection(transit::Inspection { route: "bus-1".to_owned() })),
        ("tap-pass", Slot::Approve, Operation::TransitPass(pass_purchase())),
        ("tap-dispute", Slot::Approve, Operation::SocialSecurityDispute(dispute())),
        (
            "tap-check-in",
            Slot::SignIn,
            Operation::ClinicCheckIn(clinic::CheckIn { benefit: Benefit::SpecialOutpatient }),
        ),
        ("tap-settlement", Slot::Approve, Operation::ClinicSettlement(settlement())),
        ("tap-reversal", Slot::Tap, Operation::ClinicReversal(clinic::Reversal { claim: settlement().claim })),
        (
            "tap-sign-in",
            Slot::SignIn,
            Operation::SignIn(SignIn { audience: "https://console.example".to_owned(), challenge: [0x5C; 32] }),
        ),
        (
            "tap-registration-consent",
            Slot::Approve,
            Operation::RegistrationConsent(registration::Consent { text: [0x7E; 32] }),
        ),
    ];
    for (name, slot, operation) in table {
        check(name, &tap(Some(card()), 2, previous, operation), Kid::Card(slot), &CARD);
    }
}

fn check_abandoned_counter() {
    let operation = Operation::Abandoned(Abandoned { reason: AbandonReason::CardRemoved });
    check("tap-abandoned", &tap(None, 3, TapId([0x11; 32]), operation), terminal_kid(), &TERMINAL);
}

/// The batch carries what the files of taps hold, the receipt answers it.
fn check_batch_and_receipt() {
    let batch = Batch {
        terminal: payment().terminal,
        at: Micros(1_795_392_001_000_000),
        taps: vec![kept_bytes("tap-payment", "cose_sign1"), kept_bytes("tap-gate-check", "cose_sign1")],
    };
    check("batch", &batch, terminal_kid(), &TERMINAL);
    let id = |name| <[u8; 32]>::try_from(kept_bytes(name, "id")).expect("32 bytes");
    let ending = Ending { points: 40, until: Date::new(2026, 12, 31).expect("a day") };
    let receipt = Receipt {
        batch: BatchId(id("batch")),
        at: Micros(1_795_392_001_500_000),
        outcomes: vec![
            TapOutcome {
                tap: TapId(id("tap-payment")),
                outcome: Outcome::Accepted,
                balance: Some(Fen(3_750)),
                recorded: Some(Recorded { shard: Shard(3), leaf: 70_001 }),
                points: Some(PointsStanding {
                    programme: ProgrammeId(7),
                    moved: 12,
                    balance: Some(340),
                    ending: Some(ending),
                }),
            },
            TapOutcome {
                tap: TapId(id("tap-gate-check")),
                outcome: Outcome::CardNotActive,
                balance: None,
                recorded: None,
                points: None,
            },
        ],
        log_head: Some(LogHead { size: 70_002, root: [0xCD; 32] }),
    };
    check("receipt", &receipt, Kid::Key(SERVICE.public().key_id()), &SERVICE);
}

fn check_token<C: Claims + Debug + PartialEq>(name: &str, claims: &C) {
    let key_id = SERVICE.public().key_id();
    update(name, &claims.to_be_signed(key_id), b"", &key_id.0, &SERVICE, &format!("{claims:?}"));
    let signed = SignedToken::<C>::decode(&kept_bytes(name, "cose_sign1")).expect("a kept token");
    assert_eq!(&signed.claims, claims);
    assert_eq!(signed.key, key_id);
    signed.verify(&SERVICE.public()).expect("a kept signature");
}

/// Deflating may one day give other bytes for the same list, so what is signed is not compared, only what is read.
fn check_status_list() {
    let mut statuses = Statuses::default();
    statuses.set(7, CardStatus::Suspended);
    statuses.set(90, CardStatus::Invalid);
    let subject = "https://card.example/v1/status-lists/cards".to_owned();
    let (issued_at_s, time_to_live_s) = (1_795_392_000, 3_600);
    let list = StatusList { subject: subject.clone(), issued_at_s, time_to_live_s, version: 41, statuses };
    check_token("status-list", &list);
    let changes = [(7, CardStatus::Valid), (8, CardStatus::Suspended), (1_000, CardStatus::Invalid)].into();
    let delta = StatusDelta { subject, issued_at_s: issued_at_s + 60, version: 44, since: 40, changes };
    check_token("status-delta", &delta);
    let mut later = list;
    delta.apply(&mut later).expect("changes since the version before it");
    assert_eq!([7, 8, 90].map(|index| later.statuses.get(index)), {
        [CardStatus::Valid, CardStatus::Suspended, CardStatus::Invalid]
    });
}

/// What is on the paper of the kept file, beside its square code.
const ON_PAPER: (&str, &str, &str) = ("测试·阿依", "11010519491231002X", "1234 5678 9012 3456");

fn named<R>((name, document_number, code): (&str, &str, &str), then: impl Fn(&Named<'_>) -> R) -> R {
    then(&Named { name, document_number, code: &code.parse().expect("sixteen digits") })
}

fn check_paper() {
    let number = PaperNumber::new(Shard(3), *b"\0a number!");
    let paper = Paper {
        kind: PaperKind::Certificate,
        number,
        valid_until: Date::new(2027, 5, 28).expect("a day"),
        binding: named(ON_PAPER, |named| named.binding(&number)),
    };
    check("paper", &paper, Kid::Key(SERVICE.public().key_id()), &SERVICE);
    let text = paper::text("https://card.example/papers/check", &kept_bytes("paper", "cose_sign1"));
    assert_eq!(paper::read(&text, &SERVICE.public()), Ok(Printed::Paper(paper)));
    assert!(named(ON_PAPER, |named| named.is_on(&paper)));
    for other in [("测试·阿衣", ON_PAPER.1, ON_PAPER.2), (ON_PAPER.0, "110105194912310020", ON_PAPER.2)] {
        assert!(!named(other, |named| named.is_on(&paper)), "{}", other.0);
    }
    // Another's key, another use of the same key, and something else altogether.
    let mismatch = Err(PaperError::Envelope(EnvelopeError::SignatureMismatch));
    assert_eq!(paper::read(&text, &TERMINAL.public()), mismatch);
    let receipt = paper::text("", &kept_bytes("receipt", "cose_sign1"));
    assert!(matches!(paper::read(&receipt, &SERVICE.public()), Err(PaperError::Envelope(_))));
    assert_eq!(paper::read("https://card.example/papers/check", &SERVICE.public()), Err(PaperError::Text));
}

fn check_fares() {
    let pass =
        |id: &str, price, days| FarePass { id: id.to_owned(), name: "月票".to_owned(), price: Fen(price), days };
    let version = FareVersion {
        number: 7,
        starts_at: Micros(1_795_392_000_000_000),
        networks: vec![FareNetwork { on_off: false, most: Fen(200) }, FareNetwork { on_off: true, most: Fen(900) }],
        routes: vec![FareRoute { id: "bus-1".to_owned(), name: "1 路".to_owned(), network: 0 }],
        stops: vec![FareStop { id: "测试路口".to_owned(), name: "测试路口东".to_owned() }],
        passes: vec![pass("month", 12_000, None), pass("week", 3_000, Some(7))],
    };
    let pack = FarePack { at: Micros(1_795_392_000_500_000), versions: vec![version] };
    check("fares", &pack, Kid::Key(SERVICE.public().key_id()), &SERVICE);
}

fn check_pass() {
    let number = PaperNumber::new(Shard(0), *b"\0a number!");
    let (site, at) = (SiteId::from_bytes(*b"sixteen of bytes"), Micros(1_795_392_000_000_000));
    let pass = Pass { number, site, from: at, until: at.plus_seconds(7_200) };
    check("pass", &pass, Kid::Key(SERVICE.public().key_id()), &SERVICE);
    let text = paper::text("https://card.example/papers/check", &kept_bytes("pass", "cose_sign1"));
    assert_eq!(paper::read(&text, &SERVICE.public()), Ok(Printed::Pass(pass)));
    let good = [-1, 0, 7_199, 7_200].map(|seconds| pass.is_good_at(at.plus_seconds(seconds)));
    assert_eq!(good, [false, true, true, false]);
}

fn check_gate() {
    let salt = *b"salt of 16 bytes";
    let day = |day| Date::new(2026, 12, day).expect("a day");
    let hours = Hours::new(1_320, 360).expect("hours");
    let night = Window { first: day(1), last: day(31), days: Weekdays::from_bits(0x41).expect("days"), hours };
    let right = CardRight { card: CardDigest::of(&salt, &card()), window: night };
    let pack = GatePack {
        at: Micros(1_795_392_000_500_000),
        terminal: payment().terminal,
        tag: 0x0123_4567_89AB_CDEF,
        site: Some(SiteId::from_bytes(*b"sixteen of bytes")),
        salt,
        rights: vec![right],
        withdrawn: vec![PaperNumber::new(Shard(0), *b"\0a number!")],
    };
    check("gate", &pack, Kid::Key(SERVICE.public().key_id()), &SERVICE);
}

/// One test, because when the files are made anew each kind needs those before it.
#[test]
fn what_was_signed_is_read_and_written_as_ever() {
    check_taps();
    check_abandoned_counter();
    check_batch_and_receipt();
    check_paper();
    check_fares();
    check_gate();
    check_pass();
    check_status_list();
}

#[test]
fn every_kept_file_belongs_to_a_test() {
    let known = [
        "batch",
        "fares",
        "gate",
        "paper",
        "pass",
        "receipt",
        "status-delta",
        "status-list",
        "tap-abandoned",
        "tap-award",
        "tap-check-in",
        "tap-dispute",
        "tap-gate-check",
        "tap-inquiry",
        "tap-inspection",
        "tap-pass",
        "tap-payment",
        "tap-payment-offline",
        "tap-payment-with-pin",
        "tap-payment-with-points",
        "tap-redemption",
        "tap-refund",
        "tap-registration-consent",
        "tap-reversal",
        "tap-settlement",
        "tap-sign-in",
        "tap-statement",
        "tap-top-up",
        "tap-top-up-approval",
        "tap-top-up-approved",
        "tap-undo",
        "tap-validation",
        "tap-void",
    ];
    let mut found: Vec<String> = fs::read_dir(path("x").parent().expect("a folder"))
        .expect("the folder of vectors")
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok()?.strip_suffix(".json").map(str::to_owned))
        .collect();
    found.sort();
    assert_eq!(found, known);
}
