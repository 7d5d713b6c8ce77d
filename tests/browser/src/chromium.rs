//! One Chromium with an empty profile, and what a person can do in its window.

use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use base64::{Engine as _, engine::general_purpose::STANDARD};
use serde_json::{Value, json};
use tempfile::TempDir;
use town::{
    http::Client,
    port,
    process::{Process, tethered},
    wait,
};

/// The name under which WebDriver passes elements.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

/// Width of the window in CSS pixels: a usual office screen.
const WIDTH: u32 = 1280;

/// Nothing that leaves this machine, nothing that asks, nothing that a container lacks.
const FLAGS: [&str; 14] = [
    "--headless=new",
    // Their place would be empty in pictures.
    "--hide-scrollbars",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--no-default-browser-check",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    // A camera that shows a pattern, and that pages may use.
    "--use-fake-device-for-media-stream",
    "--use-fake-ui-for-media-stream",
    "--no-proxy-server",
];

/// Whether pages may run scripts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scripts {
    /// As browsers come.
    Allowed,
    /// Switched off in the browser's settings.
    Off,
}

/// How somebody looks at a page.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Look {
    /// On an office screen.
    Office,
    /// On an office screen that is set to dark.
    Dark,
    /// On a telephone.
    Narrow,
    /// On a screen that stands upright beside a door.
    Kiosk,
    /// On the small screen of a till.
    Till,
    /// On paper.
    Print,
}

impl Look {
    /// Those in which the console is looked at.
    pub const CONSOLE: &[Self] = &[Self::Office, Self::Dark, Self::Narrow, Self::Kiosk, Self::Print];
    /// Those of the pages at a reader.
    pub const TERMINAL: &[Self] = &[Self::Till, Self::Kiosk, Self::Dark];
}

/// A running browser with one window. Dropping it ends the browser and everything that it started.
#[derive(Debug)]
pub struct Chromium {
    session: Client,
    _driver: Process,
    // Last, so that it is removed after the browser has stopped.
    _profile: TempDir,
}

impl Chromium {
    /// Starts a browser with an empty profile, in which every host name leads to this machine.
    ///
    /// # Errors
    /// When chromedriver or Chromium do not start.
    pub fn start(scripts: Scripts) -> Result<Self> {
        let profile = tempfile::Builder::new().prefix("browser-").tempdir().context("a folder for the profile")?;
        let port = port::free()?;
        let mut driver = start_driver(&profile, port)?;
        let base = format!("http://127.0.0.1:{port}");
        let root = Client::new(&base, None)?;
        driver.ready(|| Ok(root.get("/status").ok().filter(|reply| reply.status == 200)))?;
        let mut flags: Vec<String> = FLAGS.map(str::to_owned).into();
        flags.push(format!("--user-data-dir={}", profile.path().join("data").display()));
        flags.push(format!("--window-size={WIDTH},900"));
        flags.push("--lang=en".to_owned());
        flags.push("--host-resolver-rules=MAP * 127.0.0.1".to_owned());
        let javascript = if scripts == Scripts::Off { 2 } else { 1 };
        let capabilities = json!({"capabilities": {"alwaysMatch": {
            "browserName": "chrome",
            // The root of a town lives for minutes; that servers are verified against it is the daemons' story.
            "acceptInsecureCerts": true,
            "timeouts": {"pageLoad": 20_000, "script": 20_000, "implicit": 0},
            "goog:chromeOptions": {
                "args": flags,
                "prefs": {"profile.managed_default_content_settings.javascript": javascript},
            },
        }}});
        let made = value(&root, "/session", &capabilities)?;
        let id = made["sessionId"].as_str().context("a session has an id")?;
        let session = Client::new(&format!("{base}/session/{id}"), None)?;
        Ok(Self { session, _driver: driver, _profile: profile })
    }

    fn tell(&self, path: &str, body: &Value) -> Result<Value> {
        value(&self.session, path, body)
    }

    fn ask(&self, path: &str) -> Result<Value> {
        Ok(self.session.get(path)?.success()?["value"].take())
    }

    /// Opens an address and waits until the page is there.
    ///
    /// # Errors
    /// When nothing answers there.
    pub fn open(&self, url: &str) -> Result<()> {
        self.tell("/url", &json!({"url": url})).map(drop)
    }

