//! One consistent state of the database: the tables of both files and the layers above them.

use crate::{
    codec::{Input, NodeBytes, account_key, get_account, get_number, slot_key},
    error::{Error, Result},
    files::Files,
    layer::Layer,
    stream,
    tables::{BlocksRead, StateRead, latest, latest_node},
};
use alloy_primitives::{B256, Bytes, U256};
use duplex_trie::{NodeKey, StateAccount};
use std::{collections::BTreeMap, sync::Arc};

/// First byte of a node that is stored in the nodes table.
pub(crate) const INLINE: u8 = 1;
/// First byte of a node whose bytes are in the journal of its version: offset and length follow.
pub(crate) const JOURNALED: u8 = 2;

/// Reads here check no bounds: what is asked for must lie between the floor and the last layer.
#[derive(Clone)]
pub(crate) struct View {
    /// The blocks that are not in the state tables yet, oldest first.
    pub(crate) layers: Vec<Arc<Layer>>,
    pub(crate) blocks: Arc<BlocksRead>,
    pub(crate) state: Arc<StateRead>,
    /// The engine must outlive its snapshots, so this is dropped last.
    pub(crate) files: Arc<Files>,
}

impl View {
    /// The layers up to a block, newest first.
    fn layers_at(&self, at: u64) -> impl Iterator<Item = &Layer> {
        self.layers.iter().rev().map(AsRef::as_ref).filter(move |layer| layer.number <= at)
    }

    pub(crate) fn account(&self, hashed: &B256, at: u64) -> Result<Option<StateAccount>> {
        if let Some(account) = self.layers_at(at).find_map(|layer| layer.accounts.get(hashed)) {
            return Ok(*account);
        }
        match latest(&self.state.accounts, &account_key(hashed, at))? {
            Some((_, value)) => decode_account(value.value()),
            None => Ok(None),
        }
    }

    pub(crate) fn slot(&self, owner: &B256, slot: &B256, at: u64) -> Result<U256> {
        let in_layer = |layer: &Layer| layer.slots.get(owner)?.get(slot).copied();
        if let Some(value) = self.layers_at(at).find_map(in_layer) {
            return Ok(value);
        }
        match latest(&self.state.slots, &slot_key(owner, slot, at))? {
            Some((_, value)) => decode_slot(value.value()),
            None => Ok(U256::ZERO),
        }
    }

    /// The slots of an account that are not zero.
    pub(crate) fn slots(&self, owner: &B256, at: u64) -> Result<BTreeMap<B256, U256>> {
        let mut slots = BTreeMap::new();
        let first = slot_key(owner, &B256::ZERO, 0);
        let last = slot_key(owner, &B256::repeat_byte(0xff), u64::MAX);
        for entry in self.state.slots.range::<&[u8; 72]>(&first..=&last)? {
            let (key, value) = entry?;
            let mut input = Input(&key.value()[32..]);
            let (Some(slot), Some(version)) = (input.hash(), input.array()) else { continue };
            if u64::from_be_bytes(version) <= at {
                slots.insert(slot, decode_slot(value.value())?);
            }
        }
        for layer in self.layers.iter().filter(|layer| layer.number <= at) {
            slots.extend(layer.slots.get(owner).into_iter().flatten().map(|(slot, value)| (*slot, *value)));
        }
        slots.retain(|_, value| !value.is_zero());
        Ok(slots)
    }

    pub(crate) fn node(&self, key: &NodeKey, at: u64) -> Result<Option<Bytes>> {
        if let Some(node) = self.layers_at(at).find_map(|layer| layer.nodes.get(key)) {
            return Ok(node.rlp.clone());
        }
        let Some((version, value)) = latest_node(&self.state.nodes, NodeBytes::place(key).at(at).as_slice())?
        else {
            return Ok(None);
        };
        match value.value().split_first() {
            None => Ok(None),
            Some((&INLINE, rlp)) => Ok(Some(Bytes::copy_from_slice(rlp))),
            Some((&JOURNALED, place)) => self.journaled(version, place).map(Some),
            Some(_) => Err(Error::corrupt("nodes", format!("{key:?} at block {version}"))),
        }
    }

    fn journaled(&self, version: u64, place: &[u8]) -> Result<Bytes> {
        let mut place = Input(place);
        if let (Some(offset), Some(length)) = (place.u32(), place.u32())
            && let Some(rlp) = stream::slice(&self.blocks.journal, version, offset, length)?
        {
            return Ok(rlp);
        }
        Err(Error::corrupt("nodes", format!("points outside the journal of block {version}")))
    }

    pub(crate) fn transaction(&self, hash: &B256) -> Result<Option<(u64, u32)>> {
        let in_layer = |layer: &Arc<Layer>| Some((layer.number, *layer.transactions.get(hash)?));
        if let Some(place) = self.layers.iter().rev().find_map(in_layer) {
            return Ok(Some(place));
        }
        Ok(self.state.transactions.get(&hash.0)?.map(|place| place.value()))
    }

    /// What the layers cost to keep.
    pub(crate) fn layer_bytes(&self) -> usize {
        self.layers.iter().map(|layer| layer.bytes).sum()
    }
}

pub(crate) fn decode_account(bytes: &[u8]) -> Result<Option<StateAccount>> {
    get_account(bytes).ok_or_else(|| Error::corrupt("accounts", "an account cannot be decoded"))
}

fn decode_slot(bytes: &[u8]) -> Result<U256> {
    get_number(bytes).ok_or_else(|| Error::corrupt("slots", "a value cannot be decoded"))
}
