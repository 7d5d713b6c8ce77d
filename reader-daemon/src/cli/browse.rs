//! Opening a page in a browser on this machine, or printing its link: what `sign-in` and `page` end with.

use clap::Args;
use serde::Serialize;

use super::{messages::CliError, messages_daemon, output::Context};

/// Whether a browser is opened.
#[derive(Debug, Args)]
pub(super) struct Browse {
    /// Print the link instead of opening a browser; it works once, for a minute
    #[arg(long)]
    no_browser: bool,
}

/// What was done.
#[derive(Debug, Serialize)]
struct Done {
    /// Whether a browser was opened.
    opened: bool,
    /// The link, where none was.
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
}

impl Browse {
    /// Opens the page, and says so in one of the two languages; or prints where it is.
    pub(super) fn show(&self, url: String, context: Context, zh: &str, en: &str) -> Result<(), CliError> {
        let done = if self.no_browser {
            Done { opened: false, url: Some(url) }
        } else {
            webbrowser::open(&url).map_err(|error| messages_daemon::no_browser(&error))?;
            Done { opened: true, url: None }
        };
        context.print(&done, |done| done.url.as_deref().unwrap_or(context.language.choose(zh, en)).to_owned());
        Ok(())
    }
}
