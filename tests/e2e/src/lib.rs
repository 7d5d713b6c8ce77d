//! End-to-end tests live in `tests/`, a file a story. This library holds what several stories need and no test itself.

pub mod disguise;
pub mod scene;
pub mod stub_service;
pub mod within;
