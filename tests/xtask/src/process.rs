//! Starting other programs: with a clean environment, in the tree's top, with errors that say what to do.

use std::env;
use std::ffi::{OsStr, OsString};
use std::io::ErrorKind;
use std::path::Path;
use std::process::{Command, ExitStatus, Output, Stdio};

use anyhow::{Context, Result, bail};

use crate::tree;

/// Variables that `cargo run` sets for us and that make build scripts run again when the next cargo has them.
fn is_of_the_outer_cargo(name: &str) -> bool {
    name.starts_with("CARGO_PKG_")
        || name.starts_with("CARGO_MANIFEST_")
        || name.starts_with("CARGO_BIN_")
        || matches!(name, "CARGO_CRATE_NAME" | "CARGO_PRIMARY_PACKAGE" | "OUT_DIR")
}

/// The library path without what `cargo run` has put in front of it.
fn library_path() -> Option<OsString> {
    let paths = env::var_os("LD_LIBRARY_PATH")?;
    let target = tree::target();
    let others = env::split_paths(&paths)
        .filter(|path| !path.starts_with(&target) && !path.components().any(|part| part.as_os_str() == "rustlib"))
        .filter(|path| !path.ends_with("lib") || !path.components().any(|part| part.as_os_str() == "toolchains"));
    env::join_paths(others).ok().filter(|paths| !paths.is_empty())
}

/// A command that starts in the tree's top, without standard input and without the outer cargo's variables.
pub(crate) fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(tree::root()).stdin(Stdio::null());
    for (name, _) in env::vars_os() {
        if name.to_str().is_some_and(is_of_the_outer_cargo) {
            command.env_remove(name);
        }
    }
    match library_path() {
        Some(paths) => command.env("LD_LIBRARY_PATH", paths),
        None => command.env_remove("LD_LIBRARY_PATH"),
    };
    command
}

/// The cargo that started us.
pub(crate) fn cargo() -> Command {
    command(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// A tool of setup's that works as a subcommand of cargo.
pub(crate) fn cargo_tool(name: &str) -> Command {
    let mut tool = command(tree::tool(&format!("cargo-{name}")));
    if let Some(cargo) = env::var_os("CARGO") {
        tool.env("CARGO", cargo);
    }
    tool
}

/// The command as a person would type it.
pub(crate) fn shown(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let mut shown = program.file_name().unwrap_or(program.as_os_str()).to_string_lossy().into_owned();
    for argument in command.get_args() {
        shown.push(' ');
        shown.push_str(&argument.to_string_lossy());
    }
    shown
}

fn not_started(command: &Command, error: &std::io::Error) -> String {
    match error.kind() {
        ErrorKind::NotFound => {
            format!("`{}` is not installed; `cargo xtask setup` installs what is missing", shown(command))
        }
        _ => format!("`{}` did not start", shown(command)),
    }
}

/// Runs a command with our output as its own.
pub(crate) fn status(command: &mut Command) -> Result<ExitStatus> {
    command.status().map_err(|error| {
        let message = not_started(command, &error);
        anyhow::Error::new(error).context(message)
    })
}

/// Runs a command with our output as its own; anything but success is an error.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = status(command)?;
    if !status.success() {
        bail!("`{}` failed ({status})", shown(command));
    }
    Ok(())
}

/// Runs a command and keeps what it prints.
pub(crate) fn output(command: &mut Command) -> Result<Output> {
    command.output().map_err(|error| {
        let message = not_started(command, &error);
        anyhow::Error::new(error).context(message)
    })
}

/// Everything a command printed: its standard output, then its standard error.
pub(crate) fn printed(output: &Output) -> String {
    let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.push_str(&String::from_utf8_lossy(&output.stderr));
    text
}

/// Runs a command quietly; what it printed is part of the error if it fails.
pub(crate) fn run_quietly(command: &mut Command) -> Result<String> {
    let output = output(command)?;
    let text = printed(&output);
    if !output.status.success() {
        bail!("`{}` failed ({})\n{}", shown(command), output.status, text.trim_end());
    }
    Ok(text)
}

/// Writes a file, making the folder for it.
pub(crate) fn write(path: &Path, contents: &[u8]) -> Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).with_context(|| format!("making the folder {}", folder.display()))?;
    }
    std::fs::write(path, contents).with_context(|| format!("writing {}", path.display()))
}