    /// The address of the page that is shown.
    ///
    /// # Errors
    /// When the window is gone.
    pub fn address(&self) -> Result<String> {
        Ok(self.ask("/url")?.as_str().context("an address is text")?.to_owned())
    }

    fn elements(&self, selector: &str) -> Result<Vec<String>> {
        let found = self.tell("/elements", &json!({"using": "css selector", "value": selector}))?;
        let ids = found.as_array().context("elements are a list")?;
        ids.iter().map(|id| Ok(id[ELEMENT].as_str().context("an element has an id")?.to_owned())).collect()
    }

    fn element(&self, selector: &str) -> Result<String> {
        let mut found = self.elements(selector)?;
        ensure!(found.len() == 1, "{} elements instead of one: {selector}, at {}", found.len(), self.address()?);
        Ok(found.remove(0))
    }

    /// How many elements there are.
    ///
    /// # Errors
    /// When the window is gone.
    pub fn count(&self, selector: &str) -> Result<usize> {
        Ok(self.elements(selector)?.len())
    }

    /// What a person can read in each of these elements.
    ///
    /// # Errors
    /// When the window is gone.
    pub fn texts(&self, selector: &str) -> Result<Vec<String>> {
        let text = |id: String| {
            let text = self.ask(&format!("/element/{id}/text"))?;
            Ok(text.as_str().context("a text is text")?.to_owned())
        };
        self.elements(selector)?.into_iter().map(text).collect()
    }

    /// What a person can read in this one element.
    ///
    /// # Errors
    /// When there is not exactly one.
    pub fn text(&self, selector: &str) -> Result<String> {
        self.element(selector)?;
        Ok(self.texts(selector)?.remove(0))
    }

    /// An attribute of this one element.
    ///
    /// # Errors
    /// When there is not exactly one, or it has no such attribute.
    pub fn attribute(&self, selector: &str, name: &str) -> Result<String> {
        let id = self.element(selector)?;
        let value = self.ask(&format!("/element/{id}/attribute/{name}"))?;
        Ok(value.as_str().with_context(|| format!("{selector} has no {name}"))?.to_owned())
    }

    /// Forgets every cookie of the site that is shown: whoever was signed in no longer is.
    ///
    /// # Errors
    /// When the window is gone.
    pub fn forget_cookies(&self) -> Result<()> {
        self.session.delete("/cookie")?.success().map(drop)
    }

    /// Empties this one field.
    ///
    /// # Errors
    /// When there is not exactly one, or nobody can type into it.
    pub fn clear(&self, selector: &str) -> Result<()> {
        let id = self.element(selector)?;
        self.tell(&format!("/element/{id}/clear"), &json!({})).map(drop)
    }

    /// Clicks on this one element, which stays on the page.
    ///
    /// # Errors
    /// When there is not exactly one, or something covers it.
    pub fn click(&self, selector: &str) -> Result<()> {
        let id = self.element(selector)?;
        self.tell(&format!("/element/{id}/click"), &json!({})).map(drop)
    }

    /// Clicks on this one element and waits until the page that it stood on is gone: what is looked for next cannot be
    /// found on the old one.
    ///
    /// # Errors
    /// When there is not exactly one, something covers it, or it leads nowhere.
    pub fn follow(&self, selector: &str) -> Result<()> {
        let before = self.document()?;
        self.click(selector)?;
        let another = format!("{selector} leads to another page");
        wait::until(&another, || Ok((self.document()? != before).then_some(())))
    }

    /// Which document the window shows: every one that is loaded has an id of its own, also the same address again.
    fn document(&self) -> Result<String> {
        let tree = self.devtools("Page.getFrameTree", &json!({}))?;
        Ok(tree["frameTree"]["frame"]["loaderId"].as_str().context("a document has an id")?.to_owned())
    }

    /// Types into this one field.
    ///
    /// # Errors
    /// When there is not exactly one.
    pub fn type_into(&self, selector: &str, text: &str) -> Result<()> {
        let id = self.element(selector)?;
        self.tell(&format!("/element/{id}/value"), &json!({"text": text})).map(drop)
    }

    /// Runs a script as the page that is shown; its last argument is the function that takes the answer.
    ///
    /// # Errors
    /// When the script fails or gives no answer in time.
    pub fn run(&self, script: &str, arguments: &[Value]) -> Result<Value> {
        self.tell("/execute/async", &json!({"script": script, "args": arguments}))
    }

