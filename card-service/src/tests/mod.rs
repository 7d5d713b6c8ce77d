//! What holds on every route of both listeners, whoever asks. Tests of one module are with that module.

mod access;
mod readings;
mod records;
mod walk;
