//! Which decision goes where.

use std::sync::Arc;

use super::log::Log;
use super::switches::Switches;
use crate::core::Action;
use crate::files::FileThreads;
use crate::grpc::Payloads;
use crate::process::Processes;
use crate::shell::Outlets;
use crate::signalling::Signaller;

/// All that decisions go to.
pub struct Board {
    /// What is called in payloads.
    pub payloads: Arc<dyn Payloads>,
    /// Files.
    pub files: FileThreads,
    /// Processes.
    pub processes: Processes,
    /// Windows.
    pub signaller: Signaller,
    /// Devices and heaters.
    pub switches: Box<dyn Switches>,
    /// What is remembered.
    pub log: Log,
}

impl Outlets for Board {
    fn carry_out(&mut self, action: Action) {
        match action {
            // It is on the disk already.
            Action::Record(_) => {}
            Action::Call {
                app,
                id,
                callback,
                deadline,
            } => self.payloads.call(&app, id, *callback, deadline),
            Action::CloseChannel(app) => self.payloads.close(&app),
            Action::EndSession(app) => self.payloads.forget(&app),
            Action::Stage(record) => self.files.stage(*record),
            Action::Discard(record) => self.files.discard(*record),
            Action::Copy {
                app,
                peer,
                copy,
                name,
            } => self.files.copy(app, peer, copy, name),
            Action::Start(app) => self.processes.start(&app),
            Action::Attach(app, process) => self.processes.attach(&app, process),
            Action::Kill(app) => self.processes.kill(&app),
            Action::Switch { device, on } => self.switches.switch(device, on),
            Action::Heat { place, on } => self.switches.heat(place, on),
            Action::Signal(signal) => self.signaller.signal(*signal),
            Action::ForgetWindow(window) => self.signaller.forget(&window),
            Action::Message {
                app,
                command_id,
                data,
            } => self.log.hear(app, command_id, data),
            Action::Tell(notice) => self.log.notice(notice),
        }
    }
}
