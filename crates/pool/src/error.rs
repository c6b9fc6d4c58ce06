//! Why a transaction is refused, in the words that Ethereum's libraries look for.

use alloy_primitives::{Address, U256};
use std::error::Error;

/// Why a transaction is refused. The texts are go-ethereum's: wallets and libraries match them.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PoolError {
    /// It is in the pool.
    #[error("already known")]
    AlreadyKnown,
    /// Its kind does not belong on this chain, or not in a pool.
    #[error("transaction type not supported: tx type {0} not supported by this pool")]
    TypeNotSupported(u8),
    /// It was signed for another chain.
    #[error("invalid chain id for signer: have {have} want {want}")]
    ChainId {
        /// The chain it names.
        have: u64,
        /// This chain.
        want: u64,
    },
    /// Its encoding is too long.
    #[error("oversized data: transaction size {size}, limit {limit}")]
    Oversized {
        /// Bytes it has.
        size: usize,
        /// Bytes it may have.
        limit: usize,
    },
    /// Its initcode is too long (EIP-3860).
    #[error("max initcode size exceeded: code size {size}, limit {limit}")]
    InitcodeSize {
        /// Bytes it has.
        size: usize,
        /// Bytes it may have.
        limit: usize,
    },
    /// No transaction may have this much gas (EIP-7825).
    #[error("transaction gas limit too high (cap: {cap}, tx: {gas})")]
    GasLimitTooHigh {
        /// The highest limit.
        cap: u64,
        /// Its limit.
        gas: u64,
    },
    /// No block can hold it.
    #[error("exceeds block gas limit")]
    ExceedsBlockGasLimit {
        /// Its limit.
        gas: u64,
        /// The block's limit.
        limit: u64,
    },
    /// Its tip is higher than its fee cap.
    #[error("max priority fee per gas higher than max fee per gas")]
    TipAboveFeeCap {
        /// Highest tip, wei per gas.
        tip_cap: u128,
        /// Highest fee, wei per gas.
        fee_cap: u128,
    },
    /// Its nonce is the last one there is (EIP-2681).
    #[error("nonce has max value")]
    NonceMax,
    /// Its gas does not cover its data, its lists and its creation.
    #[error("intrinsic gas too low: gas {gas}, minimum needed {needed}")]
    IntrinsicGas {
        /// Its limit.
        gas: u64,
        /// What it needs before it runs.
        needed: u64,
    },
    /// Its gas does not cover the floor price of its data (EIP-7623).
    #[error("insufficient gas for floor data gas cost: gas {gas}, minimum needed {needed}")]
    FloorDataGas {
        /// Its limit.
        gas: u64,
        /// The floor.
        needed: u64,
    },
    /// Its tip is lower than the pool's lowest.
    #[error("transaction gas price below minimum: gas tip cap {have}, minimum needed {needed}")]
    TipTooLow {
        /// Its tip cap, wei per gas.
        have: u128,
        /// The pool's lowest, wei per gas.
        needed: u128,
    },
    /// Its fee cap is lower than the pool's lowest.
    #[error("transaction underpriced: gas fee cap {have}, minimum needed {needed}")]
    Underpriced {
        /// Its fee cap, wei per gas.
        have: u128,
        /// The pool's lowest, wei per gas.
        needed: u128,
    },
    /// Its blob fee cap is lower than any blob fee.
    #[error("transaction gas price below minimum: blob fee cap {have}, minimum needed {needed}")]
    BlobFeeTooLow {
        /// Its blob fee cap, wei per blob gas.
        have: u128,
        /// The lowest there is, wei per blob gas.
        needed: u128,
    },
    /// A blob transaction without blobs.
    #[error("blobless blob transaction")]
    Blobless,
    /// More blobs than a transaction may have (EIP-7594).
    #[error("too many blobs in transaction: have {have}, permitted {permitted}")]
    TooManyBlobs {
        /// Blobs it has.
        have: usize,
        /// Blobs it may have.
        permitted: usize,
    },
    /// A blob hash of an unknown version.
    #[error("blob {index} has invalid hash version {version}")]
    BlobVersion {
        /// Which hash.
        index: usize,
        /// Its first byte.
        version: u8,
    },
    /// An EIP-7702 transaction that delegates nothing.
    #[error("set code tx must have at least one authorization tuple")]
    EmptyAuthorizations,
    /// The sender has code of its own (EIP-3607).
    #[error("sender not an eoa: address {0}")]
    SenderNotEoa(Address),
    /// Its nonce is used.
    #[error("nonce too low: next nonce {next}, tx nonce {nonce}")]
    NonceTooLow {
        /// The account's nonce.
        next: u64,
        /// Its nonce.
        nonce: u64,
    },
    /// The balance does not cover it.
    #[error("insufficient funds for gas * price + value: balance {balance}, tx cost {cost}, overshot {}", cost.saturating_sub(*balance))]
    InsufficientFunds {
        /// What the sender has, in wei.
        balance: U256,
        /// The most it costs, in wei.
        cost: U256,
    },
    /// The balance does not cover it and the sender's other transactions in the pool.
    #[error("insufficient funds for gas * price + value: balance {balance}, queued cost {queued}, tx cost {cost}, overshot {}", queued.saturating_add(*cost).saturating_sub(*balance))]
    Overdraft {
        /// What the sender has, in wei.
        balance: U256,
        /// What its transactions in the pool cost at most, in wei.
        queued: U256,
        /// What this one costs at most, in wei.
        cost: U256,
    },
    /// The balance does not cover what it costs more than the transaction it would replace.
    #[error("insufficient funds for gas * price + value: balance {balance}, queued cost {queued}, tx bumped {bump}, overshot {}", queued.saturating_add(*bump).saturating_sub(*balance))]
    OverdraftReplacement {
        /// What the sender has, in wei.
        balance: U256,
        /// What its transactions in the pool cost at most, in wei.
        queued: U256,
        /// What this one adds to it, in wei.
        bump: U256,
    },
    /// It does not raise the fees of the one it would replace by enough.
    #[error(
        "replacement transaction underpriced: new tx gas fee cap {fee_cap} tip {tip_cap}, queued {queued_fee_cap} tip {queued_tip_cap} + {bump_percent}% replacement penalty"
    )]
    ReplacementUnderpriced {
        /// Its fee cap, wei per gas.
        fee_cap: u128,
        /// Its tip cap, wei per gas.
        tip_cap: u128,
        /// The other's fee cap, wei per gas.
        queued_fee_cap: u128,
        /// The other's tip cap, wei per gas.
        queued_tip_cap: u128,
        /// By how many percent each must rise.
        bump_percent: u64,
    },
    /// The sender has as many transactions as it may have.
    #[error("account limit exceeded: pooled {pooled} txs")]
    AccountLimit {
        /// How many it has.
        pooled: usize,
    },
    /// The pool is full of transactions that pay more.
    #[error("txpool is full: {txs} txs, {bytes} bytes")]
    Full {
        /// Transactions in the pool.
        txs: usize,
        /// Bytes in the pool.
        bytes: usize,
    },
    /// The sender's account could not be read: not the transaction's fault.
    #[error("state of the sender: {0}")]
    State(#[source] Box<dyn Error + Send + Sync>),
}
