//! Files of apps: they go to the link service, and are removed when the ground has them; or
//! are copied to another app.
//!
//! | room | what it knows |
//! |---|---|
//! | [`Confined`] | a file of an app's directory and no other, whatever its name says |
//! | [`Carrier`] | who takes files down |
//! | [`Stager`] | what becomes of a file, step by step |
//! | [`FileThreads`] | the threads of both |

mod carrier;
mod confined;
mod copy;
mod stager;
mod threads;
mod transfer;

pub use carrier::{Carrier, NoLink};
pub use confined::{Confined, NotConfined};
pub use copy::CopyError;
pub use link_client::Standing;
pub use stager::{AppFolders, Stager};
pub use threads::FileThreads;
