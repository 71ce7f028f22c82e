//! ground-gateway
