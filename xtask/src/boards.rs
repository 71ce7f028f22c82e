//! What is for a spacecraft, checked for the machines that fly.

use anyhow::Result;

use crate::step::Steps;
use crate::target::{has_or_gets_std, variable};
use crate::workspace::{cargo, run as start};

const TRIPLES: [&str; 2] = ["aarch64-unknown-linux-gnu", "armv7-unknown-linux-gnueabihf"];
/// With all the crates that they stand on.
const PACKAGES: [&str; 4] = [
    "--package=link-service",
    "--package=payload-controller",
    "--package=file-delivery",
    "--package=ethernet-service",
];

/// Checks it for each target that the toolchain has or gets; says which ones not.
pub(crate) fn run(steps: &mut Steps) -> Result<()> {
    steps.run("boards", || {
        let (mut checked, mut skipped) = (Vec::new(), Vec::new());
        for triple in TRIPLES {
            match has_or_gets_std(triple)? {
                true => checked.push(triple),
                false => skipped.push(format!("skipped: `rustup target add {triple}`")),
            }
        }
        if !checked.is_empty() {
            check(&checked)?;
        }
        let said = checked.iter().map(|triple| (*triple).to_owned());
        Ok(said.chain(skipped).collect::<Vec<_>>().join(", "))
    })
}

fn check(triples: &[&str]) -> Result<()> {
    let mut command = cargo("check", &PACKAGES);
    for triple in triples {
        command.args(["--target", triple]);
        // What is in C is not compiled: nothing is linked.
        for tool in ["CC", "AR"] {
            command.env(variable(tool, triple), "true");
        }
    }
    start(&mut command)
}
