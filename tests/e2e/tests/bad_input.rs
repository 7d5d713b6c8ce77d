//! What goes wrong in a whole town: a service that is gone, a terminal or card that is not wanted any more, bytes that are
//! no batch, a clock that is far off. Each is refused in words that a person understands, and loses nothing.

use std::fs;

use anyhow::{Context, Result, ensure};
use card_schema::{
    clock::Micros,
    envelope::{
        Envelope, EnvelopeError, Kid, Payload, Purpose, Signature, ToBeSigned,
        batch::Batch,
        receipt::{Outcome, Receipt},
        tap::Tap,
    },
    wire::{Bytes, Problem, ProblemType, terminal::BatchRequest},
};
use e2e::scene::{PIN, SHOP, Scene};
use minicbor::{Decoder, Encoder, encode};
use reader_daemon::{
    identity::Identity,
    outbox::Outbox,
    submit::client::{ServiceClient, ServiceError},
};
use serde_json::json;
use tokio::runtime::Runtime;
use town::{Place, Town, process, programs::program, wait};

#[test]
fn a_payment_without_service_is_kept_and_the_keeper_reads_so() {
    let story = || -> Result<()> {
        let mut scene = Scene::open()?;
        scene.town.service.process().kill()?;
        scene.pay_and_read(
            0,
            "已签名并保存，联网后自动上报",
            "Signed and stored; goes up when the service can be reached",
        )?;
        ensure!(scene.pending()? == json!(2), "two payments wait");
        scene.town.service.start()?;
        scene.delivered()?;
        let moved = scene.moved()?;
        ensure!(moved == -200, "both payments are posted once, not {moved}");
        Ok(())
    };
    story().expect("nothing is lost");
}

#[test]
fn taps_of_a_revoked_terminal_post_nothing() {
    let story = || -> Result<()> {
        let mut scene = Scene::open()?;
        ensure!(scene.town.at(Place::Shop).pay(100, None)?.0["state"] == "accepted", "before, it may");
        let terminal = scene.town.at(Place::Shop).terminal;
        scene
            .town
            .office
            .api()
            .post(&format!("/v1/terminals/{terminal}/revoke"), &json!({"reason": "stolen"}))?
            .success()?;
        // The first that it hears of it is its first tap's outcome; then it asks, and lets no card sign any more.
        let first = scene.town.at(Place::Shop).pay(100, None)?.0;
        ensure!(first["state"] == "refused" && first["outcome"] == "quarantined", "{first}");
        wait::until("the shop knows", || {
            let refusal = scene.town.at(Place::Shop).pay(100, None)?.0["refusal"]["code"].clone();
            Ok((refusal == "terminal-revoked").then_some(()))
        })?;
        let signatures = scene.signatures()?;
        scene.pay_and_read(
            1,
            "本终端已被停用，不再受理卡片，未作任何扣款。请停止使用，并联系管理员",
            "This terminal has been revoked and takes no more cards; nothing was charged. Stop using it and call",
        )?;
        ensure!(scene.signatures()? == signatures, "the card was asked to sign");
        let moved = scene.moved()?;
        ensure!(moved == -100, "only the payment before the revocation counts, not {moved}");
        Ok(())
    };
    story().expect("a revoked terminal moves no money");
}

#[test]
fn a_listed_card_is_refused_offline_before_it_signs() {
    let table = [
        ("suspended", "卡片已暂停使用", "The card is suspended"),
        ("blocked", "卡片已作废", "The card has been revoked"),
        ("lost", "卡片已作废", "The card has been revoked"),
        ("expired", "卡片已作废", "The card has been revoked"),
    ];
    let mut scene = Scene::open().expect("a town");
    for (state, zh, en) in table {
        refused_offline(&mut scene, state, zh, en).with_context(|| state.to_owned()).expect("the card is refused");
    }
}

/// Longer than a card is good for (five years), and shorter than the CA that signed it (fifteen).
const DAYS_TO_EXPIRY: i32 = 6 * 365;

