//! The data of a batch, behind its root (`docs/protocol.md` §3).

use alloc::{vec, vec::Vec};

use alloy_primitives::{B256, Bytes};
use duplex_primitives::blob::{self, MAX_BLOBS};

use crate::{Oracle, ProgramError, What, fields::hash};

/// First bytes of what a data root can be the hash of.
const LEAF: u8 = 0;
const NODE: u8 = 1;
const BLOBS: u8 = 2;
/// Bytes of a leaf before its chunk: its mark, and the length of all data.
const LEAF_PREFIX: usize = 9;

/// Reads the data of a batch. Blobs that hold no data give none, which is their meaning.
pub(crate) fn read<O: Oracle>(oracle: &O, root: &B256) -> Result<Vec<u8>, ProgramError<O::Error>> {
    let part = |key: &B256| oracle.read(What::Data, key).map_err(ProgramError::Oracle);
    let top = part(root)?;
    if let Some((&BLOBS, hashes)) = top.split_first() {
        return blobs(oracle, hashes);
    }
    let mut data = Vec::new();
    // The leaves from left to right.
    let mut open: Vec<(B256, Bytes)> = vec![(*root, top)];
    while let Some((key, preimage)) = open.pop() {
        match preimage.first() {
            Some(&LEAF) if preimage.len() > LEAF_PREFIX => data.extend_from_slice(&preimage[LEAF_PREFIX..]),
            Some(&NODE) if preimage.len() == 65 => {
                let children = preimage.slice(1..);
                let (Some(left), Some(right)) = (hash(&children, 0), hash(&children, 1)) else {
                    return Err(ProgramError::form("part of the batch data", &key));
                };
                open.push((right, Bytes::new()));
                open.push((left, part(&left)?));
            }
            // A right sibling: its turn has come.
            None => open.push((key, part(&key)?)),
            _ => return Err(ProgramError::form("part of the batch data", &key)),
        }
    }
    Ok(data)
}

fn blobs<O: Oracle>(oracle: &O, hashes: &[u8]) -> Result<Vec<u8>, ProgramError<O::Error>> {
    let hashes = hashes.chunks_exact(32).map(B256::from_slice);
    if hashes.len() > MAX_BLOBS {
        // No transaction has as many; they would hold no data.
        return Ok(Vec::new());
    }
    let mut blobs = Vec::with_capacity(hashes.len());
    for hash in hashes {
        blobs.push(oracle.read(What::Blob, &hash).map_err(ProgramError::Oracle)?);
    }
    Ok(blob::decode(&blobs).unwrap_or_default())
}
