//! What payloads call, and what is called in them.
