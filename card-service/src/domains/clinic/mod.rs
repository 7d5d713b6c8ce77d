//! The clinic: what a bill costs its holder and the fund.
//!
//! Who is insured is not known here: which months count comes from outside (`social_security` keeps them).

pub mod coverage;
