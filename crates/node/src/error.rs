//! Why a node does not start, or stops.

use std::path::PathBuf;

use alloy_primitives::{Address, B256, U256};
use duplex_l1::SettlementMode;
use thiserror::Error;

/// Why a node does not start, or stops.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum NodeError {
    /// L1 refused or could not be reached.
    #[error(transparent)]
    L1(#[from] duplex_l1::RpcError),
    /// The deployment file cannot be used.
    #[error(transparent)]
    Deployment(#[from] duplex_l1::DeploymentError),
    /// The lane between the layers cannot be used.
    #[error(transparent)]
    Lane(#[from] duplex_lane::LaneError),
    /// Two rollups could not be joined.
    #[error(transparent)]
    Join(#[from] duplex_bridge::BridgeError),
    /// Keys that everybody knows are for development only.
    #[error(
        "--rollups 2 uses keys that everybody knows, and this L1 is none for development: start each rollup with its own key, and join them with `duplex siblings join`"
    )]
    TwoForDevelopment,
    /// Two rollups cannot share relayers with stakes.
    #[error(
        "two rollups at once, both with relayers of the same keys, would get into each other's way: take --bridge derived or spv with --rollups 2"
    )]
    TwoOfRelayers,
    /// A chain failed.
    #[error(transparent)]
    Chain(#[from] duplex_chain::ChainError),
    /// A local database cannot be opened.
    #[error(transparent)]
    Open(#[from] duplex_storage::OpenError),
    /// A local database failed.
    #[error(transparent)]
    Storage(#[from] duplex_storage::Error),
    /// The RPC server does not start.
    #[error("{0} (see --l1-port and --l2-port)")]
    Serve(#[from] duplex_rpc::ServeError),
    /// Two RPC methods have the same name, which is a mistake in this program.
    #[error("RPC: {0}")]
    Methods(#[from] jsonrpsee::core::RegisterMethodError),
    /// Blobs cannot be kept, or a source of them is malformed.
    #[error(transparent)]
    Blobs(#[from] duplex_l1::BlobsError),
    /// Transactions cannot be sent to L1.
    #[error(transparent)]
    Txs(#[from] duplex_l1::TxManagerError),
    /// A file cannot be read or written.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file or directory.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Signing failed.
    #[error("signing: {0}")]
    Signer(#[from] alloy_signer::Error),
    /// What was given is no private key.
    #[error("{given:?} is not a private key: expected 64 hexadecimal digits")]
    Key {
        /// What was given, shortened.
        given: String,
    },
    /// Nothing on L1 says what the rollup is, or what says it is wrong.
    #[error(transparent)]
    Manifest(#[from] duplex_l1::ManifestError),
    /// The parameters force more into an L2 block than fits.
    #[error(
        "messageGasPerBlock, maxMessageGas and 1,000,000 together are more than an L2 block's gas limit of \
         {gas_limit}: lower the first"
    )]
    NoRoomForMessages {
        /// Gas limit of an L2 block.
        gas_limit: u64,
    },
    /// Proofs that anybody can forge are for development only, and verifiers of others are made for a deployment.
    #[error(
        "--settlement validity and hybrid take proofs with development parameters, which anybody can forge, and L1 {chain_id} is no \
         development chain: make a verifier for production from a ceremony's reference string (docs/validity.md §4), and give it with \
         --proof-verifier"
    )]
    ProofsNeedProduction {
        /// L1's chain id.
        chain_id: u64,
    },
    /// Nobody asks it.
    #[error(
        "--proof-verifier is for --settlement validity and hybrid: with {settlement} no proofs are taken"
    )]
    VerifierUnused {
        /// How claims become final.
        settlement: SettlementMode,
    },
    /// Anybody can forge what it takes.
    #[error(
        "--proof-verifier: this is the verifier of proofs with development parameters, which anybody can forge; on a development chain \
         it is deployed without the flag, and elsewhere one of `duplex-prover setup --params production` is needed (docs/validity.md §4)"
    )]
    VerifierIsDevelopments,
    /// What was begun is something else.
    #[error(
        "{} has a deployment that was cut off, with another --settlement, --proof-verifier, --bond-gas-price or delay: give the same \
         again, or remove the file to begin another",
        .path.display()
    )]
    OtherPlan {
        /// The plan of what was begun.
        path: PathBuf,
    },
    /// L1 takes no proofs.
    #[error(transparent)]
    Prover(#[from] duplex_actors::ProverError),
    /// No bonds make sense for these parameters.
    #[error("bonds: {0}")]
    Stake(#[from] duplex_stake::StakeError),
    /// L1 is another chain than the rollup's.
    #[error(
        "{url} is chain {found}, this rollup is on chain {expected}: use another --l1 URL, another --data-dir, or --fresh"
    )]
    WrongL1 {
        /// The URL.
        url: String,
        /// Its chain id.
        found: u64,
        /// The chain id of the deployment.
        expected: u64,
    },
    /// The key is not the sequencer's.
    #[error(
        "the key given belongs to {found}, L1 takes batches only from {expected}: use that key with --l1-key"
    )]
    WrongKey {
        /// Whose key was given.
        found: Address,
        /// The sequencer.
        expected: Address,
    },
    /// L1 does not have the rollup's contracts.
    #[error(
        "there is no contract at {address} on {url}: L1 was reset since the deployment; start over with --fresh, or use another --data-dir"
    )]
    NoContract {
        /// The URL.
        url: String,
        /// Where a contract should be.
        address: Address,
    },
    /// The key cannot pay for the deployment.
    #[error(
        "{address} has {balance} wei on L1 and needs {needed} to deploy: send it some ETH, or use another --l1-key"
    )]
    Unfunded {
        /// The deployer.
        address: Address,
        /// What it has.
        balance: U256,
        /// What it needs.
        needed: U256,
    },
    /// No key was given, and L1 is no development chain.
    #[error(
        "L1 chain {chain_id} is not a development chain: say with --l1-key which key deploys and operates the rollup"
    )]
    KeyNeeded {
        /// Its chain id.
        chain_id: u64,
    },
    /// The deployer's nonce moved on while deploying.
    #[error(
        "{address} sent other transactions while deploying (nonce {found}, expected {expected}): leave its key alone and start over with --fresh"
    )]
    NonceMoved {
        /// The deployer.
        address: Address,
        /// Its nonce.
        found: u64,
        /// The nonce of the next step.
        expected: u64,
    },
    /// A deployment transaction failed.
    #[error(
        "deployment of {contract} failed on L1, or was not mined in time (transaction {hash}); the same command goes on where it stopped"
    )]
    DeployFailed {
        /// The contract.
        contract: String,
        /// The transaction.
        hash: B256,
    },
    /// A relayer of the devnet does not start, or gave up.
    #[error("a relayer of the devnet does not run; {} says why", log.display())]
    RelayerProcess {
        /// What it wrote.
        log: PathBuf,
    },
    /// A devnet's relayer could not join.
    #[error(
        "a relayer of this devnet could not join: {why} (transaction {hash}); the same command tries again"
    )]
    Enlist {
        /// The transaction.
        hash: B256,
        /// What became of it.
        why: &'static str,
    },
    /// The genesis that this program makes is not the deployment's.
    #[error(
        "the deployment file says genesis {expected}, this program makes {found} of it: it was written by another version"
    )]
    WrongGenesis {
        /// What the file says.
        expected: B256,
        /// What this program makes.
        found: B256,
    },
    /// The directory belongs to a devnet with another kind of L1.
    #[error("{} was set up with {was}, now asked for {now}: use another --data-dir, or --fresh", path.display())]
    OtherSetup {
        /// The directory.
        path: PathBuf,
        /// How it was set up.
        was: String,
        /// What was asked for.
        now: String,
    },
    /// A part of the node failed; all others were stopped.
    #[error("{part} failed: {why}")]
    Part {
        /// Which.
        part: &'static str,
        /// Why.
        why: String,
    },
}
