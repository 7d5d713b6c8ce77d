//! `readers`: which readers there are and what is in them.

use clap::Args;
use serde::Serialize;

use super::{messages::CliError, messages_card, output::Context};
use crate::card::{monitor::CardState, pcsc, trace::hex};

/// Arguments of `readers`.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  reader-daemon readers\n  reader-daemon readers --format json")]
pub struct ReadersArgs {}

#[derive(Debug, Serialize)]
struct ReaderLine {
    reader: String,
    card: CardState,
    /// Answer to reset in hexadecimal; empty without a card.
    atr: String,
}

/// Lists the readers.
///
/// # Errors
/// `no-reader`, `no-card-service`.
pub fn run(_: &ReadersArgs, context: Context) -> Result<(), CliError> {
    let seen = pcsc::readers().map_err(|error| messages_card::link(&error))?;
    if seen.is_empty() {
        return Err(messages_card::no_reader());
    }
    let line =
        |seen: crate::card::monitor::Seen| ReaderLine { reader: seen.reader, card: seen.card, atr: hex(&seen.atr) };
    let lines: Vec<_> = seen.into_iter().map(line).collect();
    context.print(&lines, |lines| {
        let mut table = comfy_table::Table::new();
        table.load_style(comfy_table::presets::NOTHING);
        let (reader, card) =
            if context.language.choose("zh", "en") == "zh" { ("读卡器", "卡片") } else { ("READER", "CARD") };
        table.set_header([reader, card, "ATR"]);
        for line in lines {
            let card = match line.card {
                CardState::Absent => context.language.choose("无", "none"),
                CardState::Present => context.language.choose("有", "present"),
                CardState::Mute => context.language.choose("无应答", "does not answer"),
            };
            table.add_row([line.reader.as_str(), card, line.atr.as_str()]);
        }
        table.trim_fmt()
    });
    Ok(())
}
