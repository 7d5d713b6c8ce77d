//! Staff: who they are, how they sign in, what their role may do, and for which purposes they may read a record. What an
//! administrator does about them is `member`'s, what takes two of them `approval`'s, what they do about themselves
//! `account`'s.
//!
//! Not here: holders' personal data (`domains::residence`).

pub mod account;
pub mod api;
pub mod approval;
pub mod card_sign_in;
pub mod factor;
pub mod limits;
pub mod member;
pub mod model;
pub mod organisation;
pub mod password;
pub mod session;
pub mod store;
#[cfg(test)]
mod tests;

pub use model::{Purpose, Staff, StaffId, StaffRole};
pub use organisation::Organisation;
