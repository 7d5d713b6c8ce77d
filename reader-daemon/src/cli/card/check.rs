//! `card check`: what a given card can do. Finds out by asking; says what would cost a PIN try, and spends one only
//! when told to.

use card_schema::{
    card::{ObjectTag, Slot},
    wire::issuance::ManagementAlgorithm,
};
use clap::Args;
use ring::rand::{SecureRandom, SystemRandom};
use serde::Serialize;

use super::{
    super::{at_reader::AtReader, messages::CliError, messages_card, output::Context},
    info::pin_text,
};
use crate::{
    card::{apdu::StatusWord, link::Link, trace::hex},
    piv::{Pin, PivCard, PivError, Reason, Refused, management::ManagementKey, verify::PinState},
};

/// The objects that issuance writes, and the card's own, by their names in Chinese and English.
const OBJECTS: [(&str, &str, ObjectTag); 9] = [
    ("CHUID", "CHUID", ObjectTag::CHUID),
    ("CCC", "CCC", ObjectTag::CCC),
    ("证书 9A", "certificate 9A", ObjectTag::CERTIFICATE_SIGN_IN),
    ("证书 9C", "certificate 9C", ObjectTag::CERTIFICATE_APPROVE),
    ("证书 9E", "certificate 9E", ObjectTag::CERTIFICATE_TAP),
    ("印刷信息", "printed information", ObjectTag::PRINTED),
    ("照片", "photo", ObjectTag::PHOTO),
    ("安全对象", "security object", ObjectTag::SECURITY),
    ("发现对象", "discovery object", ObjectTag::DISCOVERY),
];
const MANAGEMENT: [ManagementAlgorithm; 4] = [
    ManagementAlgorithm::TripleDes,
    ManagementAlgorithm::Aes128,
    ManagementAlgorithm::Aes192,
    ManagementAlgorithm::Aes256,
];
/// Fewest tries that must be left for `--try-factory-pin`: it never takes the last.
const TRIES_TO_SPARE: u8 = 2;

/// Arguments of `card check`.
#[derive(Debug, Args)]
pub(super) struct CheckArgs {
    /// Also try the factory PIN: costs one try on a card whose PIN was changed (never the last)
    #[arg(long)]
    try_factory_pin: bool,
    #[command(flatten)]
    at: AtReader,
}

#[derive(Debug, Serialize)]
struct Check {
    reader: String,
    label: Option<String>,
    /// Algorithm identifiers that the card lists, in hexadecimal.
    algorithms: Vec<String>,
    pin: Option<PinState>,
    objects: Vec<Object>,
    /// The management key's algorithm, where the card takes one of the four.
    management: Option<ManagementAlgorithm>,
    /// Whether the management key is still the factory's; not known where the card takes no 9B over this interface.
    factory_management_key: Option<bool>,
    /// Whether the PIN is still the factory's; not known unless it was tried.
    factory_pin: Option<bool>,
    /// Slots, and whether they sign without PIN.
    slots: Vec<SlotLine>,
    apdus: u32,
    wire_bytes: u64,
    card_micros: u128,
}

#[derive(Debug, Serialize)]
struct Object {
    name: &'static str,
    #[serde(skip)]
    name_zh: &'static str,
    tag: String,
    state: ObjectState,
    bytes: Option<usize>,
}

/// What came of reading an object.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case")]
enum ObjectState {
    Present,
    Absent,
    NeedsPin,
    NotReadable,
}

impl ObjectState {
    /// In Chinese and English.
    const fn words(self) -> (&'static str, &'static str) {
        match self {
            Self::Present => ("有", "present"),
            Self::Absent => ("无", "absent"),
            Self::NeedsPin => ("需要 PIN", "needs the PIN"),
            Self::NotReadable => ("无法读取", "not readable"),
        }
    }
}

#[derive(Debug, Serialize)]
struct SlotLine {
    slot: &'static str,
    #[serde(flatten)]
    state: SlotState,
}

/// What came of asking a slot for a signature.
#[derive(Debug, Clone, Copy, Serialize)]
#[serde(rename_all = "snake_case", tag = "state")]
enum SlotState {
    SignsWithoutPin,
    NeedsPin,
    /// With this status word.
    Refuses {
        status: StatusWord,
        #[serde(skip)]
        reason: Reason,
    },
    /// The card agrees, and what it gives is no signature.
    Malformed,
}

