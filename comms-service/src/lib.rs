//! comms-service
