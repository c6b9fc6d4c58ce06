//! Ethereum's blockchain tests, imported block by block through the chain.

use std::{
    collections::BTreeMap,
    fs,
    path::{Path, PathBuf},
};

use alloy_consensus::Header;
use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_rlp::Decodable;
use duplex_chain::{Chain, ChainOptions};
use duplex_pool::PoolConfig;
use duplex_primitives::{Block, ChainConfig, Genesis, GenesisAccount};
use duplex_storage::{History, Options};
use rayon::prelude::*;
use revm::DatabaseRef;
use serde::Deserialize;

/// One test of a file.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Case {
    network: String,
    #[serde(rename = "genesisRLP")]
    genesis_rlp: Bytes,
    pre: BTreeMap<Address, Account>,
    post_state: Option<BTreeMap<Address, Account>>,
    blocks: Vec<CaseBlock>,
    lastblockhash: B256,
    #[serde(default)]
    config: Config,
}

#[derive(Debug, Default, Deserialize)]
struct Config {
    chainid: Option<U256>,
}

#[derive(Debug, Deserialize)]
struct Account {
    balance: U256,
    nonce: U256,
    code: Bytes,
    storage: BTreeMap<U256, U256>,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct CaseBlock {
    rlp: Bytes,
    expect_exception: Option<String>,
}

/// How a run over a folder of tests ended.
#[derive(Debug, Default)]
pub(crate) struct Summary {
    /// Tests that gave what they say.
    pub(crate) passed: usize,
    /// Tests that did not, with the reason; sorted by name.
    pub(crate) failed: Vec<(String, String)>,
}

/// Runs every test in every `.json` file below `dir`.
///
/// # Errors
/// If the folder or a file in it cannot be read.
pub(crate) fn run(dir: &Path) -> Result<Summary, String> {
    let mut files = Vec::new();
    collect(dir, &mut files)?;
    if files.is_empty() {
        return Err(format!("there is no .json file below {}", dir.display()));
    }
    let results: Vec<(String, Result<(), String>)> = files
        .par_iter()
        .map(|file| run_file(file))
        .collect::<Result<Vec<_>, _>>()?
        .into_iter()
        .flatten()
        .collect();
    let mut summary = Summary::default();
    for (name, result) in results {
        match result {
            Ok(()) => summary.passed += 1,
            Err(why) => summary.failed.push((name, why)),
        }
    }
    summary.failed.sort();
    Ok(summary)
}

fn collect(dir: &Path, files: &mut Vec<PathBuf>) -> Result<(), String> {
    let entries = fs::read_dir(dir).map_err(|error| format!("{}: {error}", dir.display()))?;
    for entry in entries {
        let path = entry.map_err(|error| format!("{}: {error}", dir.display()))?.path();
        if path.is_dir() {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "json") {
            files.push(path);
        }
    }
    Ok(())
}

type Results = Vec<(String, Result<(), String>)>;

fn run_file(file: &Path) -> Result<Results, String> {
    let text = fs::read(file).map_err(|error| format!("{}: {error}", file.display()))?;
    let cases: BTreeMap<String, Case> =
        serde_json::from_slice(&text).map_err(|error| format!("{}: {error}", file.display()))?;
    Ok(cases.into_iter().map(|(name, case)| (name, run_case(&case))).collect())
}

fn run_case(case: &Case) -> Result<(), String> {
    if case.network != "Osaka" {
        return Err(format!("network {} is not Osaka", case.network));
    }
    let genesis_block = Block::decode(&mut &case.genesis_rlp[..])
        .map_err(|error| format!("genesis does not decode: {error}"))?;
    let dir = tempfile::tempdir().map_err(|error| error.to_string())?;
    let chain = open(dir.path(), case, genesis_block.header)?;
    for (i, block) in case.blocks.iter().enumerate() {
        let result = match Block::decode(&mut &block.rlp[..]) {
            Ok(decoded) => chain.import(decoded).map(drop).map_err(|error| error.to_string()),
            Err(error) => Err(format!("RLP: {error}")),
        };
        match (result, &block.expect_exception) {
            (Ok(()), None) | (Err(_), Some(_)) => {}
            (Ok(()), Some(expected)) => {
                return Err(format!("block {i} must be refused with {expected}, was accepted"));
            }
            (Err(error), None) => return Err(format!("block {i} must be accepted: {error}")),
        }
    }
    if chain.head().hash != case.lastblockhash {
        return Err(format!("the head is {}, must be {}", chain.head().hash, case.lastblockhash));
    }
    case.post_state.as_ref().map_or(Ok(()), |post| check_state(&chain, post))
}

fn open(dir: &Path, case: &Case, header: Header) -> Result<Chain, String> {
    let chain_id = case.config.chainid.map_or(1, |id| id.saturating_to());
    let config = ChainConfig { gas_limit: header.gas_limit, ..ChainConfig::l1_dev(chain_id) };
    let alloc = case.pre.iter().map(|(address, account)| (*address, account.genesis())).collect();
    let (state_root, expected) = (header.state_root, header.hash_slow());
    let genesis = Genesis {
        config,
        timestamp: header.timestamp,
        anchor_number: 0,
        anchor_hash: B256::ZERO,
        alloc,
        header: Some(header),
    };
    let options = ChainOptions {
        storage: Options {
            history: History::Archive,
            sync: false,
            cache_bytes: 4 << 20,
            ..Default::default()
        },
        pool: PoolConfig::new(config),
        trie_nodes: 100_000,
    };
    let chain = Chain::open(dir, &genesis, options).map_err(|error| error.to_string())?;
    if chain.head().header.state_root != state_root {
        return Err(format!(
            "genesis state root is {}, must be {state_root}",
            chain.head().header.state_root
        ));
    }
    if chain.genesis_hash() == expected { Ok(chain) } else { Err("genesis hash differs".into()) }
}

impl Account {
    fn genesis(&self) -> GenesisAccount {
        GenesisAccount {
            balance: self.balance,
            nonce: self.nonce.saturating_to(),
            code: self.code.clone(),
            storage: self.storage.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect(),
        }
    }
}

fn check_state(chain: &Chain, post: &BTreeMap<Address, Account>) -> Result<(), String> {
    let state = chain.state();
    let read = |error| format!("{error}");
    for (address, account) in post {
        let found = state.basic_ref(*address).map_err(read)?;
        let Some(found) = found else { return Err(format!("{address} must exist")) };
        if found.balance != account.balance || U256::from(found.nonce) != account.nonce {
            let (balance, nonce) = (found.balance, found.nonce);
            return Err(format!("{address} has {balance} wei and nonce {nonce}, must be {account:?}"));
        }
        if state.code(*address).map_err(read)? != account.code {
            return Err(format!("{address} has other code"));
        }
        for (key, value) in &account.storage {
            let found = state.storage_ref(*address, *key).map_err(read)?;
            if found != *value {
                return Err(format!("slot {key:#x} of {address} is {found:#x}, must be {value:#x}"));
            }
        }
    }
    Ok(())
}
