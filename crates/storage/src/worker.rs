//! The thread that folds layers, and the state it shares with the handles.

use crate::{
    error::{Error, Result},
    files::Files,
    options::Options,
    view::View,
};
use parking_lot::{Condvar, Mutex, RwLock};
use redb::{Database, WriteTransaction};
use std::{sync::Arc, thread::JoinHandle, time::Duration};

/// Layers of this many bytes are folded whatever their number.
const FOLD_BYTES: usize = 32 << 20;
/// How far commits may run ahead of the worker, in multiples of what starts it.
const AHEAD: usize = 4;

/// What all handles of a database share. Locks are taken in the order of the fields.
pub(crate) struct Shared {
    /// Held by the one commit or unwind in progress.
    pub(crate) writing: Mutex<()>,
    /// Held by whoever changes the state file.
    pub(crate) folding: Mutex<()>,
    view: RwLock<Arc<View>>,
    /// Why no more is written.
    failure: Mutex<Option<String>>,
    signal: Mutex<Signal>,
    /// Something for the worker in `signal`.
    wake: Condvar,
    /// The worker has folded, failed or stopped.
    progress: Condvar,
    pub(crate) files: Arc<Files>,
    pub(crate) options: Options,
}

#[derive(Default)]
struct Signal {
    wanted: bool,
    stop: bool,
}

impl Shared {
    pub(crate) fn new(view: View, options: Options) -> Self {
        Self {
            writing: Mutex::default(),
            folding: Mutex::default(),
            files: view.files.clone(),
            view: RwLock::new(Arc::new(view)),
            failure: Mutex::default(),
            signal: Mutex::default(),
            wake: Condvar::new(),
            progress: Condvar::new(),
            options,
        }
    }

    pub(crate) fn view(&self) -> Arc<View> {
        self.view.read().clone()
    }

    /// Replaces what new readers see.
    pub(crate) fn publish(&self, change: impl FnOnce(&mut View)) {
        let mut view = self.view.write();
        let mut next = View::clone(&view);
        change(&mut next);
        // The old view may be the last user of a snapshot: let readers go on before it is closed.
        let old = std::mem::replace(&mut *view, Arc::new(next));
        drop(view);
        drop(old);
    }

    /// Runs a write. If the files may have been left behind by it, it is the last one.
    pub(crate) fn write<T>(&self, write: impl FnOnce() -> Result<T>) -> Result<T> {
        if let Some(cause) = &*self.failure.lock() {
            return Err(Error::Stopped { cause: cause.clone() });
        }
        let result = write();
        if let Err(error @ (Error::Engine(_) | Error::Corrupt { .. })) = &result {
            tracing::error!(%error, "the database stops accepting writes");
            self.failure.lock().get_or_insert_with(|| error.to_string());
        }
        result
    }

    /// Starts a transaction on the blocks file.
    pub(crate) fn begin_blocks(&self) -> Result<WriteTransaction> {
        begin(&self.files.blocks)
    }

    /// Starts a transaction on the state file.
    pub(crate) fn begin_state(&self) -> Result<WriteTransaction> {
        begin(&self.files.state)
    }

    fn failed(&self) -> bool {
        self.failure.lock().is_some()
    }

    /// Whether the layers have reached what is folded together, `times` over.
    fn gathered(&self, times: usize) -> bool {
        let view = self.view();
        view.layers.len() >= self.options.fold_blocks.max(1) * times
            || view.layer_bytes() >= FOLD_BYTES * times
    }

    /// Whether commits would wait for the worker.
    pub(crate) fn overdue(&self) -> bool {
        self.gathered(AHEAD)
    }

    /// Starts the worker if there is enough for it to do.
    pub(crate) fn nudge(&self) {
        if self.gathered(1) {
            self.signal.lock().wanted = true;
            self.wake.notify_one();
        }
    }

    /// Waits while the worker is too far behind.
    pub(crate) fn wait_for_room(&self) {
        while self.overdue() && !self.failed() {
            self.nudge();
            let mut signal = self.signal.lock();
            if signal.stop {
                return;
            }
            self.progress.wait_for(&mut signal, Duration::from_millis(20));
        }
    }

    fn run(&self) {
        loop {
            let mut signal = self.signal.lock();
            self.wake.wait_while(&mut signal, |signal| !signal.wanted && !signal.stop);
            if signal.stop {
                return;
            }
            signal.wanted = false;
            drop(signal);
            // A failure is kept for the next commit to report.
            let _ = self.fold();
            self.progress.notify_all();
        }
    }
}

/// A transaction after whose commit a crash costs nothing. Without the record of free pages that
/// this adds (one more sync and a fraction of a millisecond), opening after a crash reads the
/// whole file.
fn begin(database: &Database) -> Result<WriteTransaction> {
    let mut tx = database.begin_write()?;
    tx.set_quick_repair(true);
    Ok(tx)
}

/// The running thread. Dropping it waits for the fold in progress.
pub(crate) struct Worker {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

impl Worker {
    pub(crate) fn start(shared: Arc<Shared>) -> std::io::Result<Self> {
        let run = shared.clone();
        let thread = std::thread::Builder::new().name("storage-fold".into()).spawn(move || run.run())?;
        Ok(Self { shared, thread: Some(thread) })
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.shared.signal.lock().stop = true;
        self.shared.wake.notify_all();
        if let Some(thread) = self.thread.take() {
            // A panic there has been reported there, and left the files as after a crash.
            let _ = thread.join();
        }
    }
}
