//! Wires a node together: embedded L1, deployment, rollup, shutdown.
//!
//! [`Devnet`] is what `duplex up` runs: an embedded L1 (or another one by URL), the contracts on
//! it, and the rollup. [`EmbeddedL1`] and [`RollupNode`] are its two storeys, each usable alone.

mod api;
mod deploy;
mod dev_prover;
mod dev_relayers;
mod devnet;
mod embedded_l1;
mod error;
mod forward;
mod keys;
mod pace;
mod pair;
mod relayers;
mod rollup;
mod tasks;

pub use deploy::{BOND_GAS_PRICE, DeployOptions, RELAYER_STAKE, deploy};
pub use dev_prover::{BUILD as BUILD_PROVER, DevProver, find_prover};
pub use devnet::{Delays, Devnet, DevnetOptions};
pub use embedded_l1::{EmbeddedL1, EmbeddedL1Options, L1_CHAIN_ID};
pub use error::NodeError;
pub use keys::{MNEMONIC, dev_accounts, dev_key, parse_key};
pub use pace::Pace;
pub use pair::Pair;
pub use relayers::{Relayer, RelayerOptions};
pub use rollup::{BlobOptions, L2_CHAIN_ID, Roles, RollupNode, RollupOptions};
pub use tasks::Tasks;
