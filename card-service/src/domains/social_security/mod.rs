//! Social security: what a month costs an employer and a worker, by the rules of the city and the year.
//!
//! Not here yet beside it: who is enrolled and what was paid.

pub mod model;
pub mod rules;
pub mod scheme;
#[cfg(test)]
mod tests;
