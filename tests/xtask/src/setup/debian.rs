//! The Debian packages that building, running and testing need, and how the missing ones get here.

use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::consent;
use crate::process;

/// What a package is needed for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Use {
    /// Building and the demo.
    Run,
    /// The test command.
    Test,
}

/// A Debian package and the reason for it.
#[derive(Debug)]
pub(crate) struct Package {
    pub(crate) name: &'static str,
    pub(crate) used: Use,
    pub(crate) why: &'static str,
}

const fn package(name: &'static str, used: Use, why: &'static str) -> Package {
    Package { name, used, why }
}

/// Listed when something here uses it, and not before.
pub(crate) const PACKAGES: &[Package] = &[
    package("gcc", Use::Run, "compiles SQLite and the assembly of ring"),
    package("libc6-dev", Use::Run, "linking"),
    package("pkg-config", Use::Run, "finds libpcsclite"),
    package("libpcsclite-dev", Use::Run, "the daemon's way to card readers"),
    package("libclang-dev", Use::Run, "bindings of the virtual card's file system"),
    package("pcscd", Use::Run, "the card reader service that everything goes through"),
    package("vsmartcard-vpcd", Use::Run, "virtual readers for pcscd"),
    package("iproute2", Use::Run, "a network namespace for pcscd's virtual readers"),
    package("util-linux", Use::Run, "a mount namespace for a pcscd of our own"),
    package("g++", Use::Test, "compiles libFuzzer"),
    package("postgresql", Use::Test, "the other database"),
    package("opensc", Use::Test, "reads the card with a tool nobody here wrote"),
    package("yubico-piv-tool", Use::Test, "reads the card with another"),
    package("openssl", Use::Test, "verifies the card's certificates"),
    package("strace", Use::Test, "sees every write and sync of the outbox"),
    package("libfaketime", Use::Test, "a terminal whose clock is years ahead"),
    package("python3-venv", Use::Test, "a folder for the test tools"),
    package("chromium", Use::Test, "opens the console, and pages that want the card"),
    package("chromium-driver", Use::Test, "what drives it"),
    package("fonts-noto-cjk", Use::Test, "Chinese in the pictures of pages"),
    package("libreoffice-calc-nogui", Use::Test, "calculates the sheets of expected sums"),
];

/// Installs the packages of these uses that are missing.
pub(crate) fn install(uses: &[Use], yes: bool) -> Result<()> {
    let missing = missing(uses)?;
    if missing.is_empty() {
        return Ok(());
    }
    let names: Vec<&str> = missing.iter().map(|package| package.name).collect();
    let rights = consent::rights()?;
    let as_root = consent::as_root(rights)?;
    let typed = [as_root, &["apt-get", "install", "--no-install-recommends"], &names[..]].concat().join(" ");
    consent::obtain(rights, yes, &typed)?;
    eprintln!("installing Debian packages: {}", names.join(" "));
    let update = apt(as_root, &["update", "-q"]);
    if let Err(error) = process::run_quietly(&mut { update }) {
        // An old list may still do; what is really missing is said by the install.
        eprintln!("warning: the package list could not be renewed: {error:#}");
    }
    let arguments = [&["install", "-y", "-q", "--no-install-recommends"], &names[..]].concat();
    process::run_quietly(&mut apt(as_root, &arguments))
        .with_context(|| format!("these Debian packages could not be installed: {}", names.join(" ")))?;
    let left = self::missing(uses)?;
    if let Some(package) = left.first() {
        bail!("the Debian package {} is still missing after its installation ({})", package.name, package.why);
    }
    Ok(())
}

fn apt(as_root: &[&str], arguments: &[&str]) -> Command {
    let words =
        [as_root, &["env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-o", "DPkg::Lock::Timeout=120"], arguments]
            .concat();
    let mut command = process::command(words[0]);
    command.args(&words[1..]);
    command
}

/// The packages of these uses that are not installed. Elsewhere than on Debian nothing is known to be missing.
pub(crate) fn missing(uses: &[Use]) -> Result<Vec<&'static Package>> {
    if !Path::new("/etc/debian_version").exists() {
        eprintln!("warning: this is not Debian; these must be here: {}", names().join(" "));
        return Ok(Vec::new());
    }
    // dpkg-query takes a third of a second on a slow disk; the status file says the same at once.
    let status = fs::read_to_string("/var/lib/dpkg/status").context("reading the list of installed packages")?;
    let installed = installed(&status);
    Ok(PACKAGES.iter().filter(|package| uses.contains(&package.used) && !installed.contains(&package.name)).collect())
}

fn names() -> Vec<&'static str> {
    PACKAGES.iter().map(|package| package.name).collect()
}

/// The names in dpkg's status file whose state is "installed".
fn installed(status: &str) -> Vec<&str> {
    status
        .split("\n\n")
        .filter(|entry| {
            entry.lines().any(|line| line == "Status: install ok installed" || line == "Status: hold ok installed")
        })
        .filter_map(|entry| entry.lines().find_map(|line| line.strip_prefix("Package: ")))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_that_was_removed_or_half_installed_is_missing() {
        let status = "Package: pcscd\nStatus: install ok installed\nVersion: 1\n\n\
                      Package: opensc\nStatus: deinstall ok config-files\n\n\
                      Package: openssl\nStatus: install ok half-configured\n\n\
                      Package: gcc\nStatus: hold ok installed\n";
        assert_eq!(installed(status), ["pcscd", "gcc"]);
    }

    #[test]
    fn each_package_is_listed_once() {
        let mut names = names();
        names.sort_unstable();
        let count = names.len();
        names.dedup();
        assert_eq!(names.len(), count);
    }
}
