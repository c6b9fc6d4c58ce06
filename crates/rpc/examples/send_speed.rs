//! How many transactions a second `eth_sendRawTransaction` takes, one to a request.
//!
//! `cargo run --release -p duplex-rpc --example send_speed [transactions] [connections]`
#![allow(clippy::print_stdout, reason = "it is a measurement")]

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    sync::Arc,
    time::Instant,
};

use alloy_consensus::{SignableTransaction, TxEip1559};
use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use duplex_chain::{Chain, ChainOptions, dev_system_contracts};
use duplex_pool::PoolConfig;
use duplex_primitives::{ChainConfig, Genesis, GenesisAccount, Transaction};
use duplex_rpc::{ChainApi, RpcConfig, eth_module, serve};

const CHAIN_ID: u64 = 901;

fn requests(signer: &PrivateKeySigner, count: u64) -> Vec<Vec<u8>> {
    let request = |nonce| {
        let tx = TxEip1559 {
            chain_id: CHAIN_ID,
            nonce,
            gas_limit: 21_000,
            max_fee_per_gas: 10_000_000,
            to: Address::repeat_byte(0x11).into(),
            value: U256::from(1),
            ..Default::default()
        };
        let signature = signer.sign_hash_sync(&tx.signature_hash()).expect("a signature");
        let raw = Bytes::from(Transaction::from(tx.into_signed(signature)).raw());
        let body = format!(
            r#"{{"jsonrpc":"2.0","id":{nonce},"method":"eth_sendRawTransaction","params":["{raw}"]}}"#
        );
        let head = "POST / HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n";
        format!("{head}content-length: {}\r\n\r\n{body}", body.len()).into_bytes()
    };
    (0..count).map(request).collect()
}

fn send_all(address: SocketAddr, requests: &[Vec<u8>]) -> std::io::Result<usize> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_nodelay(true)?;
    let mut reader = BufReader::new(stream.try_clone()?);
    let (mut line, mut body, mut taken) = (String::new(), Vec::new(), 0);
    for request in requests {
        stream.write_all(request)?;
        let mut length = 0;
        loop {
            line.clear();
            reader.read_line(&mut line)?;
            if let Some(value) = line.strip_prefix("content-length: ") {
                length = value.trim().parse().unwrap_or_default();
            }
            if line == "\r\n" {
                break;
            }
        }
        body.resize(length, 0);
        reader.read_exact(&mut body)?;
        taken += usize::from(!body.windows(7).any(|word| word == b"\"error\""));
    }
    Ok(taken)
}

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1).map(|arg| arg.parse::<u64>());
    let total = args.next().transpose()?.unwrap_or(50_000);
    let connections = args.next().transpose()?.unwrap_or(16);
    let config = ChainConfig::l2_dev(CHAIN_ID);
    let signers: Vec<_> = (0..connections)
        .map(|i| PrivateKeySigner::from_bytes(&keccak256(i.to_be_bytes())))
        .collect::<Result<_, _>>()?;
    let mut alloc = dev_system_contracts(false);
    for signer in &signers {
        let balance = U256::from(10).pow(U256::from(24));
        alloc.insert(signer.address(), GenesisAccount { balance, ..Default::default() });
    }
    let genesis =
        Genesis { config, timestamp: 1, anchor_number: 0, anchor_hash: B256::ZERO, alloc, header: None };
    let dir = tempfile::tempdir()?;
    let pool = PoolConfig { per_sender: 1_000_000, total: 1_000_000, ..PoolConfig::new(config) };
    let storage = duplex_storage::Options::default();
    let chain = Chain::open(dir.path(), &genesis, ChainOptions { storage, pool, trie_nodes: 10_000 })?;
    let work: Vec<_> = signers.iter().map(|signer| requests(signer, total / connections)).collect();

    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let api = Arc::new(ChainApi::new(chain.clone(), RpcConfig::default()));
    let server =
        runtime.block_on(serve("127.0.0.1:0".parse()?, eth_module(api.clone())?, api.config(), None))?;
    let (address, start) = (server.addr, Instant::now());
    let taken: usize = std::thread::scope(|scope| {
        let threads: Vec<_> = work.iter().map(|work| scope.spawn(|| send_all(address, work))).collect();
        threads.into_iter().map(|thread| thread.join().map_or(0, |sent| sent.unwrap_or(0))).sum()
    });
    let seconds = start.elapsed().as_secs_f64();
    let pooled = chain.pool().status().pending;
    println!("{taken} taken, {pooled} in the pool, {:.0} a second", taken as f64 / seconds);
    Ok(())
}
