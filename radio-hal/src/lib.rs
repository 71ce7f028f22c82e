//! radio-hal
