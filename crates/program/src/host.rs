//! What a host does with the program: runs it natively, and keeps what it read.
//!
//! The machine runs the same program, so it reads the same. Whoever has a node gives the program an
//! [`Oracle`] over the node's data, inside a [`Recorder`]; what that has seen is all that the machine
//! will ask for.

use std::{
    collections::{BTreeMap, btree_map},
    mem,
    sync::{Mutex, MutexGuard, PoisonError},
};

use alloy_eips::eip4844::{c_kzg, env_settings::EnvKzgSettings};
use alloy_primitives::{B256, Bytes, keccak256};
use alloy_sol_types::SolValue;
use duplex_primitives::{BatchHeader, DATA_CHUNK, Header, L1Message, OutputRoot, ProgramConfig};
use thiserror::Error;

use crate::{BoundBlob, Bundle, Kind, Oracle, RangeStatement, Statement, What};

/// A blob with what ties it to its name. None if it is no blob: of another size, or with an element that is none of the field's.
pub fn bind(blob: &[u8]) -> Option<BoundBlob> {
    let settings = EnvKzgSettings::Default.get();
    let whole = c_kzg::Blob::from_bytes(blob).ok()?;
    let commitment = settings.blob_to_kzg_commitment(&whole).ok()?.to_bytes();
    let proof = settings.compute_blob_kzg_proof(&whole, &commitment).ok()?.to_bytes();
    let blob = Bytes::copy_from_slice(blob);
    Some(BoundBlob { commitment: *commitment, proof: *proof, blob })
}

/// Whether a blob is its commitment's (EIP-4844, `verify_blob_kzg_proof`): what [`Bundle::decode`](crate::Bundle::decode) asks for.
pub fn holds(blob: &BoundBlob) -> bool {
    let [commitment, proof] = [blob.commitment, blob.proof].map(c_kzg::Bytes48::new);
    c_kzg::Blob::from_bytes(&blob.blob)
        .and_then(|whole| EnvKzgSettings::Default.get().verify_blob_kzg_proof(&whole, &commitment, &proof))
        .unwrap_or(false)
}

/// A preimage is not there.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("the preimage of {key} is missing ({what})")]
pub struct Missing {
    /// What it is.
    pub what: String,
    /// How it belongs to its key.
    pub kind: Kind,
    /// Its key.
    pub key: B256,
}

/// Preimages by their keys. What is inserted without a key is hashed here, so it is what its key
/// says.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Preimages {
    map: BTreeMap<(Kind, B256), Bytes>,
}

impl Preimages {
    /// None.
    pub const fn new() -> Self {
        Self { map: BTreeMap::new() }
    }

    /// Adds what is named by its keccak256 hash; returns the hash.
    pub fn insert(&mut self, preimage: impl Into<Bytes>) -> B256 {
        let preimage = preimage.into();
        let hash = keccak256(&preimage);
        self.map.insert((Kind::Keccak, hash), preimage);
        hash
    }

    /// Adds a statement, and makes it the one that is to be shown.
    pub fn insert_statement(&mut self, statement: &Statement) {
        let hash = self.insert(statement.abi_encode());
        self.map.insert((Kind::Statement, B256::ZERO), Bytes::copy_from_slice(hash.as_slice()));
    }

    /// Adds a configuration.
    pub fn insert_config(&mut self, config: &ProgramConfig) -> B256 {
        self.insert(config.encode())
    }

    /// Adds the header of a batch.
    pub fn insert_batch(&mut self, batch: &BatchHeader) -> B256 {
        self.insert(batch.abi_encode())
    }

    /// Adds an L2 header, and the output root of its block, which it returns.
    pub fn insert_block(&mut self, header: &Header) -> B256 {
        let block_hash = self.insert_header(header);
        self.insert(OutputRoot::of(header, block_hash).encode().to_vec())
    }

    /// Adds a header of either layer.
    pub fn insert_header(&mut self, header: &Header) -> B256 {
        self.insert(alloy_rlp::encode(header))
    }