#[test]
fn an_expired_card_is_refused_offline_before_it_signs() {
    let story = || -> Result<()> {
        let mut scene = Scene::open()?;
        ensure!(scene.town.at(Place::Shop).pay(100, None)?.0["state"] == "accepted", "before, it is good");
        let (known, stranger) = (scene.path.clone(), scene.town.pcscd.new_card("stranger")?);
        scene.town.take(Place::Shop)?;
        scene.town.put(&stranger, Place::Station)?;
        let another = scene.town.office.register("测试庚 Test Stranger", "110000199001010419")?;
        scene.town.issue(another, PIN)?;
        scene.town.carry(&stranger, Place::Station, Place::Shop)?;

        scene.town.service.process().kill()?;
        scene.town.at(Place::Shop).set_clock_ahead(DAYS_TO_EXPIRY)?;
        let signatures = scene.signatures()?;
        // A card at first sight by its certificate, a known one by what the terminal kept of it.
        for card in [&stranger, &known] {
            scene.pay_and_read(
                1,
                "卡片已过期。请持卡人到站点换卡",
                "The card has expired. The holder should have it replaced",
            )?;
            ensure!(scene.signatures()? == signatures, "the card was asked to sign");
            ensure!(scene.pending()? == json!(0), "nothing was signed");
            if card == &stranger {
                scene.town.take(Place::Shop)?;
                scene.town.put(&known, Place::Shop)?;
            }
        }

        // It was the clock, and nothing else that had happened meanwhile.
        scene.town.service.start()?;
        scene.town.at(Place::Shop).set_clock_ahead(0)?;
        let paid = scene.town.at(Place::Shop).pay(100, None)?.0;
        ensure!(paid["state"] == "accepted", "with the right clock it is good: {paid}");
        ensure!(scene.signatures()? > signatures, "the trace shows signatures");
        Ok(())
    };
    story().expect("an expired card is refused");
}

#[test]
fn whoever_enrols_reads_the_services_refusal_in_their_own_language() {
    let town = Town::open().expect("a town");
    let folder = tempfile::tempdir().expect("a folder");
    let titles = [("zh", "登记码不对、已用过或已过期"), ("en", "The enrolment code is wrong, used or expired")];
    for (language, title) in titles {
        let mut enrol = process::tethered(program("reader-daemon").expect("it is built"));
        enrol.args(["--lang", language, "--data-dir"]).arg(folder.path().join(language));
        enrol
            .args(["enrol", "--service", town.service.url(), "--code", "NOT-A-CODE", "--root"])
            .arg(town.service.root());
        let output = enrol.output().expect("it runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{said}");
        let mut found = titles.iter().filter(|(_, title)| said.contains(title));
        assert_eq!((found.next(), found.next()), (Some(&(language, title)), None), "{said}");
    }
}

fn refused_offline(scene: &mut Scene, state: &str, zh: &str, en: &str) -> Result<()> {
    ensure!(scene.town.at(Place::Shop).pay(100, None)?.0["state"] == "accepted", "before, it is good");
    let shop = scene.town.at(Place::Shop).local()?;
    let version = || -> Result<Option<u64>> { Ok(shop.get("/v1/status")?.success()?["status_version"].as_u64()) };
    let before = version()?;
    scene.town.office.set_card_state(scene.card.id, state, "invented for a test")?;
    wait::until("the shop has the new list", || {
        shop.post("/v1/outbox/retry", &json!(null))?.success()?;
        Ok((version()? > before).then_some(()))
    })?;
    scene.town.service.process().kill()?;
    let signatures = scene.signatures()?;
    ensure!(signatures > 0, "the trace shows the payment before");
    scene.pay_and_read(1, zh, en)?;
    ensure!(scene.signatures()? == signatures, "the card was asked to sign");
    ensure!(scene.pending()? == json!(0), "nothing was signed");
    scene.town.service.start()?;
    // A new card for the next state.
    let path = scene.town.pcscd.new_card(&format!("after-{state}"))?;
    scene.town.take(Place::Shop)?;
    scene.town.put(&path, Place::Station)?;
    scene.card = scene.town.issue(scene.holder, PIN)?;
    scene.town.carry(&path, Place::Station, Place::Shop)?;
    scene.path = path;
    Ok(())
}

