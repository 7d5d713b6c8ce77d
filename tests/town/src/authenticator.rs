//! What makes the codes beside a password: the authenticators that the people of this process's towns carry. A code is
//! shown once, because the service takes it once.

use std::{
    collections::HashMap,
    sync::{Arc, LazyLock, Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context, Result, anyhow};
use totp_rs::{Builder, Secret, Totp};

use crate::{clock, http::Client, wait};

/// By the service's URL and the person's name.
type Held = HashMap<(String, String), Arc<Mutex<Authenticator>>>;

static HELD: LazyLock<Mutex<Held>> = LazyLock::new(Mutex::default);

/// Seconds for which a code is shown.
const STEP: u64 = 30;

/// One person's.
#[derive(Debug)]
pub struct Authenticator {
    totp: Totp,
    /// The step of the last code that was shown.
    shown: u64,
    recovery: Vec<String>,
}

impl Authenticator {
    /// With a secret as a page shows it.
    ///
    /// # Errors
    /// When it is not base32.
    pub fn of(secret: &str) -> Result<Self> {
        let letters: String = secret.split_whitespace().collect();
        let secret = Secret::try_from_base32(letters).map_err(|error| anyhow!("{error}"))?;
        let totp = Builder::new().with_secret(secret).build().map_err(|error| anyhow!("{error}"))?;
        Ok(Self { totp, shown: 0, recovery: Vec::new() })
    }

    /// A code that was not shown before: the present one, or the next, which the service takes as well. Where that was shown too, one
    /// of those that let in without the authenticator; only whoever has none of these left waits.
    ///
    /// # Errors
    /// When the clock is before 1970.
    pub fn code(&mut self) -> Result<String> {
        let step = (self.shown + 1).max(clock::seconds()? / STEP);
        if step > clock::seconds()? / STEP + 1
            && let Some(code) = self.recovery.pop()
        {
            return Ok(code);
        }
        let longest = Duration::from_secs(2 * STEP);
        wait::within(longest, "the next code", || Ok((step <= clock::seconds()? / STEP + 1).then_some(())))?;
        self.shown = step;
        Ok(self.totp.generate(step * STEP).to_string())
    }
}

fn held() -> std::sync::MutexGuard<'static, Held> {
    HELD.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Gives somebody an authenticator to carry.
pub fn carry(url: &str, name: &str, authenticator: Authenticator) {
    held().insert((url.to_owned(), name.to_owned()), Arc::new(Mutex::new(authenticator)));
}

/// Somebody has lost theirs.
pub fn forget(url: &str, name: &str) {
    held().remove(&(url.to_owned(), name.to_owned()));
}

/// Whoever has one for a service has it for another at the same database.
pub fn carry_along(from: &str, to: &str) {
    let mut held = held();
    let same: Vec<_> = held
        .iter()
        .filter(|((url, _), _)| url == from)
        .map(|((_, name), authenticator)| ((to.to_owned(), name.clone()), Arc::clone(authenticator)))
        .collect();
    held.extend(same);
}

fn with<T>(url: &str, name: &str, then: impl FnOnce(&mut Authenticator) -> T) -> Option<T> {
    let authenticator = held().get(&(url.to_owned(), name.to_owned())).cloned()?;
    let mut authenticator = authenticator.lock().unwrap_or_else(PoisonError::into_inner);
    Some(then(&mut authenticator))
}

/// A code of somebody who has an authenticator.
///
/// # Errors
/// When the clock is before 1970.
pub fn code(url: &str, name: &str) -> Result<Option<String>> {
    with(url, name, Authenticator::code).transpose()
}

/// Codes that each let somebody in once without the authenticator, as far as they are not used up.
pub fn recovery_codes(url: &str, name: &str) -> Vec<String> {
    with(url, name, |authenticator| authenticator.recovery.clone()).unwrap_or_default()
}

/// Sets up an authenticator for whoever has signed in, on the console's page, as a person does.
///
/// # Errors
/// When the service refuses.
pub fn enrol(api: &Client, name: &str) -> Result<()> {
    const PAGE: &str = "/account/second-factor";
    let text = |page: serde_json::Value| page.as_str().map(str::to_owned).context("a page");
    let page = text(api.post_form(PAGE, "act=begin")?.success()?)?;
    let (_, secret) = page.split_once("id=\"secret\">").context("a page with a secret")?;
    let mut authenticator = Authenticator::of(secret.split('<').next().unwrap_or_default())?;
    let form = format!("act=confirm&code={}", authenticator.code()?);
    let page = text(api.post_form(PAGE, &form)?.success()?)?;
    let codes = page.split("<code class=\"big\">").skip(1);
    authenticator.recovery = codes.filter_map(|rest| Some(rest.split_once('<')?.0.to_owned())).collect();
    carry(api.base(), name, authenticator);
    Ok(())
}
