//! A real service and a ground end over real sockets.
use crate::table::Line;
use std::path::PathBuf;
use std::time::Duration;
/// x
pub struct Flight {
    /// x
    pub time: Duration,
    /// x
    pub seed: u64,
    /// x
    pub binaries: PathBuf,
}
/// x
pub struct At {
    /// x
    pub share: f64,
    /// x
    pub text: String,
}
/// x
pub struct Report {
    /// x
    pub accounts: Vec<String>,
    /// x
    pub lines: Vec<Line>,
}
impl Flight {
    /// x
    /// # Errors
    pub fn run(&self, _p: impl FnMut(At)) -> anyhow::Result<Report> {
        anyhow::bail!("no")
    }
}
