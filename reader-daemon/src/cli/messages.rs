//! What a person reads when a command fails, in Simplified Chinese and English; each message has a stable code.
//!
//! Nothing else: deciding what failed belongs to the commands.

use std::borrow::Cow;

use clap::ValueEnum;

/// Language of messages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Language {
    /// Simplified Chinese.
    Zh,
    /// English.
    En,
}

impl Language {
    /// The language that `LC_ALL`, `LC_MESSAGES` or `LANG` names first; Chinese for `zh…`, otherwise English.
    pub fn from_environment() -> Self {
        let named = ["LC_ALL", "LC_MESSAGES", "LANG"]
            .iter()
            .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()));
        if named.is_some_and(|value| value.starts_with("zh")) { Self::Zh } else { Self::En }
    }

    /// Its tag, as `Accept-Language` has it.
    pub const fn tag(self) -> &'static str {
        match self {
            Self::Zh => "zh-CN",
            Self::En => "en",
        }
    }

    /// The text in this language.
    pub fn choose<'a>(self, zh: &'a str, en: &'a str) -> &'a str {
        match self {
            Self::Zh => zh,
            Self::En => en,
        }
    }
}

/// Which of the three failing exit codes a failure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exit {
    /// 1: the operation was tried and failed.
    Failed,
    /// 2: the command line or its input is wrong; nothing was tried.
    Usage,
    /// 4: there is nothing to act on: no reader, no card.
    Nothing,
}

/// A failure as a person reads it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CliError {
    /// Exit code.
    pub exit: Exit,
    /// Stable name for programs, kebab-case.
    pub code: Cow<'static, str>,
    /// Simplified Chinese.
    pub zh: String,
    /// English.
    pub en: String,
}

impl CliError {
    /// A failure of the operation itself.
    pub fn failed(code: impl Into<Cow<'static, str>>, zh: impl Into<String>, en: impl Into<String>) -> Self {
        Self { exit: Exit::Failed, code: code.into(), zh: zh.into(), en: en.into() }
    }

    /// Wrong input: nothing was tried.
    pub fn usage(code: impl Into<Cow<'static, str>>, zh: impl Into<String>, en: impl Into<String>) -> Self {
        Self { exit: Exit::Usage, code: code.into(), zh: zh.into(), en: en.into() }
    }

    /// Nothing to act on.
    pub fn nothing(code: impl Into<Cow<'static, str>>, zh: impl Into<String>, en: impl Into<String>) -> Self {
        Self { exit: Exit::Nothing, code: code.into(), zh: zh.into(), en: en.into() }
    }

    /// The process exit code.
    pub fn exit_code(&self) -> u8 {
        match self.exit {
            Exit::Failed => 1,
            Exit::Usage => 2,
            Exit::Nothing => 4,
        }
    }

    /// The message in one language.
    pub fn text(&self, language: Language) -> &str {
        language.choose(&self.zh, &self.en)
    }

    /// The failure as one line of JSON.
    pub fn json(&self, language: Language) -> String {
        serde_json::json!({ "error": { "code": self.code, "message": self.text(language) } }).to_string()
    }
}
