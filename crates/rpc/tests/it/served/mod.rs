//! A chain behind a server, clients that speak HTTP and WebSocket to it byte by byte, and somebody
//! to send from.
#![allow(unreachable_pub, reason = "a test binary exports nothing")]

pub mod client;

use std::sync::Arc;

use alloy_consensus::{SignableTransaction, TxEip1559};
use alloy_primitives::{Address, B256, Bytes, TxKind, U256, hex};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use client::Http;
use duplex_chain::{
    BlockData, BuildRequest, Chain, ChainOptions,
    dev::{DevChain, Mining},
    dev_system_contracts,
};
use duplex_pool::PoolConfig;
use duplex_primitives::{BlockAttributes, ChainConfig, Genesis, GenesisAccount, Transaction, predeploys};
use duplex_rpc::{ChainApi, DevSubmit, RpcConfig, RunningServer, eth_module, serve};
use serde_json::{Value, json};
use tempfile::TempDir;

pub const CHAIN_ID: u64 = 901;
pub const GENESIS_TIME: u64 = 1_700_000_000;
/// Emits a log with the topics 0x42 and its caller and the first word of its input as data, and
/// stores that word in slot 0.
pub const LOGGER: Address = Address::repeat_byte(0xa1);
/// Reverts with `Error("nope")`.
pub const REVERTER: Address = Address::repeat_byte(0xa2);
/// Counts down from 10,000.
pub const BURNER: Address = Address::repeat_byte(0xa3);
/// Calls [`BURNER`] with all its gas and reverts if that fails.
pub const OUTER: Address = Address::repeat_byte(0xa4);
/// Returns slot 0, which is 7.
pub const GETTER: Address = Address::repeat_byte(0xa5);
/// Never ends.
pub const LOOP: Address = Address::repeat_byte(0xa6);
/// Returns the hash of block 5, the time, and the number of the block.
pub const BLOCK: Address = Address::repeat_byte(0xa7);
pub const SOMEBODY: Address = Address::repeat_byte(0x11);

pub struct Served {
    pub chain: Chain,
    pub dev: Option<Arc<DevChain>>,
    pub server: RunningServer,
    pub signer: PrivateKeySigner,
    _dir: TempDir,
}

fn account(code: impl AsRef<[u8]>) -> GenesisAccount {
    GenesisAccount { nonce: 1, code: Bytes::copy_from_slice(code.as_ref()), ..Default::default() }
}

fn genesis(config: ChainConfig, rich: Address) -> Genesis {
    let mut alloc = dev_system_contracts(!config.is_l2());
    let balance = U256::from(10).pow(U256::from(24));
    alloc.insert(rich, GenesisAccount { balance, ..Default::default() });
    alloc.insert(LOGGER, account(hex!("5f355f5233604260205fa25f355f5500")));
    let nope = hex!(
        "6064600a5f3960645ffd08c379a0
         0000000000000000000000000000000000000000000000000000000000000020
         0000000000000000000000000000000000000000000000000000000000000004
         6e6f706500000000000000000000000000000000000000000000000000000000"
    );
    alloc.insert(REVERTER, account(nope));
    alloc.insert(BURNER, account(hex!("6127105b60019003806003 5700")));
    let outer = [&hex!("5f5f5f5f5f73")[..], BURNER.as_slice(), &hex!("5af115602157005b5f5ffd")];
    alloc.insert(OUTER, account(outer.concat()));
    let mut getter = account(hex!("5f545f5260205ff3"));
    getter.storage.insert(B256::ZERO, B256::with_last_byte(7));
    alloc.insert(GETTER, getter);
    alloc.insert(LOOP, account(hex!("5b5f56")));
    alloc.insert(BLOCK, account(hex!("6005405f52426020524360405260605ff3")));
    if config.is_l2() {
        // The anchor's fees as the contract keeps them: base fee, scalars, blob base fee.
        let mut l1 = account(hex!("00"));
        let mut scalars = [0u8; 32];
        scalars[16..20].copy_from_slice(&config.l1_fee.base_fee.to_be_bytes());
        l1.storage.insert(B256::with_last_byte(1), B256::from(U256::from(1_000_000_000)));
        l1.storage.insert(B256::with_last_byte(3), B256::from(scalars));
        l1.storage.insert(B256::with_last_byte(7), B256::with_last_byte(1));
        alloc.insert(predeploys::L1_BLOCK, l1);
    }
    Genesis {
        config,
        timestamp: GENESIS_TIME,
        anchor_number: 0,
        anchor_hash: B256::ZERO,
        alloc,
        header: None,
    }
}

pub fn signer() -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&B256::repeat_byte(7)).unwrap()
}

fn options(config: ChainConfig) -> ChainOptions {
    let storage = duplex_storage::Options { sync: false, ..Default::default() };
    ChainOptions { storage, pool: PoolConfig::new(config), trie_nodes: 10_000 }
}

impl Served {
    pub async fn l1() -> Self {
        Self::l1_with(RpcConfig::default()).await
    }

