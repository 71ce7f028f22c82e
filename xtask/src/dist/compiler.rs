//! C compilers for other machines, which are their linkers too.

use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::target::starts;
use crate::workspace::shown;

/// A C compiler that is there.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Compiler(String);

impl Compiler {
    /// The one for a machine, where there is one.
    pub(crate) fn of(triple: &str) -> Option<Self> {
        let names = names(triple);
        names.into_iter().find(|name| starts(name)).map(Compiler)
    }

    /// One for each of these machines that has one, this one first.
    pub(crate) fn all(triples: &[&str]) -> Vec<Self> {
        let own = starts("cc").then(|| Compiler("cc".to_owned()));
        let mut all: Vec<_> = own.into_iter().collect();
        for compiler in triples.iter().filter_map(|triple| Compiler::of(triple)) {
            if !all.contains(&compiler) {
                all.push(compiler);
            }
        }
        all
    }

    /// What it is called.
    pub(crate) fn cc(&self) -> &str {
        &self.0
    }

    /// The archiver beside it.
    pub(crate) fn ar(&self) -> String {
        let prefix = self.0.strip_suffix("gcc").unwrap_or_default();
        let ar = format!("{prefix}ar");
        // `musl-gcc` has none of its own.
        if starts(&ar) { ar } else { "ar".to_owned() }
    }

    /// Which machine it compiles for, in its own words.
    pub(crate) fn machine(&self) -> Result<String> {
        let mut command = Command::new(&self.0);
        command.arg("-dumpmachine");
        let output = command
            .output()
            .with_context(|| format!("cannot start `{}`", shown(&command)))?;
        ensure!(output.status.success(), "`{}` failed", shown(&command));
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    }
}

/// How a compiler for that machine may be called, the best first.
pub(crate) fn names(triple: &str) -> Vec<String> {
    let (arch, abi) = match triple {
        _ if triple.starts_with("armv7-") => ("arm", "eabihf"),
        _ => (triple.split('-').next().unwrap_or_default(), ""),
    };
    let (musl, gnu) = (
        format!("{arch}-linux-musl{abi}-gcc"),
        format!("{arch}-linux-gnu{abi}-gcc"),
    );
    let is_own = arch == std::env::consts::ARCH;
    let own = |name: &str| is_own.then(|| name.to_owned());
    // That of musl makes nothing for glibc.
    let names = match triple.contains("-musl") {
        true => [Some(musl), own("musl-gcc"), Some(gnu), own("cc")],
        false => [Some(gnu), own("cc"), None, None],
    };
    names.into_iter().flatten().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_compiler_is_looked_for_by_the_names_that_distributions_give_it() {
        let names = |triple| names(triple).join(" ");
        assert_eq!(
            names("armv7-unknown-linux-musleabihf"),
            "arm-linux-musleabihf-gcc arm-linux-gnueabihf-gcc"
        );
        assert_eq!(
            names("armv7-unknown-linux-gnueabihf"),
            "arm-linux-gnueabihf-gcc"
        );
        let own = format!("{}-unknown-linux-musl", std::env::consts::ARCH);
        assert!(names(&own).ends_with(" cc"));
    }
}
