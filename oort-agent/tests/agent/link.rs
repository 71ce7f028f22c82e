//! A link service for the pump.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use link_client::{LinkError, Priority};
use oort_agent::pump::{Carrier, Pump, Standing};

use crate::rig::{Rig, Site};

/// A link service that does what the test says.
#[derive(Clone)]
pub(crate) struct Link(pub(crate) Arc<Mutex<Inner>>);

#[derive(Default)]
pub(crate) struct Inner {
    pub(crate) outbox: PathBuf,
    pub(crate) requests: BTreeMap<String, (Standing, Priority)>,
    /// The order in which they came.
    pub(crate) came: Vec<String>,
    pub(crate) cancelled: Vec<String>,
    pub(crate) is_away: bool,
    /// A topic of which nothing is taken.
    pub(crate) refused: Option<&'static str>,
    /// Told to stop while a bundle is being written.
    pub(crate) stops: Option<Arc<AtomicBool>>,
    /// What is cancelled ends when the test says so.
    pub(crate) is_slow: bool,
}

impl Link {
    pub(crate) fn of(site: &Site) -> Link {
        let outbox = site.payload.join("outbox");
        fs::create_dir_all(&outbox).unwrap();
        Link(Arc::new(Mutex::new(Inner {
            outbox,
            ..Inner::default()
        })))
    }

    fn ask(&self) -> Result<std::sync::MutexGuard<'_, Inner>, LinkError> {
        let inner = self.0.lock().unwrap();
        match inner.is_away {
            false => Ok(inner),
            true => Err(LinkError::NoService {
                at: "here".to_owned(),
                error: std::io::ErrorKind::NotFound.into(),
            }),
        }
    }

    pub(crate) fn is(&self, tracking: &str, standing: Standing) {
        self.0.lock().unwrap().requests.get_mut(tracking).unwrap().0 = standing;
    }

    pub(crate) fn priority(&self, tracking: &str) -> Priority {
        self.0.lock().unwrap().requests[tracking].1
    }

    pub(crate) fn came(&self) -> Vec<String> {
        self.0.lock().unwrap().came.clone()
    }

    pub(crate) fn bundles(&self) -> Vec<String> {
        crate::rig::names(&self.0.lock().unwrap().outbox)
    }
}

impl Carrier for Link {
    fn outbox(&self) -> Result<PathBuf, LinkError> {
        let inner = self.ask()?;
        if let Some(stops) = &inner.stops {
            stops.store(true, Ordering::SeqCst);
        }
        Ok(inner.outbox.clone())
    }

    fn hand_in(
        &self,
        bundle: &Path,
        tracking: &str,
        topic: &str,
        priority: Priority,
    ) -> Result<(), LinkError> {
        assert!(bundle.is_file());
        let mut inner = self.ask()?;
        if inner.refused == Some(topic) {
            return Err(LinkError::Refused {
                link: Box::default(),
                retry_after: None,
            });
        }
        if inner.requests.contains_key(tracking) {
            return Ok(());
        }
        inner.came.push(tracking.to_owned());
        inner
            .requests
            .insert(tracking.to_owned(), (Standing::Open, priority));
        Ok(())
    }

    fn standing(&self, tracking: &str) -> Result<Option<Standing>, LinkError> {
        let inner = self.ask()?;
        Ok(inner
            .requests
            .get(tracking)
            .map(|request| request.0.clone()))
    }

    fn cancel(&self, tracking: &str) -> Result<(), LinkError> {
        let mut inner = self.ask()?;
        inner.cancelled.push(tracking.to_owned());
        let is_slow = inner.is_slow;
        let request = inner.requests.get_mut(tracking).unwrap();
        if request.0 == Standing::Open && !is_slow {
            request.0 = Standing::Failed("CANCELLED: ".to_owned());
        }
        Ok(())
    }

    fn set_priority(&self, tracking: &str, priority: Priority) -> Result<(), LinkError> {
        self.ask()?.requests.get_mut(tracking).unwrap().1 = priority;
        Ok(())
    }

    fn all(&self) -> Result<Vec<(String, Standing)>, LinkError> {
        let inner = self.ask()?;
        let requests = inner.requests.iter();
        Ok(requests
            .map(|(id, request)| (id.clone(), request.0.clone()))
            .collect())
    }
}

pub(crate) fn pump(rig: &Rig, link: &Link) -> Pump<Link> {
    Pump::new(Arc::clone(&rig.agent), link.clone(), 2)
}

pub(crate) fn rounds(pump: &mut Pump<Link>, count: usize) {
    for _ in 0..count {
        pump.round().unwrap();
    }
}
