//! The settings of a load.

use alloy_primitives::{Address, B256, Bytes, b256};
use alloy_signer_local::PrivateKeySigner;
use serde::{Deserialize, Serialize};

/// The key of the first account of "test test … junk", which every development chain funds.
const DEVELOPMENT_KEY: B256 = b256!("ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80");

/// Whom the transfers pay.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Recipients {
    /// An address that was never paid before, every time: the state grows by one account or
    /// balance per transaction, which is the hardest case for a node.
    #[default]
    Fresh,
    /// The other senders.
    Senders,
}

/// Which token an ERC-20 load moves. The funding account must hold the tokens that are sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Erc20 {
    /// [`MINIMAL_ERC20`](crate::MINIMAL_ERC20), deployed before the load starts.
    #[default]
    Minimal,
    /// Creation code, constructor arguments included, deployed before the load starts. It must
    /// give the supply to its creator.
    Code(Bytes),
    /// A token that is on the chain.
    Deployed(Address),
}

/// A load of plain or ERC-20 transfers, and how to send it.
///
/// Every sender is a new account, funded from one account before the load starts. `Debug` does not
/// show the funding key.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct TransferLoad {
    /// Where to send: a plain `http://` URL.
    pub rpc_url: String,
    /// What to call the target in the report; `None` for what the node calls itself.
    pub label: Option<String>,
    /// How long to send, in seconds.
    pub seconds: f64,
    /// Transactions per second to aim at; `None` for as many as the endpoint takes.
    pub rate: Option<f64>,
    /// Where there is no rate, the rate for which transactions are signed beforehand. A run that
    /// uses them up ends early and says so.
    pub max_rate: f64,
    /// Exactly how many transactions to sign and send; `None` to derive it from the rate.
    pub transactions: Option<u64>,
    /// Transactions per HTTP request: 1 for plain requests, more for JSON-RPC batches.
    pub batch: u32,
    /// Keep-alive connections, each with one request outstanding.
    pub connections: u32,
    /// Senders. Each always uses the same connection, so there are never more connections.
    pub accounts: u32,
    /// Whom the transfers pay.
    pub recipients: Recipients,
    /// The token to transfer; `None` for ether.
    pub erc20: Option<Erc20>,
    /// The account that funds the senders.
    pub funding_key: PrivateKeySigner,
    /// The chain that the endpoint must serve; `None` for any.
    pub chain_id: Option<u64>,
    /// What the maximum fee allows for: this many times the base fee at the start.
    pub fee_multiple: u64,
    /// Most transactions accepted but not included at any time; sending pauses beyond. Nodes
    /// with a small pool drop the surplus silently, which shows as `missing` in the report.
    pub max_pending: u64,
    /// How long to wait for the last inclusion after sending ended, in seconds.
    pub drain_seconds: f64,
    /// How often to ask for the head of the chain, in milliseconds. Inclusion is seen this late.
    pub poll_ms: u64,
    /// What the senders' keys are derived from, together with the run nonce.
    pub seed: B256,
    /// Sets this run apart from earlier ones on the same chain; `None` for a random one.
    pub run_nonce: Option<u64>,
    /// Processes of the node, whose processor time and memory are reported. The own process is
    /// allowed: the sending thread is then not counted as the node's. Linux only.
    pub node_pids: Vec<u32>,
}

impl TransferLoad {
    /// A load of ether transfers with the defaults: 10 s, as fast as the endpoint takes them, one
    /// transaction per request, 16 connections, 256 senders, fresh recipients, paid by the first
    /// account of the usual development mnemonic.
    ///
    /// # Panics
    ///
    /// Never: the default funding key is valid.
    pub fn new(rpc_url: impl Into<String>) -> Self {
        let funding_key = PrivateKeySigner::from_bytes(&DEVELOPMENT_KEY).expect("a valid key");
        Self {
            rpc_url: rpc_url.into(),
            label: None,
            seconds: 10.0,
            rate: None,
            max_rate: 20_000.0,
            transactions: None,
            batch: 1,
            connections: 16,
            accounts: 256,
            recipients: Recipients::default(),
            erc20: None,
            funding_key,
            chain_id: None,
            fee_multiple: 10,
            max_pending: 50_000,
            drain_seconds: 60.0,
            poll_ms: 50,
            seed: B256::ZERO,
            run_nonce: None,
            node_pids: Vec::new(),
        }
    }

    /// How many transactions to sign.
    pub(crate) fn planned(&self) -> u64 {
        let rate = self.rate.unwrap_or(self.max_rate);
        self.transactions.unwrap_or_else(|| (rate * self.seconds).ceil().max(0.0) as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloy_primitives::address;

    #[test]
    fn defaults() {
        let mut load = TransferLoad::new("http://localhost:1");
        assert_eq!(load.funding_key.address(), address!("f39Fd6e51aad88F6F4ce6aB8827279cffFb92266"));
        assert_eq!(load.planned(), 200_000);
        load.rate = Some(10.0);
        assert_eq!(load.planned(), 100);
        load.transactions = Some(7);
        assert_eq!(load.planned(), 7);
        assert!(!format!("{load:?}").to_lowercase().contains("ac0974bec39a17"));
    }
}