    /// Waits until there is an element.
    ///
    /// # Errors
    /// When it does not come.
    pub fn until(&self, selector: &str) -> Result<()> {
        wait::until(selector, || Ok((self.count(selector)? > 0).then_some(())))
    }

    /// Looks at pages in another way from now on.
    ///
    /// # Errors
    /// When the window is gone.
    pub fn look(&self, look: Look) -> Result<()> {
        // Nothing stands for what the browser itself would say.
        let media = if look == Look::Print { "print" } else { "" };
        let scheme = if look == Look::Dark { "dark" } else { "light" };
        let feature = json!({"name": "prefers-color-scheme", "value": scheme});
        self.devtools("Emulation.setEmulatedMedia", &json!({"media": media, "features": [feature]}))?;
        let (width, height) = match look {
            Look::Office | Look::Dark => (WIDTH, 800),
            Look::Narrow => (360, 800),
            Look::Kiosk => (1080, 1920),
            Look::Till => (1024, 600),
            // A4 between its margins.
            Look::Print => (680, 800),
        };
        let size = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.devtools("Emulation.setDeviceMetricsOverride", &size).map(drop)
    }

    fn devtools(&self, command: &str, parameters: &Value) -> Result<Value> {
        self.tell("/goog/cdp/execute", &json!({"cmd": command, "params": parameters}))
    }

    /// A picture of the whole page, PNG.
    ///
    /// # Errors
    /// When the window is gone.
    pub fn picture(&self) -> Result<Vec<u8>> {
        let whole = json!({"format": "png", "captureBeyondViewport": true});
        let picture = self.devtools("Page.captureScreenshot", &whole)?;
        STANDARD.decode(picture["data"].as_str().context("a picture is text")?).context("a picture is base64")
    }

    /// A picture of this one element as a printer draws it, with so many dots for each of the screen's, PNG.
    ///
    /// # Errors
    /// When there is not exactly one.
    pub fn enlarged(&self, selector: &str, scale: u32) -> Result<Vec<u8>> {
        let mut clip = self.ask(&format!("/element/{}/rect", self.element(selector)?))?;
        clip["scale"] = scale.into();
        let part = json!({"format": "png", "captureBeyondViewport": true, "clip": clip});
        let picture = self.devtools("Page.captureScreenshot", &part)?;
        STANDARD.decode(picture["data"].as_str().context("a picture is text")?).context("a picture is base64")
    }

    /// The page as it is printed on A4, PDF.
    ///
    /// # Errors
    /// When the window is gone.
    pub fn paper(&self) -> Result<Vec<u8>> {
        // Inches.
        let a4 = json!({"paperWidth": 8.27, "paperHeight": 11.69, "preferCSSPageSize": true});
        let paper = self.devtools("Page.printToPDF", &a4)?;
        STANDARD.decode(paper["data"].as_str().context("a document is text")?).context("a document is base64")
    }
}

impl Drop for Chromium {
    fn drop(&mut self) {
        // Ends Chromium in order; what does not end so is killed with the driver.
        let _ = self.session.delete("");
    }
}

fn value(client: &Client, path: &str, body: &Value) -> Result<Value> {
    Ok(client.post(path, body)?.success()?["value"].take())
}

/// Starts chromedriver as the first process of a process namespace of its own: with it goes every Chromium process.
fn start_driver(folder: &TempDir, port: u16) -> Result<Process> {
    let mut command = tethered("unshare");
    if !may_unshare() {
        command.args(["--user", "--map-root-user"]);
    }
    // With port 0 it takes one of IPv6 and ends when somebody has the same of IPv4.
    let port = format!("--port={port}");
    command.args(["--pid", "--fork", "--kill-child", "--mount-proc", "chromedriver", &port]);
    // Chromium looks for its home, and must not find ours.
    command.env("HOME", folder.path());
    Process::start("chromedriver", command, &folder.path().join("chromedriver.log"))
}

/// Whether this user may make namespaces without a user namespace around them.
fn may_unshare() -> bool {
    let mut command = Command::new("unshare");
    command.args(["--pid", "--fork", "--mount-proc", "true"]).stderr(Stdio::null());
    command.status().is_ok_and(|status| status.success())
}
