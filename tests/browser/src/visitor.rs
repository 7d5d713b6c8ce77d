//! Somebody who looks at pages in every way and in every language, notes what would keep people from using them, and keeps
//! pictures for people to look at.

use anyhow::Result;

use crate::{
    Chromium, Look, Scripts,
    accessibility::{Barrier, barriers},
    pictures,
};

/// The console's languages.
pub const LANGUAGES: [&str; 2] = ["zh-CN", "en"];

/// Switches the console to a language.
///
/// # Errors
/// When the page has no such switch.
pub fn speak(browser: &Chromium, language: &str) -> Result<()> {
    browser.follow(&format!(".languages button[value='{language}']"))?;
    browser.until(&format!("html[lang='{language}'] .languages button[value='{language}'][aria-current='true']"))
}

/// Keeps a picture of the page in both languages and comes back to Chinese.
///
/// # Errors
/// When the page has no switch of languages.
pub fn in_both_languages(browser: &Chromium, name: &str) -> Result<()> {
    for language in ["en", "zh-CN"] {
        speak(browser, language)?;
        pictures::keep(&format!("console-{name}-{language}.png"), || browser.picture())?;
    }
    Ok(())
}

/// Enters a code of somebody who has an authenticator.
///
/// # Errors
/// When none is asked for.
pub fn show_code(browser: &Chromium, url: &str, name: &str) -> Result<()> {
    let Some(code) = town::authenticator::code(url, name)? else { return Ok(()) };
    browser.type_into("#code", &code)?;
    browser.follow("form[action^='/sign-in/code'] button")
}

/// Chooses how a newcomer agrees, on the page on which everything is checked, and goes on.
///
/// # Errors
/// When there is no such way.
pub fn agree(browser: &Chromium, means: &str) -> Result<()> {
    browser.click(&format!("main label[for=agrees-{means}]"))?;
    browser.follow("form[action$='/check'] button")
}

/// Waits until the work on an imported sheet is over: a page with scripts says so by itself, and may do so under a click.
///
/// # Errors
/// When it does not end.
pub fn sheet_is_done(browser: &Chromium, scripts: Scripts) -> Result<()> {
    const GOING_ON: &str = "main a[href^='/imports/'].quiet:not([download])";
    if scripts == Scripts::Allowed {
        return town::wait::until("the sheet is done", || Ok((browser.count(GOING_ON)? == 0).then_some(())));
    }
    while browser.count(GOING_ON)? > 0 {
        browser.follow(GOING_ON)?;
    }
    Ok(())
}

/// See the module.
#[derive(Debug)]
pub struct Visitor<'a> {
    browser: &'a Chromium,
    /// The language in which the visitor reads.
    pub language: &'static str,
    /// On which page, looked at in which way, there was which barrier.
    pub noted: Vec<(String, Look, Barrier)>,
    looks: &'static [Look],
}

impl<'a> Visitor<'a> {
    /// Somebody at the console.
    pub const fn new(browser: &'a Chromium, language: &'static str) -> Self {
        Self { browser, language, noted: Vec::new(), looks: Look::CONSOLE }
    }

    /// Somebody at a reader's page, on the screens that stand there.
    pub const fn at_terminal(browser: &'a Chromium, language: &'static str) -> Self {
        Self { browser, language, noted: Vec::new(), looks: Look::TERMINAL }
    }

    /// Looks at the page that is shown, under a name of one's own.
    ///
    /// # Errors
    /// When the window is gone.
    pub fn visit(&mut self, page: &str) -> Result<()> {
        let page = format!("{page}-{}", self.language);
        for &look in self.looks {
            self.browser.look(look)?;
            let found = if look == Look::Print {
                // What is left of it on paper says at least what it is.
                let heading = self.browser.text("h1")?;
                let blank = Barrier { rule: "paper".to_owned(), place: "h1".to_owned(), why: "not printed".to_owned() };
                Vec::from_iter(heading.is_empty().then_some(blank))
            } else {
                pictures::keep(&format!("{page}-{look:?}.png"), || self.browser.picture())?;
                barriers(self.browser, look)?
            };
            self.noted.extend(found.into_iter().map(|barrier| (page.clone(), look, barrier)));
        }
        self.browser.look(Look::Office)?;
        if self.looks.contains(&Look::Print) {
            pictures::keep(&format!("{page}.pdf"), || self.browser.paper())?;
        }
        Ok(())
    }

    /// Signs in to the console at an address.
    ///
    /// # Errors
    /// When name or password are wrong.
    pub fn sign_in(&self, url: &str, (name, password): (&str, &str)) -> Result<()> {
        self.browser.open(&format!("{url}/sign-in"))?;
        speak(self.browser, self.language)?;
        self.browser.type_into("#name", name)?;
        self.browser.type_into("#password", password)?;
        self.browser.follow("form[action='/sign-in'] button")?;
        show_code(self.browser, url, name)?;
        self.browser.until("form.leave")
    }

    /// Signs out.
    ///
    /// # Errors
    /// When nobody is signed in.
    pub fn sign_out(&self) -> Result<()> {
        self.browser.follow("form.leave button")?;
        self.browser.until("form[action='/sign-in']")
    }
}
