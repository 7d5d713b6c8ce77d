//! The commands for a person at a reader, as a person meets them: exit codes, both languages, nothing secret shown.

use std::io::Write;
use std::process::{Command, Stdio};

use e2e::scene::Scene;
use serde_json::Value;
use town::Place;
use town::pcscd::{Pcscd, SOCKET_VARIABLE};
use town::programs::program;
use virtual_card::CardKind;

/// What a command answered.
struct Ran {
    code: i32,
    out: String,
    err: String,
}

impl Ran {
    fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error}: {} {}", self.out, self.err))
    }

    /// The stable code of the failure.
    fn error(&self) -> String {
        let error: Value = serde_json::from_str(&self.err).unwrap_or_else(|error| panic!("{error}: {}", self.err));
        error["error"]["code"].as_str().expect("each failure has a code").to_owned()
    }
}

/// A town's reader with one card's commands.
struct Desk {
    pcscd: Pcscd,
}

impl Desk {
    fn new() -> Self {
        Self { pcscd: Pcscd::start(2).expect("a pcscd of our own") }
    }

    fn run(&self, args: &[&str], stdin: &str) -> Ran {
        ran(self.pcscd.command(program("reader-daemon").expect("it is built")), args, stdin)
    }

    /// The same at the first reader, as JSON.
    fn at_first(&self, args: &[&str], stdin: &str) -> Ran {
        let reader = &self.pcscd.readers()[0];
        self.run(&[args, &["--reader", reader, "--format", "json"]].concat(), stdin)
    }

    fn insert(&self, name: &str, kind: CardKind) {
        let card = self.pcscd.folder().join(name);
        self.pcscd.cards().create_kind(&card, kind).expect("a new card");
        self.pcscd.insert(0, &card).expect("pcscd notices the card");
        let first = || self.run(&["readers", "--format", "json"], "").json()[0]["card"].clone();
        // pcscd powers a card a little before it says that it is there.
        while first() != "present" {}
    }
}

fn ran(mut command: Command, args: &[&str], stdin: &str) -> Ran {
    let mut child = command
        .args(args)
        .env_remove("LANG")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the program starts");
    // A command that refuses its arguments does not read; its pipe is then closed.
    let _ = child.stdin.take().expect("piped").write_all(stdin.as_bytes());
    let output = child.wait_with_output().expect("the program ends");
    Ran {
        code: output.status.code().expect("it ends by itself"),
        out: String::from_utf8(output.stdout).expect("text"),
        err: String::from_utf8(output.stderr).expect("text"),
    }
}

#[test]
fn what_is_missing_is_said_in_both_languages_with_what_to_do() {
    let desk = Desk::new();
    let without_service = |args: &[&str]| {
        let mut command = Command::new(program("reader-daemon").expect("it is built"));
        command.env(SOCKET_VARIABLE, desk.pcscd.folder().join("no-such-socket"));
        ran(command, args, "")
    };
    let none = without_service(&["readers", "--format", "json"]);
    assert_eq!((none.code, none.error().as_str()), (4, "no-card-service"));
    let several = desk.run(&["card", "info", "--lang", "zh"], "");
    assert_eq!(several.code, 2);
    for reader in desk.pcscd.readers() {
        assert!(several.err.contains(reader.as_str()), "{}", several.err);
    }
    assert!(several.err.contains("请用 --reader 指定"), "{}", several.err);
    assert!(desk.run(&["card", "info"], "").err.contains("Name one with --reader"));
    let unknown = desk.run(&["card", "info", "--reader", "Invented Reader 9", "--format", "json"], "");
    assert_eq!((unknown.code, unknown.error().as_str()), (4, "unknown-reader"));
    let empty = desk.at_first(&["card", "info"], "");
    assert_eq!((empty.code, empty.error().as_str()), (4, "no-card"));
    desk.insert("foreign", CardKind::Foreign);
    let foreign = desk.at_first(&["card", "info"], "");
    assert_eq!((foreign.code, foreign.error().as_str()), (1, "no-piv-card"));
    assert_eq!(desk.run(&["card", "burn"], "").code, 2);
}

