//! What is decided, without a socket, a clock or a thread.