/// A batch whose terminal signed it for another purpose.
struct Misdirected(Batch);

impl Payload for Misdirected {
    const PURPOSE: Purpose = Purpose::Receipt;
    const MAX_BYTES: usize = Batch::MAX_BYTES;

    fn encode<W: encode::Write>(&self, e: &mut Encoder<W>) -> Result<(), encode::Error<W::Error>> {
        self.0.encode(e)
    }

    fn decode(d: &mut Decoder<'_>) -> Result<Self, EnvelopeError> {
        Batch::decode(d).map(Self)
    }
}

/// The shop's terminal without its daemon: its certificate, its key, and one payment that nobody has seen yet.
struct Impostor {
    runtime: Runtime,
    identity: Identity,
    client: ServiceClient,
    /// The envelope of the payment.
    payment: Vec<u8>,
}

impl Impostor {
    fn instead_of_the_shop(scene: &mut Scene) -> Result<Self> {
        scene.town.service.process().kill()?;
        let paid = scene.town.at(Place::Shop).pay(500, None)?.0;
        ensure!(paid["state"] == "signed", "{paid}");
        let shop = scene.town.at(Place::Shop);
        shop.process().kill()?;
        let identity = Identity::load(&shop.data())?;
        let (path, terminal) = (shop.outbox(), shop.terminal);
        let runtime = Runtime::new()?;
        let pending = runtime.block_on(async { Outbox::open(&path, terminal).await?.pending(10).await })?;
        ensure!(pending.len() == 1, "one payment waits");
        let client = ServiceClient::new(&identity)?;
        scene.town.service.start()?;
        Ok(Self { runtime, identity, client, payment: pending[0].cose.clone() })
    }

    fn batch(&self, tap: Vec<u8>) -> Batch {
        Batch { terminal: self.identity.file.terminal_id, at: reader_daemon::clock::now(), taps: vec![tap] }
    }

    fn seal<P: Payload>(&self, payload: &P) -> Result<Vec<u8>> {
        Ok(self.identity.key.seal(payload)?.1)
    }

    fn post(&self, batch: Vec<u8>) -> Result<Receipt, ServiceError> {
        let reply = self.runtime.block_on(self.client.batch(&BatchRequest { batch: Bytes(batch) }))?;
        Ok(Envelope::<Receipt>::decode(&reply.receipt.0).expect("the service's receipt").payload)
    }

    fn refused(&self, batch: Vec<u8>) -> Result<Problem> {
        match self.post(batch) {
            Err(ServiceError::Problem(problem)) => Ok(*problem),
            other => anyhow::bail!("not a problem document: {other:?}"),
        }
    }
}

#[test]
fn bytes_that_are_no_batch_of_this_terminal_get_a_problem_and_post_nothing() {
    let story = || -> Result<()> {
        let mut scene = Scene::open()?;
        let shop = Impostor::instead_of_the_shop(&mut scene)?;
        let batch = shop.batch(shop.payment.clone());
        let good = shop.seal(&batch)?;
        ensure!(good[0] == 0xD2, "tag 18 in one byte");
        let not_canonical = [&[0xD8, 0x12], &good[1..]].concat();
        let mut altered = good.clone();
        *altered.last_mut().expect("a signature") ^= 1;
        let elsewhere = Batch { terminal: scene.town.at(Place::Station).terminal, ..batch.clone() };
        let table = [
            ("signed for another purpose", shop.seal(&Misdirected(batch))?, ProblemType::BadSignature),
            ("an altered signature", altered, ProblemType::BadSignature),
            ("the tag in two bytes", not_canonical, ProblemType::BadEnvelope),
            ("bytes left over", [&good[..], &[0]].concat(), ProblemType::BadEnvelope),
            ("cut short", good[..good.len() - 1].to_vec(), ProblemType::BadEnvelope),
            ("nothing", vec![], ProblemType::BadEnvelope),
            ("too large", vec![0; Batch::MAX_BYTES + 1], ProblemType::TooLarge),
            ("in another terminal's name", shop.seal(&elsewhere)?, ProblemType::Forbidden),
        ];
        for (name, bytes, kind) in table {
            let problem = shop.refused(bytes).with_context(|| name.to_owned())?;
            ensure!(problem.kind == kind && !problem.title.is_empty(), "{name}: {problem:?}");
        }
        // Of far more than it reads the service refuses the rest: it may hang up before everything was sent.
        match shop.post(vec![0; Batch::MAX_BYTES * 2]) {
            Err(ServiceError::Problem(problem)) if problem.kind == ProblemType::TooLarge => {}
            Err(ServiceError::Unreachable(_)) => {}
            other => anyhow::bail!("much too large: {other:?}"),
        }
        let moved = scene.moved()?;
        ensure!(moved == 0, "refused batches moved {moved}");
        // The payment in them was good: nothing else kept it from being posted.
        let receipt = shop.post(good)?;
        ensure!(receipt.outcomes[0].outcome == Outcome::Accepted, "{receipt:?}");
        ensure!(scene.moved()? == -500, "the good batch is posted");
        Ok(())
    };
    story().expect("bad batches are refused");
}

