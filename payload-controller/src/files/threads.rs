//! One thread hands files in, another copies them between apps: neither waits for the other, and
//! in neither a large file of one app keeps those of another waiting.

use std::collections::BTreeMap;
use std::io;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crossbeam_channel::{Receiver, RecvTimeoutError, Sender, TryRecvError, unbounded};
use payload_interface::AppName;

use super::carrier::Carrier;
use super::copy::Copying;
use super::stager::{AppFolders, Stager};
use crate::core::{CopyId, Event, FileRecord};
use crate::shell::Door;

/// Between two tries to reach the link service.
const TRY_PAUSE: Duration = Duration::from_secs(1);

/// What is to be done with a file. Bounded by the open files and copies of each app.
enum Order {
    Stage(FileRecord),
    Discard(FileRecord),
}

struct CopyOrder {
    app: AppName,
    peer: AppName,
    copy: CopyId,
    name: String,
}

/// The threads. Dropped, they end at once: the core orders again what they were at when another
/// run of it begins.
#[derive(Debug)]
pub struct FileThreads {
    orders: Option<Sender<Order>>,
    copies: Option<Sender<CopyOrder>>,
    threads: Vec<JoinHandle<()>>,
}

impl FileThreads {
    /// Begins both. Files that were handed in are looked after each `watch`.
    ///
    /// # Errors
    /// There is no thread to be had.
    pub fn start<C: Carrier + 'static>(
        stager: Stager<C>,
        folders: BTreeMap<AppName, AppFolders>,
        watch: Duration,
        door: &Door,
    ) -> io::Result<Self> {
        let (orders, ordered) = unbounded();
        let (copies, to_copy) = unbounded();
        let of_files = door.clone();
        let files = thread::Builder::new().name("payload-files".to_owned());
        let files = files.spawn(move || stage(stager, &ordered, watch, &of_files))?;
        let mut threads = FileThreads {
            orders: Some(orders),
            copies: Some(copies),
            threads: vec![files],
        };
        let of_copies = door.clone();
        let copying = thread::Builder::new().name("payload-copies".to_owned());
        let copying = copying.spawn(move || copy_each(&folders, &to_copy, &of_copies))?;
        threads.threads.push(copying);
        Ok(threads)
    }

    /// A file is to go down.
    pub fn stage(&self, record: FileRecord) {
        self.order(Order::Stage(record));
    }

    /// A file is to be removed, as the ground has it.
    pub fn discard(&self, record: FileRecord) {
        self.order(Order::Discard(record));
    }

    /// A file is to be copied to another app.
    pub fn copy(&self, app: AppName, peer: AppName, copy: CopyId, name: String) {
        let order = CopyOrder {
            app,
            peer,
            copy,
            name,
        };
        if let Some(copies) = &self.copies {
            // It fails only where the thread panicked, which the end tells.
            let _ = copies.send(order);
        }
    }

    fn order(&self, order: Order) {
        if let Some(orders) = &self.orders {
            // As above.
            let _ = orders.send(order);
        }
    }
}

impl Drop for FileThreads {
    fn drop(&mut self) {
        self.orders = None;
        self.copies = None;
        for thread in self.threads.drain(..) {
            if thread.join().is_err() {
                log::error!("a thread of files panicked");
            }
        }
    }
}

fn stage<C: Carrier>(
    mut stager: Stager<C>,
    orders: &Receiver<Order>,
    watch: Duration,
    door: &Door,
) {
    let began = Instant::now();
    let mut watched = began;
    loop {
        let pause = match () {
            () if stager.has_more() => Duration::ZERO,
            () if stager.is_busy() => TRY_PAUSE,
            () => watch,
        };
        let mut ordered = orders.recv_timeout(pause);
        loop {
            match ordered {
                Ok(Order::Stage(record)) => stager.stage(record, began.elapsed()),
                Ok(Order::Discard(record)) => stager.discard(record),
                Err(RecvTimeoutError::Timeout) => break,
                Err(RecvTimeoutError::Disconnected) => return,
            }
            ordered = orders.recv_timeout(Duration::ZERO);
        }
        let mut events = stager.work(began.elapsed());
        if watched.elapsed() >= watch {
            watched = Instant::now();
            events.extend(stager.watch());
        }
        events.into_iter().for_each(|event| door.event(event));
    }
}

fn copy_each(folders: &BTreeMap<AppName, AppFolders>, orders: &Receiver<CopyOrder>, door: &Door) {
    // One of each app: the next one is ordered when it ended, or was given up.
    let mut under_way: BTreeMap<AppName, (CopyOrder, Copying)> = BTreeMap::new();
    loop {
        let mut ordered = match under_way.is_empty() {
            true => orders.recv().map_err(|_| TryRecvError::Disconnected),
            false => orders.try_recv(),
        };
        loop {
            match ordered {
                Ok(order) => match begin(folders, &order) {
                    Ok(copying) => {
                        under_way.insert(order.app.clone(), (order, copying));
                    }
                    Err(why) => order.ended(Err(why), door),
                },
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => return,
            }
            ordered = orders.try_recv();
        }
        under_way.retain(|_, (order, copying)| match copying.step() {
            Ok(false) => true,
            Ok(true) => {
                order.ended(Ok(()), door);
                false
            }
            Err(error) => {
                order.ended(Err(error.to_string()), door);
                false
            }
        });
    }
}

fn begin(folders: &BTreeMap<AppName, AppFolders>, order: &CopyOrder) -> Result<Copying, String> {
    let CopyOrder {
        app, peer, name, ..
    } = order;
    match (folders.get(app), folders.get(peer)) {
        (Some(from), Some(to)) => {
            Copying::begin(app, from, to, name).map_err(|error| error.to_string())
        }
        _ => Err("an app has no folders".to_owned()),
    }
}

impl CopyOrder {
    fn ended(&self, result: Result<(), String>, door: &Door) {
        let CopyOrder {
            app,
            peer,
            copy,
            name,
        } = self;
        if let Err(why) = &result {
            log::warn!("{app}: `{name}` was not copied to {peer}: {why}");
        }
        door.event(Event::Copied(app.clone(), *copy, result));
    }
}
