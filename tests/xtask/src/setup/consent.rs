//! May we change this machine? Root and CI have said yes; others are asked.

use std::env;
use std::io::{self, BufRead, IsTerminal, Write};
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::process;

/// Who we are, as far as installing goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rights {
    Root,
    Other,
}

/// The user's rights, from the kernel.
pub(crate) fn rights() -> Result<Rights> {
    let id = process::run_quietly(process::command("id").arg("-u"))?;
    Ok(if id.trim() == "0" { Rights::Root } else { Rights::Other })
}

/// What to do before changing the machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Go,
    Ask,
    Refuse,
}

/// The rule: root, CI and `--yes` are not asked; a person at a terminal is; anyone else is refused.
pub(crate) fn decide(rights: Rights, ci: bool, yes: bool, terminal: bool) -> Answer {
    if rights == Rights::Root || ci || yes {
        Answer::Go
    } else if terminal {
        Answer::Ask
    } else {
        Answer::Refuse
    }
}

/// Gets leave to run `what`, or fails with words that say how to go on.
pub(crate) fn obtain(rights: Rights, yes: bool, what: &str) -> Result<()> {
    let ci = env::var_os("CI").is_some_and(|value| !value.is_empty() && value != "false");
    match decide(rights, ci, yes, io::stdin().is_terminal()) {
        Answer::Go => Ok(()),
        Answer::Refuse => bail!("not allowed to install without asking; type this, or pass --yes:\n  {what}"),
        Answer::Ask => {
            eprint!("This will run:\n  {what}\nGo on? [y/N] ");
            io::stderr().flush().context("asking")?;
            let mut line = String::new();
            io::stdin().lock().read_line(&mut line).context("reading the answer")?;
            if matches!(line.trim(), "y" | "Y" | "yes") { Ok(()) } else { bail!("nothing was installed") }
        }
    }
}

/// The words that make a command run as root.
pub(crate) fn as_root(rights: Rights) -> Result<&'static [&'static str]> {
    match rights {
        Rights::Root => Ok(&[]),
        Rights::Other if Path::new("/usr/bin/sudo").exists() => Ok(&["sudo"]),
        Rights::Other => bail!("Debian packages are missing, and there is no sudo: run `cargo xtask setup` as root"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_person_at_a_terminal_is_asked() {
        let table = [
            ((Rights::Root, false, false, false), Answer::Go),
            ((Rights::Other, true, false, false), Answer::Go),
            ((Rights::Other, false, true, false), Answer::Go),
            ((Rights::Other, false, false, true), Answer::Ask),
            ((Rights::Other, false, false, false), Answer::Refuse),
        ];
        for ((rights, ci, yes, terminal), answer) in table {
            assert_eq!(decide(rights, ci, yes, terminal), answer, "{rights:?} ci={ci} yes={yes} terminal={terminal}");
        }
    }
}
