//! Committing blocks.

use crate::{
    error::{Error, Result},
    journal::{self, Wiped},
    layer::Layer,
    options::BlockRecord,
    stream,
    tables::{BODIES, BlocksRead, CODES, HASHES, HEADERS, JOURNAL, RECEIPTS, SENDERS},
    view::View,
    worker::Shared,
};
use alloy_primitives::{Bytes, map::B256Set};
use redb::{ReadableTable, WriteTransaction};
use std::sync::Arc;

/// Journals that one commit removes at most. More than one, so that a backlog shrinks.
const DROPS: usize = 4;

impl Shared {
    /// Commits blocks that follow the head, all of them or none.
    pub(crate) fn commit(&self, records: &[BlockRecord]) -> Result<()> {
        let _writing = self.writing.lock();
        self.wait_for_room();
        self.write(|| {
            let mut next = View::clone(&self.view());
            let mut journals = Vec::with_capacity(records.len());
            let start = next.blocks.head.map_or(0, |head| head + 1);
            for (expected, record) in (start..).zip(records) {
                if record.number != expected {
                    return Err(Error::NotNext { expected, found: record.number });
                }
                let journal = journal::encode(record, &wiped(&next, record)?)?;
                next.layers.push(Arc::new(journal::decode(record.number, &journal)?));
                journals.push(journal);
            }
            let tx = self.begin_blocks()?;
            insert(&tx, records, &journals)?;
            drop_journals(&tx, next.state.pruned)?;
            tx.commit()?;

            let blocks = Arc::new(BlocksRead::open(&self.files.blocks)?);
            let added: Vec<Arc<Layer>> = next.layers.split_off(next.layers.len() - records.len());
            self.publish(|view| {
                view.blocks = blocks;
                view.layers.extend(added);
            });
            self.nudge();
            Ok(())
        })
    }
}

/// The slots that a block zeroes by wiping storage, beside those it writes.
fn wiped(before: &View, record: &BlockRecord) -> Result<Wiped> {
    let mut wiped = Wiped::new();
    for (owner, update) in record.state.iter().filter(|(_, update)| update.wipe_storage) {
        let written: B256Set = update.storage.iter().map(|(slot, _)| *slot).collect();
        let slots = before.slots(owner, u64::MAX)?.into_keys().filter(|slot| !written.contains(slot));
        wiped.insert(*owner, slots.collect());
    }
    Ok(wiped)
}

fn insert(tx: &WriteTransaction, records: &[BlockRecord], journals: &[Bytes]) -> Result<()> {
    let mut headers = tx.open_table(HEADERS)?;
    let mut hashes = tx.open_table(HASHES)?;
    let mut codes = tx.open_table(CODES)?;
    let mut bodies = tx.open_table(BODIES)?;
    let mut receipts = tx.open_table(RECEIPTS)?;
    let mut senders = tx.open_table(SENDERS)?;
    let mut journal = tx.open_table(JOURNAL)?;
    for (record, changes) in records.iter().zip(journals) {
        let header = [record.hash.as_slice(), &record.header].concat();
        headers.insert(record.number, header.as_slice())?;
        hashes.insert(&record.hash.0, record.number)?;
        for (hash, code) in &record.codes {
            codes.insert(&hash.0, code.as_ref())?;
        }
        stream::put(&mut bodies, record.number, &record.body)?;
        stream::put(&mut receipts, record.number, &record.receipts)?;
        let flat: Vec<u8> = record.senders.iter().flat_map(|sender| sender.0.0).collect();
        stream::put(&mut senders, record.number, &flat)?;
        stream::put(&mut journal, record.number, changes)?;
    }
    Ok(())
}

/// Removes some of the journals below `pruned`: the state file no longer points into them.
fn drop_journals(tx: &WriteTransaction, pruned: u64) -> Result<()> {
    let mut journal = tx.open_table(JOURNAL)?;
    for _ in 0..DROPS {
        let Some(number) = journal.first()?.map(|(key, _)| key.value().0) else { break };
        if number >= pruned {
            break;
        }
        stream::remove(&mut journal, number)?;
    }
    Ok(())
}