#[test]
fn a_tap_from_a_clock_that_is_far_off_posts_nothing() {
    let story = || -> Result<()> {
        let mut scene = Scene::open()?;
        let shop = Impostor::instead_of_the_shop(&mut scene)?;
        let tap = Envelope::<Tap>::decode(&shop.payment)?;
        // A year ahead of the service.
        let tap = Tap { at: Micros(tap.payload.at.0 + 365 * 86_400 * 1_000_000), ..tap.payload };
        let to_be_signed = ToBeSigned::new(&tap, Kid::Card(card_schema::card::Slot::Tap));
        let signature = signed_by_card(&mut scene, to_be_signed.digest())?;
        let receipt = shop.post(shop.seal(&shop.batch(to_be_signed.sign(&signature)))?)?;
        ensure!(receipt.outcomes[0].outcome == Outcome::ClockImplausible, "{receipt:?}");
        ensure!(scene.moved()? == 0, "a tap from next year is posted");
        Ok(())
    };
    story().expect("a clock far off is noticed");
}

/// Has the card at the shop sign a digest with 9E, as any program may that speaks to the reader.
fn signed_by_card(scene: &mut Scene, digest: [u8; 32]) -> Result<Signature> {
    use std::fmt::Write as _;
    let mut apdu = "0087119E267C2482008120".to_owned();
    for byte in digest {
        write!(apdu, "{byte:02X}").expect("a string");
    }
    apdu.push_str("00");
    let mut command = scene.town.at(Place::Shop).command()?;
    let reader = scene.town.pcscd.readers()[SHOP].clone();
    let output = process::run(command.args(["--format", "json", "apdu", "--select", "--reader", &reader, &apdu]))?;
    let text = String::from_utf8(output.stdout)?;
    // The last answer: 7C len 82 len DER.
    let received = text.rsplit_once("\"received\":\"").context("an answer")?.1;
    let hex: String = received.chars().take_while(|c| *c != '"').filter(|c| !c.is_whitespace()).collect();
    let bytes: Vec<u8> =
        (0..hex.len() / 2).map(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16)).collect::<Result<_, _>>()?;
    let der = bytes.get(4..).context(text)?;
    let length = 2 + usize::from(der[1]);
    Ok(Signature::from_der(&der[..length])?)
}

#[test]
fn a_service_with_a_setting_that_does_not_exist_does_not_start_and_names_it() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("card-service.toml");
    fs::write(&file, "[public]\nlistne = \"127.0.0.1:1\"\n").expect("a file");
    for (language, words) in
        [("zh-CN", "没有名为“public.listne”的设置"), ("en", "there is no setting \"public.listne\"")]
    {
        let mut serve = process::tethered(program("card-service").expect("it is built"));
        let output = serve.args(["--lang", language, "--config"]).arg(&file).arg("serve").output().expect("it runs");
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{said}");
        assert!(said.contains(words) && said.contains("card-service.toml"), "{said}");
    }
}
