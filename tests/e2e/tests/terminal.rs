//! One terminal with the real pcscd, real PIV cards and a service that does what it is told to: taps that survive a
//! kill, receipts that are lies, copies of cards, and web pages that want the card.

use std::{
    io::{Read as _, Write as _},
    net::TcpStream,
    path::PathBuf,
    process::{Child, Command, Stdio},
    sync::Arc,
    time::Duration,
};

use card_schema::{
    card::{Chuid, ObjectTag, Slot},
    date::Date,
    envelope::{receipt::Outcome, status_list::CardStatus},
    ids::{CardId, Shard, TapId},
    money::Fen,
    operation::{Operation, OperationCode, terminal::AbandonReason},
    wire::issuance::ManagementAlgorithm,
};
use e2e::{
    stub_service::{Authority, Mood, StubService, certificate_object},
    within::{World, within_pcscd},
};
use reader_daemon::{
    card::readers::Readers,
    cli::messages::CliError,
    local::{
        client::Client,
        wire::{LocalFile, OutboxReply, PinText, Status, TapReply, TapRequest, TapState},
    },
    piv::{PivError, management::ManagementKey},
};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use town::wait;

const PATIENCE: Duration = Duration::from_secs(20);

/// A terminal in a folder of its own, at the first reader.
struct Terminal {
    folder: TempDir,
    reader: String,
    process: Option<Child>,
}

impl Terminal {
    fn enrol(service: &StubService, reader: &str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let terminal = Self { folder, reader: reader.to_owned(), process: None };
        let root = terminal.folder.path().join("root.der");
        std::fs::write(&root, pem(&service.root.der)).expect("a file");
        let enrol = |code: &str| {
            let mut command = terminal.command();
            command.args(["--format", "json", "enrol", "--service", &service.url(), "--code", code, "--root"]);
            command.arg(&root).output().expect("the program runs")
        };
        let refused = enrol("WRONG");
        assert_eq!(refused.status.code(), Some(1), "{refused:?}");
        let enrolled = enrol("TEST-CODE");
        assert!(enrolled.status.success(), "{enrolled:?}");
        terminal
    }

