//! Staff, roles and purposes. No I/O: the table of who may do what is here and nowhere else.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// A member of staff.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct StaffId(pub Uuid);

/// What somebody is employed to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum StaffRole {
    /// Runs the installation: organisations, staff, terminals.
    Administrator,
    /// Serves newcomers: registers, issues cards.
    Clerk,
    /// Does what clerks do, and decides what they may not: residence permits.
    Supervisor,
    /// Looks at activity, never at persons.
    Auditor,
    /// Runs terminals and sees what they do, and serves nobody.
    Operator,
    /// Declares for an employer what is contributed for its workers, and sees nothing else.
    Filer,
    /// Sees at the social security bureau to employers, to what they pay, and to what holders say against it.
    BureauOfficer,
}

/// What somebody wants to do, as far as roles differ in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Permission {
    /// Organisations and staff.
    Administer,
    /// Add terminals, hand out codes for their enrolment, revoke them.
    RunTerminals,
    /// Register holders, issue cards, change their state.
    ServeHolders,
    /// See cards and their activity without persons.
    SeeActivity,
    /// See how many people live where.
    SeeCounts,
    /// Grant, refuse and end residence permits.
    DecidePermits,
    /// Receive, count, send and write off blank cards.
    KeepStock,
    /// Give organisations the lists of their own people.
    HandOutLists,
    /// Move back what a payment or a top-up has moved.
    ReverseTransfers,
    /// Say what is behind counts that look wrong.
    ReviewSuspicions,
    /// Bring in what rides cost.
    SetFares,
    /// Enrol the workers of one's own employer, and declare what is contributed for them.
    FileContributions,
    /// Say which employers take part, whose money it is that has arrived for contributions, and who is right where somebody disputes a month.
    ReconcileContributions,
}

impl Permission {
    /// Every permission.
    pub const ALL: [Self; 13] = [
        Self::Administer,
        Self::RunTerminals,
        Self::ServeHolders,
        Self::SeeActivity,
        Self::SeeCounts,
        Self::DecidePermits,
        Self::KeepStock,
        Self::HandOutLists,
        Self::ReverseTransfers,
        Self::ReviewSuspicions,
        Self::SetFares,
        Self::FileContributions,
        Self::ReconcileContributions,
    ];

    /// Those under which something takes two people.
    pub const OF_TWO: [Self; 2] = [Self::Administer, Self::ReverseTransfers];
}

/// Why a person's record is read. Each read states one, and the holder sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Purpose {
    /// Registering the person or correcting the registration.
    Registration,
    /// Issuing or replacing a card.
    CardIssuance,
    /// The holder asked at the desk.
    HolderRequest,
    /// Settling a complaint or a dispute.
    Complaint,
    /// Deciding about a residence permit.
    Permit,
    /// Giving an organisation the list of its own people, to be checked.
    OrganisationCheck,
    /// The same, for residence permits that the organisation's people apply for or have endorsed.
    OrganisationPermits,
}

impl Purpose {
    /// Every purpose.
    pub const ALL: [Self; 7] = [
        Self::Registration,
        Self::CardIssuance,
        Self::HolderRequest,
        Self::Complaint,
        Self::Permit,
        Self::OrganisationCheck,
        Self::OrganisationPermits,
    ];

    /// Those for which one record is looked at.
    pub const OF_ONE: [Self; 5] =
        [Self::Registration, Self::CardIssuance, Self::HolderRequest, Self::Complaint, Self::Permit];

    /// Those for which an organisation is given a list of its people.
    pub const OF_LISTS: [Self; 2] = [Self::OrganisationCheck, Self::OrganisationPermits];

    /// Its name in the database and in forms.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Registration => "registration",
            Self::CardIssuance => "card_issuance",
            Self::HolderRequest => "holder_request",
            Self::Complaint => "complaint",
            Self::Permit => "permit",
            Self::OrganisationCheck => "organisation_check",
            Self::OrganisationPermits => "organisation_permits",
        }
    }

    /// The purpose of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|purpose| purpose.name() == name)
    }
}

