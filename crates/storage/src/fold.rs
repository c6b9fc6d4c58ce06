//! Folding layers into the versioned tables.

use crate::{
    codec::{NodeBytes, account_key, put_account, put_number, slot_key},
    error::Result,
    layer::{Layer, LayerNode},
    options::History,
    tables::{FOLDED, PRUNED, StateRead, StateWrite, set_counter},
    view::{INLINE, JOURNALED, View},
    worker::Shared,
};
use std::sync::Arc;

/// Blocks pruned by one fold at most, in multiples of the blocks that it folds. More than one, so
/// that a backlog shrinks.
const PRUNE: usize = 2;

impl Shared {
    /// Folds all layers there are and prunes what has left the window. `false` if there was
    /// nothing to do.
    pub(crate) fn fold(&self) -> Result<bool> {
        let _folding = self.folding.lock();
        self.write(|| {
            let view = self.view();
            let folded = view.layers.last().map_or(view.state.folded, |layer| layer.number + 1);
            let pruned = self.prune_target(&view, folded);
            if folded == view.state.folded && pruned == view.state.pruned {
                return Ok(false);
            }
            let tx = self.begin_state()?;
            {
                let mut tables = StateWrite::open(&tx)?;
                insert(&mut tables, &view.layers)?;
                tables.prune(&view, pruned)?;
            }
            set_counter(&tx, FOLDED, folded)?;
            set_counter(&tx, PRUNED, pruned)?;
            tx.commit()?;

            let state = Arc::new(StateRead::open(&self.files.state)?);
            self.publish(|view| {
                view.layers.retain(|layer| layer.number >= state.folded);
                view.state = state;
            });
            tracing::debug!(folded, pruned, layers = view.layers.len(), "folded");
            Ok(true)
        })
    }

    /// How many journals may be gone after this fold.
    fn prune_target(&self, view: &View, folded: u64) -> u64 {
        let pruned = view.state.pruned;
        let History::Window(window) = self.options.history else { return pruned };
        let Some(floor) = view.blocks.head.and_then(|head| head.checked_sub(window)) else { return pruned };
        let most = pruned + (view.layers.len().max(self.options.fold_blocks).max(1) * PRUNE) as u64;
        (floor + 1).min(folded).min(most).max(pruned)
    }
}

/// Inserts in the order of keys: neighbours then share the pages they change.
fn insert(tables: &mut StateWrite<'_>, layers: &[Arc<Layer>]) -> Result<()> {
    let mut buffer = Vec::with_capacity(1024);

    let mut accounts = Vec::with_capacity(layers.iter().map(|layer| layer.accounts.len()).sum());
    for layer in layers {
        accounts.extend(layer.accounts.iter().map(|(hashed, new)| (account_key(hashed, layer.number), new)));
    }
    accounts.sort_unstable_by_key(|(key, _)| *key);
    for (key, account) in &accounts {
        buffer.clear();
        put_account(&mut buffer, account.as_ref());
        tables.accounts.insert(key, buffer.as_slice())?;
    }
    drop(accounts);

    let mut slots = Vec::new();
    for layer in layers {
        for (owner, storage) in &layer.slots {
            slots.extend(storage.iter().map(|(slot, value)| (slot_key(owner, slot, layer.number), *value)));
        }
    }
    slots.sort_unstable_by_key(|(key, _)| *key);
    for (key, value) in &slots {
        buffer.clear();
        put_number(&mut buffer, *value);
        tables.slots.insert(key, buffer.as_slice())?;
    }
    drop(slots);

    let mut nodes = Vec::with_capacity(layers.iter().map(|layer| layer.nodes.len()).sum());
    for layer in layers {
        nodes.extend(layer.nodes.iter().map(|(key, node)| (NodeBytes::place(key).at(layer.number), node)));
    }
    nodes.sort_unstable_by_key(|(key, _)| *key);
    for (key, node) in &nodes {
        put_node(&mut buffer, node);
        tables.nodes.insert(key.as_slice(), buffer.as_slice())?;
    }
    drop(nodes);

    let mut transactions = Vec::with_capacity(layers.iter().map(|layer| layer.transactions.len()).sum());
    for layer in layers {
        transactions.extend(layer.transactions.iter().map(|(hash, index)| (*hash, (layer.number, *index))));
    }
    transactions.sort_unstable();
    for (hash, place) in &transactions {
        tables.transactions.insert(&hash.0, *place)?;
    }
    Ok(())
}

/// A node as the table holds it: nothing if it is removed, else where its bytes are.
fn put_node(out: &mut Vec<u8>, node: &LayerNode) {
    out.clear();
    let Some(rlp) = &node.rlp else { return };
    out.push(JOURNALED);
    out.extend_from_slice(&node.offset.to_be_bytes());
    out.extend_from_slice(&(rlp.len() as u32).to_be_bytes());
}

/// A node as the table holds it when its journal is gone.
pub(crate) fn put_inline(out: &mut Vec<u8>, rlp: &[u8]) {
    out.clear();
    out.push(INLINE);
    out.extend_from_slice(rlp);
}
