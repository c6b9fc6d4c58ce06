//! The L1 client: JSON-RPC, transactions, and what has happened on L1.
//!
//! Everything above talks to L1 through standard JSON-RPC only, so any Ethereum L1 will do.

mod deployment;
mod index;
mod rpc;
mod tx_manager;
mod watcher;

pub use deployment::{Deployment, DeploymentError, DevAccount, L1Contracts, Parameters, TokenInfo};
pub use index::{BatchEntry, ClaimEntry, ClaimStatus, L1Index};
pub use rpc::{AccountProof, L1Header, Rpc, RpcError, TxReceipt};
pub use tx_manager::{FeeQuote, TxManager, TxManagerError, TxManagerOptions, TxRequest, sign_eip1559};
pub use watcher::{Watcher, WatcherError, WatcherOptions};
