//! What can go wrong with a lane.

use alloy_primitives::{B256, U256, utils::format_ether};
use duplex_l1::{RpcError, TxManagerError};
use thiserror::Error;

use crate::Layer;

/// What can go wrong with a lane.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum LaneError {
    /// The rollup has none.
    #[error(
        "this rollup has no lane: its deposits and withdrawals are derived; start one with `duplex up --bridge spv`"
    )]
    None,
    /// It has no relayers with stakes.
    #[error(
        "this rollup's messages are proved, nobody vouches for them: relayers with stakes are where `--bridge multisig` was deployed"
    )]
    NoRelayers,
    /// Relayers cannot vouch for so much.
    #[error(
        "relayers can vouch for {} ETH at the moment ({} ETH at a time, and as much again every {}), not for {} ETH: split it, or \
         leave --fast out and wait for a final claim",
        ether(.available),
        ether(.limit),
        time(*.window),
        ether(.value)
    )]
    OverLimit {
        /// What was asked for, in wei.
        value: U256,
        /// What they can vouch for now.
        available: U256,
        /// At the most at a time.
        limit: U256,
        /// Seconds in which as much is free again.
        window: u64,
    },
    /// Only a relayer can do this.
    #[error("{0} is no relayer now; `duplex relay status` lists them, `duplex relay join` makes one")]
    NotARelayer(alloy_primitives::Address),
    /// Who is a relayer, or has a stake there still, cannot join.
    #[error("{0} has a stake already; who has left can join again after `duplex relay collect`")]
    HasStake(alloy_primitives::Address),
    /// There is nothing to summon anybody to.
    #[error(
        "{nonce} is not the number of a message from L1 that nobody was summoned to before: there are {count}"
    )]
    NothingToSign {
        /// The number.
        nonce: u64,
        /// Messages so far.
        count: u64,
    },
    /// There is no absence to report.
    #[error(
        "{relayer} cannot be reported for message {nonce}: it was not summoned, has answered, still may, or was reported before"
    )]
    NotAbsent {
        /// The message.
        nonce: u64,
        /// The relayer.
        relayer: alloy_primitives::Address,
    },
    /// A key cannot sign.
    #[error("the relayer's key cannot sign: {0}")]
    Key(String),
    /// We have signed something else about the same place.
    #[error(
        "{direction:?} message {nonce} was {signed} when this relayer signed it and is {now} now: it does not sign that, since          two signatures for one place cost the stake; L1 or L2 was reorganised deeper than --confirmations, or this RPC lies"
    )]
    Equivocation {
        /// Which way.
        direction: crate::Direction,
        /// Its number.
        nonce: u64,
        /// The accumulator that was signed.
        signed: B256,
        /// The one that would be.
        now: B256,
    },
    /// The lane does not go there.
    #[error(
        "this lane has no end on {0}: one between two L2s is named with --siblings FILE, and then there is none to L1"
    )]
    NoEnd(Layer),
    /// The file that says how two L2s are joined is not about this one.
    #[error(
        "{path} joins the L2s {chains}; this one has chain id {ours}: name the right file with --siblings, or the right rollup with --deployment"
    )]
    OtherSiblings {
        /// The file.
        path: String,
        /// The chain ids in it.
        chains: String,
        /// Ours.
        ours: u64,
    },
    /// A contract between two L2s is not what it should be.
    #[error(
        "on chain {chain}, the {name} {address} {why}: whoever made it could take what is sent; do not use it"
    )]
    ForeignSiblings {
        /// The chain.
        chain: u64,
        /// Which contract.
        name: &'static str,
        /// Where.
        address: alloy_primitives::Address,
        /// What is wrong.
        why: &'static str,
    },
    /// A node is of another chain than its deployment, or that than the file that says how two are joined.
    #[error(
        "{url} is chain {found}, its deployment file says {deployed}, and what joins the two says {named}"
    )]
    OtherChain {
        /// The node.
        url: String,
        /// Its chain id.
        found: u64,
        /// The deployment's.
        deployed: u64,
        /// The file's.
        named: u64,
    },
    /// A rollup is not what its deployment file says.
    #[error(transparent)]
    Deployment(#[from] duplex_l1::ManifestError),
    /// A file cannot be read or written.
    #[error("{path}: {why}")]
    File {
        /// The file.
        path: String,
        /// Why.
        why: String,
    },
    /// A layer refused or could not be reached.
    #[error(transparent)]
    Rpc(#[from] RpcError),
    /// A transaction could not be sent, or failed.
    #[error(transparent)]
    Tx(#[from] TxManagerError),
    /// A block could not be had, or a proof be made.
    #[error(transparent)]
    Fetch(#[from] duplex_spv::FetchError),
    /// A block's part could not be proved.
    #[error(transparent)]
    Block(#[from] duplex_spv::BlockError),
    /// No message has this id or transaction.
    #[error("{0} is neither the id of a message of this lane nor a transaction that sent one")]
    Unknown(B256),
    /// What a layer said was sent is not what it says now.
    #[error("{layer} no longer has message {nonce} as {id}: it was reorganised")]
    Gone {
        /// Where it was sent.
        layer: Layer,
        /// Its number.
        nonce: u64,
        /// Its id.
        id: B256,
    },
    /// L2's state and the claim of it on L1 are different.
    #[error(
        "final claim {claim} says that L2 block {block} has output root {claimed}; this L2 node has {ours}"
    )]
    Contradicted {
        /// The claim.
        claim: u64,
        /// Its last block.
        block: u64,
        /// What L1 has.
        claimed: B256,
        /// What L2 answers.
        ours: B256,
    },
    /// Only in exodus, and only what L1 sent, is reclaimed.
    #[error(
        "{0} cannot be reclaimed: that is for messages from L1, in exodus, and to another L2 that is; else wait for its \
         deadline, and `duplex message expire`"
    )]
    NotInExodus(B256),
    /// What it has signed cannot be kept.
    #[error("the relay's records: {0}")]
    Records(String),
    /// A layer's answer makes no sense.
    #[error("{layer} answered with something unexpected: {why}")]
    Malformed {
        /// Which.
        layer: Layer,
        /// What is wrong.
        why: String,
    },
}

fn time(seconds: u64) -> String {
    match seconds {
        0..7200 => format!("{} min", seconds.div_ceil(60)),
        _ => format!("{} h", seconds.div_ceil(3600)),
    }
}

fn ether(wei: &U256) -> String {
    let text = format_ether(*wei);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