    /// Adds messages, of which the first follows the accumulator `before`; returns the one after
    /// the last.
    pub fn insert_messages<'a>(
        &mut self,
        before: B256,
        messages: impl IntoIterator<Item = &'a L1Message>,
    ) -> B256 {
        messages.into_iter().fold(before, |accumulator, message| {
            let hash = self.insert(message.encode());
            self.insert([accumulator, hash].concat())
        })
    }

    /// Adds batch data that is in calldata; returns its root.
    pub fn insert_calldata(&mut self, data: &[u8]) -> B256 {
        let length = (data.len() as u64).to_be_bytes();
        let leaves = data.chunks(DATA_CHUNK).map(|chunk| [&[0][..], &length, chunk].concat());
        let mut level: Vec<B256> = leaves.map(|leaf| self.insert(leaf)).collect();
        while level.len() > 1 {
            let parent = |pair: &[B256]| match pair {
                [left, right] => self.insert([&[1][..], &left[..], &right[..]].concat()),
                alone => alone[0],
            };
            level = level.chunks(2).map(parent).collect();
        }
        level.first().copied().unwrap_or_default()
    }

    /// Adds batch data that is in blobs, each with its versioned hash; returns its root.
    pub fn insert_blobs(&mut self, blobs: impl IntoIterator<Item = (B256, Bytes)>) -> B256 {
        let mut root = vec![2];
        for (hash, blob) in blobs {
            root.extend_from_slice(hash.as_slice());
            self.map.insert((Kind::Blob, hash), blob);
        }
        self.insert(root)
    }

    /// All blobs among them, with what ties each to its name. None if one is not what its name says.
    pub fn bound_blobs(&self) -> Option<Vec<BoundBlob>> {
        let blobs = self.map.iter().filter(|((kind, _), _)| *kind == Kind::Blob);
        blobs.map(|((_, name), blob)| bind(blob).filter(|bound| bound.name() == *name)).collect()
    }

    /// All that are named by their keccak256 hash.
    pub fn hashed(&self) -> impl Iterator<Item = &Bytes> {
        self.map.iter().filter(|((kind, _), _)| *kind == Kind::Keccak).map(|(_, preimage)| preimage)
    }

    /// The preimage of a key.
    pub fn get(&self, kind: Kind, key: &B256) -> Option<&Bytes> {
        let key = if kind == Kind::Statement { &B256::ZERO } else { key };
        self.map.get(&(kind, *key))
    }

    /// Forgets a preimage; returns it.
    pub fn remove(&mut self, kind: Kind, key: &B256) -> Option<Bytes> {
        self.map.remove(&(kind, *key))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.map.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.map.is_empty()
    }

    /// All of them, by kind and key.
    pub fn iter(&self) -> btree_map::Iter<'_, (Kind, B256), Bytes> {
        self.map.iter()
    }
}

impl IntoIterator for Preimages {
    type Item = ((Kind, B256), Bytes);
    type IntoIter = btree_map::IntoIter<(Kind, B256), Bytes>;

    fn into_iter(self) -> Self::IntoIter {
        self.map.into_iter()
    }
}

impl Extend<((Kind, B256), Bytes)> for Preimages {
    fn extend<I: IntoIterator<Item = ((Kind, B256), Bytes)>>(&mut self, preimages: I) {
        self.map.extend(preimages);
    }
}

impl Oracle for Preimages {
    type Error = Missing;

    fn read(&self, what: What<'_>, key: &B256) -> Result<Bytes, Missing> {
        let missing = || Missing { what: what.to_string(), kind: what.kind(), key: *key };
        self.get(what.kind(), key).cloned().ok_or_else(missing)
    }
}

/// How many bytes a section of a bundle gets before there is another one: little beside the machine's 512 MiB, as it leaves a hole
/// of its size, and more than most bundles have.
pub const SECTION: usize = 1 << 22;

/// The bundle that a prover gets. None if something that stands for a blob is not what its name says.
pub fn bundle(statement: &RangeStatement, sections: &[Preimages]) -> Option<Vec<u8>> {
    let bound = sections.iter().map(|section| Some((section.bound_blobs()?, section.hashed())));
    Some(Bundle::encode(statement, bound.collect::<Option<Vec<_>>>()?))
}

/// An oracle that remembers all that it gave.
#[derive(Debug)]
pub struct Recorder<O> {
    oracle: O,
    /// Bytes that a section gets before there is another one.
    most: usize,
    seen: Mutex<Seen>,
}

/// What was read, by sections; there is always one.
#[derive(Debug)]
struct Seen {
    sections: Vec<Preimages>,
    /// Bytes of the last.
    bytes: usize,
    /// There is another section than when this was asked.
    turned: bool,
}

impl<O: Oracle> Recorder<O> {
    /// A recorder before `oracle`.
    pub fn new(oracle: O) -> Self {
        Self::with_sections(oracle, usize::MAX)
    }

    /// A recorder whose [sections](Self::into_sections) take preimages until they have `most` bytes. When there is a new section,
    /// the program forgets what it read of the state, and what it wants again is in that section, too.
    pub fn with_sections(oracle: O, most: usize) -> Self {
        let seen = Seen { sections: vec![Preimages::new()], bytes: 0, turned: false };
        Self { oracle, most, seen: Mutex::new(seen) }
    }

    /// What was read, section by section, as a [`Bundle`] gives it.
    pub fn into_sections(self) -> Vec<Preimages> {
        self.seen.into_inner().unwrap_or_else(PoisonError::into_inner).sections
    }

    /// What was read.
    pub fn into_preimages(self) -> Preimages {
        let mut all = Preimages::new();
        self.into_sections().into_iter().for_each(|section| all.extend(section.map));
        all
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<O: Oracle> Oracle for Recorder<O> {
    type Error = O::Error;

    fn read(&self, what: What<'_>, key: &B256) -> Result<Bytes, O::Error> {
        let id = (what.kind(), *key);
        let known = self.seen().sections.last().and_then(|section| section.map.get(&id).cloned());
        if let Some(known) = known {
            return Ok(known);
        }
        let preimage = self.oracle.read(what, key)?;
        let mut seen = self.seen();
        if seen.bytes >= self.most {
            seen.sections.push(Preimages::new());
            (seen.bytes, seen.turned) = (0, true);
        }
        seen.bytes += preimage.len();
        if let Some(section) = seen.sections.last_mut() {
            section.map.insert(id, preimage.clone());
        }
        Ok(preimage)
    }

    fn forgets(&self, number: u64) -> Result<bool, O::Error> {
        // What it reads from is to know the state after that block, too.
        let turned = mem::take(&mut self.seen().turned);
        if turned {
            self.oracle.forgets(number)?;
        }
        Ok(turned)
    }
}
