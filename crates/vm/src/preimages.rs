//! What a program can ask for: preimages.

use std::fmt;

use alloy_primitives::{B256, Bytes, keccak256};

/// Bytes of a blob: 4096 field elements.
pub const BLOB_BYTES: usize = 131_072;

/// How a preimage belongs to its key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Kind {
    /// The 32 bytes of the statement's hash, whatever the key.
    Statement = 0,
    /// What hashes to the key by keccak256.
    Keccak = 1,
    /// The blob with this versioned hash: 4096 field elements, big-endian.
    Blob = 2,
}

impl Kind {
    /// The kind with this number, if there is one.
    pub const fn from_number(number: u64) -> Option<Self> {
        match number {
            0 => Some(Self::Statement),
            1 => Some(Self::Keccak),
            2 => Some(Self::Blob),
            _ => None,
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Statement => "statement",
            Self::Keccak => "keccak",
            Self::Blob => "blob",
        })
    }
}

/// Where a machine's preimages come from.
pub trait Preimages {
    /// The whole preimage, or `None` if it is not known (yet). The machine asks once for many reads in a row.
    fn get(&mut self, kind: Kind, key: &B256) -> Option<Bytes>;
}

impl<P: Preimages + ?Sized> Preimages for &mut P {
    fn get(&mut self, kind: Kind, key: &B256) -> Option<Bytes> {
        (**self).get(kind, key)
    }
}

/// No preimages at all: programs that ask for none.
impl Preimages for () {
    fn get(&mut self, _: Kind, _: &B256) -> Option<Bytes> {
        None
    }
}

/// The machine cannot go on without a preimage. The step that asked for it has not been executed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "step {step} reads the {kind} preimage of {key}, {}",
    if *.offered { "and what was offered for it is not that" } else { "which is not here" }
)]
pub struct Missing {
    /// Its kind.
    pub kind: Kind,
    /// Its key.
    pub key: B256,
    /// Steps executed before.
    pub step: u64,
    /// Something was offered which does not belong to the key (hash or length).
    pub offered: bool,
}

/// One read: which 32 bytes of which preimage. `PreimageOracle` on L1 must have them before the step is proved, unless
/// `kind` is [`Kind::Statement`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PartKey {
    /// The preimage's kind.
    pub kind: Kind,
    /// The preimage's key.
    pub key: B256,
    /// Where the part begins in it; a multiple of 32, maybe past its end.
    pub offset: u64,
}

/// The 32 bytes at `offset` of a preimage, zero past its end.
pub fn part(preimage: &[u8], offset: u64) -> B256 {
    let mut part = B256::ZERO;
    let rest = usize::try_from(offset).ok().and_then(|offset| preimage.get(offset..)).unwrap_or_default();
    let length = rest.len().min(32);
    part[..length].copy_from_slice(&rest[..length]);
    part
}

/// A preimage read lately, so that reading it from end to end asks for it once.
#[derive(Debug, Clone)]
pub(crate) struct Cached {
    kind: Kind,
    key: B256,
    bytes: Bytes,
}

/// Fetches and checks a preimage. That a blob belongs to its versioned hash is for the source to say: checking it takes
/// a KZG commitment.
pub(crate) fn fetch<'a>(
    cache: &'a mut Option<Cached>,
    preimages: &mut impl Preimages,
    kind: Kind,
    key: &B256,
    step: u64,
) -> Result<&'a Bytes, Missing> {
    let known = cache.take().filter(|known| known.kind == kind && known.key == *key);
    let found = match known {
        Some(known) => known,
        None => {
            let missing = |offered| Missing { kind, key: *key, step, offered };
            let bytes = preimages.get(kind, key).ok_or_else(|| missing(false))?;
            let fits = match kind {
                Kind::Statement => bytes.len() == 32,
                Kind::Keccak => keccak256(&bytes) == *key,
                Kind::Blob => bytes.len() == BLOB_BYTES,
            };
            if !fits {
                return Err(missing(true));
            }
            Cached { kind, key: *key, bytes }
        }
    };
    Ok(&cache.insert(found).bytes)
}
