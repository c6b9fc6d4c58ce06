//! Ethereum JSON-RPC, as far as Duplex needs it.

use std::{sync::Arc, time::Duration};

use alloy_consensus::Header;
use alloy_eips::eip7840::BlobParams;
use alloy_json_rpc::{RpcError as TransportError, RpcSend};
use alloy_primitives::{Address, B256, Bytes, U64, U256, keccak256};
use alloy_rpc_client::RpcClient;
use alloy_rpc_types_eth::Log;
use alloy_sol_types::{Revert, SolCall, SolError};
use alloy_transport::TransportErrorKind;
use reqwest::Url;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};
use thiserror::Error;
use tokio::sync::{Mutex, MutexGuard};

use crate::http::Http;

/// Times a call is tried when the connection fails, and the pause after the first failure.
const ATTEMPTS: u32 = 4;
const FIRST_PAUSE: Duration = Duration::from_millis(100);
/// A node that refuses a range of L1 blocks is asked for this part of it, down to the least.
const NARROWER: u64 = 8;
const LEAST_BLOCKS: u64 = 500;
/// No single call takes longer.
const TIMEOUT: Duration = Duration::from_secs(30);
/// No answer has more bytes. Nodes of ours end theirs at 160 MiB, and nothing is asked of L1 that comes near.
const MOST_BYTES: usize = 256 << 20;

/// Why a call failed.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum RpcError {
    /// The URL does not parse.
    #[error("{url:?} is not a URL ({why}); expected something like http://127.0.0.1:8545")]
    Url {
        /// What was given.
        url: String,
        /// What is wrong with it.
        why: String,
    },
    /// Nothing answers there.
    #[error("no answer from {url} to {method}: {why}")]
    Unreachable {
        /// Where.
        url: String,
        /// Which call.
        method: String,
        /// What happened.
        why: String,
    },
    /// The node answered with an error.
    #[error("{method}: {message}{}", revert_text(.data))]
    Rejected {
        /// Which call.
        method: String,
        /// JSON-RPC error code.
        code: i64,
        /// The node's words.
        message: String,
        /// Revert data, if the call reverted.
        data: Option<Bytes>,
    },
    /// The node's answer makes no sense.
    #[error("{url} answered {method} with something unexpected: {why}")]
    Malformed {
        /// Where.
        url: String,
        /// Which call.
        method: String,
        /// What is wrong.
        why: String,
    },
}

fn revert_text(data: &Option<Bytes>) -> String {
    match data {
        Some(data) if data.len() >= 4 => match Revert::abi_decode(data) {
            Ok(revert) => format!(" ({})", revert.reason),
            Err(_) => format!(" (revert data {data})"),
        },
        _ => String::new(),
    }
}

impl RpcError {
    /// True if the same call may succeed later without anything being changed.
    pub const fn is_temporary(&self) -> bool {
        matches!(self, Self::Unreachable { .. })
    }

    /// Whether a contract refused a call, and not the node: code 3 and revert data are widely agreed on, else there are only words.
    pub fn is_revert(&self) -> bool {
        match self {
            Self::Rejected { code, message, data, .. } => {
                *code == 3 || data.is_some() || message.to_lowercase().contains("revert")
            }
            _ => false,
        }
    }

    /// The node's own words, if it refused.
    pub fn rejection(&self) -> Option<&str> {
        match self {
            Self::Rejected { message, .. } => Some(message),
            _ => None,
        }
    }
}

/// Whether a node's words mean that it has the transaction already; each has its own.
fn is_known(text: &str) -> bool {
    let text = text.to_lowercase();
    ["already known", "alreadyknown", "already imported", "known transaction"]
        .iter()
        .any(|known| text.contains(known))
}

/// A block's header and hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct L1Header {
    /// Hash of the block.
    pub hash: B256,
    /// The header itself.
    pub header: Header,
}

