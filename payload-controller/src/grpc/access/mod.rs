//! Who calls: which app, and whether it is the one that it says.

mod apps;
mod cookie;
mod guard;
mod sessions;

pub use apps::{App, Security};
pub use cookie::{COOKIE_BYTES, Cookie, NoCookie};
pub use guard::SESSION;
pub use sessions::{SessionError, Sessions};

pub(super) use guard::{Caller, Guard, Shown, Stranger};
