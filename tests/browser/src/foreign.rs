//! What a page of another origin tries with one of ours, in a browser that ours let in. Each of these has to get nothing.

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use town::wait;

use crate::{Chromium, Site};

/// Names under which the other page is served: one that a DNS answer may point to this machine is among them.
pub const HOSTS: [&str; 3] = ["127.0.0.1", "localhost", "prize.example"];

/// Asks by script and answers the status, the kind of a veiled answer, or the name of the error.
const FETCH: &str = "
    const [url, options, done] = arguments;
    fetch(url, options).then(reply => done(reply.type === 'opaque' ? 'opaque' : reply.status), error => done(error.name));
";

/// A page that is not ours.
///
/// # Errors
/// When no port is free.
pub fn prize() -> Result<Site> {
    Site::serve("<!DOCTYPE html><title>prize</title><h1 id=prize>A prize</h1>")
}

/// Opens it under a name.
///
/// # Errors
/// When the window is gone.
pub fn open(browser: &Chromium, site: &Site, host: &str) -> Result<()> {
    browser.open(&format!("http://{host}:{}/", site.port()))
}

/// Posts to one of our pages from the other one: by a veiled script, and as a form whose answer the window shows.
///
/// # Errors
/// When the other page was let through, or the window is gone.
pub fn post(browser: &Chromium, target: &str, body: &str) -> Result<()> {
    let form = "application/x-www-form-urlencoded";
    let veiled = json!({"method": "POST", "mode": "no-cors", "credentials": "include", "body": body,
        "headers": {"content-type": form}});
    let said = browser.run(FETCH, &[json!(target), veiled])?;
    ensure!(said == "opaque" || said == "TypeError", "{target}: {said}");
    browser.run(
        "const [url, body, done] = arguments;
         const form = document.createElement('form');
         Object.assign(form, { method: 'post', action: url });
         for (const [name, value] of new URLSearchParams(body)) {
           form.append(Object.assign(document.createElement('input'), { type: 'hidden', name, value }));
         }
         document.body.append(form); done(null); form.submit();",
        &[json!(target), json!(body)],
    )?;
    wait::until("the form's answer", || Ok((browser.count("#prize")? == 0).then_some(())))?;
    ensure!(
        (browser.count("header")?, browser.address()?.as_str()) == (0, target),
        "{target}: turned away on the spot"
    );
    Ok(())
}

/// Looks at one of our pages from the other one: by script, by a stream of events, and by leading the window there.
///
/// # Errors
/// When the other page saw something, or the window is gone.
pub fn read(browser: &Chromium, target: &str) -> Result<()> {
    let said = browser.run(FETCH, &[json!(target), json!({"credentials": "include"})])?;
    ensure!(said == "TypeError", "{target}: {said}");
    let heard: Value = browser.run(
        "const [url, done] = arguments;
         const events = new EventSource(url, { withCredentials: true });
         events.onmessage = () => done('heard');
         events.onerror = () => { events.close(); done('nothing'); };",
        &[json!(target)],
    )?;
    ensure!(heard == "nothing", "{target}: {heard}");
    browser.run("const [url, done] = arguments; done(null); location.href = url;", &[json!(target)])?;
    wait::until("the window is there", || Ok((browser.count("#prize")? == 0).then_some(())))?;
    ensure!(browser.count("form")? == 0, "{target}: a link on another page shows nothing");
    Ok(())
}
