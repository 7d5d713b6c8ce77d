//! card-schema
