//! The L1 client: JSON-RPC, transactions, and what has happened on L1.
//!
//! Everything above talks to L1 through standard JSON-RPC only, so any Ethereum L1 will do.

mod blobs;
mod data;
mod deployment;
mod http;
mod index;
pub mod manifest;
mod prices;
mod rpc;
mod tx_manager;
mod watcher;

pub use blobs::{
    BlobArchive, BlobElement, Blobs, BlobsError, prove_element, versioned_hash, versioned_hashes,
};
pub use data::{BatchReader, Carried, DataError};
pub use deployment::{
    Crossing, DEVELOPMENT_CHAINS, Deployment, DeploymentError, DevAccount, FaultProgram, L1Contracts,
    LaneContracts, Parameters, ProofParameters, RelayerContracts, RelayerTerms, SettlementMode, TokenInfo,
    ValidityContracts, takes_forgeries,
};
pub use http::{BodyError, client as http_client, read_body};
pub use index::{BatchEntry, ClaimEntry, ClaimStatus, L1Index};
pub use manifest::ManifestError;
pub use prices::{DaPrices, blobs_gas, calldata_gas};
pub use rpc::{AccountProof, L1Header, L1Transaction, Rpc, RpcError, SlotProof, TxReceipt};
pub use tx_manager::{FeeQuote, TxManager, TxManagerError, TxManagerOptions, TxRequest, sign_eip1559};
pub use watcher::{Watcher, WatcherError, WatcherOptions};
