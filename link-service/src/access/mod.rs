//! Who there is and who may send what to whom, from one configuration, and how another takes
//! its place while the service runs: as a whole, or not at all.

use std::sync::{Arc, PoisonError, RwLock};

use service_host::config_file::ConfigFile;

use crate::code::Code;
use crate::policy::{DecidedBy, Decision, Party, Policy, Question};
use crate::registry::{App, Registry};
use crate::settings::{BucketSettings, Problem, SERVICE, ServiceSettings, Settings, SettingsError};

/// Registry and policy of one configuration.
#[derive(Debug)]
pub struct Access {
    settings: ServiceSettings,
    buckets: Vec<BucketSettings>,
    registry: Registry,
    policy: Policy,
}

/// The access that holds now.
#[derive(Debug)]
pub struct LiveAccess {
    current: RwLock<Arc<Access>>,
}

impl Access {
    /// Reads `[link-service]`, and checks all of it. Touches no disk.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn read(file: &ConfigFile) -> Result<Access, SettingsError> {
        let settings = Settings::read(file)?;
        Access::new(settings).map_err(|problem| problem.of(file))
    }

    /// Of settings, checked.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn new(settings: Settings) -> Result<Access, Problem> {
        let registry = Registry::new(&settings)?;
        let policy = Policy::new(settings.policy, &registry)?;
        Ok(Access {
            settings: settings.service,
            buckets: settings.buckets,
            registry,
            policy,
        })
    }

    /// The service's own keys.
    #[must_use]
    pub fn settings(&self) -> &ServiceSettings {
        &self.settings
    }

    /// The buckets that boxes of apps are in.
    #[must_use]
    pub fn buckets(&self) -> &[BucketSettings] {
        &self.buckets
    }

    /// Who there is.
    #[must_use]
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Who may send what to whom.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Whether it may be sent: both must be there, and a rule must allow it.
    #[must_use]
    pub fn decide(&self, question: &Question<'_>) -> Decision<'_> {
        let unknown = |party: &Party| match party {
            Party::App(app) if !self.registry.is_registered(app) => Some(app.clone()),
            _ => None,
        };
        if let Some(app) = unknown(question.from) {
            return Decision::denied(Code::UnknownSender, DecidedBy::SenderUnknown { app });
        }
        if let Some(app) = unknown(question.to) {
            return Decision::denied(Code::UnknownRecipient, DecidedBy::RecipientUnknown { app });
        }
        self.policy.decide(question)
    }
}

impl LiveAccess {
    /// Begins with this one.
    #[must_use]
    pub fn new(access: Access) -> LiveAccess {
        LiveAccess {
            current: RwLock::new(Arc::new(access)),
        }
    }

    /// The one that holds now. Whoever keeps it keeps to it: one request is decided by one
    /// configuration.
    #[must_use]
    pub fn current(&self) -> Arc<Access> {
        let current = self.current.read().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(&current)
    }

    /// Puts the access of another configuration in the place of this one.
    ///
    /// # Errors
    /// What is wrong with it, or what of it only a restart can change; then the former holds.
    pub fn reload(&self, file: &ConfigFile) -> Result<(), SettingsError> {
        let next = self.next(file)?;
        self.replace(next);
        Ok(())
    }

    /// The access of another configuration, which may take the place of this one.
    ///
    /// # Errors
    /// As [`reload`](Self::reload).
    pub fn next(&self, file: &ConfigFile) -> Result<Access, SettingsError> {
        let next = Access::read(file)?;
        may_follow(&self.current(), &next).map_err(|problem| problem.of(file))?;
        Ok(next)
    }

    /// Puts another access in the place of this one.
    pub fn replace(&self, next: Access) {
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(next);
    }
}

/// Files that are under way stay where they are: what has been claimed in a directory would
/// be lost to a service that looks for it in another.
fn may_follow(now: &Access, next: &Access) -> Result<(), Problem> {
    if now.settings.journal != next.settings.journal {
        let what = "`journal`".to_owned();
        return Err(Problem::NeedsRestart { what });
    }
    if now.settings.grpc != next.settings.grpc {
        let what = format!("[{SERVICE}.grpc]");
        return Err(Problem::NeedsRestart { what });
    }
    if now.buckets != next.buckets {
        let what = "`buckets`".to_owned();
        return Err(Problem::NeedsRestart { what });
    }
    let bucket = |app: &App| app.bucket.as_ref().map(|bucket| bucket.name.clone());
    for app in next.registry.apps() {
        let Some(now) = now.registry.app(&app.id) else {
            continue;
        };
        let of = if now.root != app.root {
            "root"
        } else if bucket(now) != bucket(app) {
            "bucket"
        } else {
            continue;
        };
        let what = format!("the {of} of app `{}`", app.id);
        return Err(Problem::NeedsRestart { what });
    }
    Ok(())
}
