//! The handle.

use crate::{
    error::{Error, OpenError, Result},
    files::Files,
    journal,
    options::{BlockRecord, Options},
    reader::Reader,
    stream,
    tables::{BlocksRead, StateRead},
    view::View,
    worker::{Shared, Worker},
};
use alloy_primitives::B256;
use redb::StorageBackend;
use std::{path::Path, sync::Arc};

/// An open database. A clone is another handle of the same; the files are closed, and the
/// directory is unlocked, with the last handle and the last [`Reader`].
#[derive(Clone)]
pub struct Database {
    shared: Arc<Shared>,
    _worker: Arc<Worker>,
}

impl core::fmt::Debug for Database {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Database").field("options", &self.shared.options).finish_non_exhaustive()
    }
}

impl Database {
    /// Opens the database in a directory, creating both as needed, at its last durable block.
    ///
    /// `identity` says which chain it is, such as the hash of the genesis block: a directory of
    /// another chain is refused.
    pub fn open(dir: &Path, identity: B256, options: Options) -> Result<Self, OpenError> {
        Self::recover(Files::open(dir, identity, &options)?, options).and_then(|shared| start(shared, dir))
    }

    /// Opens a database on the given backends of the storage engine, without a directory to lock:
    /// for tests that make them fail. [`Options::sync`] is the backends' affair.
    pub fn with_backends(
        blocks: impl StorageBackend,
        state: impl StorageBackend,
        identity: B256,
        options: Options,
    ) -> Result<Self, OpenError> {
        let paths = [Path::new("blocks"), Path::new("state")];
        let files = Files::with(blocks, state, paths, identity, &options)?;
        Self::recover(files, options).and_then(|shared| start(shared, paths[0]))
    }

    /// Reads back the layers that were not folded.
    fn recover(files: Files, options: Options) -> Result<Shared, OpenError> {
        let blocks = Arc::new(BlocksRead::open(&files.blocks)?);
        let state = Arc::new(StateRead::open(&files.state)?);
        let end = blocks.head.map_or(0, |head| head + 1);
        if state.folded > end {
            let what = format!("{} blocks folded, but only {end} stored", state.folded);
            return Err(Error::corrupt("meta", what).into());
        }
        let folded = state.folded;
        let view = View { layers: Vec::new(), blocks: blocks.clone(), state, files: Arc::new(files) };
        let shared = Shared::new(view, options);
        for number in folded..end {
            let bytes = stream::expect(&blocks.journal, "journal", number)?;
            let layer = Arc::new(journal::decode(number, &bytes)?);
            shared.publish(|view| view.layers.push(layer));
            // Many only if the state file was lost; then this rebuilds it.
            if shared.overdue() {
                shared.fold()?;
            }
        }
        Ok(shared)
    }

    /// Commits the block after the head, or block 0 to an empty database. It is durable when this
    /// returns, and nothing of it is if this fails.
    pub fn commit(&self, record: &BlockRecord) -> Result<()> {
        self.shared.commit(std::slice::from_ref(record))
    }

    /// Commits several blocks that follow each other, all of them or none.
    pub fn commit_many(&self, records: &[BlockRecord]) -> Result<()> {
        self.shared.commit(records)
    }

    /// Removes every block above `to` with everything it did, except contract code. Returns their
    /// numbers and hashes, newest first.
    ///
    /// A reader taken before still sees them.
    pub fn unwind(&self, to: u64) -> Result<Vec<(u64, B256)>> {
        self.shared.unwind(to)
    }

    /// The database as it is now.
    pub fn reader(&self) -> Reader {
        Reader { view: self.shared.view() }
    }

    /// The oldest block whose state can be read.
    pub fn history_floor(&self) -> u64 {
        self.reader().history_floor()
    }

    /// Folds what has gathered in memory and prunes what has left the window, now instead of in
    /// the background. Nothing depends on it; opening is quicker afterwards.
    pub fn settle(&self) -> Result<()> {
        while self.shared.fold()? {}
        Ok(())
    }
}

fn start(shared: Shared, path: &Path) -> Result<Database, OpenError> {
    let shared = Arc::new(shared);
    let worker =
        Worker::start(shared.clone()).map_err(|source| OpenError::Io { path: path.to_owned(), source })?;
    shared.nudge();
    Ok(Database { shared, _worker: Arc::new(worker) })
}
