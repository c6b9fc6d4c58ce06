//! Opening the files of a database, and refusing those of another.

use crate::{
    backend::Unsynced,
    error::{Error, OpenError},
    options::Options,
    tables::{
        ACCOUNTS, BODIES, CODES, HASHES, HEADERS, JOURNAL, META, NODES, RECEIPTS, SENDERS, SLOTS,
        TRANSACTIONS,
    },
};
use alloy_primitives::B256;
use redb::{
    Builder, Database, DatabaseError, ReadableDatabase, StorageBackend, TableError, WriteTransaction,
    backends::FileBackend,
};
use std::{
    fs::{self, File, OpenOptions, TryLockError},
    io,
    path::Path,
};

/// The format of both files. Any change to what the tables hold raises it.
const FORMAT: u32 = 1;

/// The open files. The lock is released after both are closed.
pub(crate) struct Files {
    pub(crate) blocks: Database,
    pub(crate) state: Database,
    _lock: Option<File>,
}

impl Files {
    /// Opens or creates the files in a directory.
    pub(crate) fn open(dir: &Path, identity: B256, options: &Options) -> Result<Self, OpenError> {
        let at = |path: &Path| {
            let path = path.to_owned();
            move |source| OpenError::Io { path, source }
        };
        fs::create_dir_all(dir).map_err(at(dir))?;
        let lock = lock(&dir.join("LOCK"))?;
        let [blocks, state] = ["blocks.redb", "state.redb"].map(|name| dir.join(name));
        let backend = |path: &Path| {
            let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path);
            FileBackend::new(file.map_err(at(path))?).map_err(|error| OpenError::Storage(error.into()))
        };
        establish(&blocks, |path| open(backend(path)?, 0, path, identity, create_blocks).map(drop))?;
        establish(&state, |path| open(backend(path)?, 0, path, identity, create_state).map(drop))?;
        let [first, second] = [backend(&blocks)?, backend(&state)?];
        let paths = [blocks.as_path(), state.as_path()];
        let files = if options.sync {
            Self::with(first, second, paths, identity, options)?
        } else {
            Self::with(Unsynced(first), Unsynced(second), paths, identity, options)?
        };
        Ok(Self { _lock: Some(lock), ..files })
    }

    /// Opens or creates the files on the given backends.
    pub(crate) fn with(
        blocks: impl StorageBackend,
        state: impl StorageBackend,
        paths: [&Path; 2],
        identity: B256,
        options: &Options,
    ) -> Result<Self, OpenError> {
        let quarter = options.cache_bytes / 4;
        let blocks = open(blocks, quarter, paths[0], identity, create_blocks)?;
        let state = open(state, options.cache_bytes - quarter, paths[1], identity, create_state)?;
        Ok(Self { blocks, state, _lock: None })
    }
}

fn create_blocks(tx: &WriteTransaction) -> Result<(), TableError> {
    tx.open_table(HEADERS)?;
    tx.open_table(HASHES)?;
    tx.open_table(CODES)?;
    for stream in [BODIES, RECEIPTS, SENDERS, JOURNAL] {
        tx.open_table(stream)?;
    }
    Ok(())
}

fn create_state(tx: &WriteTransaction) -> Result<(), TableError> {
    tx.open_table(ACCOUNTS)?;
    tx.open_table(SLOTS)?;
    tx.open_table(NODES)?;
    tx.open_table(TRANSACTIONS)?;
    Ok(())
}

/// Makes a file appear under its name only when `create` has made and closed all of it: the
/// engine cannot open a file whose creation was cut short.
pub(crate) fn establish(
    path: &Path,
    create: impl FnOnce(&Path) -> Result<(), OpenError>,
) -> Result<(), OpenError> {
    let at = |path: &Path| {
        let path = path.to_owned();
        move |source| OpenError::Io { path, source }
    };
    if path.try_exists().map_err(at(path))? {
        return Ok(());
    }
    let unfinished = path.with_extension("new");
    match fs::remove_file(&unfinished) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(at(&unfinished)(error)),
        _ => create(&unfinished)?,
    }
    fs::rename(&unfinished, path).map_err(at(path))?;
    // The new name is durable only when the directory is.
    #[cfg(unix)]
    if let Some(dir) = path.parent() {
        File::open(dir).and_then(|dir| dir.sync_all()).map_err(at(dir))?;
    }
    Ok(())
}

fn lock(path: &Path) -> Result<File, OpenError> {
    let io = |source| OpenError::Io { path: path.to_owned(), source };
    let file =
        OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path).map_err(io)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::Locked { path: path.to_owned() }),
        Err(TryLockError::Error(source)) => Err(io(source)),
    }
}

/// Opens a file after checking whose it is, or marks a new one.
fn open(
    backend: impl StorageBackend,
    cache_bytes: usize,
    path: &Path,
    identity: B256,
    create_tables: impl FnOnce(&WriteTransaction) -> Result<(), TableError>,
) -> Result<Database, OpenError> {
    let database = match Builder::new().set_cache_size(cache_bytes).create_with_backend(backend) {
        Ok(database) => database,
        Err(DatabaseError::DatabaseAlreadyOpen) => return Err(OpenError::Locked { path: path.to_owned() }),
        Err(error) => return Err(OpenError::Storage(error.into())),
    };
    match marks(&database)? {
        Some((found, _)) if found != FORMAT => {
            Err(OpenError::WrongVersion { expected: FORMAT, found, path: path.to_owned() })
        }
        Some((_, found)) if found != identity => {
            Err(OpenError::WrongChain { expected: identity, found, path: path.to_owned() })
        }
        Some(_) => Ok(database),
        None => {
            mark(&database, identity, create_tables)?;
            Ok(database)
        }
    }
}

/// The format and identity of a file; `None` if it is new.
fn marks(database: &Database) -> Result<Option<(u32, B256)>, Error> {
    let tx = database.begin_read()?;
    let meta = match tx.open_table(META) {
        Ok(meta) => meta,
        Err(TableError::TableDoesNotExist(_)) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let (format, identity) = (meta.get("format")?, meta.get("identity")?);
    let format = format.and_then(|value| value.value().try_into().ok()).map(u32::from_be_bytes);
    let identity = identity.and_then(|value| B256::try_from(value.value()).ok());
    match (format, identity) {
        (Some(format), Some(identity)) => Ok(Some((format, identity))),
        _ => Err(Error::corrupt("meta", "format or identity missing")),
    }
}

fn mark(
    database: &Database,
    identity: B256,
    create_tables: impl FnOnce(&WriteTransaction) -> Result<(), TableError>,
) -> Result<(), Error> {
    let tx = database.begin_write()?;
    create_tables(&tx)?;
    let mut meta = tx.open_table(META)?;
    meta.insert("format", FORMAT.to_be_bytes().as_slice())?;
    meta.insert("identity", identity.as_slice())?;
    drop(meta);
    Ok(tx.commit()?)
}

/// For errors that concern a file before it is open.
pub(crate) fn io_error(path: &Path, source: io::Error) -> OpenError {
    OpenError::Io { path: path.to_owned(), source }
}
