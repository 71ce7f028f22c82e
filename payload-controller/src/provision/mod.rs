//! The files of an app: certificates, its cookie, and what the SDK reads.
//!
//! | room | what it knows |
//! |---|---|
//! | [`folder`] | what stands where |
//! | `make` | what is missing is made, what is there stays |
//! | `certificate` | certificates that sign themselves |
//! | `sdk` | the files of the SDK, in its form |
//! | `write` | a file is there as a whole, and for its owner alone |

mod certificate;
pub mod folder;
mod make;
mod sdk;
mod write;

pub use folder::{AppFolder, Credentials};
pub use make::{Order, Protection, ProvisionError, Provisioned, Renew, provision};
pub use sdk::{ConfigError, cookie};
