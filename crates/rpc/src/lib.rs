//! JSON-RPC over HTTP and WebSocket for an EVM chain.
//!
//! The same methods serve the development L1 and the rollup: everything here takes a [`ChainApi`]
//! and asks it which rules hold. A namespace is a [`jsonrpsee::RpcModule`]; [`serve`] puts the
//! merged modules on one port.
//!
//! Blocks are named as everywhere on Ethereum. `safe` and `finalized` are the chain's own heads;
//! `pending` is the state after the newest block, under the header that the next block would have
//! if it were empty, and with the nonces of the transaction pool.

mod beacon;
mod blocks;
mod config;
mod context;
mod convert;
mod debug;
mod dev;
mod error;
mod eth;
mod filters;
mod ids;
mod l1_fee;
mod logs;
mod middleware;
mod misc;
mod params;
mod revert;
mod server;
mod simulate;
mod submit;
mod txpool;

pub use beacon::{FindBlob, archive_route, beacon_route};
pub use config::RpcConfig;
pub use context::{ChainApi, SyncProgress};
pub use convert::{RpcBlock, RpcReceipt, RpcTransaction, header_of, receipt_of, transaction_of};
pub use debug::debug_module;
pub use dev::{DevApi, dev_module};
pub use error::{RpcError, RpcResult};
pub use eth::eth_module;
pub use misc::{client_version, misc_module};
pub use server::{HttpResponse, HttpRoute, RunningServer, ServeError, serve};
pub use submit::{DevSubmit, PoolSubmit, SubmitFuture, SubmitRaw};
pub use txpool::txpool_module;