/// A transaction's receipt: what is common to all kinds and chains.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TxReceipt {
    /// Hash of the transaction.
    pub transaction_hash: B256,
    /// Block that includes it.
    pub block_number: U64,
    /// Hash of that block.
    pub block_hash: B256,
    /// 1 if it succeeded.
    pub status: U64,
    /// Gas it used.
    pub gas_used: U64,
    /// Wei per gas that it paid.
    #[serde(default)]
    pub effective_gas_price: U256,
    /// Contract it created.
    #[serde(default)]
    pub contract_address: Option<Address>,
    /// What it emitted.
    pub logs: Vec<Log>,
    /// L1 data fee in wei (L2 only).
    #[serde(default)]
    pub l1_fee: Option<U256>,
}

impl TxReceipt {
    /// True if it did not revert.
    pub fn is_success(&self) -> bool {
        self.status == U64::from(1)
    }

    /// What the sender paid for gas, in wei, the L1 data fee included.
    pub fn cost(&self) -> U256 {
        self.effective_gas_price * U256::from(self.gas_used) + self.l1_fee.unwrap_or_default()
    }
}

/// What is read of a transaction.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct L1Transaction {
    /// Who signed it.
    pub from: Address,
    /// How many its signer had sent before.
    pub nonce: U64,
    /// What it calls; `None` if it creates a contract.
    pub to: Option<Address>,
    /// Its input.
    pub input: Bytes,
    /// Versioned hashes of its blobs.
    #[serde(default)]
    pub blob_versioned_hashes: Option<Vec<B256>>,
}

/// An answer to `eth_getProof`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AccountProof {
    /// Transactions sent by it, or contracts created.
    pub nonce: U64,
    /// Wei.
    pub balance: U256,
    /// Hash of its code.
    pub code_hash: B256,
    /// Nodes from the state root to the account.
    pub account_proof: Vec<Bytes>,
    /// Root of its storage.
    pub storage_hash: B256,
    /// One proof per slot asked for.
    pub storage_proof: Vec<SlotProof>,
}

/// Part of an answer to `eth_getProof`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlotProof {
    /// Value of the slot.
    pub value: U256,
    /// Nodes from the storage root to the slot.
    pub proof: Vec<Bytes>,
}

/// A connection to an Ethereum node.
#[derive(Debug, Clone)]
pub struct Rpc {
    client: RpcClient,
    url: String,
    /// Of this and its clones.
    sending: Arc<Mutex<()>>,
}

impl Rpc {
    /// A connection to the node at `url` (HTTP or HTTPS). Nothing is sent yet.
    ///
    /// # Errors
    /// If the URL does not parse, or TLS cannot be set up.
    pub fn new(url: &str) -> Result<Self, RpcError> {
        Self::with_limit(url, MOST_BYTES)
    }

    pub(crate) fn with_limit(url: &str, most: usize) -> Result<Self, RpcError> {
        let parsed: Url =
            url.parse().map_err(|why| RpcError::Url { url: url.into(), why: format!("{why}") })?;
        if !matches!(parsed.scheme(), "http" | "https") {
            let why = format!("the scheme is {}", parsed.scheme());
            return Err(RpcError::Url { url: url.into(), why });
        }
        let http = Http::new(parsed, most).map_err(|why| RpcError::Unreachable {
            url: url.into(),
            method: "anything".into(),
            why: why.to_string(),
        })?;
        // How far a node is away makes no difference here.
        Ok(Self { client: RpcClient::new(http, false), url: url.into(), sending: Arc::default() })
    }

