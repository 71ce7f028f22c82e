//! Calls of the controller, from threads that wait for them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};

use payload_interface::{Callback, Profile, Request};
use tokio::runtime::Handle;
use tokio::time::timeout;

use crate::answers::{Answers, Awaited};
use crate::error::CallError;
use crate::secret::Secret;
use crate::setup::Patience;
use crate::wire::{Dial, Shown, Taken, invoke};

/// What makes calls.
#[derive(Debug)]
pub(crate) struct Asks {
    pub(crate) answers: Answers,
    pub(crate) handle: Handle,
    pub(crate) dial: Dial,
    pub(crate) cookie: Secret,
    /// Of the session, where there is one.
    pub(crate) token: Mutex<Option<Secret>>,
    pub(crate) patience: Patience,
    pub(crate) is_closed: AtomicBool,
}

impl Asks {
    /// Makes a call, and waits until it returns.
    pub(crate) fn call(self: &Arc<Self>, request: impl Into<Request>) -> Result<(), CallError> {
        self.taken(request).map(|_| ())
    }

    /// The same, with what is told at once.
    pub(crate) fn taken(self: &Arc<Self>, request: impl Into<Request>) -> Result<Taken, CallError> {
        let request = request.into();
        let rpc = request.rpc();
        let this = Arc::clone(self);
        self.wait(rpc, async move { this.made(request).await })
    }

    /// Makes a call, and waits for the callback that tells what came of it.
    pub(crate) fn ask<R: Into<Request>>(
        self: &Arc<Self>,
        told_by: &'static str,
        request: impl FnOnce(i32) -> R,
    ) -> Result<Callback, CallError> {
        let awaited = self.answers.wait_for(told_by);
        let request = request(awaited.as_ref().map_or(0, Awaited::id)).into();
        let rpc = request.rpc();
        let mut awaited = awaited.ok_or(CallError::NoResult { rpc })?;
        let this = Arc::clone(self);
        self.wait(rpc, async move {
            this.made(request).await?;
            let told = timeout(this.patience.result, awaited.told()).await;
            told.ok().flatten().ok_or(CallError::NoResult { rpc })
        })
    }

    async fn made(&self, mut request: Request) -> Result<Taken, CallError> {
        let rpc = request.rpc();
        if let Err(invalid) = request.fit(Profile::Exact) {
            return Err(CallError::Invalid { rpc, invalid });
        }
        let token = self.token().clone();
        let token = token.as_deref();
        let shown = Shown::new(&self.cookie, token);
        let unreachable = |why: String| CallError::Unreachable { rpc, why };
        let shown = shown.ok_or_else(|| unreachable("its cookie is none".to_owned()))?;
        let limit = self.patience.call;
        let caller = match timeout(limit, self.dial.caller()).await {
            Ok(Ok(caller)) => caller,
            Ok(Err(error)) => return Err(unreachable(error.to_string())),
            Err(_) => return Err(unreachable("it takes no connection".to_owned())),
        };
        let origin = self.dial.origin();
        let origin = origin.map_err(|error| unreachable(error.to_string()))?;
        let invoked = timeout(limit, invoke(caller, origin, &shown, request, limit)).await;
        invoked.unwrap_or_else(|_| {
            let why = "it did not return in time".to_owned();
            Err(CallError::Unknown { rpc, why })
        })
    }

    fn wait<T: Send + 'static>(
        &self,
        rpc: &'static str,
        work: impl Future<Output = Result<T, CallError>> + Send + 'static,
    ) -> Result<T, CallError> {
        if self.is_closed.load(Ordering::Acquire) {
            return Err(CallError::Closed { rpc });
        }
        let (tell, told) = mpsc::sync_channel(1);
        self.handle.spawn(async move {
            // It fails where nobody waits.
            let _ = tell.send(work.await);
        });
        // What works is dropped with the channel.
        told.recv().unwrap_or(Err(CallError::Closed { rpc }))
    }

    pub(crate) fn token(&self) -> std::sync::MutexGuard<'_, Option<Secret>> {
        self.token.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
