//! The transaction pool: nonce order, replacement, limits and eviction.
//!
//! One pool serves either chain. It is a data structure behind one lock: it executes nothing,
//! waits for nothing and reads the chain's state only when it meets a sender for the first time.
//! After that [`Pool::on_block`] keeps it informed, at a cost that follows the senders that
//! changed, not the size of the pool.
//!
//! Of every sender, the transactions whose nonces follow the account's without a gap, and whose
//! total cost the balance covers, are *pending*: a block may hold them. The others are *queued*.
//!
//! # Example
//!
//! ```
//! use alloy_consensus::{SignableTransaction, TxEip1559};
//! use alloy_primitives::{Address, Signature, TxKind, U256};
//! use duplex_pool::{Pool, PoolConfig, PooledTx, SenderState};
//! use duplex_primitives::ChainConfig;
//!
//! let pool = Pool::new(PoolConfig::new(ChainConfig::l2_dev(42)));
//! let tx = TxEip1559 {
//!     chain_id: 42,
//!     gas_limit: 21_000,
//!     max_fee_per_gas: 2_000_000,
//!     max_priority_fee_per_gas: 1,
//!     to: TxKind::Call(Address::ZERO),
//!     ..Default::default()
//! };
//! // The node recovers the sender; nothing here depends on the signature.
//! let tx = PooledTx::new(tx.into_signed(Signature::test_signature()).into(), Address::ZERO);
//! let state = SenderState { nonce: 0, balance: U256::MAX, is_contract: false };
//! let added = pool.add(tx.clone(), |_| Ok::<_, std::io::Error>(state))?;
//! assert!(added.pending);
//! assert_eq!(pool.best(1_000_000, 0).map(|tx| tx.hash()).collect::<Vec<_>>(), [tx.hash()]);
//! # Ok::<_, duplex_pool::PoolError>(())
//! ```

mod account;
mod admission;
mod best;
mod block;
mod config;
mod error;
mod limits;
mod pool;
mod ranking;
mod state;
mod tx;

pub use account::SenderState;
pub use best::Best;
pub use block::BlockUpdate;
pub use config::PoolConfig;
pub use error::PoolError;
pub use pool::{AccountContent, Added, Pool, PoolStatus};
pub use tx::PooledTx;
