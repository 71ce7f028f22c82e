//! A file of an app comes to the link service.
