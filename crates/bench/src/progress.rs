//! What a measurement is doing.

use core::fmt;
use serde::Serialize;

/// A step of a measurement, for a progress line.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Progress {
    /// The endpoint answered.
    Connected {
        /// What the node calls itself, empty where it does not say.
        client: String,
        /// Its chain.
        chain_id: u64,
    },
    /// The ERC-20 token of the load is on the chain.
    TokenDeployed {
        /// The address of the token.
        token: alloy_primitives::Address,
    },
    /// Senders are being funded.
    Funding {
        /// Funding transactions that the chain included.
        done: u64,
        /// All of them.
        total: u64,
    },
    /// Transactions are being signed.
    Signing {
        /// Signed so far.
        done: u64,
        /// All of them.
        total: u64,
    },
    /// The clock runs.
    Sending {
        /// Seconds since the first transaction was sent.
        seconds: f64,
        /// Accepted by the endpoint so far.
        accepted: u64,
        /// Included by the chain so far.
        included: u64,
    },
    /// Sending is over; what was accepted is still being included.
    Draining {
        /// Seconds since the first transaction was sent.
        seconds: f64,
        /// Accepted but not yet included.
        outstanding: u64,
    },
}

impl fmt::Display for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connected { client, chain_id } => write!(f, "connected to chain {chain_id} ({client})"),
            Self::TokenDeployed { token } => write!(f, "token at {token}"),
            Self::Funding { done, total } => write!(f, "funding senders: {done}/{total}"),
            Self::Signing { done, total } => write!(f, "signing: {done}/{total}"),
            Self::Sending { seconds, accepted, included } => {
                write!(f, "{seconds:.0} s: {accepted} accepted, {included} included")
            }
            Self::Draining { seconds, outstanding } => {
                write!(f, "{seconds:.0} s: waiting for {outstanding} to be included")
            }
        }
    }
}