#[test]
fn each_command_shows_examples_of_itself() {
    let commands: [&[&str]; 8] = [
        &["readers"],
        &["apdu"],
        &["card", "info"],
        &["card", "check"],
        &["card", "verify-pin"],
        &["card", "change-pin"],
        &["card", "unblock"],
        &["card", "reset"],
    ];
    for command in commands {
        let help =
            ran(Command::new(program("reader-daemon").expect("it is built")), &[command, &["--help"]].concat(), "");
        assert_eq!(help.code, 0);
        let example = format!("reader-daemon {}", command.join(" "));
        assert!(help.out.contains("Examples:") && help.out.contains(&example), "{}", help.out);
    }
}

#[test]
fn a_pin_is_verified_changed_blocked_and_unblocked_at_the_desk() {
    let desk = Desk::new();
    desk.insert("card", CardKind::Piv);
    let tries = || desk.at_first(&["card", "info"], "").json()["pin"].clone();
    assert_eq!(tries(), serde_json::json!({ "state": "tries_left", "tries_left": 3 }));
    let verify = |pin: &str| desk.at_first(&["card", "verify-pin", "--pin-stdin"], pin);
    for (typed, code) in [("\n", "empty-secret"), ("12345\n", "secret-length"), ("12345x\n", "secret-not-digits")] {
        let refused = verify(typed);
        assert_eq!((refused.code, refused.error().as_str()), (2, code));
    }
    assert_eq!(tries()["tries_left"], 3, "what is no PIN never reaches the card");
    assert_eq!(verify("123456\n").code, 0);
    let factory = desk.at_first(&["card", "change-pin", "--pin-stdin"], "123456\n123456\n");
    assert_eq!((factory.code, factory.error().as_str()), (2, "factory-pin"));
    assert_eq!(desk.at_first(&["card", "change-pin", "--pin-stdin"], "123456\n246810\n").code, 0);
    for (left, code) in [(2, "wrong-pin"), (1, "wrong-pin"), (0, "pin-blocked")] {
        let wrong = verify("123456\n");
        assert_eq!((wrong.code, wrong.error().as_str()), (1, code));
        let says_left = wrong.err.contains(&format!("{left} {}", if left == 1 { "try" } else { "tries" }));
        assert!(says_left || left == 0, "{}", wrong.err);
    }
    let blocked = verify("246810\n");
    assert_eq!((blocked.code, blocked.error().as_str()), (1, "pin-blocked"));
    let unblock = |typed: &str| desk.at_first(&["card", "unblock", "--pin-stdin"], typed);
    let wrong = unblock("00000000\n135790\n");
    assert_eq!((wrong.code, wrong.error().as_str()), (1, "wrong-puk"));
    assert_eq!(unblock("12345678\n135790\n").code, 0);
    assert_eq!(verify("135790\n").code, 0);
}

#[test]
fn a_check_tells_what_a_card_can_do_and_spends_no_try() {
    let desk = Desk::new();
    desk.insert("card", CardKind::Piv);
    let check = desk.at_first(&["card", "check"], "").json();
    assert_eq!(check["management"], "triple_des");
    assert_eq!(check["factory_management_key"], true);
    assert_eq!(check["factory_pin"], Value::Null);
    assert_eq!(check["pin"]["tries_left"], 3);
    let certificate = &check["objects"][4];
    assert_eq!((&certificate["tag"], &certificate["state"]), (&"5FC101".into(), &"absent".into()));
    assert_eq!(desk.at_first(&["card", "check", "--try-factory-pin"], "").json()["factory_pin"], true);
    assert_eq!(desk.at_first(&["card", "change-pin", "--pin-stdin"], "123456\n246810\n").code, 0);
    assert_eq!(desk.at_first(&["card", "check", "--try-factory-pin"], "").json()["factory_pin"], false);
    assert_eq!(desk.at_first(&["card", "check"], "").json()["pin"]["tries_left"], 2, "that cost one, as it said");
}

/// Everything of a text for a person that is no name of the standard or of a device has its language's letters.
fn is_in_one_language(text: &str, language: &str, names: &[&str]) -> bool {
    let own = names.iter().fold(text.to_owned(), |text, name| text.replace(name, ""));
    match language {
        // Names of the standard have capitals: PIN, CHUID, AES-256.
        "zh" => !own.chars().any(|character| character.is_ascii_lowercase()),
        _ => own.is_ascii(),
    }
}

