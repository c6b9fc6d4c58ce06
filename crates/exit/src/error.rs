//! Why leaving, checking or rebuilding did not work.

use std::path::PathBuf;

use alloy_primitives::{Address, B256, U256};
use duplex_bridge::format_units;
use thiserror::Error;

/// Why leaving, checking or rebuilding did not work.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ExitError {
    /// L1, or an L2 node, refused or could not be reached.
    #[error(transparent)]
    Rpc(#[from] duplex_l1::RpcError),
    /// The rollup was not found on L1.
    #[error(transparent)]
    Manifest(#[from] duplex_l1::ManifestError),
    /// The deployment file cannot be used.
    #[error(transparent)]
    Deployment(#[from] duplex_l1::DeploymentError),
    /// The node that rebuilds L2 does not start, or a part of it failed.
    #[error(transparent)]
    Node(#[from] duplex_node::NodeError),
    /// A part of the node failed.
    #[error(transparent)]
    Actor(#[from] duplex_actors::ActorError),
    /// The derived chain cannot be read.
    #[error(transparent)]
    Chain(#[from] duplex_chain::ChainError),
    /// The derived state cannot be proved.
    #[error("state trie: {0}")]
    Trie(#[from] duplex_trie::TrieError<duplex_chain::StateError>),
    /// A local file failed.
    #[error(transparent)]
    Storage(#[from] duplex_storage::Error),
    /// A local file cannot be opened.
    #[error(transparent)]
    Open(#[from] duplex_storage::OpenError),
    /// An L1 transaction did not succeed.
    #[error(transparent)]
    Tx(#[from] duplex_l1::TxManagerError),
    /// A directory cannot be created.
    #[error("{}: {source}", path.display())]
    Io {
        /// The directory.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The node that rebuilds L2 stopped.
    #[error("stopped; what was done is on L1, and the same command goes on from there")]
    Stopped,
    /// The derived chain was changed while it was read.
    #[error("L2 is being derived anew")]
    ChainMoved,
    /// The deployment's genesis is not that which the contracts on L1 name.
    #[error(
        "the genesis of this deployment has the output root {found}, {settlement} on L1 says {expected}: do not use it"
    )]
    WrongGenesis {
        /// The `Settlement` on L1.
        settlement: Address,
        /// What it says.
        expected: B256,
        /// What the deployment's genesis makes.
        found: B256,
    },
    /// There is no such asset.
    #[error(
        "{name:?} is neither ETH, WETH nor a token of this rollup: name its symbol, or its address on L1 or L2"
    )]
    UnknownAsset {
        /// What was given.
        name: String,
    },
    /// Several tokens have that symbol.
    #[error("{name:?} is the symbol of several tokens: name one by its address: {}", addresses.join(", "))]
    AmbiguousAsset {
        /// What was given.
        name: String,
        /// Their addresses on L2.
        addresses: Vec<String>,
    },
    /// The recipient cannot be right.
    #[error("{0} as recipient would destroy everything: name another with --recipient")]
    BadRecipient(Address),
    /// The key cannot pay for what must be done on L1.
    #[error(
        "{address} has {has} ETH on L1, and {what} costs about {needs} ETH: send it some, and run this again",
        has = format_units(*balance, 18), needs = format_units(*needed, 18)
    )]
    Unfunded {
        /// The key's address.
        address: Address,
        /// What it has, in wei.
        balance: U256,
        /// What it needs, in wei.
        needed: U256,
        /// What for.
        what: String,
    },
    /// The exodus has not begun.
    #[error("the Vault {vault} is not in exodus: {why}")]
    NotInExodus {
        /// The Vault.
        vault: Address,
        /// When it could be, and what to do.
        why: String,
    },
    /// The derived chain contradicts what L1 made final: then nothing can be proved by it.
    #[error(
        "claim {claim}, final on L1, says output root {claimed}; L1's own batches make {derived} at L2 block \
         {block}: the claim is false, and withdrawals after it cannot be proved against it"
    )]
    FalseFinal {
        /// The claim.
        claim: u64,
        /// What it says.
        claimed: B256,
        /// What was derived.
        derived: B256,
        /// The L2 block.
        block: u64,
    },
}

impl ExitError {
    /// True if trying again later may help without anything being changed.
    pub const fn is_temporary(&self) -> bool {
        match self {
            Self::Rpc(error) => error.is_temporary(),
            Self::Tx(duplex_l1::TxManagerError::Rpc(error)) => error.is_temporary(),
            Self::ChainMoved => true,
            Self::Actor(error) => matches!(
                error,
                duplex_actors::ActorError::MissingBlock(_) | duplex_actors::ActorError::Behind(_)
            ),
            _ => false,
        }
    }
}
