//! What tests of this crate share: a town on paper and an office, each with a database of its own.

pub(crate) mod city;
pub(crate) mod gate;
pub(crate) mod insured;
mod lived;
mod office;
pub(crate) mod shop;
pub(crate) mod town;
mod treated;

pub(crate) use lived::Lived;
pub(crate) use office::{Office, PASSWORD, Shown, office, session};

pub(crate) use crate::db::{Nowhere, Scratch, rows};
