//! What stops a measurement, and the way out of each.

use alloy_primitives::{Address, U256};

/// Why a load could not be measured.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BenchError {
    /// The URL is not one that the load generator can speak to.
    #[error("cannot use RPC URL {url:?}: {reason}; give a plain one such as http://127.0.0.1:8545")]
    Url {
        /// The URL as given.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Transactions cannot be put into a batch.
    #[error("encoding a batch: {0}")]
    Content(#[from] duplex_primitives::ContentError),
    /// Compressing failed.
    #[error("compressing: {0}")]
    Compress(std::io::Error),
    /// Nothing answers at the URL, or it stopped answering.
    #[error("no usable answer from {url}: {reason}; check that the node runs and serves HTTP JSON-RPC there")]
    Unreachable {
        /// The URL as given.
        url: String,
        /// What the connection reported.
        reason: String,
    },
    /// The endpoint refused a call that the measurement needs.
    #[error("{method} was refused with code {code}: {message}")]
    Rpc {
        /// The JSON-RPC method.
        method: String,
        /// The JSON-RPC error code.
        code: i64,
        /// The message of the endpoint.
        message: String,
    },
    /// The endpoint answered with something that is not the result of the method.
    #[error("{method} answered with something unexpected ({reason}); is this an Ethereum JSON-RPC?")]
    Malformed {
        /// The JSON-RPC method.
        method: String,
        /// What did not fit.
        reason: String,
    },
    /// The endpoint serves another chain than the one asked for.
    #[error("the endpoint serves chain {found}, not chain {expected}; point --rpc at the right node")]
    WrongChain {
        /// The chain that the caller named.
        expected: u64,
        /// The chain of the endpoint.
        found: u64,
    },
    /// The funding account cannot pay for the load.
    #[error(
        "the funding account {address} holds {balance} wei but the load needs {needed} wei; send it the difference, \
         give another funding key, or ask for fewer seconds, a lower rate or fewer accounts"
    )]
    Unfunded {
        /// The funding account.
        address: Address,
        /// What it holds, in wei.
        balance: U256,
        /// What the load needs, in wei.
        needed: U256,
    },
    /// A transaction of the preparation failed on the chain.
    #[error(
        "the {what} transaction failed on the chain; check the token and the balance of the funding account"
    )]
    SetupFailed {
        /// What the transaction was for.
        what: &'static str,
    },
    /// The preparation was not included in time.
    #[error("{what} was not included within {seconds} s; is the chain producing blocks?")]
    SetupTimeout {
        /// What was waited for.
        what: &'static str,
        /// How long, in seconds.
        seconds: u64,
    },
    /// The endpoint took none of the transactions.
    #[error("the endpoint accepted none of {sent} transactions; it said: {message}")]
    NothingAccepted {
        /// How many were sent.
        sent: u64,
        /// The most frequent error.
        message: String,
    },
    /// The settings contradict each other.
    #[error("{0}")]
    Settings(String),
    /// A transaction could not be signed.
    #[error("cannot sign: {0}")]
    Sign(#[from] alloy_signer::Error),
    /// The thread or the runtime of the load could not be started, or ended early.
    #[error("the load generator could not run: {0}")]
    Runtime(String),
}
