//! `cargo xtask dist`: what a mission takes with it, as archives in `target/dist`.

mod archive;
mod compiler;
mod elf;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};

use crate::step::Steps;
use crate::target::{has_std, variable};
use crate::workspace::{cargo, root, run as start};
use archive::Archive;
use compiler::Compiler;

/// Machines that programs are built for, without anything of their system: with the C library
/// `musl`, or glibc's own where the toolchain has no standard library for that.
const TRIPLES: [[&str; 2]; 3] = [
    ["x86_64-unknown-linux-musl", "x86_64-unknown-linux-gnu"],
    ["aarch64-unknown-linux-musl", "aarch64-unknown-linux-gnu"],
    [
        "armv7-unknown-linux-musleabihf",
        "armv7-unknown-linux-gnueabihf",
    ],
];
/// The programs, by their packages.
const PROGRAMS: [(&str, &[&str]); 4] = [
    ("link-service", &["link-service", "oort-agent"]),
    ("file-delivery", &["file-service"]),
    ("payload-controller", &["payload-controller"]),
    ("ground-gateway", &["ground"]),
];
/// Of more code, GNU ld takes the Thumb functions by which glibc chooses its `memcpy` for ARM
/// ones (seen with 2.40): the program dies before `main`.
const THUMB_BYTES_MAX: u64 = 16 << 20;
const LICENSES: [&str; 3] = ["LICENSE", "LICENSE-APACHE", "LICENSE-MIT"];
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What `cargo xtask dist` takes.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Only for these machines; otherwise for all that the toolchain and a C compiler are
    /// there for. `none` builds no programs.
    #[arg(long, value_delimiter = ',')]
    targets: Vec<String>,
    /// The profile of the programs.
    #[arg(long, default_value = "flight")]
    profile: String,
}

/// Builds and packs; what is missing for a machine is said in its line of the table.
pub(crate) fn run(steps: &mut Steps, arguments: &Arguments) -> Result<()> {
    let folder = empty_folder("target/dist")?;
    let targets = match arguments.targets.as_slice() {
        [] => usual()?,
        [none] if none == "none" => Vec::new(),
        some => some.to_vec(),
    };
    for triple in &targets {
        steps.run(triple, || programs(&folder, triple, &arguments.profile))?;
    }
    steps.run("c", || c_client(&folder))?;
    steps.run("python", || python_clients(&folder))?;
    steps.run("sums", || archive::write_sums(&folder))
}

/// One triple for each machine.
fn usual() -> Result<Vec<String>> {
    let mut all = Vec::new();
    for [musl, gnu] in TRIPLES {
        let only_gnu = !has_std(musl)? && has_std(gnu)?;
        all.push(if only_gnu { gnu } else { musl }.to_owned());
    }
    Ok(all)
}

/// Packs all but the programs, which take minutes, where nobody takes them: that it works.
pub(crate) fn check(steps: &mut Steps) -> Result<()> {
    steps.run("dist", || {
        let folder = empty_folder("target/dist-check")?;
        c_client(&folder)?;
        python_clients(&folder)?;
        archive::write_sums(&folder)
    })
}

fn empty_folder(name: &str) -> Result<PathBuf> {
    let folder = root().join(name);
    if folder.exists() {
        fs::remove_dir_all(&folder).with_context(|| format!("cannot clear {name}"))?;
    }
    fs::create_dir_all(&folder).with_context(|| format!("cannot make {name}"))?;
    Ok(folder)
}

/// The programs of a machine, or what is missing for them.
fn programs(folder: &Path, triple: &str, profile: &str) -> Result<String> {
    if !has_std(triple)? {
        return Ok(format!("skipped: `rustup target add {triple}`"));
    }
    let Some(compiler) = Compiler::of(triple) else {
        return Ok(format!(
            "skipped: no C compiler for it, which is its linker: {}",
            compiler::names(triple).join(", ")
        ));
    };
    let mut build = cargo("build", &["--quiet", "--target", triple]);
    build.arg(format!("--profile={profile}"));
    for (package, names) in PROGRAMS {
        build.arg(format!("--package={package}"));
        build.args(names.iter().map(|name| format!("--bin={name}")));
    }
    build.env(variable("CC", triple), compiler.cc());
    let linker = format!("CARGO_TARGET_{}_LINKER", triple.replace('-', "_"));
    build.env(linker.to_uppercase(), compiler.cc());
    if triple.contains("-gnu") {
        let flags = format!("CARGO_TARGET_{}_RUSTFLAGS", triple.replace('-', "_"));
        build.env(flags.to_uppercase(), "-Ctarget-feature=+crt-static");
    }
    start(&mut build)?;
    // The folder of `dev` has another name.
    let profile = if profile == "dev" { "debug" } else { profile };
    let built = root().join("target").join(triple).join(profile);
    let name = format!("heliograph-{VERSION}-{triple}");
    let mut archive = Archive::new(&name);
    for name in PROGRAMS.iter().flat_map(|(_, names)| *names) {
        let program = built.join(name);
        ensure_works(&program, triple)?;
        archive.program(&program, &format!("bin/{name}"))?;
    }
    licenses(&mut archive)?;
    archive.write(folder)
}

/// A program needs no loader, and starts.
fn ensure_works(program: &Path, triple: &str) -> Result<()> {
    let name = program.display();
    let octets = fs::read(program).with_context(|| format!("cannot read {name}"))?;
    let program = elf::read(&octets).with_context(|| name.to_string())?;
    if let Some(loader) = program.interpreter {
        bail!("{name} is not static: it names {loader}");
    }
    let code_bytes = program.code_bytes;
    ensure!(
        !triple.ends_with("-gnueabihf") || code_bytes < THUMB_BYTES_MAX,
        "{name} has {code_bytes} octets of code, and would not start: take `--profile flight`"
    );
    Ok(())
}

/// The sources of the client in C, and the library for each machine with a C compiler.
fn c_client(folder: &Path) -> Result<String> {
    let sources = root().join("clients/c");
    let mut archive = Archive::new(&format!("heliograph-oort-c-{VERSION}"));
    archive.folder(&sources, "")?;
    let mut built = 0;
    for compiler in Compiler::all(TRIPLES.as_flattened()) {
        let machine = compiler.machine()?;
        let library = root().join("target/c-client").join(&machine);
        let mut build = Command::new("sh");
        build.arg(sources.join("build.sh")).arg(&library);
        build.env("CC", compiler.cc());
        start(build.env("AR", compiler.ar()))?;
        let name = "libheliograph_oort.a";
        archive.file(&library.join(name), &format!("lib/{machine}/{name}"))?;
        built += 1;
    }
    ensure!(built > 0, "there is no C compiler: cc");
    licenses(&mut archive)?;
    archive.write(folder)
}

/// The packages, to be copied or installed by pip.
fn python_clients(folder: &Path) -> Result<String> {
    let mut archive = Archive::new(&format!("heliograph-python-{VERSION}"));
    archive.folder(&root().join("clients/python"), "")?;
    licenses(&mut archive)?;
    archive.write(folder)
}

fn licenses(archive: &mut Archive) -> Result<()> {
    let files = LICENSES.map(|name| (root().join(name), name));
    let mut files = files.iter();
    files.try_for_each(|(file, name): &(PathBuf, _)| archive.file(file, name))
}
