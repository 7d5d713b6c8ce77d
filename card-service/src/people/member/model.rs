//! A member of staff as an administrator sees them. No I/O.

use card_schema::clock::Micros;
use card_schema::ids::{CardId, OrganisationId};

use crate::people::model::Permission;
use crate::people::{Staff, StaffId, StaffRole};

/// The longest sign-in name, in characters.
const NAME_CHARS: usize = 64;

/// Whether somebody may work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Was added; somebody else has to agree first.
    Waiting,
    /// May sign in.
    Working,
    /// May not sign in for now.
    Suspended,
}

impl State {
    /// Every state.
    pub const ALL: [Self; 3] = [Self::Waiting, Self::Working, Self::Suspended];

    /// Its name in the database.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Working => "working",
            Self::Suspended => "suspended",
        }
    }

    /// The state of a name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.name() == name)
    }
}

/// Where somebody works, and whether they may.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Post {
    /// Where they work, as their role has it; none where nobody has said.
    pub organisation: Option<OrganisationId>,
    /// Whether they may work.
    pub state: State,
    /// When that began.
    pub since: Micros,
    /// Whether somebody else has seen the password, so that it has to be changed first of all.
    pub password_given: bool,
    /// Who let them in, and when.
    pub admitted: Option<(StaffId, Micros)>,
    /// Who last gave them another password, and when.
    pub reset: Option<(StaffId, Micros)>,
    /// When an administrator's role was taken from them last.
    pub administered_until: Option<Micros>,
    /// When a role that may reverse transfers was taken from them last.
    pub reversed_until: Option<Micros>,
}

impl Post {
    /// The post of somebody of whom no more is said than that they work.
    pub const fn working(since: Micros) -> Self {
        Self {
            organisation: None,
            state: State::Working,
            since,
            password_given: false,
            admitted: None,
            reset: None,
            administered_until: None,
            reversed_until: None,
        }
    }

    /// When something that takes two was last taken from what they may do.
    pub const fn could_until(&self, permission: Permission) -> Option<Micros> {
        match permission {
            Permission::Administer => self.administered_until,
            Permission::ReverseTransfers => self.reversed_until,
            _ => None,
        }
    }
}

/// A member of staff with their post.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Who it is.
    pub staff: Staff,
    /// Where they work, and whether they may.
    pub post: Post,
    /// The station's name.
    pub station: Option<String>,
    /// Whether codes are asked of them.
    pub second_factor: bool,
}

/// What an administrator wants done with a member of staff.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Wish {
    /// Somebody who was added begins to work.
    Admit,
    /// They get another role.
    Role(StaffRole),
    /// They work at another station, or at none that is said.
    Move(Option<OrganisationId>),
    /// They may not sign in for now.
    Suspend,
    /// They may again.
    Resume,
    /// They get a password that is to be changed at the next sign-in.
    GivePassword,
    /// They sign in without a code once more, and set up anew what makes it.
    TakeSecondFactor,
    /// They sign in with this card of theirs.
    SignInWithCard(CardId),
    /// They are signed out wherever they are signed in.
    SignOut,
}

impl Wish {
    /// Its name in a form.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Admit => "admit",
            Self::Role(_) => "role",
            Self::Move(_) => "move",
            Self::Suspend => "suspend",
            Self::Resume => "resume",
            Self::GivePassword => "password",
            Self::TakeSecondFactor => "second_factor",
            Self::SignInWithCard(_) => "sign_in_with_card",
            Self::SignOut => "sign_out",
        }
    }
}

/// A wish that is carried out, and who wishes it.
#[derive(Clone, Copy, Debug)]
pub struct Deed {
    /// Nobody of the staff where it is whoever runs the machine.
    pub by: Option<StaffId>,
    /// What is done.
    pub wish: Wish,
}

/// Something that was done with a member of staff, for their page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Past {
    /// Its number: those that come later have greater ones.
    pub leaf: i64,
    /// When.
    pub at: Micros,
    /// What it was: the name of a wish, or `added`.
    pub deed: String,
    /// The role that they got.
    pub role: Option<StaffRole>,
    /// The station at which they work from then on.
    pub station: Option<String>,
    /// Who did it: the name to sign in with. Nobody of the staff where it was whoever runs the machine.
    pub staff: Option<String>,
}

/// The sign-in name as it is kept, where it is one.
pub fn name(typed: &str) -> Option<&str> {
    let name = typed.trim();
    let fits = !name.is_empty() && name.chars().count() <= NAME_CHARS && !name.chars().any(char::is_control);
    fits.then_some(name)
}