impl StaffRole {
    /// Every role.
    pub const ALL: [Self; 7] = [
        Self::Administrator,
        Self::Clerk,
        Self::Supervisor,
        Self::Auditor,
        Self::Operator,
        Self::Filer,
        Self::BureauOfficer,
    ];

    /// Its name in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Administrator => "administrator",
            Self::Clerk => "clerk",
            Self::Supervisor => "supervisor",
            Self::Auditor => "auditor",
            Self::Operator => "operator",
            Self::Filer => "filer",
            Self::BureauOfficer => "bureau_officer",
        }
    }

    /// The role of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.name() == name)
    }

    /// Who may do what. The first administrator also serves holders until there is a clerk: a small station has one
    /// person.
    pub const fn may(self, permission: Permission) -> bool {
        match (self, permission) {
            // Whoever files does so for one employer and sees nothing else.
            (Self::Administrator, Permission::FileContributions) => false,
            (Self::Administrator, _)
            | (Self::Clerk, Permission::ServeHolders | Permission::SeeActivity | Permission::SeeCounts)
            | (
                Self::Supervisor,
                Permission::ServeHolders
                | Permission::SeeActivity
                | Permission::SeeCounts
                | Permission::DecidePermits
                | Permission::KeepStock
                | Permission::HandOutLists
                | Permission::ReverseTransfers,
            )
            | (Self::Auditor, Permission::SeeActivity | Permission::SeeCounts | Permission::ReviewSuspicions)
            | (Self::Operator, Permission::RunTerminals | Permission::SeeActivity)
            | (Self::Filer, Permission::FileContributions)
            | (Self::BureauOfficer, Permission::ReconcileContributions) => true,
            (
                Self::Clerk | Self::Supervisor | Self::Auditor | Self::Operator | Self::Filer | Self::BureauOfficer,
                _,
            ) => false,
        }
    }

    /// Whether anything that takes two may be done in it.
    pub fn approves(self) -> bool {
        Permission::OF_TWO.into_iter().any(|permission| self.may(permission))
    }

    /// Whether a password alone is not enough: who gives power, decides, sees what every card does, or files what people earn.
    pub const fn needs_second_factor(self) -> bool {
        matches!(self, Self::Administrator | Self::Supervisor | Self::Auditor | Self::Filer | Self::BureauOfficer)
    }

    /// The purposes for which this role may read a person's record; lists have their own permission.
    pub const fn purposes(self) -> &'static [Purpose] {
        match self {
            Self::Administrator | Self::Clerk | Self::Supervisor => &Purpose::OF_ONE,
            Self::Auditor | Self::Operator | Self::Filer | Self::BureauOfficer => &[],
        }
    }
}

/// What a session began with, and what was shown in it since.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignedInBy {
    /// A password.
    Password,
    /// A password and a code.
    Code,
    /// A card and its PIN: two factors at once, which nobody but its bearer has.
    Card,
}

impl SignedInBy {
    /// Every one of them.
    pub const ALL: [Self; 3] = [Self::Password, Self::Code, Self::Card];

    /// Its number in the database.
    pub const fn number(self) -> i64 {
        match self {
            Self::Password => 0,
            Self::Code => 1,
            Self::Card => 2,
        }
    }

    /// The one of a number.
    pub fn from_number(number: i64) -> Option<Self> {
        Self::ALL.into_iter().find(|by| by.number() == number)
    }
}

/// What somebody who has shown a password has to do before anything else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Owed {
    /// Show a code.
    Code,
    /// Choose a password that nobody else has seen.
    Password,
    /// Set up what makes codes.
    SecondFactor,
}

