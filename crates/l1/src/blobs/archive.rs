//! Keeps blobs, because L1 forgets them after some weeks.

use std::{
    fs, io,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU64, Ordering},
    time::{Duration, SystemTime},
};

use alloy_primitives::{B256, Bytes};

use super::{BlobsError, versioned_hash};

/// One file for each blob, named by its versioned hash. A file is there whole or not at all.
#[derive(Debug, Clone)]
pub struct BlobArchive {
    dir: PathBuf,
}

/// Tells drafts of one process apart.
static DRAFTS: AtomicU64 = AtomicU64::new(0);

impl BlobArchive {
    /// Opens the archive in `dir`, or creates it.
    ///
    /// # Errors
    /// If the directory cannot be used.
    pub fn open(dir: &Path) -> Result<Self, BlobsError> {
        fs::create_dir_all(dir).map_err(|source| BlobsError::Io { path: dir.into(), source })?;
        let this = Self { dir: dir.into() };
        // What a crash left half written.
        for entry in this.files()? {
            if entry.extension().is_some_and(|extension| extension == "new") {
                fs::remove_file(&entry).map_err(|source| BlobsError::Io { path: entry.clone(), source })?;
            }
        }
        Ok(this)
    }

    fn path(&self, hash: B256) -> PathBuf {
        self.dir.join(format!("{hash}"))
    }

    fn files(&self) -> Result<Vec<PathBuf>, BlobsError> {
        let failed = |source| BlobsError::Io { path: self.dir.clone(), source };
        let entries = fs::read_dir(&self.dir).map_err(failed)?;
        entries.map(|entry| entry.map(|entry| entry.path()).map_err(failed)).collect()
    }

    /// A blob that is kept. One that the disk damaged is as good as gone.
    ///
    /// # Errors
    /// If the file cannot be read.
    pub fn get(&self, hash: B256) -> Result<Option<Bytes>, BlobsError> {
        let path = self.path(hash);
        match fs::read(&path) {
            Ok(bytes) if bytes.len() == duplex_primitives::blob::BLOB => Ok(Some(bytes.into())),
            Ok(_) => Ok(None),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(BlobsError::Io { path, source }),
        }
    }

    /// Keeps a blob whose hash was checked.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn put(&self, hash: B256, blob: &[u8]) -> Result<(), BlobsError> {
        let path = self.path(hash);
        if self.get(hash)?.is_some() {
            return Ok(());
        }
        let draft = self.dir.join(format!("{hash}.{}.new", DRAFTS.fetch_add(1, Ordering::Relaxed)));
        fs::write(&draft, blob).map_err(|source| BlobsError::Io { path: draft.clone(), source })?;
        fs::rename(&draft, &path).map_err(|source| BlobsError::Io { path, source })
    }

    /// Checks a blob and keeps it; gives its hash.
    ///
    /// # Errors
    /// If it is not a blob, or the file cannot be written.
    pub fn add(&self, blob: &[u8]) -> Result<B256, BlobsError> {
        let hash = versioned_hash(blob)?;
        self.put(hash, blob)?;
        Ok(hash)
    }

    /// Removes what was written longer ago than `keep`; gives how many.
    ///
    /// # Errors
    /// If a file cannot be removed.
    pub fn prune(&self, keep: Duration) -> Result<u64, BlobsError> {
        let now = SystemTime::now();
        let mut removed = 0;
        for path in self.files()? {
            let failed = |source| BlobsError::Io { path: path.clone(), source };
            let written = match fs::metadata(&path).and_then(|meta| meta.modified()) {
                Ok(time) => time,
                Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
                Err(source) => return Err(failed(source)),
            };
            if now.duration_since(written).is_ok_and(|age| age > keep) {
                fs::remove_file(&path).map_err(failed)?;
                removed += 1;
            }
        }
        Ok(removed)
    }
}