    fn command(&self) -> Command {
        let mut command = Command::new(town::programs::program("reader-daemon").expect("it builds"));
        command.env("READER_DAEMON_DATA_DIR", self.data()).env("READER_DAEMON_READER", &self.reader);
        command.env("READER_DAEMON_REFRESH_S", "3600");
        command
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn local_file(&self) -> PathBuf {
        self.data().join("local.json")
    }

    fn start(&mut self, runtime: &Runtime) {
        let _ = std::fs::remove_file(self.local_file());
        let child = self.command().arg("run").stdin(Stdio::null()).spawn().expect("the program runs");
        self.process = Some(child);
        eventually("the daemon is ready", || self.status(runtime).ok().filter(|status| !status.readers.is_empty()));
    }

    fn kill(&mut self) {
        let mut child = self.process.take().expect("it runs");
        child.kill().expect("it runs");
        child.wait().expect("it ends");
    }

    fn post<R: serde::de::DeserializeOwned>(
        &self,
        runtime: &Runtime,
        path: &str,
        body: &impl serde::Serialize,
    ) -> Result<R, CliError> {
        let client = Client::open(&self.local_file())?;
        runtime.block_on(client.post(path, body))
    }

    fn status(&self, runtime: &Runtime) -> Result<Status, CliError> {
        let client = Client::open(&self.local_file())?;
        runtime.block_on(client.get("/v1/status"))
    }

    fn pay(&self, runtime: &Runtime, fen: i64) -> Result<TapReply, CliError> {
        self.post(runtime, "/v1/taps", &request(fen))
    }

    fn retry(&self, runtime: &Runtime) -> u64 {
        let reply: OutboxReply = self.post(runtime, "/v1/outbox/retry", &()).expect("the daemon answers");
        reply.pending
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if let Some(mut child) = self.process.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

fn request(fen: i64) -> TapRequest {
    TapRequest {
        operation: OperationCode::PursePayment,
        amount_fen: Some(Fen(fen)),
        points: None,
        payment: None,
        reader: None,
        pin: None,
        wait_ms: 10_000,
        receipt_wait_ms: 10_000,
    }
}

fn pem(der: &[u8]) -> String {
    let text = serde_json::to_value(card_schema::wire::Bytes(der.to_vec())).expect("text");
    let text = text.as_str().expect("text").replace('-', "+").replace('_', "/");
    let padding = "=".repeat((4 - text.len() % 4) % 4);
    format!("-----BEGIN CERTIFICATE-----\n{text}{padding}\n-----END CERTIFICATE-----\n")
}

fn eventually<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    wait::until(what, || Ok(look())).expect("it comes in time")
}

fn card_id(index: u32) -> CardId {
    CardId::new(index, Shard(1), [5; 16])
}

/// Whose certificates a test card gets.
struct Maker<'a> {
    ca: &'a Authority,
    until_year: i32,
}

/// Makes the card in the reader one of the maker's; answers its tap certificate.
fn personalise(reader: &str, id: CardId, maker: &Maker<'_>) -> Vec<u8> {
    let readers = Readers::new();
    let points = eventually("the card can be spoken to", || {
        let made = readers.with_card(reader, PATIENCE, move |card| {
            card.select()?;
            let factory = ManagementKey::factory(ManagementAlgorithm::TripleDes).expect("24 bytes");
            card.authenticate_management(&factory, &[7; 16])?;
            let chuid = Chuid::new(id, Date::from_digits(*b"20891231").expect("a day"));
            card.put_data(ObjectTag::CHUID, &chuid.encode())?;
            Ok::<_, PivError>((card.generate_key(Slot::Tap)?, card.generate_key(Slot::Approve)?))
        });
        made.ok()
    });
    let tap = maker.ca.card(id, Slot::Tap, &points.0, maker.until_year);
    let approve = maker.ca.card(id, Slot::Approve, &points.1, maker.until_year);
    put(
        reader,
        vec![
            (ObjectTag::CERTIFICATE_TAP, certificate_object(&tap)),
            (ObjectTag::CERTIFICATE_APPROVE, certificate_object(&approve)),
        ],
    );
    tap
}

fn put(reader: &str, objects: Vec<(ObjectTag, Vec<u8>)>) {
    let written = Readers::new().with_card(reader, PATIENCE, move |card| {
        card.select()?;
        let factory = ManagementKey::factory(ManagementAlgorithm::TripleDes).expect("24 bytes");
        card.authenticate_management(&factory, &[7; 16])?;
        objects.iter().try_for_each(|(tag, contents)| card.put_data(*tag, contents))?;
        Ok::<_, PivError>(())
    });
    written.expect("a blank card takes objects");
}

/// A world with one terminal, enrolled, with its card in the reader; the daemon is not running yet.
fn begin(world: &World) -> (Runtime, Arc<StubService>, Terminal, Vec<u8>) {
    let runtime = Runtime::new().expect("a runtime");
    let service = runtime.block_on(async { StubService::start() });
    world.insert(0, &world.new_card("card"));
    let maker = Maker { ca: &service.card_ca, until_year: 2089 };
    let certificate = personalise(&world.readers[0], card_id(1), &maker);
    let terminal = Terminal::enrol(&service, &world.readers[0]);
    (runtime, service, terminal, certificate)
}

/// Every tap came once, numbers have no gap, and each names the one before.
fn assert_chain(service: &StubService) -> Vec<Operation> {
    let inside = service.inside();
    let mut previous = TapId::NONE;
    for (place, (id, tap)) in inside.taps.iter().enumerate() {
        assert_eq!((tap.counter, tap.previous), (place as u64 + 1, previous), "tap {place}");
        previous = *id;
    }
    inside.taps.iter().map(|(_, tap)| tap.operation.clone()).collect()
}

#[test]
fn a_tap_is_accepted_and_one_taken_while_the_service_is_away_survives_a_kill() {
    within_pcscd("a_tap_is_accepted_and_one_taken_while_the_service_is_away_survives_a_kill", 2, |world| {
        let (runtime, service, mut terminal, _) = begin(world);
        terminal.start(&runtime);

        let first = terminal.pay(&runtime, 1_250).expect("a tap");
        assert_eq!((first.state, first.outcome), (TapState::Accepted, Some(Outcome::Accepted)));
        assert_eq!(first.balance_fen, Some(Fen(5_000)));
        let known = terminal.pay(&runtime, 300).expect("a tap");
        assert_eq!(known.apdus, 3, "SELECT, GET DATA, GENERAL AUTHENTICATE");
        assert!(known.wire_bytes <= 330, "{} bytes", known.wire_bytes);
        println!("a known card: {:?}", known.timing);

        service.inside().mood = Mood::Busy;
        let away = terminal.pay(&runtime, 400).expect("a tap");
        assert_eq!(away.state, TapState::Signed, "stored and not yet receipted");
        let with_pin = TapRequest { pin: Some(PinText("123456".into())), ..request(20_000) };
        let mistyped = TapRequest { pin: Some(PinText("654321".into())), ..request(20_000) };
        terminal.post::<TapReply>(&runtime, "/v1/taps", &mistyped).expect_err("a wrong PIN");
        let with_pin: TapReply =
            eventually("the next number lies ready", || terminal.post(&runtime, "/v1/taps", &with_pin).ok());
        assert_eq!(with_pin.state, TapState::Signed);
        // Until the next number lies ready the reader is busy; then what cannot be is refused as such.
        eventually("the next number lies ready", || terminal.pay(&runtime, 0).ok());
        terminal.kill();

        service.inside().mood = Mood::Honest;
        terminal.start(&runtime);
        eventually("the taps go up", || (terminal.status(&runtime).ok()?.pending == 0).then_some(()));
        terminal.pay(&runtime, 500).expect("a tap");
        let operations = assert_chain(&service);
        let amounts: Vec<_> = operations.iter().filter_map(Operation::amount).map(|fen| fen.0).collect();
        assert_eq!(amounts, [1_250, 300, 400, 20_000, 500]);
        let abandoned = operations.iter().filter_map(|done| match done {
            Operation::Abandoned(abandoned) => Some(abandoned.reason),
            _ => None,
        });
        let expected = [AbandonReason::WrongPin, AbandonReason::Restart];
        assert_eq!(abandoned.collect::<Vec<_>>(), expected, "the second lay ready when the daemon was killed");
    });
}

#[test]
fn only_the_services_own_receipt_makes_the_outbox_forget() {
    within_pcscd("only_the_services_own_receipt_makes_the_outbox_forget", 2, |world| {
        let (runtime, service, mut terminal, _) = begin(world);
        service.inside().mood = Mood::OtherKey;
        terminal.start(&runtime);
        let tap = terminal.pay(&runtime, 100).expect("a tap");
        assert_eq!(tap.state, TapState::Signed);
        for (brought, mood) in (2..).zip([Mood::OtherBatch, Mood::Forgetful, Mood::OtherKey, Mood::Honest]) {
            service.inside().mood = mood;
            let id = tap.tap_id.expect("it was signed");
            eventually("the tap is brought again", || {
                terminal.retry(&runtime);
                (service.inside().brought.get(&id).copied() >= Some(brought)).then_some(())
            });
            if mood != Mood::Honest {
                assert_eq!(terminal.status(&runtime).expect("it runs").pending, 1, "{mood:?} made it forget");
            }
        }
        eventually("the honest receipt counts", || (terminal.status(&runtime).ok()?.pending == 0).then_some(()));
        assert_chain(&service);
    });
}

#[test]
fn cards_that_are_not_good_are_refused_with_the_network_unplugged() {
    within_pcscd("cards_that_are_not_good_are_refused_with_the_network_unplugged", 2, |world| {
        let (runtime, service, mut terminal, certificate) = begin(world);
        terminal.start(&runtime);
        let good = terminal.pay(&runtime, 100).expect("a tap");
        assert_eq!(good.state, TapState::Accepted);
        // From here on nothing helps the terminal but what it knows.
        service.inside().mood = Mood::Mute;
        let reader = world.readers[0].clone();
        let swap = |name: &str| {
            world.cards.remove(0).expect("a card is there");
            world.insert(0, &world.new_card(name));
        };
        let refused = |case: &str, code: &str| {
            let reply = eventually("the new card is noticed", || terminal.pay(&runtime, 100).ok());
            let refusal = reply.refusal.unwrap_or_else(|| panic!("{case} was taken: {:?}", reply.state));
            assert_eq!((reply.state, refusal.code.as_str()), (TapState::Refused, code), "{case}");
            assert!(reply.tap_id.is_none(), "{case}");
        };

        swap("copy");
        personalise(&reader, card_id(1), &Maker { ca: &service.card_ca, until_year: 2089 });
        put(&reader, vec![(ObjectTag::CERTIFICATE_TAP, certificate_object(&certificate))]);
        refused("the known card's id and certificate on another chip", "copied-card");

        swap("renamed");
        personalise(&reader, card_id(2), &Maker { ca: &service.card_ca, until_year: 2089 });
        put(&reader, vec![(ObjectTag::CERTIFICATE_TAP, certificate_object(&certificate))]);
        refused("another card's certificate", "copied-card");

        swap("foreign");
        let other = Authority::root("Test Root");
        personalise(&reader, card_id(3), &Maker { ca: &other, until_year: 2089 });
        refused("a card of another issuer", "foreign-card");

        swap("expired");
        personalise(&reader, card_id(4), &Maker { ca: &service.card_ca, until_year: 2021 });
        refused("an expired card", "card-expired");
    });
}

#[test]
fn a_listed_card_is_refused_offline_and_the_list_never_goes_back() {
    within_pcscd("a_listed_card_is_refused_offline_and_the_list_never_goes_back", 2, |world| {
        let (runtime, service, mut terminal, _) = begin(world);
        terminal.start(&runtime);
        assert_eq!(terminal.pay(&runtime, 100).expect("a tap").state, TapState::Accepted);
        service.list(card_id(1), CardStatus::Invalid);
        terminal.retry(&runtime);
        eventually("the list comes", || (terminal.status(&runtime).ok()?.status_version == 2).then_some(()));
        service.inside().mood = Mood::Mute;
        let code = |reply: TapReply| reply.refusal.map(|refusal| refusal.code);
        assert_eq!(terminal.pay(&runtime, 100).map(code).expect("an answer").as_deref(), Some("card-revoked"));
        terminal.kill();
        terminal.start(&runtime);
        assert_eq!(terminal.status(&runtime).expect("it runs").status_version, 2, "kept over the restart");
        assert_eq!(terminal.pay(&runtime, 100).map(code).expect("an answer").as_deref(), Some("card-revoked"));

        // A service that knows less than the terminal is reached, and changes nothing, also when the terminal starts.
        service.forget_the_list(1);
        service.inside().mood = Mood::Honest;
        for _ in 0..2 {
            terminal.retry(&runtime);
            let reached = || (terminal.status(&runtime).ok()?.online == Some(true)).then_some(());
            eventually("the service is reached", reached);
            assert_eq!(terminal.status(&runtime).expect("it runs").status_version, 2);
            assert_eq!(terminal.pay(&runtime, 100).map(code).expect("an answer").as_deref(), Some("card-revoked"));
            terminal.kill();
            terminal.start(&runtime);
        }
        // One that knows another history further on is followed.
        service.forget_the_list(9);
        terminal.retry(&runtime);
        eventually("the list comes", || (terminal.status(&runtime).ok()?.status_version == 9).then_some(()));
        assert_eq!(terminal.pay(&runtime, 100).expect("a tap").state, TapState::Accepted);
    });
}

#[test]
fn a_certificate_near_its_end_is_renewed_and_the_terminal_goes_on() {
    within_pcscd("a_certificate_near_its_end_is_renewed_and_the_terminal_goes_on", 2, |world| {
        let (runtime, service, mut terminal, _) = begin(world);
        let path = terminal.data().join("terminal.json");
        let file = || std::fs::read_to_string(&path).expect("the identity");
        let enrolled = file();
        terminal.start(&runtime);
        eventually("another certificate is kept", || (file() != enrolled).then_some(()));
        let renewed = file();
        assert_eq!(terminal.pay(&runtime, 100).expect("a tap").state, TapState::Accepted);
        terminal.kill();
        terminal.start(&runtime);
        assert_eq!(terminal.pay(&runtime, 100).expect("a tap").state, TapState::Accepted, "with the new one");
        terminal.retry(&runtime);
        eventually("the service is reached", || (terminal.status(&runtime).ok()?.online == Some(true)).then_some(()));
        assert_eq!((file(), service.inside().renewed), (renewed, 1), "once");
    });
}

/// Sends a request as it is; answers the status code.
fn raw(file: &LocalFile, head: &str, body: &str) -> u16 {
    let mut stream = TcpStream::connect(file.address).expect("it listens");
    write!(stream, "{head}Content-Length: {}\r\nConnection: close\r\n\r\n{body}", body.len()).expect("it reads");
    let mut reply = String::new();
    stream.read_to_string(&mut reply).expect("it answers");
    reply.split(' ').nth(1).and_then(|code| code.parse().ok()).expect("an HTTP status")
}

#[test]
fn no_web_page_reaches_the_card() {
    within_pcscd("no_web_page_reaches_the_card", 2, |world| {
        let (runtime, _service, mut terminal, _) = begin(world);
        terminal.start(&runtime);
        let file = std::fs::read(terminal.local_file()).expect("the daemon's file");
        let file: LocalFile = serde_json::from_slice(&file).expect("the daemon's file");
        let apdus = || world.cards.apdus(0).expect("a card is there");
        let (host, token) =
            (format!("Host: {}\r\n", file.address), format!("Authorization: Bearer {}\r\n", file.token));
        let json = "Content-Type: application/json\r\n";
        let body = serde_json::to_string(&request(100)).expect("JSON");
        let post = |headers: &str| raw(&file, &format!("POST /v1/taps HTTP/1.1\r\n{headers}"), &body);

        let before = apdus();
        let table = [
            ("a page of another origin", format!("{host}{token}{json}Origin: https://evil.example\r\n"), 403),
            ("a sandboxed page", format!("{host}{token}{json}Origin: null\r\n"), 403),
            (
                "a page of our own, which may not ask as programs do",
                format!("{host}{token}{json}Origin: http://{}\r\n", file.address),
                403,
            ),
            ("a rebound name", format!("Host: evil.example:{}\r\n{token}{json}", file.address.port()), 403),
            ("localhost", format!("Host: localhost:{}\r\n{token}{json}", file.address.port()), 403),
            ("a no-cors form post", format!("{host}Content-Type: text/plain\r\nOrigin: https://evil.example\r\n"), 403),
            ("a simple request without origin", format!("{host}Content-Type: text/plain\r\n"), 401),
            ("no token", format!("{host}{json}"), 401),
            ("another token", format!("{host}Authorization: Bearer x\r\n{json}"), 401),
            ("a browser that hides its origin", format!("{host}{token}{json}Sec-Fetch-Site: cross-site\r\n"), 403),
        ];
        for (case, headers, status) in table {
            assert_eq!(post(&headers), status, "{case}");
        }
        let preflight = format!("OPTIONS /v1/taps HTTP/1.1\r\n{host}Origin: https://evil.example\r\n");
        assert_eq!(raw(&file, &preflight, ""), 403, "a preflight");
        for path in ["/v1/sign", "/v1/apdu", "/v1/hash"] {
            let request = format!("POST {path} HTTP/1.1\r\n{host}{token}{json}");
            assert_eq!(raw(&file, &request, "{}"), 404, "{path}: nothing signs what a caller chooses");
        }
        assert_eq!(apdus(), before, "a card saw something");

        assert_eq!(post(&format!("{host}{token}{json}")), 200, "our own client gets in");
        assert!(apdus() > before, "and the card sees it");
    });
}
