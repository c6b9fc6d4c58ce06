//! The few standard calls that surround a load.

use crate::BenchError;
use crate::http::{Endpoint, HttpConnection};
use alloy_primitives::{Address, B256, Bytes, U64, U256};
use serde::{Deserialize, de::DeserializeOwned};
use serde_json::value::RawValue;
use serde_json::{Value, json};

/// A client of its own connection, one call at a time.
#[derive(Debug)]
pub(crate) struct RpcClient(HttpConnection);

/// What a load reads of a block.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct RpcBlock {
    pub(crate) gas_used: U64,
    pub(crate) gas_limit: U64,
    #[serde(default)]
    pub(crate) base_fee_per_gas: Option<U256>,
    #[serde(default)]
    pub(crate) transactions: Vec<B256>,
}

/// What a load reads of a receipt.
#[derive(Debug, Deserialize)]
pub(crate) struct RpcReceipt {
    pub(crate) status: U64,
}

#[derive(Deserialize)]
struct Reply<'a> {
    #[serde(borrow, default)]
    result: Option<&'a RawValue>,
    #[serde(default)]
    error: Option<ReplyError>,
}

/// The error of a JSON-RPC reply.
#[derive(Debug, Deserialize)]
pub(crate) struct ReplyError {
    #[serde(default)]
    pub(crate) code: i64,
    #[serde(default)]
    pub(crate) message: String,
}

impl RpcClient {
    pub(crate) const fn new(endpoint: Endpoint) -> Self {
        Self(HttpConnection::new(endpoint))
    }

    pub(crate) async fn call<T: DeserializeOwned>(
        &mut self,
        method: &str,
        params: Value,
    ) -> Result<T, BenchError> {
        let body = json!({ "jsonrpc": "2.0", "id": 1, "method": method, "params": params }).to_string();
        let malformed = |reason: String| BenchError::Malformed { method: method.to_owned(), reason };
        let url = self.0.url().to_owned();
        let posted = self.0.post(body.into()).await;
        let (status, bytes) = posted.map_err(|reason| BenchError::Unreachable { url, reason })?;
        let reply: Reply<'_> =
            serde_json::from_slice(&bytes).map_err(|error| malformed(format!("HTTP {status}: {error}")))?;
        if let Some(ReplyError { code, message }) = reply.error {
            return Err(BenchError::Rpc { method: method.to_owned(), code, message });
        }
        // A null result reads as an absent one.
        let result = reply.result.map_or("null", RawValue::get);
        serde_json::from_str(result).map_err(|error| malformed(error.to_string()))
    }

    async fn quantity(&mut self, method: &str, params: Value) -> Result<u64, BenchError> {
        Ok(self.call::<U64>(method, params).await?.to())
    }

    pub(crate) async fn chain_id(&mut self) -> Result<u64, BenchError> {
        self.quantity("eth_chainId", json!([])).await
    }

    /// What the node calls itself; nodes need not say.
    pub(crate) async fn client_version(&mut self) -> String {
        self.call("web3_clientVersion", json!([])).await.unwrap_or_default()
    }

    pub(crate) async fn block_number(&mut self) -> Result<u64, BenchError> {
        self.quantity("eth_blockNumber", json!([])).await
    }

    pub(crate) async fn block(&mut self, number: u64) -> Result<Option<RpcBlock>, BenchError> {
        self.call("eth_getBlockByNumber", json!([U64::from(number), false])).await
    }

    pub(crate) async fn latest_block(&mut self) -> Result<RpcBlock, BenchError> {
        self.call("eth_getBlockByNumber", json!(["latest", false])).await
    }

    pub(crate) async fn nonce(&mut self, of: Address, tag: &str) -> Result<u64, BenchError> {
        self.quantity("eth_getTransactionCount", json!([of, tag])).await
    }

    pub(crate) async fn balance(&mut self, of: Address) -> Result<U256, BenchError> {
        self.call("eth_getBalance", json!([of, "latest"])).await
    }

    pub(crate) async fn gas_price(&mut self) -> Result<U256, BenchError> {
        self.call("eth_gasPrice", json!([])).await
    }

    pub(crate) async fn priority_fee(&mut self) -> Result<U256, BenchError> {
        self.call("eth_maxPriorityFeePerGas", json!([])).await
    }

    pub(crate) async fn estimate_gas(
        &mut self,
        from: Address,
        to: Address,
        value: U256,
        data: &Bytes,
    ) -> Result<u64, BenchError> {
        let call = json!({ "from": from, "to": to, "value": value, "data": data });
        self.quantity("eth_estimateGas", json!([call])).await
    }

    /// The gas of creating a contract.
    pub(crate) async fn estimate_creation(&mut self, from: Address, code: &Bytes) -> Result<u64, BenchError> {
        self.quantity("eth_estimateGas", json!([{ "from": from, "data": code }])).await
    }

    pub(crate) async fn read(&mut self, to: Address, data: &Bytes) -> Result<Bytes, BenchError> {
        self.call("eth_call", json!([{ "to": to, "data": data }, "latest"])).await
    }

    pub(crate) async fn send_raw(&mut self, raw: &Bytes) -> Result<B256, BenchError> {
        self.call("eth_sendRawTransaction", json!([raw])).await
    }

    pub(crate) async fn receipt(&mut self, of: B256) -> Result<Option<RpcReceipt>, BenchError> {
        self.call("eth_getTransactionReceipt", json!([of])).await
    }
}
