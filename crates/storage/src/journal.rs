//! A block's changes as one value: what a commit makes durable, and what unwinding and pruning go
//! by.
//!
//! The transaction hashes, the accounts, the slots by account, the nodes; each list behind its
//! length. Storage that a block wiped is written out as zeros. All integers are big-endian.

use crate::{
    codec::{Input, NodeBytes, decode_place, get_account, get_number, put_account, put_number},
    error::{Error, Result},
    layer::{Layer, LayerNode},
    options::BlockRecord,
};
use alloy_primitives::{
    B256, Bytes,
    map::{B256Map, HashMap},
};
use std::collections::BTreeMap;

const FORMAT: u8 = 1;
const REMOVED: u32 = u32::MAX;

/// Slots that are gone because their account's storage was wiped, by account.
pub(crate) type Wiped = BTreeMap<B256, Vec<B256>>;

pub(crate) fn encode(record: &BlockRecord, wiped: &Wiped) -> Result<Bytes> {
    let nodes: usize = record.nodes.iter().map(|(_, rlp)| 48 + rlp.as_ref().map_or(0, |rlp| rlp.len())).sum();
    let mut out = Vec::with_capacity(64 + record.tx_hashes.len() * 32 + record.state.len() * 128 + nodes);
    out.push(FORMAT);

    put_len(&mut out, record.tx_hashes.len());
    for hash in &record.tx_hashes {
        out.extend_from_slice(hash.as_slice());
    }

    put_len(&mut out, record.state.len());
    for (hashed, update) in &record.state {
        out.extend_from_slice(hashed.as_slice());
        put_short(&mut out, |out| put_account(out, update.account.as_ref()));
    }

    let none = Vec::new();
    let with_slots = || {
        record.state.iter().filter_map(|(owner, update)| {
            let zeros = wiped.get(owner).unwrap_or(&none);
            (update.storage.len() + zeros.len() > 0).then_some((owner, &update.storage, zeros))
        })
    };
    put_len(&mut out, with_slots().count());
    for (owner, storage, zeros) in with_slots() {
        out.extend_from_slice(owner.as_slice());
        put_len(&mut out, storage.len() + zeros.len());
        for (slot, value) in storage {
            out.extend_from_slice(slot.as_slice());
            put_short(&mut out, |out| put_number(out, *value));
        }
        for slot in zeros {
            out.extend_from_slice(slot.as_slice());
            put_short(&mut out, |_| {});
        }
    }

    put_len(&mut out, record.nodes.len());
    for (key, rlp) in &record.nodes {
        put_short(&mut out, |out| out.extend_from_slice(NodeBytes::place(key).as_slice()));
        match rlp {
            None => out.extend_from_slice(&REMOVED.to_be_bytes()),
            Some(rlp) => {
                put_len(&mut out, rlp.len());
                out.extend_from_slice(rlp);
            }
        }
    }
    // Bounds every length and offset above at once.
    if out.len() >= REMOVED as usize {
        return Err(Error::TooLarge { number: record.number });
    }
    Ok(out.into())
}

pub(crate) fn decode(number: u64, stream: &Bytes) -> Result<Layer> {
    read(number, stream).ok_or_else(|| Error::corrupt("journal", format!("block {number} cannot be decoded")))
}

fn read(number: u64, stream: &Bytes) -> Option<Layer> {
    let mut input = Input(stream);
    if input.byte()? != FORMAT {
        return None;
    }

    let count = length(&mut input, 32)?;
    let mut transactions = B256Map::with_capacity_and_hasher(count, Default::default());
    for index in 0..count {
        transactions.insert(input.hash()?, index as u32);
    }

    let count = length(&mut input, 33)?;
    let mut accounts = B256Map::with_capacity_and_hasher(count, Default::default());
    for _ in 0..count {
        accounts.insert(input.hash()?, get_account(short(&mut input)?)?);
    }

    let count = length(&mut input, 36)?;
    let mut slots = B256Map::with_capacity_and_hasher(count, Default::default());
    for _ in 0..count {
        let owner = input.hash()?;
        let count = length(&mut input, 33)?;
        let mut storage = B256Map::with_capacity_and_hasher(count, Default::default());
        for _ in 0..count {
            storage.insert(input.hash()?, get_number(short(&mut input)?)?);
        }
        slots.insert(owner, storage);
    }

    let count = length(&mut input, 5)?;
    let mut nodes = HashMap::with_capacity_and_hasher(count, Default::default());
    for _ in 0..count {
        let key = decode_place(short(&mut input)?)?;
        let length = input.u32()?;
        let offset = stream.len() - input.0.len();
        let rlp = match length {
            REMOVED => None,
            length => Some(stream.slice_ref(input.take(length as usize)?)),
        };
        nodes.insert(key, LayerNode { rlp, offset: offset.try_into().ok()? });
    }
    input.0.is_empty().then_some(Layer { number, accounts, slots, nodes, transactions, bytes: stream.len() })
}

fn put_len(out: &mut Vec<u8>, length: usize) {
    out.extend_from_slice(&(length as u32).to_be_bytes());
}

/// Appends what `write` appends, at most 255 bytes, behind its length.
fn put_short(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>)) {
    let start = out.len();
    out.push(0);
    write(out);
    out[start] = (out.len() - start - 1) as u8;
}

fn short<'a>(input: &mut Input<'a>) -> Option<&'a [u8]> {
    let length = input.byte()?;
    input.take(length.into())
}

/// The length of a list whose elements take `least` bytes or more: no more than there can be.
fn length(input: &mut Input<'_>, least: usize) -> Option<usize> {
    let count = input.u32()? as usize;
    (count <= input.0.len() / least).then_some(count)
}
