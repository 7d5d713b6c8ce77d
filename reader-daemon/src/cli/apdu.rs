//! `apdu`: sends raw APDUs for diagnosis and explains the status words; shows no secret.

use clap::Args;
use serde::Serialize;

use super::{at_reader::AtReader, messages::CliError, output::Context};
use crate::{
    card::{
        apdu::{StatusWord, Visibility, ins},
        trace::{Exchanged, from_hex},
    },
    piv::{PivError, Reason, status::Name},
};

/// Shortest command APDU: its header.
const APDU_MIN: usize = 4;

/// Arguments of `apdu`.
#[derive(Debug, Args)]
#[command(after_help = "Data of VERIFY, CHANGE REFERENCE DATA, RESET RETRY COUNTER and of keys is never shown, and \
    never taken as an argument: use --stdin for it.\n\nExamples:\n  \
    reader-daemon apdu --select 00200080\n  \
    reader-daemon apdu --select 00CB3FFF055C035FC10200 --format json\n  \
    reader-daemon apdu --reader 'ACME Reader 00 00' --stdin < dialogue.txt")]
pub struct ApduArgs {
    /// Command APDUs in hexadecimal, sent one after another in one transaction
    #[arg(required_unless_present = "stdin")]
    apdus: Vec<String>,
    /// Read the APDUs from stdin, one a line
    #[arg(long, conflicts_with = "apdus")]
    stdin: bool,
    /// Select the PIV application first
    #[arg(long)]
    select: bool,
    #[command(flatten)]
    at: AtReader,
}

#[derive(Debug, Serialize)]
struct ApduLine {
    #[serde(flatten)]
    exchanged: Exchanged,
    /// What the status word means after this command.
    meaning: String,
}

/// Sends the APDUs and prints what came back.
///
/// # Errors
/// `bad-apdu`, `secret-argument`, or what kept the card from being reached.
pub fn run(args: &ApduArgs, context: Context) -> Result<(), CliError> {
    let apdus = read_apdus(args)?;
    let reader = args.at.choose()?;
    let select = args.select;
    let lines = args.at.with_card(&reader, move |card| -> Result<_, PivError> {
        card.channel().keep_trace();
        if select {
            card.select()?;
        }
        let mut meanings = Vec::with_capacity(apdus.len());
        for apdu in &apdus {
            let answer = card.channel().exchange_raw(apdu)?;
            meanings.push(explain(apdu[1], apdu[3], answer.status));
        }
        let trace = card.channel().trace();
        let typed = trace[trace.len() - meanings.len()..].iter().cloned();
        Ok(typed.zip(meanings).map(|(exchanged, meaning)| ApduLine { exchanged, meaning }).collect::<Vec<_>>())
    })?;
    context.print(&lines, |lines| {
        let show = |line: &ApduLine| {
            let Exchanged { sent, received, micros } = &line.exchanged;
            format!("> {sent}\n< {received}  {} ({micros} µs)", line.meaning)
        };
        lines.iter().map(show).collect::<Vec<_>>().join("\n")
    });
    Ok(())
}

fn read_apdus(args: &ApduArgs) -> Result<Vec<zeroize::Zeroizing<Vec<u8>>>, CliError> {
    let texts: Vec<zeroize::Zeroizing<String>> = if args.stdin {
        let lines = std::io::stdin().lines().collect::<Result<Vec<_>, _>>();
        let lines = lines.map_err(|error| super::messages_daemon::internal(&error))?;
        lines.into_iter().filter(|line| !line.trim().is_empty()).map(zeroize::Zeroizing::new).collect()
    } else {
        args.apdus.iter().cloned().map(zeroize::Zeroizing::new).collect()
    };
    texts.iter().enumerate().map(|(number, text)| parse(number + 1, text, args.stdin)).collect()
}

fn parse(number: usize, text: &str, from_stdin: bool) -> Result<zeroize::Zeroizing<Vec<u8>>, CliError> {
    let apdu = from_hex(text).map(zeroize::Zeroizing::new).filter(|apdu| apdu.len() >= APDU_MIN).ok_or_else(|| {
        // The text itself may hold a secret and is not repeated.
        CliError::usage(
            "bad-apdu",
            format!("第 {number} 条 APDU 不是十六进制，或不足 4 个字节。请更正后重试。"),
            format!("APDU number {number} is not hexadecimal or has fewer than 4 bytes. Correct it and try again."),
        )
    })?;
    let carries_secret = apdu.len() > APDU_MIN + 1
        && matches!(apdu[1], ins::VERIFY | ins::CHANGE_REFERENCE_DATA | ins::RESET_RETRY_COUNTER)
        || matches!(apdu[1], ins::SET_MANAGEMENT_KEY | ins::IMPORT_KEY) && !Visibility::of_raw(&apdu).command;
    if carries_secret && !from_stdin {
        return Err(CliError::usage(
            "secret-argument",
            format!("第 {number} 条 APDU 含有 PIN 或密钥，不能写在命令行上。请改用 --stdin。"),
            format!("APDU number {number} carries a PIN or key, which may not stand on a command line. Use --stdin."),
        ));
    }
    Ok(apdu)
}

/// What a status word means after a command, with the words that steer transport.
fn explain(instruction: u8, p2: u8, status: StatusWord) -> String {
    match status.sw1() {
        _ if status.is_ok() => "ok".to_owned(),
        0x61 => format!("ok, {} more bytes: GET RESPONSE 00C00000{:02X}", more(status.sw2()), status.sw2()),
        0x6C => format!("wrong expected length: {} bytes are there", more(status.sw2())),
        _ => Reason::of(Name::of_apdu(instruction, p2), status).to_string(),
    }
}

fn more(sw2: u8) -> u16 {
    if sw2 == 0 { 256 } else { u16::from(sw2) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn apdus_that_cannot_be_sent_are_refused_without_repeating_them() {
        let table = [
            ("xyz", false, Some("bad-apdu")),
            ("0020", false, Some("bad-apdu")),
            ("00 20 00 8", false, Some("bad-apdu")),
            ("00200080", false, None),
            ("0020008008313233343536FFFF", false, Some("secret-argument")),
            ("0020008008313233343536FFFF", true, None),
            ("00FFFFFF03089B10", false, Some("secret-argument")),
            ("00CB3FFF055C035FC10200", false, None),
        ];
        for (text, from_stdin, code) in table {
            let error = parse(1, text, from_stdin).err();
            assert_eq!(error.as_ref().map(|error| error.code.as_ref()), code, "{text}");
            assert!(error.is_none_or(|error| !error.en.contains(text) && !error.zh.contains(text)));
        }
    }

    #[test]
    fn status_words_are_explained_by_their_command() {
        let table = [
            (0x20, 0x80, 0x63C2, "wrong PIN, 2 tries left"),
            (0x2C, 0x80, 0x63C2, "wrong PUK, 2 tries left"),
            (0xCB, 0xFF, 0x6A82, "not found"),
            (0xCB, 0xFF, 0x6100, "ok, 256 more bytes: GET RESPONSE 00C0000000"),
            (0xCB, 0xFF, 0x6C10, "wrong expected length: 16 bytes are there"),
            (0xA4, 0x00, 0x9000, "ok"),
        ];
        for (instruction, p2, word, meaning) in table {
            assert_eq!(explain(instruction, p2, StatusWord(word)), meaning);
        }
    }
}
