//! Where all inputs come from.

use alloy_primitives::{B256, Bytes};
use core::{fmt, ops::Range};
use duplex_trie::NodeKey;

/// How a preimage belongs to its key (`docs/fault-proofs.md` §2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Kind {
    /// The 32 bytes of the statement's hash, whatever the key.
    Statement = 0,
    /// What hashes to the key by keccak256.
    Keccak = 1,
    /// The blob with this versioned hash: 4096 field elements of 32 bytes.
    Blob = 2,
}

/// What a preimage is wanted for. It says where a node finds it; the machine needs only the
/// [kind](Self::kind).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum What<'a> {
    /// The hash of the statement.
    StatementHash,
    /// The [`Statement`](crate::Statement), 160 bytes.
    Statement,
    /// A [`BatchHeader`](duplex_primitives::BatchHeader), 320 bytes.
    Batch,
    /// A [`ProgramConfig`](crate::ProgramConfig), 288 bytes.
    Config,
    /// An [`OutputRoot`](duplex_primitives::OutputRoot), 128 bytes.
    Output,
    /// The RLP of an L2 header.
    Header,
    /// The RLP of an L1 header.
    L1Header,
    /// A leaf or node of the tree over calldata, or the versioned hashes of blobs.
    Data,
    /// A blob.
    Blob,
    /// The accumulator before a message, and the message's hash.
    Accumulator,
    /// The fields of a message, as its hash has them.
    Message,
    /// A node of the state.
    Node(&'a NodeKey),
    /// The code of a contract.
    Code,
}

impl What<'_> {
    /// How the preimage belongs to its key.
    pub const fn kind(&self) -> Kind {
        match self {
            Self::StatementHash => Kind::Statement,
            Self::Blob => Kind::Blob,
            _ => Kind::Keccak,
        }
    }
}

impl fmt::Display for What<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::StatementHash => "statement's hash",
            Self::Statement => "statement",
            Self::Batch => "batch header",
            Self::Config => "configuration",
            Self::Output => "output root",
            Self::Header => "L2 header",
            Self::L1Header => "L1 header",
            Self::Data => "part of the batch data",
            Self::Blob => "blob",
            Self::Accumulator => "message accumulator",
            Self::Message => "message",
            Self::Node(key) => return write!(f, "node of {key}"),
            Self::Code => "code",
        })
    }
}

/// Where preimages come from. What it gives belongs to the key: the machine's are checked by L1, and
/// whoever runs this natively checks what it cannot trust.
pub trait Oracle {
    /// Why a preimage cannot be had. In the machine that cannot be: it does not go on without.
    type Error: core::error::Error + Send + Sync + 'static;

    /// The whole preimage of `key`.
    ///
    /// # Errors
    /// If it cannot be had.
    fn read(&self, what: What<'_>, key: &B256) -> Result<Bytes, Self::Error>;

    /// A part of it, shorter where the preimage ends before. Both ends are multiples of 32. For
    /// what is walked past: most of a header is not worth reading for the hash in it.
    ///
    /// # Errors
    /// If it cannot be had.
    fn part(&self, what: What<'_>, key: &B256, range: Range<usize>) -> Result<Bytes, Self::Error> {
        let whole = self.read(what, key)?;
        let end = range.end.min(whole.len());
        Ok(whole.slice(range.start.min(end)..end))
    }

    /// Asked after each block of a run of batches: whether the program is to forget what it keeps of the state, and to read
    /// from now on what it needs of the state after block `number`.
    ///
    /// # Errors
    /// If that state cannot be had.
    fn forgets(&self, _number: u64) -> Result<bool, Self::Error> {
        Ok(false)
    }
}

impl<O: Oracle + ?Sized> Oracle for &O {
    type Error = O::Error;

    fn read(&self, what: What<'_>, key: &B256) -> Result<Bytes, Self::Error> {
        (**self).read(what, key)
    }

    fn part(&self, what: What<'_>, key: &B256, range: Range<usize>) -> Result<Bytes, Self::Error> {
        (**self).part(what, key, range)
    }

    fn forgets(&self, number: u64) -> Result<bool, Self::Error> {
        (**self).forgets(number)
    }
}