pub(super) fn run(args: &CheckArgs, context: Context) -> Result<(), CliError> {
    let reader = args.at.choose()?;
    let (name, tries_pin) = (reader.clone(), args.try_factory_pin);
    if tries_pin {
        context.progress(
            "将尝试出厂 PIN：若 PIN 已更改，会消耗一次尝试。",
            "Trying the factory PIN: costs one try if the PIN was changed.",
        );
    }
    let mut randomness = [0; 32];
    SystemRandom::new().fill(&mut randomness).expect("the system gives random bytes");
    let check = args.at.with_card(&reader, move |card| look(card, name, tries_pin, &randomness))?;
    context.print(&check, |check| text(check, context));
    Ok(())
}

/// `None` where the card refuses, which is an answer too; a lost card is an error.
fn answered<T>(result: Result<T, PivError>) -> Result<Option<T>, PivError> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(PivError::Link(error)) => Err(error.into()),
        Err(PivError::Refused(_) | PivError::Malformed { .. }) => Ok(None),
    }
}

fn look<L: Link>(
    card: &mut PivCard<L>,
    reader: String,
    tries_factory_pin: bool,
    randomness: &[u8; 32],
) -> Result<Check, PivError> {
    let application = card.select()?;
    let pin = answered(card.pin_state())?;
    let objects = OBJECTS.into_iter().map(|named| object(card, named)).collect::<Result<_, _>>()?;
    // Before anything is authenticated, so that "without PIN" is true.
    let slots = Slot::SIGNING.into_iter().map(|slot| slot_line(card, slot, randomness)).collect::<Result<_, _>>()?;
    let management = management(card)?;
    let factory_management_key = match management {
        Some(algorithm) => Some(bears_factory_key(card, algorithm, randomness)?),
        None => None,
    };
    let may_try = matches!(pin, Some(PinState::TriesLeft(left)) if left >= TRIES_TO_SPARE);
    let factory_pin = if tries_factory_pin && may_try {
        let pin = Pin::parse(Pin::FACTORY).expect("the factory PIN is a PIN");
        Some(answered(card.verify_pin(&pin))?.is_some())
    } else {
        None
    };
    let usage = card.channel().usage();
    Ok(Check {
        reader,
        label: application.label(),
        algorithms: application.algorithms().iter().map(|id| hex(&[*id])).collect(),
        pin,
        objects,
        management,
        factory_management_key,
        factory_pin,
        slots,
        apdus: usage.apdus,
        wire_bytes: usage.wire_bytes(),
        card_micros: usage.card_time.as_micros(),
    })
}

fn object<L: Link>(
    card: &mut PivCard<L>,
    (name_zh, name, tag): (&'static str, &'static str, ObjectTag),
) -> Result<Object, PivError> {
    let (state, bytes) = match card.get_data(tag) {
        Ok(Some(contents)) => (ObjectState::Present, Some(contents.len())),
        Ok(None) => (ObjectState::Absent, None),
        Err(PivError::Link(error)) => return Err(error.into()),
        Err(error) if error.reason() == Some(Reason::SecurityStatusNotSatisfied) => (ObjectState::NeedsPin, None),
        Err(_) => (ObjectState::NotReadable, None),
    };
    Ok(Object { name, name_zh, tag: hex(&tag.bytes()), state, bytes })
}

/// Asks the slot to sign random bytes, which are no message of anything.
fn slot_line<L: Link>(card: &mut PivCard<L>, slot: Slot, hash: &[u8; 32]) -> Result<SlotLine, PivError> {
    let name = match slot {
        Slot::SignIn => "9A",
        Slot::Approve => "9C",
        Slot::Tap => "9E",
        Slot::Management => "9B",
    };
    let state = match card.sign(slot, hash) {
        Ok(_) => SlotState::SignsWithoutPin,
        Err(PivError::Link(error)) => return Err(error.into()),
        Err(PivError::Refused(Refused { reason: Reason::SecurityStatusNotSatisfied, .. })) => SlotState::NeedsPin,
        Err(PivError::Refused(Refused { status, reason, .. })) => SlotState::Refuses { status, reason },
        Err(PivError::Malformed { .. }) => SlotState::Malformed,
    };
    Ok(SlotLine { slot: name, state })
}

/// The algorithm for which the card gives a witness. Asking costs nothing.
fn management<L: Link>(card: &mut PivCard<L>) -> Result<Option<ManagementAlgorithm>, PivError> {
    for algorithm in MANAGEMENT {
        if answered(card.management_witness(algorithm))?.is_some() {
            return Ok(Some(algorithm));
        }
    }
    Ok(None)
}

