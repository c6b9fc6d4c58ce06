//! The tables of both files.

use crate::{
    codec::version_of,
    error::{Error, Result},
    stream::{StreamRead, StreamTable},
};
use redb::{
    AccessGuard, Database, ReadOnlyTable, ReadableDatabase, ReadableTable, Table, TableDefinition,
    WriteTransaction,
};
use std::ops::Bound;

pub(crate) const META: TableDefinition<'static, &'static str, &'static [u8]> = TableDefinition::new("meta");

// blocks.redb
/// Block hash and header by number.
pub(crate) const HEADERS: TableDefinition<'static, u64, &'static [u8]> = TableDefinition::new("headers");
pub(crate) const BODIES: StreamTable = TableDefinition::new("bodies");
pub(crate) const RECEIPTS: StreamTable = TableDefinition::new("receipts");
pub(crate) const SENDERS: StreamTable = TableDefinition::new("senders");
pub(crate) const JOURNAL: StreamTable = TableDefinition::new("journal");
/// Number by block hash.
pub(crate) const HASHES: TableDefinition<'static, &'static [u8; 32], u64> = TableDefinition::new("hashes");
/// Never versioned and never removed: a hash has one preimage.
pub(crate) const CODES: TableDefinition<'static, &'static [u8; 32], &'static [u8]> =
    TableDefinition::new("codes");

// state.redb
pub(crate) const ACCOUNTS: TableDefinition<'static, &'static [u8; 40], &'static [u8]> =
    TableDefinition::new("accounts");
pub(crate) const SLOTS: TableDefinition<'static, &'static [u8; 72], &'static [u8]> =
    TableDefinition::new("slots");
pub(crate) const NODES: TableDefinition<'static, &'static [u8], &'static [u8]> =
    TableDefinition::new("nodes");
/// Block number and position by transaction hash.
pub(crate) const TRANSACTIONS: TableDefinition<'static, &'static [u8; 32], (u64, u32)> =
    TableDefinition::new("transactions");

/// The number of blocks folded into the state tables.
pub(crate) const FOLDED: &str = "folded";
/// The number of blocks whose journals have been pruned.
pub(crate) const PRUNED: &str = "pruned";

/// A versioned table with keys of one length, as a snapshot sees it.
pub(crate) type Versions<const N: usize> = ReadOnlyTable<&'static [u8; N], &'static [u8]>;

/// `blocks.redb` at one moment.
pub(crate) struct BlocksRead {
    pub(crate) head: Option<u64>,
    pub(crate) headers: ReadOnlyTable<u64, &'static [u8]>,
    pub(crate) bodies: StreamRead,
    pub(crate) receipts: StreamRead,
    pub(crate) senders: StreamRead,
    pub(crate) journal: StreamRead,
    pub(crate) hashes: ReadOnlyTable<&'static [u8; 32], u64>,
    pub(crate) codes: ReadOnlyTable<&'static [u8; 32], &'static [u8]>,
}

impl BlocksRead {
    pub(crate) fn open(database: &Database) -> Result<Self> {
        let tx = database.begin_read()?;
        let headers = tx.open_table(HEADERS)?;
        let head = headers.last()?.map(|(number, _)| number.value());
        Ok(Self {
            head,
            headers,
            bodies: tx.open_table(BODIES)?,
            receipts: tx.open_table(RECEIPTS)?,
            senders: tx.open_table(SENDERS)?,
            journal: tx.open_table(JOURNAL)?,
            hashes: tx.open_table(HASHES)?,
            codes: tx.open_table(CODES)?,
        })
    }
}

/// `state.redb` at one moment.
pub(crate) struct StateRead {
    /// Blocks below this are in the tables.
    pub(crate) folded: u64,
    /// Journals of blocks below this are not needed any more.
    pub(crate) pruned: u64,
    pub(crate) accounts: Versions<40>,
    pub(crate) slots: Versions<72>,
    pub(crate) nodes: ReadOnlyTable<&'static [u8], &'static [u8]>,
    pub(crate) transactions: ReadOnlyTable<&'static [u8; 32], (u64, u32)>,
}

impl StateRead {
    pub(crate) fn open(database: &Database) -> Result<Self> {
        let tx = database.begin_read()?;
        let meta = tx.open_table(META)?;
        let counter = |name| -> Result<u64> {
            let Some(value) = meta.get(name)? else { return Ok(0) };
            let bytes = value.value().try_into().map_err(|_| Error::corrupt("meta", name))?;
            Ok(u64::from_be_bytes(bytes))
        };
        Ok(Self {
            folded: counter(FOLDED)?,
            pruned: counter(PRUNED)?,
            accounts: tx.open_table(ACCOUNTS)?,
            slots: tx.open_table(SLOTS)?,
            nodes: tx.open_table(NODES)?,
            transactions: tx.open_table(TRANSACTIONS)?,
        })
    }

    /// The oldest block whose state can be read.
    pub(crate) fn floor(&self) -> u64 {
        self.pruned.saturating_sub(1)
    }
}

/// Sets a counter of the state file.
pub(crate) fn set_counter(tx: &WriteTransaction, name: &str, value: u64) -> Result<()> {
    tx.open_table(META)?.insert(name, value.to_be_bytes().as_slice())?;
    Ok(())
}

/// A version: the block that wrote it, and the value.
pub(crate) type Version<'t> = (u64, AccessGuard<'t, &'static [u8]>);

/// The last version at or before the block in `key`.
pub(crate) fn latest<'t, const N: usize>(
    table: &'t Versions<N>,
    key: &[u8; N],
) -> Result<Option<Version<'t>>> {
    let Some((found, value)) = table.upper_bound(Bound::Included(key))?.peek_prev()? else {
        return Ok(None);
    };
    let found = found.value();
    Ok((found[..N - 8] == key[..N - 8]).then(|| (version_of(found), value)))
}

/// [`latest`], for the nodes table.
pub(crate) fn latest_node<'t>(
    table: &'t ReadOnlyTable<&'static [u8], &'static [u8]>,
    key: &[u8],
) -> Result<Option<Version<'t>>> {
    let Some((found, value)) = table.upper_bound(Bound::Included(key))?.peek_prev()? else {
        return Ok(None);
    };
    let found = found.value();
    let same = found.len() == key.len() && found[..key.len() - 8] == key[..key.len() - 8];
    Ok(same.then(|| (version_of(found), value)))
}

/// The state tables as the writer sees them.
pub(crate) struct StateWrite<'t> {
    pub(crate) accounts: Table<'t, &'static [u8; 40], &'static [u8]>,
    pub(crate) slots: Table<'t, &'static [u8; 72], &'static [u8]>,
    pub(crate) nodes: Table<'t, &'static [u8], &'static [u8]>,
    pub(crate) transactions: Table<'t, &'static [u8; 32], (u64, u32)>,
}

impl<'t> StateWrite<'t> {
    pub(crate) fn open(tx: &'t WriteTransaction) -> Result<Self> {
        Ok(Self {
            accounts: tx.open_table(ACCOUNTS)?,
            slots: tx.open_table(SLOTS)?,
            nodes: tx.open_table(NODES)?,
            transactions: tx.open_table(TRANSACTIONS)?,
        })
    }
}
