//! The card as a reader sees it: these tests play vsmartcard's driver, so that no pcscd stands in between.

use std::error::Error;
use std::io::{ErrorKind, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use tempfile::TempDir;
use virtual_card::{CardKind, Cards};

type TestResult<T = ()> = Result<T, Box<dyn Error>>;

const PATIENCE: Duration = Duration::from_secs(20);

const POWER_ON: &[u8] = &[1];
const RESET: &[u8] = &[2];
const GET_ATR: &[u8] = &[4];

const SELECT_PIV: &str = "00A4040009A0000003080000100000";
const PIN_STATE: &str = "00200080";
const RIGHT_PIN: &str = "0020008008313233343536FFFF";
const WRONG_PIN: &str = "0020008008393939393939FFFF";

/// A process with two slots, and the reader side of both.
struct Bench {
    process: Child,
    cards: Cards,
    listeners: [TcpListener; 2],
    folder: TempDir,
}

impl Bench {
    fn new() -> TestResult<Self> {
        let folder = tempfile::tempdir()?;
        let listeners = [TcpListener::bind("127.0.0.1:0")?, TcpListener::bind("127.0.0.1:0")?];
        let process = start(&folder, &listeners)?;
        let cards = Cards::new(folder.path().join("control"));
        let mut bench = Self { process, cards, listeners, folder };
        bench.wait()?;
        Ok(bench)
    }

    fn wait(&mut self) -> TestResult {
        let begun = Instant::now();
        while let Err(error) = self.cards.list() {
            if begun.elapsed() > PATIENCE || self.process.try_wait()?.is_some() {
                return Err(error.into());
            }
            thread::sleep(Duration::from_millis(2));
        }
        Ok(())
    }

    /// What a kill -9 and a new start do.
    fn kill_and_restart(&mut self) -> TestResult {
        self.process.kill()?;
        self.process.wait()?;
        self.process = start(&self.folder, &self.listeners)?;
        self.wait()
    }

    fn new_card(&self, name: &str) -> TestResult<PathBuf> {
        let card = self.folder.path().join(name);
        self.cards.create(&card)?;
        Ok(card)
    }

    fn insert(&self, slot: usize, card: &Path) -> TestResult<Reader> {
        self.cards.insert(slot, card)?;
        let (line, _) = self.listeners[slot].accept()?;
        line.set_nodelay(true)?;
        let mut reader = Reader { line };
        reader.say(POWER_ON)?;
        Ok(reader)
    }
}

impl Drop for Bench {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn start(folder: &TempDir, listeners: &[TcpListener]) -> TestResult<Child> {
    let mut ports = Vec::new();
    for listener in listeners {
        ports.push(listener.local_addr()?.port().to_string());
    }
    Ok(Command::new(env!("CARGO_BIN_EXE_virtual-card"))
        .arg("serve")
        .arg("--control")
        .arg(folder.path().join("control"))
        .args(["--ports", &ports.join(",")])
        .stdin(Stdio::piped())
        .spawn()?)
}

struct Reader {
    line: TcpStream,
}

impl Reader {
    fn say(&mut self, body: &[u8]) -> std::io::Result<()> {
        let length = u16::try_from(body.len()).expect("short");
        // Two packets, as the driver sends them.
        self.line.write_all(&length.to_be_bytes())?;
        self.line.write_all(body)
    }

    fn hear(&mut self) -> std::io::Result<Vec<u8>> {
        let mut length = [0; 2];
        self.line.read_exact(&mut length)?;
        let mut body = vec![0; usize::from(u16::from_be_bytes(length))];
        self.line.read_exact(&mut body)?;
        Ok(body)
    }

    /// Exchanges an APDU written in hexadecimal; answers likewise.
    fn apdu(&mut self, command: &str) -> std::io::Result<String> {
        let bytes: Vec<u8> = (0..command.len() / 2)
            .map(|at| u8::from_str_radix(&command[2 * at..2 * at + 2], 16).expect("hexadecimal"))
            .collect();
        self.say(&bytes)?;
        let answer = self.hear()?;
        let digits: Vec<String> = answer.iter().map(|byte| format!("{byte:02X}")).collect();
        Ok(digits.concat())
    }
}

#[test]
fn the_ways_in_which_tools_talk_are_understood() -> TestResult {
    let bench = Bench::new()?;
    let mut reader = bench.insert(0, &bench.new_card("card")?)?;
    reader.say(GET_ATR)?;
    assert_eq!(reader.hear()?[0], 0x3B);
    let full = reader.apdu(SELECT_PIV)?;
    assert!(full.starts_with("61") && full.ends_with("9000"), "{full}");
    for (what, command, expected) in [
        ("NIST's identifier alone, no Le", "00A4040005A000000308", full.as_str()),
        ("another application", "00A4040006A00000000101", "6A82"),
        ("still selected after that", PIN_STATE, "63C3"),
        ("an extended Lc", "00200080000008313233343536FFFF", "9000"),
        ("a verified PIN", PIN_STATE, "9000"),
        ("a chain's first part", "1024008008313233343536FFFF", "9000"),
        ("a chain's end", "0024008008363534333231FFFF", "9000"),
        ("the old PIN", RIGHT_PIN, "63C2"),
        ("the new PIN", "0020008008363534333231FFFF", "9000"),
        ("four bytes of the discovery object", "00CB3FFF035C017E04", "7E124F0B6110"),
        ("and three more", "00C0000003", "A00000610D"),
        ("a length that is none", "00CB3FFF095C017E", "6700"),
        ("an unknown instruction", "00020000", "6A81"),
    ] {
        assert_eq!(reader.apdu(command)?, expected, "{what}");
    }
    Ok(())
}

#[test]
fn a_reset_forgets_the_verified_pin_and_the_selection_but_not_the_tries() -> TestResult {
    let bench = Bench::new()?;
    let mut reader = bench.insert(0, &bench.new_card("card")?)?;
    assert_eq!(reader.apdu(PIN_STATE)?, "6D00");
    reader.apdu(SELECT_PIV)?;
    assert_eq!(reader.apdu(RIGHT_PIN)?, "9000");
    assert_eq!(reader.apdu(PIN_STATE)?, "9000");
    for (power, left) in [(RESET, "63C3"), (POWER_ON, "63C2")] {
        reader.say(power)?;
        assert_eq!(reader.apdu(PIN_STATE)?, "6D00");
        reader.apdu(SELECT_PIV)?;
        assert_eq!(reader.apdu(PIN_STATE)?, left);
        reader.apdu(WRONG_PIN)?;
    }
    Ok(())
}

#[test]
fn three_wrong_pins_block_the_card_and_only_then_it_can_be_reset() -> TestResult {
    let bench = Bench::new()?;
    let mut reader = bench.insert(0, &bench.new_card("card")?)?;
    reader.apdu(SELECT_PIV)?;
    assert_eq!(reader.apdu("00FB0000")?, "6985");
    for expected in ["63C2", "63C1", "6983", "6983"] {
        assert_eq!(reader.apdu(WRONG_PIN)?, expected);
    }
    assert_eq!(reader.apdu(RIGHT_PIN)?, "6983");
    assert_eq!(reader.apdu("00FB0000")?, "9000");
    assert_eq!(reader.apdu(RIGHT_PIN)?, "9000");
    Ok(())
}

#[test]
fn a_blanked_card_is_factory_new() -> TestResult {
    let bench = Bench::new()?;
    let card = bench.new_card("card")?;
    let mut reader = bench.insert(0, &card)?;
    reader.apdu(SELECT_PIV)?;
    reader.apdu(WRONG_PIN)?;
    let refused = bench.cards.blank(&card).expect_err("the card is inserted");
    assert!(refused.to_string().contains("inserted elsewhere"), "{refused}");
    bench.cards.remove(0)?;
    bench.cards.blank(&card)?;
    let mut reader = bench.insert(0, &card)?;
    reader.apdu(SELECT_PIV)?;
    assert_eq!(reader.apdu(PIN_STATE)?, "63C3");
    Ok(())
}

#[test]
fn a_card_of_somebody_else_knows_no_application() -> TestResult {
    let bench = Bench::new()?;
    let card = bench.folder.path().join("foreign");
    bench.cards.create_kind(&card, CardKind::Foreign)?;
    let mut reader = bench.insert(0, &card)?;
    assert_eq!(reader.apdu(SELECT_PIV)?, "6A82");
    assert_eq!(reader.apdu(PIN_STATE)?, "6D00");
    Ok(())
}

#[test]
fn what_cannot_be_done_is_refused_and_says_why() -> TestResult {
    let bench = Bench::new()?;
    let card = bench.new_card("card")?;
    let nothing = bench.folder.path().join("nothing");
    let _reader = bench.insert(0, &card)?;
    let cards = &bench.cards;
    for (outcome, reason) in [
        (cards.insert(0, &bench.new_card("second")?), "the slot holds"),
        (cards.insert(1, &card), "inserted elsewhere"),
        (cards.insert(1, &nothing), "holds no card"),
        (cards.insert(2, &card), "there is no slot 2"),
        (cards.create(&card), "holds a card already"),
        (cards.remove(1), "the slot is empty"),
        (cards.tear_before(0, 0), "count from 1"),
        (cards.hang(1), "the slot is empty"),
        (cards.start_pcscd(), "did not start pcscd"),
    ] {
        let error = outcome.expect_err(reason).to_string();
        assert!(error.contains(reason), "{error}");
    }
    Ok(())
}

#[test]
fn a_card_torn_before_an_apdu_has_not_run_it_and_one_torn_after_has() -> TestResult {
    let bench = Bench::new()?;
    let card = bench.new_card("card")?;
    for (after, tries) in [(false, "63C3"), (true, "63C2")] {
        let mut reader = bench.insert(0, &card)?;
        if after {
            bench.cards.tear_after(0, 2)?;
        } else {
            bench.cards.tear_before(0, 2)?;
        }
        assert_eq!(bench.cards.slot(0)?.tear_in, Some(2));
        assert!(reader.apdu(SELECT_PIV)?.ends_with("9000"));
        let torn = reader.apdu(WRONG_PIN).expect_err("a torn card answers nothing");
        assert!(matches!(torn.kind(), ErrorKind::UnexpectedEof | ErrorKind::ConnectionReset), "{torn}");
        bench.cards.wait_empty(0, PATIENCE)?;
        let state = bench.cards.slot(0)?;
        assert_eq!(state.apdus, 2);
        assert!(state.left_because.is_some_and(|why| why.starts_with("torn")));

        let mut reader = bench.insert(0, &card)?;
        reader.apdu(SELECT_PIV)?;
        assert_eq!(reader.apdu(PIN_STATE)?, tries);
        bench.cards.remove(0)?;
    }
    let trace = bench.cards.trace(0, 0)?;
    let unanswered: Vec<_> = trace.iter().filter(|apdu| !apdu.answered).collect();
    assert_eq!(unanswered.iter().map(|apdu| apdu.status).collect::<Vec<_>>(), [0, 0x63C2]);
    assert!(trace.iter().all(|apdu| !apdu.command.contains("393939")));
    assert_eq!(bench.cards.trace(0, trace[0].number)?.len(), trace.len() - 1);
    Ok(())
}

#[test]
fn a_hanging_card_answers_when_the_hang_ends_and_can_be_pulled_out() -> TestResult {
    let bench = Bench::new()?;
    let mut reader = bench.insert(0, &bench.new_card("card")?)?;
    bench.cards.hang(0)?;
    reader.line.set_read_timeout(Some(Duration::from_millis(100)))?;
    let silence = reader.apdu(SELECT_PIV).expect_err("a hanging card is silent");
    assert_eq!(silence.kind(), ErrorKind::WouldBlock);
    bench.cards.resume(0)?;
    reader.line.set_read_timeout(Some(PATIENCE))?;
    assert!(reader.hear()?.ends_with(&[0x90, 0x00]));

    bench.cards.hang(0)?;
    bench.cards.remove(0)?;
    assert_eq!(bench.cards.slot(0)?.card, None);
    Ok(())
}

#[test]
fn a_card_stays_in_when_the_reader_goes_away_and_comes_back() -> TestResult {
    let bench = Bench::new()?;
    let reader = bench.insert(0, &bench.new_card("card")?)?;
    drop(reader);
    let (line, _) = bench.listeners[0].accept()?;
    let mut reader = Reader { line };
    reader.say(POWER_ON)?;
    assert!(reader.apdu(SELECT_PIV)?.ends_with("9000"));
    Ok(())
}

/// The process is killed at a random moment of an endless wrong, right, wrong, right. The tries that are left must be
/// those after the last answered PIN, or after the one that was on its way.
#[test]
fn a_killed_process_leaves_each_card_as_after_an_apdu() -> TestResult {
    let mut bench = Bench::new()?;
    let card = bench.new_card("card")?;
    let mut wrong_is_next = true;
    for round in 0..20_u64 {
        let mut reader = bench.insert(0, &card)?;
        reader.apdu(SELECT_PIV)?;
        let tries = reader.apdu(PIN_STATE)?;
        let (answered, on_its_way) = if wrong_is_next { ("63C3", "63C2") } else { ("63C2", "63C3") };
        assert!(
            round == 0 || tries == answered || tries == on_its_way,
            "round {round}: {tries}, last answered {answered}"
        );
        wrong_is_next = tries == "63C3";
        let process = bench.process.id();
        // Spread over the two to three milliseconds that a pair takes.
        let moment = Duration::from_micros(5_000 + 937 * round % 5_000);
        let killer = thread::spawn(move || {
            thread::sleep(moment);
            Command::new("kill").args(["-9", &process.to_string()]).status()
        });
        while reader.apdu(if wrong_is_next { WRONG_PIN } else { RIGHT_PIN }).is_ok() {
            wrong_is_next = !wrong_is_next;
        }
        killer.join().expect("it only runs kill")?;
        bench.kill_and_restart()?;
    }
    Ok(())
}
