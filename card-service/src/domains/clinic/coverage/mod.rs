//! What is covered of a bill by the rules of a city and its catalogue, and who is covered on which day. Keeps no bills.

pub mod catalogue;
pub mod city;
pub mod model;
pub mod policy;
pub mod rules;
#[cfg(test)]
mod tests;
