//! What stands around every page: who is signed in, where one is, and in which language. Pure.

use crate::i18n::Locale;
use crate::people::model::Permission;
use crate::people::{Staff, StaffRole};

/// What stands around every page.
#[derive(Clone, Debug)]
pub struct Frame {
    locale: Locale,
    pub(crate) path: String,
    pub(crate) staff: Option<Who>,
}

/// Who is signed in.
#[derive(Clone, Debug)]
pub(crate) struct Who {
    pub(crate) name: String,
    pub(crate) role: &'static str,
    pub(crate) serves: bool,
    /// Whether they see what cards do.
    pub(crate) looks: bool,
    /// Whether they may move money back.
    pub(crate) reverses: bool,
}

/// The key of a role's name.
pub const fn role_key(role: StaffRole) -> &'static str {
    match role {
        StaffRole::Administrator => "console-role-administrator",
        StaffRole::Clerk => "console-role-clerk",
        StaffRole::Supervisor => "console-role-supervisor",
        StaffRole::Auditor => "console-role-auditor",
        StaffRole::Operator => "console-role-operator",
        StaffRole::Filer => "console-role-filer",
        StaffRole::BureauOfficer => "console-role-bureau-officer",
    }
}

/// One language of the switch.
pub(crate) struct Language {
    pub(crate) tag: &'static str,
    pub(crate) name: &'static str,
    pub(crate) current: bool,
}

impl Frame {
    /// The frame of a page at a path, which the language switch leads back to.
    pub fn new(locale: Locale, path: impl Into<String>, staff: Option<&Staff>) -> Self {
        let who = |staff: &Staff| Who {
            name: staff.name.clone(),
            serves: staff.role.may(Permission::ServeHolders),
            looks: staff.role.may(Permission::SeeActivity),
            reverses: staff.role.may(Permission::ReverseTransfers),
            role: role_key(staff.role),
        };
        Self { locale, path: path.into(), staff: staff.map(who) }
    }

    /// The reader's language.
    pub const fn locale(&self) -> Locale {
        self.locale
    }

    pub(crate) fn lang(&self) -> &'static str {
        self.locale.tag()
    }

    /// A text in the reader's language.
    pub fn t(&self, key: &str) -> String {
        self.locale.text(key)
    }

    /// Whether whoever reads it may move money back.
    pub(crate) fn reverses(&self) -> bool {
        self.staff.as_ref().is_some_and(|who| who.reverses)
    }

    /// Whether the page is one of those about newcomers and holders.
    pub(crate) fn is_about_holders(&self) -> bool {
        ["/find", "/holders", "/registrations", "/issuances"].iter().any(|path| self.path.starts_with(path))
    }

    /// Whether the page is one of those about what cards did.
    pub(crate) fn is_about_activity(&self) -> bool {
        ["/activity", "/cards"].iter().any(|path| self.path.starts_with(path))
    }

    pub(crate) fn languages(&self) -> [Language; 2] {
        Locale::ALL.map(|locale| Language {
            tag: locale.tag(),
            name: match locale {
                Locale::ZhCn => "中文",
                Locale::En => "English",
            },
            current: locale == self.locale,
        })
    }
}
