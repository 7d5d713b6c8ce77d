//! A person's record. No I/O.

use std::fmt;

use card_schema::date::Date;
use card_schema::document::DocumentNumber;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use zeroize::Zeroizing;

/// The longest name in characters.
pub const NAME_MAX_CHARS: usize = 100;
/// The longest passport number in characters (ICAO 9303 has nine; some states print longer ones).
const PASSPORT_MAX_CHARS: usize = 20;

/// What a person shows at the desk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Document {
    /// A document with a national number: identity card, residence permit, foreigner's permanent residence card.
    ResidentIdentityCard,
    /// A passport.
    Passport,
}

impl Document {
    /// Its name in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::ResidentIdentityCard => "resident_identity_card",
            Self::Passport => "passport",
        }
    }
}

/// A field of the record that can be read by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Field {
    /// The name.
    Name,
    /// The document's number.
    DocumentNumber,
}

impl Field {
    /// Its column.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Name => "name",
            Self::DocumentNumber => "document_number",
        }
    }

    /// The field of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        [Self::Name, Self::DocumentNumber].into_iter().find(|field| field.name() == name)
    }
}

/// A checked person, ready to be sealed.
pub struct NewPerson {
    /// The name as it will be printed.
    pub name: Zeroizing<String>,
    /// What was shown.
    pub document: Document,
    /// Its number in its one canonical form.
    pub number: Zeroizing<String>,
}

impl fmt::Debug for NewPerson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("NewPerson").field("document", &self.document).finish_non_exhaustive()
    }
}

/// What is wrong with what was typed: the key of its text for people.
pub type Wrong = &'static str;

impl NewPerson {
    /// Checks what was typed.
    pub fn check(name: &str, document: Document, number: &str, today: Date) -> Result<Self, Wrong> {
        let name = Zeroizing::new(name.split_whitespace().collect::<Vec<_>>().join(" "));
        if name.is_empty() || name.chars().count() > NAME_MAX_CHARS || name.chars().any(char::is_control) {
            return Err("person-name-bad");
        }
        let number = match document {
            Document::ResidentIdentityCard => {
                let number = DocumentNumber::parse(number, today).map_err(|_| "document-number-bad")?;
                Zeroizing::new(number.expose_number().to_owned())
            }
            Document::Passport => {
                let number: String =
                    number.chars().filter(|c| !c.is_whitespace()).map(|c| c.to_ascii_uppercase()).collect();
                let well_formed = (5..=PASSPORT_MAX_CHARS).contains(&number.len())
                    && number.chars().all(|c| c.is_ascii_alphanumeric());
                if !well_formed {
                    return Err("document-number-bad");
                }
                Zeroizing::new(number)
            }
        };
        Ok(Self { name, document, number })
    }
}