impl Owed {
    /// What a session lacks, if it lacks anything.
    pub const fn of(role: StaffRole, password_given: bool, second_factor: bool, by: SignedInBy) -> Option<Self> {
        if matches!(by, SignedInBy::Card) {
            None
        } else if second_factor && matches!(by, SignedInBy::Password) {
            Some(Self::Code)
        } else if password_given {
            Some(Self::Password)
        } else if role.needs_second_factor() && !second_factor {
            Some(Self::SecondFactor)
        } else {
            None
        }
    }

    /// The key of a text that says so.
    pub const fn key(self) -> &'static str {
        match self {
            Self::Code => "account-owes-code",
            Self::Password => "account-owes-password",
            Self::SecondFactor => "account-owes-second-factor",
        }
    }

    /// The page on which it is done.
    pub const fn page(self) -> &'static str {
        match self {
            Self::Code => "/sign-in/code",
            Self::Password => "/account/password",
            Self::SecondFactor => "/account/second-factor",
        }
    }
}

/// A member of staff as the service knows them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Staff {
    /// Their id.
    pub staff_id: StaffId,
    /// What they type to sign in.
    pub name: String,
    /// What they are employed to do.
    pub role: StaffRole,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_auditor_reads_no_person_and_changes_nothing() {
        assert!(StaffRole::Auditor.purposes().is_empty());
        assert!(!StaffRole::Auditor.may(Permission::ServeHolders));
        assert!(!StaffRole::Auditor.may(Permission::Administer));
        assert!(!StaffRole::Clerk.may(Permission::Administer));
        assert!(!StaffRole::Supervisor.may(Permission::Administer));
        assert!(!StaffRole::Clerk.may(Permission::DecidePermits));
        assert!(!StaffRole::Clerk.may(Permission::KeepStock));
        assert!(!StaffRole::Clerk.may(Permission::HandOutLists));
        assert!(!StaffRole::Clerk.may(Permission::ReverseTransfers));
        assert!(!StaffRole::Auditor.may(Permission::ReverseTransfers));
        for role in StaffRole::ALL {
            assert_eq!(role.may(Permission::SetFares), role == StaffRole::Administrator);
        }
    }

    #[test]
    fn a_session_first_lacks_the_code_then_a_password_of_ones_own_then_the_second_factor() {
        use StaffRole::{Administrator, Clerk};
        for (role, given, factor, by, owed) in [
            (Clerk, false, false, SignedInBy::Password, None),
            (Clerk, true, false, SignedInBy::Password, Some(Owed::Password)),
            (Clerk, true, true, SignedInBy::Password, Some(Owed::Code)),
            (Clerk, true, true, SignedInBy::Code, Some(Owed::Password)),
            (Clerk, false, true, SignedInBy::Code, None),
            (Administrator, false, false, SignedInBy::Password, Some(Owed::SecondFactor)),
            (Administrator, true, false, SignedInBy::Password, Some(Owed::Password)),
            (Administrator, false, true, SignedInBy::Password, Some(Owed::Code)),
            (Administrator, false, true, SignedInBy::Code, None),
            // What was proven before it was taken away is worth nothing.
            (Administrator, false, false, SignedInBy::Code, Some(Owed::SecondFactor)),
            // Of whoever has shown a card and its PIN neither password nor code is asked.
            (Administrator, true, true, SignedInBy::Card, None),
            (Administrator, false, false, SignedInBy::Card, None),
        ] {
            assert_eq!(Owed::of(role, given, factor, by), owed, "{role:?} {given} {factor} {by:?}");
        }
    }

    #[test]
    fn an_operator_runs_terminals_and_serves_nobody() {
        assert!(StaffRole::Operator.may(Permission::RunTerminals));
        assert!(StaffRole::Operator.purposes().is_empty());
        for forbidden in [Permission::Administer, Permission::ServeHolders, Permission::DecidePermits] {
            assert!(!StaffRole::Operator.may(forbidden));
        }
        for role in [StaffRole::Clerk, StaffRole::Supervisor, StaffRole::Auditor] {
            assert!(!role.may(Permission::RunTerminals));
        }
    }
}
