//! A private pcscd with virtual readers for whoever wants to look at one by hand: prints how to reach it, one JSON
//! object, and stays until its stdin closes. Holds no more than that.

use std::io::{self, Read, Write};

use anyhow::Context;
use serde_json::json;
use town::pcscd::{Pcscd, SOCKET_VARIABLE};

fn main() -> anyhow::Result<()> {
    let readers = match std::env::args().nth(1) {
        Some(number) => number.parse().context("usage: town-readers [READERS]")?,
        None => 2,
    };
    let pcscd = Pcscd::start(readers)?;
    let line = json!({
        SOCKET_VARIABLE: pcscd.socket_path(),
        "readers": pcscd.readers(),
        "control": pcscd.cards().socket(),
        "folder": pcscd.folder(),
    });
    writeln!(io::stdout(), "{line}")?;
    io::stdin().read_to_end(&mut Vec::new())?;
    Ok(())
}
