//! `[link-service.staging]`: files go down by means of the operator's own.

use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, bail};
use serde::Deserialize;
use service_host::config_file::ConfigFile;

use super::run::ServiceDesk;
use crate::operator_staging::{OperatorStaging, Place};
use crate::registry::Registry;
use crate::settings::SERVICE;

/// What the table says; strict.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub(super) struct StagingSettings {
    /// Where the operator's program takes files.
    directory: PathBuf,
    /// Most requests that are staged at once; others wait in their outboxes.
    #[serde(default = "requests_max")]
    pub(super) requests_max: usize,
}

fn requests_max() -> usize {
    64
}

/// What the table says, if it is there.
pub(super) fn settings(file: &ConfigFile) -> anyhow::Result<Option<StagingSettings>> {
    let settings = file.section::<StagingSettings>(&[SERVICE, "staging"])?;
    if settings.as_ref().is_some_and(|own| own.requests_max == 0) {
        bail!(
            "{}: [{SERVICE}.staging] requests-max is 0: nothing could go down",
            file.name()
        );
    }
    Ok(settings)
}

impl StagingSettings {
    /// An app that could write there would say itself that the ground has its files.
    pub(super) fn check(&self, registry: &Registry) -> anyhow::Result<()> {
        Ok(registry.check_hidden("the staging directory", &self.directory)?)
    }

    pub(super) fn start(&self, desk: &Arc<ServiceDesk>) -> anyhow::Result<OperatorStaging> {
        let directory = self.directory.display();
        let place = Place::open(&self.directory);
        let place = place.with_context(|| format!("the staging directory {directory}"))?;
        let staging = OperatorStaging::start(Arc::clone(desk), place);
        let staging = staging.with_context(|| format!("the staging directory {directory}"))?;
        log::info!("{SERVICE}: files for the ground are staged in {directory}");
        Ok(staging)
    }
}
