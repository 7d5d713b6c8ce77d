//! card-service
