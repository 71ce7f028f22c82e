//! A serial cable without hardware: two devices, each of which hears what the other
//! sends. It can be unplugged, and plugged in again.
//!
//! Start no program in another thread while a cable is plugged in: it may get a
//! handle of it, and then unplugging is no hang-up.

use std::fs::{self, File};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use serialport::{SerialPort, TTYPort};

/// How often a relay looks whether it is unplugged.
const LOOK: Duration = Duration::from_millis(20);

/// Two serial devices and the cable between them.
pub struct NullModem {
    paths: [PathBuf; 2],
    plugged: Option<Plugged>,
}

struct Plugged {
    unplug: Arc<AtomicBool>,
    relays: Vec<JoinHandle<()>>,
    /// Kept open, so that a device without a user is no hang-up for the relay.
    devices: Vec<File>,
}

impl NullModem {
    /// Makes the devices `a` and `b` in `folder`, and plugs the cable in.
    pub fn new(folder: &Path) -> Self {
        let mut modem = Self {
            paths: [folder.join("a"), folder.join("b")],
            plugged: None,
        };
        modem.plug();
        modem
    }

    /// The devices' paths, the same for each plugging.
    pub fn paths(&self) -> [&Path; 2] {
        [&self.paths[0], &self.paths[1]]
    }

    /// Both devices hang up, and are not there any more.
    pub fn unplug(&mut self) {
        let Some(plugged) = self.plugged.take() else {
            return;
        };
        for path in &self.paths {
            let _ = fs::remove_file(path);
        }
        plugged.unplug.store(true, Ordering::Relaxed);
        drop(plugged.devices);
        for relay in plugged.relays {
            let _ = relay.join();
        }
    }

    /// Both devices are there again, as new ones behind the same paths.
    pub fn plug(&mut self) {
        self.unplug();
        let unplug = Arc::new(AtomicBool::new(false));
        let (mut controls, mut devices) = (Vec::new(), Vec::new());
        for path in &self.paths {
            let (control, mut device) = TTYPort::pair().expect("a pseudo-terminal");
            device.set_exclusive(false).expect("a device to share");
            let name = device.name().expect("its name");
            let mut options = File::options();
            // Another handle, as this one locks out the programs under test.
            devices.push(
                options
                    .read(true)
                    .write(true)
                    .open(&name)
                    .expect("the device"),
            );
            symlink(&name, path).expect("a link to it");
            // Only a second handle is closed in programs that are started: a line whose
            // other end a program holds unknowingly never hangs up.
            controls.push(control.try_clone_native().expect("a second handle"));
        }
        let relay = |mut from: TTYPort, mut to: TTYPort| {
            let unplug = Arc::clone(&unplug);
            thread::spawn(move || {
                from.set_timeout(LOOK).expect("a time-out");
                let mut octets = [0; 512];
                while !unplug.load(Ordering::Relaxed) {
                    match from.read(&mut octets) {
                        Ok(read) => drop(to.write_all(&octets[..read])),
                        Err(error) if error.kind() == ErrorKind::TimedOut => {}
                        Err(_) => thread::sleep(LOOK),
                    }
                }
            })
        };
        let [first, second] = <[TTYPort; 2]>::try_from(controls).expect("two");
        let clone = |port: &TTYPort| port.try_clone_native().expect("a second handle");
        let relays = vec![relay(clone(&first), clone(&second)), relay(second, first)];
        self.plugged = Some(Plugged {
            unplug,
            relays,
            devices,
        });
    }
}

impl Drop for NullModem {
    fn drop(&mut self) {
        self.unplug();
    }
}
