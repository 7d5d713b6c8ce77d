//! The PIV card application (NIST SP 800-73-5): one file a command, composed by [`card::PivCard`].
//!
//! Each command's file holds how it is asked and how its answer is read, and names its section of the standard.
//! What a status word means is in [`status`] alone, what vendors added in [`vendor`] alone. Nothing here knows
//! PC/SC, taps or the service.

pub mod card;
pub(crate) mod change_reference_data;
mod general_authenticate;
mod generate;
mod get_data;
pub mod management;
mod open;
mod put_data;
mod reset;
mod reset_retry_counter;
pub mod secrets;
pub mod select;
pub mod status;
pub mod vendor;
pub mod verify;

pub use card::PivCard;
pub use open::AnyLink;
pub use secrets::{Pin, Puk};
pub use status::{PivError, Reason, Refused};
