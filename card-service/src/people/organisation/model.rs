//! What an organisation is. No I/O.

use card_schema::ids::OrganisationId;

use crate::people::StaffRole;

/// The longest name, in characters.
const NAME_CHARS: usize = 80;

/// Whoever runs terminals or employs staff.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Organisation {
    /// Its id.
    pub organisation_id: OrganisationId,
    /// Its name for people; no two are equal.
    pub name: String,
}

/// What an organisation does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A service station: staff of the console work here.
    Station,
    /// A shop.
    Merchant,
    /// A clinic.
    Clinic,
    /// Runs buses or trains.
    TransitOperator,
    /// A village or an estate with gates.
    GateSite,
    /// An employer.
    Employer,
    /// The social security bureau.
    SocialSecurityBureau,
    /// Lets homes for landlords.
    LandlordsAgent,
}

impl Kind {
    /// Every kind.
    pub const ALL: [Self; 8] = [
        Self::Station,
        Self::Merchant,
        Self::Clinic,
        Self::TransitOperator,
        Self::GateSite,
        Self::Employer,
        Self::SocialSecurityBureau,
        Self::LandlordsAgent,
    ];

    /// Its name in the database and in forms.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Station => "station",
            Self::Merchant => "merchant",
            Self::Clinic => "clinic",
            Self::TransitOperator => "transit_operator",
            Self::GateSite => "gate_site",
            Self::Employer => "employer",
            Self::SocialSecurityBureau => "social_security_bureau",
            Self::LandlordsAgent => "landlords_agent",
        }
    }

    /// The kind of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.name() == name)
    }

    /// Where somebody works who has this role.
    pub const fn of_work(role: StaffRole) -> Self {
        match role {
            StaffRole::Filer => Self::Employer,
            StaffRole::BureauOfficer => Self::SocialSecurityBureau,
            StaffRole::Administrator
            | StaffRole::Clerk
            | StaffRole::Supervisor
            | StaffRole::Auditor
            | StaffRole::Operator => Self::Station,
        }
    }
}

/// What is known of an organisation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Who it is.
    pub organisation: Organisation,
    /// What it does; none where nobody has said so yet.
    pub kind: Option<Kind>,
    /// Whether it works no more.
    pub closed: bool,
}

/// The name as it is kept, where it is one.
pub fn name(typed: &str) -> Option<&str> {
    let name = typed.trim();
    let fits = !name.is_empty() && name.chars().count() <= NAME_CHARS && !name.chars().any(char::is_control);
    fits.then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_has_something_in_it_and_fits_on_a_line() {
        assert_eq!(name("  测试站 "), Some("测试站"));
        for bad in ["", "   ", "a\u{7}b", &"长".repeat(81)] {
            assert_eq!(name(bad), None, "{bad:?}");
        }
    }
}