fn bears_factory_key<L: Link>(
    card: &mut PivCard<L>,
    algorithm: ManagementAlgorithm,
    randomness: &[u8; 32],
) -> Result<bool, PivError> {
    let Some(key) = ManagementKey::factory(algorithm) else { return Ok(false) };
    let challenge = randomness.first_chunk().expect("32 bytes hold 16");
    Ok(answered(card.authenticate_management(&key, challenge))?.is_some())
}

fn text(check: &Check, context: Context) -> String {
    let say = |zh: &'static str, en: &'static str| context.language.choose(zh, en);
    let yes_no = |answer: Option<bool>| match answer {
        Some(true) => say("是", "yes"),
        Some(false) => say("否", "no"),
        None => say("未知", "not known"),
    };
    let mut lines = vec![
        format!("{}: {}", say("读卡器", "reader"), check.reader),
        format!("{}: {}", say("应用", "application"), check.label.as_deref().unwrap_or("PIV")),
        format!("{}: {}", say("算法", "algorithms"), check.algorithms.join(" ")),
        format!("PIN: {}", pin_text(check.pin, context)),
    ];
    lines.extend(check.objects.iter().map(|object| {
        let (zh, en) = object.state.words();
        let bytes =
            object.bytes.map_or(String::new(), |bytes| format!("{}{bytes}{}", say("，", ", "), say(" 字节", " bytes")));
        format!("{} ({}): {}{bytes}", say(object.name_zh, object.name), object.tag, say(zh, en))
    }));
    lines.extend(check.slots.iter().map(|line| format!("{}: {}", line.slot, slot_text(line.state, context))));
    let algorithm = check.management.map_or(say("未知", "not known"), algorithm_name);
    lines.push(format!("9B: {algorithm}"));
    lines.push(format!(
        "{}: {}",
        say("9B 仍为出厂密钥", "factory management key"),
        yes_no(check.factory_management_key)
    ));
    lines.push(format!("{}: {}", say("仍为出厂 PIN", "factory PIN"), yes_no(check.factory_pin)));
    lines.join("\n")
}

fn slot_text(state: SlotState, context: Context) -> String {
    let say = |zh, en| context.language.choose(zh, en).to_owned();
    match state {
        SlotState::SignsWithoutPin => say("签名无需 PIN", "signs without PIN"),
        SlotState::NeedsPin => say("需要 PIN", "needs the PIN"),
        SlotState::Refuses { status, reason } => {
            format!(
                "{}{} ({status})",
                say("拒绝签名：", "refuses to sign: "),
                messages_card::reason(reason, context.language)
            )
        }
        SlotState::Malformed => say("应答不是签名", "answers what is no signature"),
    }
}

const fn algorithm_name(algorithm: ManagementAlgorithm) -> &'static str {
    match algorithm {
        ManagementAlgorithm::TripleDes => "3DES",
        ManagementAlgorithm::Aes128 => "AES-128",
        ManagementAlgorithm::Aes192 => "AES-192",
        ManagementAlgorithm::Aes256 => "AES-256",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::{messages::Language, output::Format};

    #[test]
    fn what_a_slot_answers_is_said_in_both_languages_and_keeps_the_status_word() {
        let refuses = SlotState::Refuses { status: StatusWord(0x6A88), reason: Reason::ReferenceNotFound };
        let table = [
            (SlotState::SignsWithoutPin, "签名无需 PIN", "signs without PIN", r#"{"state":"signs_without_pin"}"#),
            (SlotState::NeedsPin, "需要 PIN", "needs the PIN", r#"{"state":"needs_pin"}"#),
            (
                refuses,
                "拒绝签名：没有此密钥或 PIN (6A88)",
                "refuses to sign: key or PIN reference not found (6A88)",
                r#"{"state":"refuses","status":"6A88"}"#,
            ),
            (SlotState::Malformed, "应答不是签名", "answers what is no signature", r#"{"state":"malformed"}"#),
        ];
        for (state, zh, en, json) in table {
            assert_eq!(slot_text(state, Context::new(Format::Text, Language::Zh)), zh);
            assert_eq!(slot_text(state, Context::new(Format::Text, Language::En)), en);
            assert_eq!(serde_json::to_string(&state).unwrap(), json);
        }
    }
}