    pub async fn l1_with(config: RpcConfig) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let chain = ChainConfig::l1_dev(CHAIN_ID);
        let mining = Mining { interval: None, on_demand: false };
        let genesis = genesis(chain, signer().address());
        let dev = Arc::new(DevChain::open(dir.path(), &genesis, options(chain), mining).unwrap());
        let api =
            ChainApi::new(dev.chain().clone(), config).with_submit(Arc::new(DevSubmit::new(dev.clone())));
        Self::serve(dev.chain().clone(), Some(dev), api, dir).await
    }

    pub async fn l2() -> Self {
        Self::l2_with(duplex_storage::History::Archive).await
    }

    pub async fn l2_with(history: duplex_storage::History) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let config = ChainConfig::l2_dev(CHAIN_ID);
        let mut options = options(config);
        options.storage.history = history;
        let chain = Chain::open(dir.path(), &genesis(config, signer().address()), options).unwrap();
        let api = ChainApi::new(chain.clone(), RpcConfig::default());
        Self::serve(chain, None, api, dir).await
    }

    async fn serve(chain: Chain, dev: Option<Arc<DevChain>>, api: ChainApi, dir: TempDir) -> Self {
        let api = Arc::new(api);
        let methods = eth_module(api.clone()).unwrap();
        let route: duplex_rpc::HttpRoute = Arc::new(|path: &str| {
            (path == "/health").then(|| duplex_rpc::HttpResponse {
                status: 200,
                content_type: "text/plain",
                body: b"ok".to_vec(),
            })
        });
        let address = "127.0.0.1:0".parse().unwrap();
        let server = serve(address, methods, api.config(), Some(route)).await.unwrap();
        Self { chain, dev, server, signer: signer(), _dir: dir }
    }

    pub async fn http(&self) -> Http {
        Http::connect(self.server.addr).await
    }

    /// The whole reply to one call.
    pub async fn reply(&self, method: &str, params: Value) -> Value {
        let request = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params});
        let (_, body) = self.http().await.post(&request.to_string()).await;
        serde_json::from_str(&body).unwrap()
    }

    /// The result of a call that succeeds.
    pub async fn call(&self, method: &str, params: Value) -> Value {
        let mut reply = self.reply(method, params.clone()).await;
        assert!(reply.get("error").is_none(), "{method} {params}: {reply}");
        reply["result"].take()
    }

    /// Code and message of a call that fails.
    pub async fn fail(&self, method: &str, params: Value) -> (i64, String) {
        let reply = self.reply(method, params.clone()).await;
        let error = reply.get("error").unwrap_or_else(|| panic!("{method} {params}: {reply}"));
        (error["code"].as_i64().unwrap(), error["message"].as_str().unwrap().to_owned())
    }

    /// Makes a block of what is in the pool.
    pub fn mine(&self) -> Arc<BlockData> {
        match &self.dev {
            Some(dev) => dev.mine().unwrap(),
            None => self.build(Vec::new()),
        }
    }

    /// Makes an L2 block with these deposits first.
    pub fn build(&self, forced: Vec<Transaction>) -> Arc<BlockData> {
        let timestamp = self.chain.head().header.timestamp + 1;
        let attributes = BlockAttributes { timestamp, ..Default::default() };
        let request = BuildRequest { attributes, forced, from_pool: true, allow_empty: true };
        self.chain.build(&request).unwrap().unwrap().block
    }

    /// A signed call with one word as input.
    pub fn sign(&self, nonce: u64, to: Address, value: u64, word: Option<u64>) -> Transaction {
        let input = word.map(|word| Bytes::from(B256::from(U256::from(word)).0)).unwrap_or_default();
        sign(
            &self.signer,
            TxEip1559 {
                chain_id: CHAIN_ID,
                nonce,
                gas_limit: 500_000,
                max_fee_per_gas: 10_000_000_000,
                max_priority_fee_per_gas: 1_000_000_000,
                to: TxKind::Call(to),
                value: U256::from(value),
                input,
                ..Default::default()
            },
        )
    }

    /// Puts a call into the pool; gives its hash.
    pub fn send(&self, nonce: u64, to: Address, word: Option<u64>) -> B256 {
        let tx = self.sign(nonce, to, 0, word);
        let hash = tx.hash();
        self.chain.submit(tx).unwrap();
        hash
    }
}

pub fn sign(signer: &PrivateKeySigner, tx: TxEip1559) -> Transaction {
    let signature = signer.sign_hash_sync(&tx.signature_hash()).unwrap();
    tx.into_signed(signature).into()
}

/// `0x` and hexadecimal digits.
pub fn quantity(number: impl core::fmt::LowerHex) -> String {
    format!("{number:#x}")
}

/// The number that a quantity stands for.
pub fn number(value: &Value) -> u64 {
    u64::from_str_radix(value.as_str().unwrap().strip_prefix("0x").unwrap(), 16).unwrap()
}