    /// Where the node is.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Waits for its turn to send. Whoever asks for an account's next nonce keeps this until the transaction with it is
    /// sent: else another that is sent at the same time takes the same nonce, and replaces it or is refused.
    pub async fn turn(&self) -> MutexGuard<'_, ()> {
        self.sending.lock().await
    }

    /// Any call. Tried again with growing pauses while the node cannot be reached.
    ///
    /// # Errors
    /// If the node refuses, or cannot be reached for about a second.
    pub async fn request<
        P: RpcSend + Clone,
        R: DeserializeOwned + std::fmt::Debug + Send + Sync + Unpin + 'static,
    >(
        &self,
        method: &str,
        params: P,
    ) -> Result<R, RpcError> {
        let mut pause = FIRST_PAUSE;
        let mut attempt = 1;
        loop {
            let call = self.client.request::<P, R>(method.to_owned(), params.clone());
            let error = match tokio::time::timeout(TIMEOUT, call).await {
                Ok(Ok(value)) => return Ok(value),
                Ok(Err(error)) => self.classify(method, error),
                Err(_) => self.unreachable(method, "timed out"),
            };
            if !error.is_temporary() || attempt == ATTEMPTS {
                return Err(error);
            }
            attempt += 1;
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
    }

    fn unreachable(&self, method: &str, why: impl ToString) -> RpcError {
        RpcError::Unreachable { url: self.url.clone(), method: method.into(), why: why.to_string() }
    }

    fn classify(&self, method: &str, error: TransportError<TransportErrorKind>) -> RpcError {
        match error {
            TransportError::ErrorResp(payload) => RpcError::Rejected {
                method: method.into(),
                code: payload.code,
                message: payload.message.to_string(),
                data: payload.as_revert_data(),
            },
            TransportError::Transport(kind) => {
                let mut why = kind.to_string();
                let mut cause = std::error::Error::source(&kind);
                while let Some(inner) = cause {
                    why = format!("{why}: {inner}");
                    cause = inner.source();
                }
                self.unreachable(method, why)
            }
            other => self.malformed(method, other),
        }
    }

    fn malformed(&self, method: &str, why: impl ToString) -> RpcError {
        RpcError::Malformed { url: self.url.clone(), method: method.into(), why: why.to_string() }
    }

    /// The chain id.
    ///
    /// # Errors
    /// As [`request`](Self::request), which holds for all calls below.
    pub async fn chain_id(&self) -> Result<u64, RpcError> {
        self.request::<_, U64>("eth_chainId", ()).await.map(|id| id.to())
    }

    /// Number of the newest block.
    ///
    /// # Errors
    /// As [`request`](Self::request).
    pub async fn block_number(&self) -> Result<u64, RpcError> {
        self.request::<_, U64>("eth_blockNumber", ()).await.map(|number| number.to())
    }

    async fn header_of(&self, id: Value) -> Result<Option<L1Header>, RpcError> {
        self.header_from("eth_getBlockByNumber", id).await
    }

    async fn header_from(&self, method: &str, id: Value) -> Result<Option<L1Header>, RpcError> {
        let block: Option<Value> = self.request(method, (id, false)).await?;
        let Some(block) = block else { return Ok(None) };
        let hash: B256 =
            serde_json::from_value(block["hash"].clone()).map_err(|why| self.malformed(method, why))?;
        let header: Header = serde_json::from_value(block).map_err(|why| self.malformed(method, why))?;
        // Everything that follows relies on headers being what their hash says.
        if header.hash_slow() != hash {
            return Err(self.malformed(method, format!("block {} does not hash to {hash}", header.number)));
        }
        Ok(Some(L1Header { hash, header }))
    }

    /// The header of block `number`, checked against its hash; `None` if there is none yet.
    ///
    /// # Errors
    /// As [`request`](Self::request).
    pub async fn header(&self, number: u64) -> Result<Option<L1Header>, RpcError> {
        self.header_of(json!(U64::from(number))).await
    }

    /// The header of the block with this hash; `None` if the node does not have it.
    ///
    /// # Errors
    /// As [`request`](Self::request).
    pub async fn header_by_hash(&self, hash: B256) -> Result<Option<L1Header>, RpcError> {
        Ok(self.header_from("eth_getBlockByHash", json!(hash)).await?.filter(|header| header.hash == hash))
    }

    /// The newest header.
    ///
    /// # Errors
    /// As [`request`](Self::request).
    pub async fn latest_header(&self) -> Result<L1Header, RpcError> {
        let header = self.header_of(json!("latest")).await?;
        header.ok_or_else(|| self.malformed("eth_getBlockByNumber", "there is no latest block"))
    }

    /// Number of the newest block that is `safe` or `finalized`; `None` if there is none yet.
    ///
    /// # Errors
    /// As [`request`](Self::request).
    pub async fn tagged_block_number(&self, tag: &str) -> Result<Option<u64>, RpcError> {
        Ok(self.header_of(json!(tag)).await?.map(|header| header.header.number))
    }

    /// Logs of `addresses` in a range of blocks.
    ///
    /// # Errors
    /// As [`request`](Self::request).
    pub async fn logs(&self, addresses: &[Address], from: u64, to: u64) -> Result<Vec<Log>, RpcError> {
        let filter = json!({ "address": addresses, "fromBlock": U64::from(from), "toBlock": U64::from(to) });
        self.request("eth_getLogs", (filter,)).await
    }

    /// Logs of `addresses` in one block. A node that does not have that block, since it lags or went another way, should say
    /// so (EIP-234); asked by numbers, all answer as if there were none.
    ///
    /// # Errors
    /// As [`request`](Self::request).
    pub async fn logs_of_block(&self, addresses: &[Address], hash: B256) -> Result<Vec<Log>, RpcError> {
        self.request("eth_getLogs", (json!({ "address": addresses, "blockHash": hash }),)).await
    }

    /// All logs with these topics in a range of blocks, of one contract or of any; `None` stands for any
    /// topic. Many nodes give only some thousand blocks at a time: then they are asked in parts.
    ///
    /// # Errors
    /// As [`request`](Self::request).
    pub async fn logs_by_topics(
        &self,
        address: Option<Address>,
        topics: &[Option<B256>],
        from: u64,
        to: u64,
    ) -> Result<Vec<Log>, RpcError> {
        let (mut logs, mut from) = (Vec::new(), from);
        let mut blocks = to.saturating_sub(from).saturating_add(1);
        while from <= to {
            let end = to.min(from.saturating_add(blocks - 1));
            let mut filter =
                json!({ "topics": topics, "fromBlock": U64::from(from), "toBlock": U64::from(end) });
            if let Some(address) = address {
                filter["address"] = json!(address);
            }
            match self.request::<_, Vec<Log>>("eth_getLogs", (filter,)).await {
                Ok(more) => {
                    logs.extend(more);
                    from = end.saturating_add(1);
                }
                Err(error) if error.is_temporary() || blocks <= LEAST_BLOCKS => return Err(error),
                Err(_) => blocks = LEAST_BLOCKS.max(blocks / NARROWER),
            }
        }
        Ok(logs)
    }

    /// Calls a contract on the newest state.
    ///
    /// # Errors
    /// As [`request`](Self::request); also if it answers with what does not decode.
    pub async fn call<C: SolCall>(&self, to: Address, call: &C) -> Result<C::Return, RpcError> {
        self.call_in(to, call, json!("latest")).await
    }

    /// Calls a contract as of a block, by its hash: a node that does not have that refuses (EIP-1898).
    ///
    /// # Errors
    /// As [`request`](Self::request), and if the answer does not decode.
    pub async fn call_at<C: SolCall>(
        &self,
        to: Address,
        call: &C,
        block: B256,
    ) -> Result<C::Return, RpcError> {
        self.call_in(to, call, json!({ "blockHash": block })).await
    }

    async fn call_in<C: SolCall>(&self, to: Address, call: &C, block: Value) -> Result<C::Return, RpcError> {
        let request = json!({ "to": to, "data": Bytes::from(call.abi_encode()) });
        let bytes: Bytes = self.request("eth_call", (request, block)).await?;
        C::abi_decode_returns(&bytes)
            .map_err(|why| self.malformed("eth_call", format!("{} at {to}: {why}", C::SIGNATURE)))
    }

    /// Balance in wei.
    ///
    /// # Errors
    /// As [`request`](Self::request).
    pub async fn balance(&self, address: Address) -> Result<U256, RpcError> {
        self.request("eth_getBalance", (address, "latest")).await
    }

    /// Next nonce; with `pending`, after what is in the pool.
    ///
    /// # Errors
    /// As [`request`](Self::request).
    pub async fn nonce(&self, address: Address, pending: bool) -> Result<u64, RpcError> {
        let tag = if pending { "pending" } else { "latest" };
        self.request::<_, U64>("eth_getTransactionCount", (address, tag)).await.map(|nonce| nonce.to())
    }

    /// Runtime code.
    ///
    /// # Errors
    /// As [`request`](Self::request).
    pub async fn code(&self, address: Address) -> Result<Bytes, RpcError> {
        self.request("eth_getCode", (address, "latest")).await
    }

    /// What the node suggests as priority fee, in wei per gas.
    ///
    /// # Errors
    /// As [`request`](Self::request).
    pub async fn priority_fee(&self) -> Result<u128, RpcError> {
        self.request::<_, U256>("eth_maxPriorityFeePerGas", ()).await.map(|fee| fee.saturating_to())
    }

    /// Gas that a transaction would use in the state of the newest block: what waits beside it may never be mined.
    ///
    /// # Errors
    /// As [`request`](Self::request); a revert is a rejection with its data.
    pub async fn estimate_gas(
        &self,
        from: Address,
        to: Option<Address>,
        value: U256,
        data: &Bytes,
    ) -> Result<u64, RpcError> {
        self.estimate_gas_with_blobs(from, to, value, data, &[]).await
    }

    /// As [`estimate_gas`](Self::estimate_gas), for a transaction with blobs.
    ///
    /// # Errors
    /// As [`request`](Self::request); a revert is a rejection with its data.
    pub async fn estimate_gas_with_blobs(
        &self,
        from: Address,
        to: Option<Address>,
        value: U256,
        data: &Bytes,
        blobs: &[B256],
    ) -> Result<u64, RpcError> {
        let mut tx = json!({ "from": from, "value": value, "data": data });
        if !blobs.is_empty() {
            let head = self.latest_header().await?.header;
            let fee = head.next_block_blob_fee(BlobParams::osaka()).unwrap_or(1);
            tx["blobVersionedHashes"] = json!(blobs);
            tx["maxFeePerBlobGas"] = json!(U256::from(fee) * U256::from(2));
        }
        if let Some(to) = to {
            tx["to"] = json!(to);
        }
        self.request::<_, U64>("eth_estimateGas", (tx, "latest")).await.map(|gas| gas.to())
    }

    /// Sends a signed transaction; gives its hash. One that the node knows already is no error.
    ///
    /// # Errors
    /// As [`request`](Self::request).
    pub async fn send_raw(&self, raw: &Bytes) -> Result<B256, RpcError> {
        match self.request("eth_sendRawTransaction", (raw,)).await {
            Err(error) if error.rejection().is_some_and(is_known) => Ok(keccak256(raw)),
            other => other,
        }
    }

    /// A transaction's receipt, if it is in a block.
    ///
    /// # Errors
    /// As [`request`](Self::request).
    pub async fn receipt(&self, hash: B256) -> Result<Option<TxReceipt>, RpcError> {
        self.request("eth_getTransactionReceipt", (hash,)).await
    }

    /// A transaction, if L1 has it.
    ///
    /// # Errors
    /// As [`request`](Self::request).
    pub async fn transaction(&self, hash: B256) -> Result<Option<L1Transaction>, RpcError> {
        self.request("eth_getTransactionByHash", (hash,)).await
    }

    /// Merkle proofs of an account and some of its slots at a block.
    ///
    /// # Errors
    /// As [`request`](Self::request).
    pub async fn proof(
        &self,
        address: Address,
        slots: &[B256],
        block: u64,
    ) -> Result<AccountProof, RpcError> {
        self.request("eth_getProof", (address, slots, U64::from(block))).await
    }
}
