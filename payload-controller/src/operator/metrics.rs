//! What is counted, beside the link, on the metrics page.

use std::collections::BTreeMap;

use service_host::prometheus::Page;

use crate::core::{AppView, CallCounts, DeviceView, SignalledView, WindowState};

/// Calls that were refused before anything of them was read.
pub(super) fn refusals(page: &mut Page, refusals: &BTreeMap<&'static str, u64>) {
    for (why, count) in refusals {
        let help = "Calls of payloads, or of who says to be one, that were refused, by why.";
        page.counter("payload_calls_refused_total", help, &[("why", why)], *count);
    }
}

pub(super) fn is_busy(page: &mut Page, is_busy: bool) {
    let help = "1 where the controller could not be asked, and nothing of payloads is told.";
    page.gauge("payload_controller_busy", help, &[], of(is_busy));
}

pub(super) fn payloads(page: &mut Page, apps: &[AppView], devices: &[DeviceView]) {
    apps.iter().for_each(|view| app(page, view));
    for device in devices {
        let id = device.id.to_string();
        let help = "1 for each device that is on.";
        page.gauge(
            "payload_device_on",
            help,
            &[("device", &id)],
            of(device.is_on),
        );
    }
}

/// Of windows: those that were scheduled are those that ended, and those that have not.
pub(super) fn windows(page: &mut Page, payloads: &[SignalledView]) {
    for view in payloads {
        let name = view.name.as_str();
        let labels = [("payload", name)];
        let help = "Windows that were scheduled.";
        page.counter("payload_windows_total", help, &labels, view.scheduled);
        let help = "Windows that were started a second or more after their start.";
        let metric = "payload_windows_started_late_total";
        page.counter(metric, help, &labels, view.late_starts);
        for state in WindowState::ALL {
            let labels = [("payload", name), ("state", state.name())];
            let count = view.windows.get(&state).copied().unwrap_or_default();
            let help = "Windows that are remembered, by how they stand.";
            page.gauge("payload_windows", help, &labels, count_of(count));
            if state.has_ended() {
                let count = view.ended.get(&state).copied().unwrap_or_default();
                let help = "Windows that ended, by how.";
                page.counter("payload_windows_ended_total", help, &labels, count);
            }
        }
        for ((step, outcome), count) in &view.steps {
            let labels = [
                ("payload", name),
                ("step", step.name()),
                ("outcome", outcome.name()),
            ];
            let help = "Calls of payload_exec that ended, by how.";
            page.counter("payload_exec_calls_total", help, &labels, *count);
        }
    }
}

fn app(page: &mut Page, view: &AppView) {
    let name = view.name.as_str();
    let labels = [("app", name)];
    let counts = &view.counts;
    let help = "1 for each app that is registered and missed no health check since.";
    page.gauge("payload_well", help, &labels, of(view.is_well()));
    let help = "1 for what each app is.";
    let life = [("app", name), ("life", view.life)];
    page.gauge("payload_life", help, &life, 1.0);
    for (metric, help, value) in [
        (
            "payload_health_misses",
            "Health checks missed in a row.",
            usize::try_from(view.misses).unwrap_or(usize::MAX),
        ),
        (
            "payload_runs_open",
            "Runs that have not ended.",
            view.runs_open,
        ),
        (
            "payload_files_open",
            "Files that are not on the ground.",
            view.files_open,
        ),
        (
            "payload_calls_waiting",
            "Calls that wait for the app.",
            view.calls_waiting,
        ),
        (
            "payload_calls_under_way",
            "Calls that the app is at.",
            view.calls_under_way,
        ),
    ] {
        page.gauge(metric, help, &labels, as_f64(value));
    }
    for (metric, help, value) in [
        ("payload_runs_total", "Runs that were ordered.", counts.runs),
        (
            "payload_files_total",
            "Files that were asked for.",
            counts.files,
        ),
        (
            "payload_health_checks_total",
            "Health checks.",
            counts.checks,
        ),
        (
            "payload_health_checks_missed_total",
            "Health checks that were missed.",
            counts.checks_missed,
        ),
        (
            "payload_unasked_total",
            "What an app told without having been asked.",
            counts.unasked,
        ),
        ("payload_boots_total", "Starts.", counts.boots),
        ("payload_downs_total", "Ends of a session.", counts.downs),
        (
            "payload_stale_values_total",
            "Values of streams that were not told, as they were old.",
            counts.stale,
        ),
        (
            "payload_call_retries_total",
            "Tries of a call beyond the first.",
            counts.calls.retries,
        ),
    ] {
        page.counter(metric, help, &labels, value);
    }
    for (code, count) in &counts.answers {
        let labels = [("app", name), ("code", &*code.to_string())];
        let help = "Requests of an app, by the code that they were answered with.";
        page.counter("payload_requests_total", help, &labels, *count);
    }
    for (how, count) in &counts.runs_ended {
        let labels = [("app", name), ("how", how)];
        let help = "Runs that ended, by how.";
        page.counter("payload_runs_ended_total", help, &labels, *count);
    }
    for (how, count) in &counts.files_ended {
        let labels = [("app", name), ("how", how)];
        let help = "Files that ended, by how.";
        page.counter("payload_files_ended_total", help, &labels, *count);
    }
    calls(page, name, &counts.calls);
    for (counter, value) in &view.metrics {
        let labels = [("app", name), ("counter", counter)];
        let help = "Counters of apps, as they told them last.";
        page.gauge("payload_own_counter", help, &labels, f64::from(*value));
    }
}

/// Of calls to an app: those that were offered are these, and those that wait or are under way.
fn calls(page: &mut Page, app: &str, counts: &CallCounts) {
    for (is, count) in [
        ("succeeded", counts.succeeded),
        ("declined", counts.declined),
        ("timed-out", counts.timed_out),
        ("unreachable", counts.unreachable),
        ("refused", counts.refused),
        ("unimplemented", counts.unimplemented),
        ("too-old", counts.too_old),
        ("replaced", counts.replaced),
        ("full", counts.full),
        ("gone", counts.gone),
    ] {
        let labels = [("app", app), ("is", is)];
        let help = "Calls to an app that ended, by how.";
        page.counter("payload_callbacks_total", help, &labels, count);
    }
    let help = "Calls to an app that were to be made.";
    let labels = [("app", app)];
    page.counter(
        "payload_callbacks_offered_total",
        help,
        &labels,
        counts.offered,
    );
}

fn of(is: bool) -> f64 {
    f64::from(u8::from(is))
}

fn count_of(count: u64) -> f64 {
    u32::try_from(count).map_or(f64::INFINITY, f64::from)
}

fn as_f64(count: usize) -> f64 {
    u32::try_from(count).map_or(f64::INFINITY, f64::from)
}
