//! A few durable values for those who have no table of their own.

use crate::{
    error::{OpenError, Result},
    files::{establish, io_error},
};
use redb::{Database, DatabaseError, ReadableDatabase, TableDefinition};
use std::{path::Path, sync::Arc};

const RECORDS: TableDefinition<'static, &'static str, &'static [u8]> = TableDefinition::new("records");

/// A small file of named values, for progress that must survive a crash. Every write is durable
/// when it returns. A clone shares the file.
#[derive(Clone)]
pub struct Records {
    database: Arc<Database>,
}

impl core::fmt::Debug for Records {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Records").finish_non_exhaustive()
    }
}

impl Records {
    /// Opens or creates the file, and the directories above it.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        if let Some(dir) = path.parent() {
            std::fs::create_dir_all(dir).map_err(|source| io_error(dir, source))?;
        }
        establish(path, |path| Self::create(path)?.put_all([]).map_err(OpenError::Storage))?;
        Self::create(path)
    }

    fn create(path: &Path) -> Result<Self, OpenError> {
        match Database::builder().set_cache_size(1 << 20).create(path) {
            Ok(database) => Ok(Self { database: Arc::new(database) }),
            Err(DatabaseError::DatabaseAlreadyOpen) => Err(OpenError::Locked { path: path.to_owned() }),
            Err(error) => Err(OpenError::Storage(error.into())),
        }
    }

    /// The value under a name.
    pub fn get(&self, key: &str) -> Result<Option<Vec<u8>>> {
        let table = self.database.begin_read()?.open_table(RECORDS)?;
        Ok(table.get(key)?.map(|value| value.value().to_vec()))
    }

    /// Sets a value.
    pub fn put(&self, key: &str, value: &[u8]) -> Result<()> {
        self.put_all([(key, Some(value))])
    }

    /// Removes a value, if there is one.
    pub fn remove(&self, key: &str) -> Result<()> {
        self.put_all([(key, None)])
    }

    /// Sets (`Some`) and removes (`None`) values, all of them or none.
    pub fn put_all<'a>(&self, changes: impl IntoIterator<Item = (&'a str, Option<&'a [u8]>)>) -> Result<()> {
        let tx = self.database.begin_write()?;
        let mut table = tx.open_table(RECORDS)?;
        for (key, value) in changes {
            match value {
                Some(value) => drop(table.insert(key, value)?),
                None => drop(table.remove(key)?),
            }
        }
        drop(table);
        Ok(tx.commit()?)
    }

    /// Every name that starts with `prefix`, and its value, in the order of names.
    pub fn prefix(&self, prefix: &str) -> Result<Vec<(String, Vec<u8>)>> {
        let table = self.database.begin_read()?.open_table(RECORDS)?;
        let mut found = Vec::new();
        for entry in table.range(prefix..)? {
            let (key, value) = entry?;
            if !key.value().starts_with(prefix) {
                break;
            }
            found.push((key.value().to_owned(), value.value().to_vec()));
        }
        Ok(found)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_survive_reopening() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("deep/records.redb");
        let records = Records::open(&path).unwrap();
        assert!(matches!(Records::open(&path), Err(OpenError::Locked { .. })));
        records.put("batcher/next", b"7").unwrap();
        records.put("batcher/sent", b"").unwrap();
        records.put("proposer/next", b"9").unwrap();
        records.put_all([("batcher/next", Some(b"8".as_slice())), ("proposer/next", None)]).unwrap();
        drop(records);

        let records = Records::open(&path).unwrap();
        assert_eq!(records.get("proposer/next").unwrap(), None);
        assert_eq!(
            records.prefix("batcher/").unwrap(),
            [("batcher/next".to_owned(), b"8".to_vec()), ("batcher/sent".to_owned(), vec![])]
        );
        records.remove("batcher/sent").unwrap();
        assert_eq!(records.prefix("").unwrap().len(), 1);
    }
}
