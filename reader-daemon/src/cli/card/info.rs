//! `card info`: what any reader may read of a card.

use card_schema::card::Chuid;
use serde::Serialize;

use super::super::{at_reader::AtReader, messages::CliError, output::Context};
use crate::piv::{PivError, Reason, verify::PinState};

#[derive(Debug, Serialize)]
struct Info {
    reader: String,
    label: Option<String>,
    card_id: Option<String>,
    expiry: Option<String>,
    pin: Option<PinState>,
    apdus: u32,
    wire_bytes: u64,
    card_micros: u128,
}

pub(super) fn run(at: &AtReader, context: Context) -> Result<(), CliError> {
    let reader = at.choose()?;
    let name = reader.clone();
    let info = at.with_card(&reader, move |card| {
        let application = card.select()?;
        let chuid = match card.chuid() {
            Ok(chuid) => Some(chuid),
            Err(error) if error.reason() == Some(Reason::NotFound) => None,
            Err(error) => return Err(error),
        };
        let pin = match card.pin_state() {
            Ok(state) => Some(state),
            Err(PivError::Refused(_)) => None,
            Err(error) => return Err(error),
        };
        let usage = card.channel().usage();
        let of = |part: fn(&Chuid) -> String| chuid.as_ref().map(part);
        Ok(Info {
            reader: name,
            label: application.label(),
            card_id: of(|chuid| chuid.guid.to_string()),
            expiry: of(|chuid| chuid.expiry.to_string()),
            pin,
            apdus: usage.apdus,
            wire_bytes: usage.wire_bytes(),
            card_micros: usage.card_time.as_micros(),
        })
    })?;
    context.print(&info, |info| text(info, context));
    Ok(())
}

fn text(info: &Info, context: Context) -> String {
    let say = |zh, en| context.language.choose(zh, en).to_owned();
    let or_none = |value: &Option<String>| value.clone().unwrap_or_else(|| say("无", "none"));
    [
        (say("读卡器", "reader"), info.reader.clone()),
        (say("应用", "application"), or_none(&info.label)),
        (say("卡号", "card id"), or_none(&info.card_id)),
        (say("有效期至", "good until"), or_none(&info.expiry)),
        ("PIN".to_owned(), pin_text(info.pin, context)),
    ]
    .map(|(name, value)| format!("{name}: {value}"))
    .join("\n")
}

/// The PIN's state in words.
pub(super) fn pin_text(state: Option<PinState>, context: Context) -> String {
    match state {
        Some(PinState::Blocked) => context.language.choose("已锁定", "blocked").to_owned(),
        Some(PinState::Verified) => context.language.choose("已验证", "verified").to_owned(),
        Some(PinState::TriesLeft(left)) => {
            format!("{}{left}", context.language.choose("剩余尝试次数 ", "tries left "))
        }
        None => context.language.choose("此接口不受理", "not over this interface").to_owned(),
    }
}
