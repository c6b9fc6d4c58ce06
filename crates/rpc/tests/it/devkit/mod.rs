//! A development L1 in a temporary directory, its methods, and somebody to send from.

use std::sync::Arc;

use alloy_consensus::{SignableTransaction, TxEip1559};
use alloy_primitives::{Address, B256, Bytes, TxKind, U256, hex};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use duplex_chain::{
    ChainOptions,
    dev::{DevChain, Mining},
    dev_system_contracts,
};
use duplex_pool::PoolConfig;
use duplex_primitives::{ChainConfig, Genesis, GenesisAccount, Transaction};
use duplex_rpc::{ChainApi, RpcConfig, debug_module, dev_module, txpool_module};
use jsonrpsee::Methods;
use serde_json::{Value, json};
use tempfile::TempDir;

pub(crate) const CHAIN_ID: u64 = 900;
/// Reverts with the word 42.
pub(crate) const REVERTER: Address = Address::repeat_byte(0xbb);
/// Calls [`REVERTER`] with the selector `deadbeef`, goes on, sets slot 0 to 1 and emits an empty log.
pub(crate) const CALLER: Address = Address::repeat_byte(0xaa);
/// Never ends.
pub(crate) const LOOP: Address = Address::repeat_byte(0xcc);
pub(crate) const GENESIS_TIME: u64 = 1_700_000_000;

pub(crate) struct Kit {
    pub(crate) dev: Arc<DevChain>,
    pub(crate) methods: Methods,
    pub(crate) signer: PrivateKeySigner,
    _dir: TempDir,
}

pub(crate) fn account(code: &[u8]) -> GenesisAccount {
    GenesisAccount { nonce: 1, code: Bytes::copy_from_slice(code), ..Default::default() }
}

pub(crate) fn genesis(config: ChainConfig, rich: Address) -> Genesis {
    let mut alloc = dev_system_contracts(!config.is_l2());
    alloc.insert(rich, GenesisAccount { balance: U256::from(10).pow(U256::from(24)), ..Default::default() });
    alloc.insert(REVERTER, account(&hex!("602a60005260206000fd")));
    let caller = [
        &hex!("63deadbeef600052600060006004601c600073")[..],
        REVERTER.as_slice(),
        &hex!("5af150600160005560006000a000"),
    ];
    alloc.insert(CALLER, account(&caller.concat()));
    alloc.insert(LOOP, account(&hex!("5b600056")));
    Genesis {
        config,
        timestamp: GENESIS_TIME,
        anchor_number: 0,
        anchor_hash: B256::ZERO,
        alloc,
        header: None,
    }
}

pub(crate) fn options(config: ChainConfig) -> ChainOptions {
    let storage = duplex_storage::Options { sync: false, ..Default::default() };
    ChainOptions { storage, pool: PoolConfig::new(config), trie_nodes: 10_000 }
}

impl Kit {
    pub(crate) fn new() -> Self {
        Self::with(RpcConfig::default())
    }

    pub(crate) fn with(config: RpcConfig) -> Self {
        let signer = PrivateKeySigner::from_bytes(&B256::repeat_byte(7)).unwrap();
        let chain = ChainConfig::l1_dev(CHAIN_ID);
        let genesis = genesis(chain, signer.address());
        let dir = tempfile::tempdir().unwrap();
        let mining = Mining { interval: None, on_demand: false };
        let dev = Arc::new(DevChain::open(dir.path(), &genesis, options(chain), mining).unwrap());
        let api = Arc::new(ChainApi::new(dev.chain().clone(), config));
        let mut methods = Methods::new();
        methods.merge(debug_module(api.clone()).unwrap()).unwrap();
        methods.merge(txpool_module(api).unwrap()).unwrap();
        methods.merge(dev_module(dev.clone()).unwrap()).unwrap();
        Self { dev, methods, signer, _dir: dir }
    }

    /// The whole reply.
    pub(crate) async fn reply(&self, method: &str, params: Value) -> Value {
        reply(&self.methods, method, params).await
    }

    /// The result of a call that succeeds.
    pub(crate) async fn call(&self, method: &str, params: Value) -> Value {
        let reply = self.reply(method, params.clone()).await;
        assert!(reply.get("error").is_none(), "{method} {params}: {reply}");
        reply["result"].clone()
    }

    /// Code and message of a call that fails.
    pub(crate) async fn fail(&self, method: &str, params: Value) -> (i64, String) {
        let reply = self.reply(method, params.clone()).await;
        let error = reply.get("error").unwrap_or_else(|| panic!("{method} {params}: {reply}"));
        (error["code"].as_i64().unwrap(), error["message"].as_str().unwrap().to_owned())
    }

    pub(crate) fn head(&self) -> (u64, B256, u64) {
        let head = self.dev.chain().head();
        (head.header.number, head.hash, head.header.timestamp)
    }

    /// Puts a call with some value into the pool.
    pub(crate) fn send(&self, nonce: u64, to: Address, value: u64) -> B256 {
        let tx = sign(&self.signer, nonce, to, value);
        let hash = tx.hash();
        self.dev.chain().submit(tx).unwrap();
        hash
    }
}

pub(crate) async fn reply(methods: &Methods, method: &str, params: Value) -> Value {
    let request = json!({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).to_string();
    let (reply, _) = methods.raw_json_request(&request, 1).await.unwrap();
    serde_json::from_str(reply.get()).unwrap()
}

pub(crate) fn sign(signer: &PrivateKeySigner, nonce: u64, to: Address, value: u64) -> Transaction {
    let tx = TxEip1559 {
        chain_id: CHAIN_ID,
        nonce,
        gas_limit: 200_000,
        max_fee_per_gas: 10_000_000_000,
        max_priority_fee_per_gas: 1_000_000_000,
        to: TxKind::Call(to),
        value: U256::from(value),
        ..Default::default()
    };
    let signature = signer.sign_hash_sync(&tx.signature_hash()).unwrap();
    tx.into_signed(signature).into()
}
