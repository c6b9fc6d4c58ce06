//! Removing versions that no readable block sees.

use crate::{
    codec::{NodeBytes, account_key, slot_key, version_of},
    error::{Error, Result},
    fold::put_inline,
    journal,
    layer::Layer,
    stream,
    tables::StateWrite,
    view::{JOURNALED, View},
};
use alloy_primitives::B256;
use redb::{Key, ReadableTable, Table};
use std::collections::{BTreeMap, BTreeSet};

impl StateWrite<'_> {
    /// Makes the journals below `pruned` dispensable. Of every key that they name, the version
    /// that the new floor sees stays (unless it says that there is nothing) and older ones go;
    /// what stays of a node moves here from its journal.
    pub(crate) fn prune(&mut self, view: &View, pruned: u64) -> Result<()> {
        if view.state.pruned >= pruned {
            return Ok(());
        }
        let floor = pruned - 1;
        let layers = (view.state.pruned..pruned)
            .map(|number| {
                let bytes = stream::expect(&view.blocks.journal, "journal", number)?;
                Ok((number, journal::decode(number, &bytes)?))
            })
            .collect::<Result<BTreeMap<u64, Layer>>>()?;
        self.prune_accounts(&layers, floor)?;
        self.prune_slots(&layers, floor)?;
        self.prune_nodes(&layers, floor)
    }

    fn prune_accounts(&mut self, layers: &BTreeMap<u64, Layer>, floor: u64) -> Result<()> {
        let touched: BTreeSet<&B256> = layers.values().flat_map(|layer| layer.accounts.keys()).collect();
        for hashed in touched {
            let (first, last) = (account_key(hashed, 0), account_key(hashed, floor));
            let (versions, value) = versions(&self.accounts, &first, &last)?;
            for version in superseded(&versions, value.is_empty()) {
                self.accounts.remove(&account_key(hashed, *version))?;
            }
        }
        Ok(())
    }

    fn prune_slots(&mut self, layers: &BTreeMap<u64, Layer>, floor: u64) -> Result<()> {
        let touched: BTreeSet<(&B256, &B256)> = layers
            .values()
            .flat_map(|layer| &layer.slots)
            .flat_map(|(owner, storage)| storage.keys().map(move |slot| (owner, slot)))
            .collect();
        for (owner, slot) in touched {
            let (first, last) = (slot_key(owner, slot, 0), slot_key(owner, slot, floor));
            let (versions, value) = versions(&self.slots, &first, &last)?;
            for version in superseded(&versions, value.is_empty()) {
                self.slots.remove(&slot_key(owner, slot, *version))?;
            }
        }
        Ok(())
    }

    fn prune_nodes(&mut self, layers: &BTreeMap<u64, Layer>, floor: u64) -> Result<()> {
        // The last journal to name a node has the bytes that the floor sees.
        let mut touched = BTreeMap::new();
        for layer in layers.values() {
            touched.extend(layer.nodes.iter().map(|(key, node)| (NodeBytes::place(key), node)));
        }
        let mut buffer = Vec::with_capacity(1024);
        for (place, node) in touched {
            let (first, last) = (place.at(0), place.at(floor));
            let (versions, value) = versions(&self.nodes, first.as_slice(), last.as_slice())?;
            for version in superseded(&versions, value.is_empty()) {
                self.nodes.remove(place.at(*version).as_slice())?;
            }
            if value.first() == Some(&JOURNALED)
                && let Some(version) = versions.last()
            {
                let rlp = node.rlp.as_ref().ok_or_else(|| {
                    Error::corrupt("nodes", format!("a node of block {version} differs from the journal"))
                })?;
                put_inline(&mut buffer, rlp);
                self.nodes.insert(place.at(*version).as_slice(), buffer.as_slice())?;
            }
        }
        Ok(())
    }
}

/// The versions of a key between two of them, and the value of the last.
fn versions<'k, K: Key>(
    table: &Table<'_, K, &'static [u8]>,
    first: K::SelfType<'k>,
    last: K::SelfType<'k>,
) -> Result<(Vec<u64>, Vec<u8>)> {
    let mut versions = Vec::new();
    let mut value = Vec::new();
    for entry in table.range(first..=last)? {
        let (key, found) = entry?;
        versions.push(version_of(K::as_bytes(&key.value()).as_ref()));
        value.clear();
        value.extend_from_slice(found.value());
    }
    Ok((versions, value))
}

/// All but the last version, and that too if it says that there is nothing.
fn superseded(versions: &[u64], nothing: bool) -> &[u64] {
    match versions.split_last() {
        Some((_, older)) if !nothing => older,
        _ => versions,
    }
}
