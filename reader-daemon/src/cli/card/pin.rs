//! `card verify-pin`, `card change-pin`, `card unblock`: tries left are said before any is spent.

use serde::Serialize;

use super::{
    super::{
        at_reader::{AtReader, SecretInput},
        messages::CliError,
        messages_card,
        output::Context,
    },
    info::pin_text,
};
use crate::piv::{PivError, verify::PinState};

#[derive(Debug, Serialize)]
struct Done {
    done: bool,
    reader: String,
}

fn done(reader: String, context: Context, zh: &str, en: &str) {
    context.print(&Done { done: true, reader }, |_| context.language.choose(zh, en).to_owned());
}

/// The reader, after the tries left were said; a blocked PIN ends it here, before anything is typed.
fn before_pin(at: &AtReader, context: Context) -> Result<String, CliError> {
    let reader = at.choose()?;
    let state = at.with_card(&reader, |card| -> Result<_, PivError> {
        card.select()?;
        card.pin_state()
    })?;
    if state == PinState::Blocked {
        return Err(messages_card::pin_blocked());
    }
    let text = pin_text(Some(state), context);
    context.progress(&format!("PIN：{text}"), &format!("PIN: {text}"));
    Ok(reader)
}

pub(super) fn verify(secrets: &SecretInput, at: &AtReader, context: Context) -> Result<(), CliError> {
    let reader = before_pin(at, context)?;
    let pin = secrets.pin(context)?;
    at.with_card(&reader, move |card| {
        card.select()?;
        card.verify_pin(&pin)
    })?;
    done(reader, context, "PIN 正确。", "The PIN is right.");
    Ok(())
}

pub(super) fn change(secrets: &SecretInput, at: &AtReader, context: Context) -> Result<(), CliError> {
    let reader = before_pin(at, context)?;
    let old = secrets.pin(context)?;
    let new = secrets.new_pin(context)?;
    at.with_card(&reader, move |card| {
        card.select()?;
        // Shown first: a wrong PIN in CHANGE REFERENCE DATA does not say on every card how many tries are left.
        card.verify_pin(&old)?;
        card.change_pin(&old, &new)
    })?;
    done(reader, context, "PIN 已更改。", "The PIN was changed.");
    Ok(())
}

pub(super) fn unblock(secrets: &SecretInput, at: &AtReader, context: Context) -> Result<(), CliError> {
    let reader = at.choose()?;
    let puk = secrets.puk(context)?;
    let new = secrets.new_pin(context)?;
    at.with_card(&reader, move |card| {
        card.select()?;
        card.unblock_pin(&puk, &new)
    })?;
    done(reader, context, "已设置新 PIN，PIN 已解锁。", "The new PIN is set and unblocked.");
    Ok(())
}
