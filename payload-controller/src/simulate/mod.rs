//! `payload-controller simulate FILE`: the controller by itself, for who writes a payload.
//!
//! One file says which apps there are and what is ordered of them. Everything is real but the
//! link service, which takes every file, and the bus. What happens is printed; the exit code
//! says whether the payloads kept the rules.
//!
//! | room | what it knows |
//! |---|---|
//! | [`plan`] | what the file says |
//! | [`play`] | one step after the other |
//! | [`verdict`] | which rules were broken |
//! | [`ground`] | a link service that takes every file |

mod ground;
mod plan;
mod play;
mod verdict;

use std::fs;
use std::path::Path;

use anyhow::Context as _;
use service_host::config_file::ConfigFile;

use crate::provision::{Renew, provision};
use crate::run::Service;
use crate::settings::Settings;

use ground::Ground;
use plan::Plan;
use play::Play;

/// Plays what the file says. False, where a payload broke a rule.
pub(crate) fn simulate(file: &Path) -> anyhow::Result<bool> {
    let mut file = ConfigFile::read(file)?;
    let plan = Plan::read(&mut file)?;
    let settings = Settings::read(&file)?;
    plan.check(&settings)?;
    fs::create_dir_all(&plan.folder)
        .with_context(|| format!("cannot make {}", plan.folder.display()))?;
    // Nothing is known of another time.
    match fs::remove_file(&plan.journal) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(error).with_context(|| plan.journal.display().to_string());
        }
        _ => {}
    }
    for app in &settings.apps {
        let order =
            settings
                .grpc
                .order(&app.name, app.number, &app.connection, Renew::default())?;
        let made = provision(&order)?;
        println!("{}: its files are in {}", app.name, made.folder.display());
        println!(
            "{}: its outbound is {}",
            app.name,
            app.folders.outbound.display()
        );
    }
    let ground = Ground::new(&plan.folder.join("ground"))?;
    let service = Service::start_with(&file, Some(Box::new(ground)))?;
    if let Some(grpc) = &service.grpc {
        println!("for payloads at {}", grpc.local_addr());
        if let Some(addr) = grpc.local_plain_addr() {
            println!("for payloads at {addr}, in plain text");
        }
    }
    let verdict = Play::new(&service, &plan, &settings).run()?;
    drop(service);
    verdict.print();
    Ok(verdict.is_good())
}
