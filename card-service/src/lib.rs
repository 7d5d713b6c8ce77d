//! The card service: residents, cards, ledger and log behind one program.
#![cfg_attr(test, allow(clippy::unwrap_used))]

pub mod api;
pub mod app;
pub mod benefits;
pub mod cards;
pub mod cli;
pub mod clock;
pub mod config;
pub mod consent;
pub mod console;
pub mod db;
pub mod domains;
pub mod evidence;
pub mod files;
pub mod folding;
mod hex;
pub mod http;
pub mod i18n;
pub mod intake;
pub mod jobs;
pub mod keys;
pub mod ledger;
pub mod open_files;
pub mod operations;
pub mod people;
mod plain;
pub mod progress;
pub mod rule_file;
pub mod serve;
pub mod sheet;
pub mod statement;
pub mod telemetry;
pub mod terminals;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
pub mod versions;
