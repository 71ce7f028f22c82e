//! ethernet-service
