//! A chain small enough to misbehave on purpose: one block every few milliseconds, a bounded pool,
//! strict nonces, and every transaction succeeds.

use alloy_consensus::transaction::SignerRecoverable;
use alloy_consensus::{Transaction, TxEnvelope};
use alloy_eips::eip2718::Decodable2718;
use alloy_primitives::{Address, B256, hex};
use serde_json::{Value, json};
use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard};
use std::thread;
use std::time::Duration;

/// How the chain misbehaves.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Faults {
    /// Transactions that the pool holds at most.
    pub(crate) pool: usize,
    /// Refuses the transaction with this nonce of everyone but the first sender.
    pub(crate) refused_nonce: Option<u64>,
    /// Takes the transaction with this nonce of everyone but the first sender, and loses it.
    pub(crate) lost_nonce: Option<u64>,
    /// Hangs up, instead of answering, on every request of this many.
    pub(crate) hang_up_every: Option<u64>,
    /// What an account holds, in wei.
    pub(crate) balance: u128,
}

impl Default for Faults {
    fn default() -> Self {
        Self {
            pool: usize::MAX,
            refused_nonce: None,
            lost_nonce: None,
            hang_up_every: None,
            balance: u128::MAX,
        }
    }
}

#[derive(Default)]
struct State {
    first_sender: Option<Address>,
    nonces: HashMap<Address, u64>,
    mined: HashMap<Address, u64>,
    pool: Vec<(B256, Address)>,
    blocks: Vec<Vec<B256>>,
    requests: u64,
}

#[derive(Clone)]
pub(crate) struct MockChain {
    state: Arc<Mutex<State>>,
    faults: Faults,
}

impl MockChain {
    /// Serves until the process ends; returns the URL.
    pub(crate) fn serve(faults: Faults) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let chain = Self { state: Arc::default(), faults };
        let miner = chain.clone();
        thread::spawn(move || {
            loop {
                thread::sleep(Duration::from_millis(20));
                miner.mine();
            }
        });
        thread::spawn(move || {
            for stream in listener.incoming() {
                let chain = chain.clone();
                thread::spawn(move || chain.connection(stream.unwrap()));
            }
        });
        url
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    fn mine(&self) {
        let mut state = self.state();
        let pool = core::mem::take(&mut state.pool);
        for (_, sender) in &pool {
            *state.mined.entry(*sender).or_default() += 1;
        }
        state.blocks.push(pool.into_iter().map(|(hash, _)| hash).collect());
    }

    /// Serves one connection until it ends.
    fn connection(&self, stream: TcpStream) -> Option<()> {
        stream.set_nodelay(true).ok()?;
        let mut writer = stream.try_clone().ok()?;
        let mut reader = BufReader::new(stream);
        loop {
            let mut length = 0;
            loop {
                let mut line = String::new();
                if reader.read_line(&mut line).ok()? == 0 {
                    return None;
                }
                if let Some(value) = line.to_lowercase().strip_prefix("content-length:") {
                    length = value.trim().parse().ok()?;
                }
                if line == "\r\n" {
                    break;
                }
            }
            let mut body = vec![0; length];
            reader.read_exact(&mut body).ok()?;
            let request: Value = serde_json::from_slice(&body).unwrap();
            let reply = match &request {
                Value::Array(all) => all.iter().map(|one| self.answer(one)).collect(),
                one => self.answer(one),
            };
            let mut state = self.state();
            state.requests += 1;
            let sending = body.windows(4).any(|window| window == b"RawT");
            if sending && self.faults.hang_up_every.is_some_and(|every| state.requests.is_multiple_of(every))
            {
                return None;
            }
            drop(state);
            let text = reply.to_string();
            // One write, or the delays of Nagle's algorithm are what is measured.
            let reply = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{text}", text.len());
            writer.write_all(reply.as_bytes()).ok()?;
        }
    }

    fn answer(&self, request: &Value) -> Value {
        match self.call(request["method"].as_str().unwrap(), &request["params"]) {
            Ok(result) => json!({ "jsonrpc": "2.0", "id": request["id"], "result": result }),
            Err(message) => {
                json!({ "jsonrpc": "2.0", "id": request["id"], "error": { "code": -32000, "message": message } })
            }
        }
    }

    fn call(&self, method: &str, params: &Value) -> Result<Value, String> {
        let quantity = |n: u64| Ok(json!(format!("{n:#x}")));
        let state = self.state();
        match method {
            "web3_clientVersion" => Ok(json!("mock/v1/test")),
            "eth_chainId" => quantity(99),
            "eth_blockNumber" => quantity(state.blocks.len() as u64),
            "eth_maxPriorityFeePerGas" => quantity(1),
            "eth_estimateGas" => quantity(21_000),
            "eth_getBalance" => Ok(json!(format!("{:#x}", self.faults.balance))),
            "eth_getTransactionCount" => {
                let of: Address = params[0].as_str().unwrap().parse().unwrap();
                quantity(state.mined.get(&of).copied().unwrap_or(0))
            }
            "eth_getTransactionReceipt" => Ok(json!({ "status": "0x1" })),
            "eth_getBlockByNumber" => {
                let tag = params[0].as_str().unwrap();
                let number = usize::from_str_radix(tag.trim_start_matches("0x"), 16).ok();
                let hashes = number.map_or_else(Vec::new, |number| state.blocks[number - 1].clone());
                let gas = format!("{:#x}", hashes.len() * 21_000);
                Ok(
                    json!({ "gasUsed": gas, "gasLimit": "0x1c9c380", "baseFeePerGas": "0x7", "transactions": hashes }),
                )
            }
            "eth_sendRawTransaction" => {
                drop(state);
                self.send(params[0].as_str().unwrap())
            }
            other => Err(format!("no {other}")),
        }
    }

    fn send(&self, raw: &str) -> Result<Value, String> {
        let transaction = TxEnvelope::decode_2718_exact(&hex::decode(raw).unwrap()).unwrap();
        let (sender, nonce) = (transaction.recover_signer().unwrap(), transaction.nonce());
        let mut state = self.state();
        let funder = *state.first_sender.get_or_insert(sender);
        let next = state.nonces.get(&sender).copied().unwrap_or(0);
        if nonce < next {
            return Err("already known".to_owned());
        }
        if nonce > next {
            return Err(format!("nonce gap: {nonce} after {next}"));
        }
        if sender != funder && state.pool.len() >= self.faults.pool {
            return Err("txpool is full".to_owned());
        }
        if sender != funder && self.faults.refused_nonce == Some(nonce) {
            return Err("insufficient funds for gas * price + value".to_owned());
        }
        state.nonces.insert(sender, next + 1);
        if sender == funder || self.faults.lost_nonce != Some(nonce) {
            state.pool.push((*transaction.hash(), sender));
        }
        Ok(json!(transaction.hash()))
    }
}
