//! Social security: who is insured through which employer, what a month costs by the rules of the city and the year, what employers
//! declare and pay, and what has become of each month of somebody's.
//!
//! An employer files for its own workers and sees nothing else; the bureau says whose money has arrived. Who somebody is, and when they
//! were born, is not known here (`residence`); pages that need both are the console's.

pub mod city;
pub mod cover;
pub mod declaration;
pub mod dispute;
pub mod employment;
pub mod enrolment;
pub mod filing;
pub mod model;
pub mod paying;
pub mod posting;
pub mod receipt;
pub mod record;
pub mod rules;
pub mod scheme;
pub mod store;
#[cfg(test)]
mod tests;