#[test]
fn whatever_is_printed_of_a_card_is_in_the_language_that_was_asked_for() {
    let mut scene = Scene::open().expect("a town with a personalised card at the shop");
    let blank = scene.town.pcscd.new_card("blank").expect("a new card");
    scene.town.put(&blank, Place::Station).expect("the station's reader is free");
    for (place, states) in [
        (Place::Shop, [("zh", "9A: 需要 PIN"), ("en", "9A: needs the PIN")]),
        (Place::Station, [("zh", "证书 9A (5FC105): 无"), ("en", "certificate 9A (5FC105): absent")]),
    ] {
        let reader = scene.town.pcscd.readers()[place as usize].clone();
        let run =
            |args: &[&str]| ran(scene.town.pcscd.command(program("reader-daemon").expect("it is built")), args, "");
        let label = run(&["card", "check", "--reader", &reader, "--format", "json"]).json()["label"].clone();
        let names = [&*reader, label.as_str().expect("Nitrokey's card has a label")];
        for (language, state) in states {
            let check = run(&["card", "check", "--reader", &reader, "--lang", language]);
            assert_eq!(check.code, 0, "{}", check.err);
            assert!(check.out.contains(state), "no {state:?} in {}", check.out);
            assert!(is_in_one_language(&check.out, language, &names), "{language}: {}", check.out);
            let info = run(&["card", "info", "--reader", &reader, "--lang", language]).out;
            // The card's own number has small letters.
            let is_number = |line: &str| line.starts_with("卡号") || line.starts_with("card id");
            let info: Vec<_> = info.lines().filter(|line| !is_number(line)).collect();
            assert!(info.len() > 3 && is_in_one_language(&info.join("\n"), language, &names), "{language}: {info:?}");
        }
    }
    assert!(!is_in_one_language("9A: needs the PIN", "zh", &[]) && !is_in_one_language("照片: absent", "en", &[]));
}

#[test]
fn a_reset_must_be_meant_and_is_thorough() {
    let desk = Desk::new();
    desk.insert("card", CardKind::Piv);
    assert_eq!(desk.at_first(&["card", "change-pin", "--pin-stdin"], "123456\n246810\n").code, 0);
    let unmeant = desk.at_first(&["card", "reset"], "");
    assert_eq!((unmeant.code, unmeant.error().as_str()), (2, "not-confirmed"));
    assert_eq!(desk.at_first(&["card", "verify-pin", "--pin-stdin"], "246810\n").code, 0);
    let reset = desk.at_first(&["card", "reset", "--yes"], "");
    assert_eq!(reset.code, 0, "{}", reset.err);
    assert_eq!(desk.at_first(&["card", "verify-pin", "--pin-stdin"], "123456\n").code, 0);
}

#[test]
fn raw_apdus_are_explained_and_no_secret_is_shown() {
    let desk = Desk::new();
    desk.insert("card", CardKind::Piv);
    let asked = desk.at_first(&["apdu", "--select", "00200080", "00CB3FFF055C035FC10100"], "").json();
    assert_eq!((&asked[0]["received"], &asked[0]["meaning"]), (&"63C3".into(), &"wrong PIN, 3 tries left".into()));
    assert_eq!(asked[1]["meaning"], "not found");
    let verify = "0020008008 3131313131313131\n";
    let argument = desk.at_first(&["apdu", "--select", verify], "");
    assert_eq!((argument.code, argument.error().as_str()), (2, "secret-argument"));
    let shown = desk.at_first(&["apdu", "--select", "--stdin"], verify);
    assert_eq!(shown.json()[0]["received"], "63C2");
    assert!(!shown.out.contains("3131") && shown.out.contains("8 bytes withheld"), "{}", shown.out);
    for bad in ["nonsense", "0020"] {
        let refused = desk.at_first(&["apdu", bad], "");
        assert_eq!((refused.code, refused.error().as_str()), (2, "bad-apdu"));
    }
}
