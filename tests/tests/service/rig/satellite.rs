//! The service under test, and what must hold of it at the end of every test.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use comms_service::accounting::{Flow, Statistics};
use comms_service::pdus::PduSender;
use comms_service::{
    CommsHandle, CommsReconfigure, CommsResult, CommsServiceBuilder, CommsTelemetry, ShutdownReport,
};
use heliograph_tests::wait::within;

use crate::PATIENCE;

/// A running service. When it is dropped, it must finish what it has to do,
/// hold no memory after that, stop in time and leave no thread behind. A test
/// that wants something else calls [`shut_down`](Self::shut_down) itself.
pub(crate) struct Satellite {
    handle: Option<CommsHandle>,
    pub(crate) telemetry: Arc<Mutex<CommsTelemetry>>,
}

/// How a service ended, and how long that took.
pub(crate) struct Landing {
    pub(crate) report: ShutdownReport,
    pub(crate) took: Duration,
}

impl Satellite {
    #[track_caller]
    pub(crate) fn start<C: Clone + Send + 'static>(builder: CommsServiceBuilder<C>) -> Self {
        Self::try_start(builder).expect("the service starts")
    }

    pub(crate) fn try_start<C: Clone + Send + 'static>(
        builder: CommsServiceBuilder<C>,
    ) -> CommsResult<Self> {
        let telemetry = Arc::new(Mutex::new(CommsTelemetry::default()));
        let handle = builder.start(Arc::clone(&telemetry))?;
        Ok(Satellite {
            handle: Some(handle),
            telemetry,
        })
    }

    fn handle(&self) -> &CommsHandle {
        self.handle.as_ref().expect("the service runs")
    }

    /// Takes another configuration.
    pub(crate) fn reconfigure(&self) -> CommsReconfigure {
        self.handle().reconfigure()
    }

    /// Sends PDUs down.
    pub(crate) fn pdu_sender(&self) -> PduSender {
        self.handle().pdu_sender().expect("a file entity")
    }

    /// Where endpoint number `endpoint` listens.
    pub(crate) fn downlink_port(&self, endpoint: usize) -> u16 {
        self.handle().downlink_addrs()[endpoint].port()
    }

    pub(crate) fn downlink_addrs(&self) -> Vec<SocketAddr> {
        self.handle().downlink_addrs().to_vec()
    }

    pub(crate) fn handler_addrs(&self) -> Vec<SocketAddr> {
        self.handle().handler_addrs().to_vec()
    }

    /// Where apps submit by TCP.
    pub(crate) fn submit_addr(&self) -> SocketAddr {
        self.handle().submit_addr().expect("submit by TCP")
    }

    pub(crate) fn statistics(&self) -> Statistics {
        self.handle().statistics()
    }

    /// The statistics, once `condition` holds of them.
    #[track_caller]
    pub(crate) fn wait_until(&self, condition: impl Fn(&Statistics) -> bool) -> Statistics {
        let holds = || Some(self.statistics()).filter(&condition);
        match within(PATIENCE, holds) {
            Some(statistics) => statistics,
            None => panic!("not so within {PATIENCE:?}: {:#?}", self.statistics()),
        }
    }

    /// The statistics, once nothing waits, nothing is being worked on, and no
    /// memory is held but for what is remembered.
    #[track_caller]
    pub(crate) fn wait_until_drained(&self) -> Statistics {
        self.wait_until(|all| {
            let idle = |flow: &Flow| flow.queued + flow.in_flight == 0;
            flows(all).into_iter().all(idle) && all.memory_bytes_used == all.answer_bytes_remembered
        })
    }

    /// Stops the service. The accounts must add up; everything else is the
    /// test's to say.
    #[track_caller]
    pub(crate) fn shut_down(mut self) -> Landing {
        let handle = self.handle.take().expect("the service runs");
        let began = Instant::now();
        let report = handle.shutdown();
        let took = began.elapsed();
        let statistics = &report.statistics;
        assert!(statistics.balances(), "{statistics:#?}");
        Landing { report, took }
    }
}

impl Drop for Satellite {
    fn drop(&mut self) {
        let Some(handle) = self.handle.take() else {
            return;
        };
        if thread::panicking() {
            drop(handle.shutdown());
            return;
        }
        self.handle = Some(handle);
        let drained = self.wait_until_drained();
        assert!(drained.balances(), "{drained:#?}");
        let report = self.handle.take().expect("put back above").shutdown();
        assert_eq!(report.detached, [""; 0]);
        assert!(report.statistics.balances(), "{:#?}", report.statistics);
    }
}

fn flows(all: &Statistics) -> [&Flow; 4] {
    [
        &all.packets_in,
        &all.messages_in,
        &all.messages_out,
        &all.packets_out,
    ]
}
