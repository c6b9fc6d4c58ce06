//! The embedded development L1.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use alloy_primitives::{B256, U256};
use duplex_chain::{
    ChainOptions,
    dev::{DevChain, Mining},
    dev_system_contracts,
};
use duplex_pool::PoolConfig;
use duplex_primitives::{ChainConfig, Genesis, GenesisAccount};
use duplex_rpc::{
    ChainApi, DevSubmit, RpcConfig, RunningServer, beacon_route, debug_module, dev_module, eth_module,
    misc_module, serve, txpool_module,
};
use duplex_storage::{History, Options};

use crate::{NodeError, Tasks, keys::dev_addresses, rollup::STOP_WITHIN};

/// Chain id of the embedded L1; wallets know it as a local development chain.
pub const L1_CHAIN_ID: u64 = 31337;
/// What every development account starts with: 10,000 ETH.
const BALANCE: u128 = 10_000_000_000_000_000_000_000;

/// How the embedded L1 runs.
#[derive(Debug, Clone)]
pub struct EmbeddedL1Options {
    /// Where it keeps its data.
    pub dir: PathBuf,
    /// Where it listens; port 0 takes a free one.
    pub addr: SocketAddr,
    /// Time between blocks; `None` for a block for every transaction.
    pub block_time: Option<Duration>,
    /// How far back its state can be read.
    pub history: History,
}

/// A running embedded L1.
#[derive(Debug)]
pub struct EmbeddedL1 {
    /// The chain and its clock.
    pub dev: Arc<DevChain>,
    server: RunningServer,
}

pub(crate) fn write_json<T: serde::Serialize>(path: &Path, value: &T) -> Result<(), NodeError> {
    let io = |source| NodeError::Io { path: path.into(), source };
    let draft = path.with_extension("new");
    let bytes = serde_json::to_vec_pretty(value).map_err(|error| io(error.into()))?;
    std::fs::write(&draft, bytes).map_err(io)?;
    std::fs::File::open(&draft).and_then(|file| file.sync_all()).map_err(io)?;
    std::fs::rename(&draft, path).map_err(io)
}

pub(crate) fn read_json<T: serde::de::DeserializeOwned>(path: &Path) -> Result<Option<T>, NodeError> {
    let io = |source| NodeError::Io { path: path.into(), source };
    match std::fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(|error| io(error.into())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(io(error)),
    }
}

pub(crate) fn create_dir(path: &Path) -> Result<(), NodeError> {
    std::fs::create_dir_all(path).map_err(|source| NodeError::Io { path: path.into(), source })
}

fn new_genesis() -> Genesis {
    let mut alloc = dev_system_contracts(true);
    for address in dev_addresses() {
        alloc.insert(address, GenesisAccount { balance: U256::from(BALANCE), ..Default::default() });
    }
    Genesis {
        config: ChainConfig::l1_dev(L1_CHAIN_ID),
        timestamp: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |time| time.as_secs()),
        anchor_number: 0,
        anchor_hash: B256::ZERO,
        alloc,
        header: None,
    }
}

impl EmbeddedL1 {
    /// Starts the chain in its directory, or a new one.
    ///
    /// # Errors
    /// If the directory or the port cannot be used.
    pub async fn start(options: &EmbeddedL1Options, tasks: &mut Tasks) -> Result<Self, NodeError> {
        create_dir(&options.dir)?;
        let path = options.dir.join("genesis.json");
        let genesis = match read_json(&path)? {
            Some(genesis) => genesis,
            None => {
                let genesis = new_genesis();
                write_json(&path, &genesis)?;
                genesis
            }
        };
        let chain_options = ChainOptions {
            storage: Options { history: options.history, cache_bytes: 64 << 20, ..Default::default() },
            pool: PoolConfig::new(genesis.config),
            trie_nodes: 200_000,
        };
        let mining = Mining { interval: options.block_time, on_demand: options.block_time.is_none() };
        let dev = Arc::new(DevChain::open(&options.dir, &genesis, chain_options, mining)?);

        let config = RpcConfig::default();
        let api = ChainApi::new(dev.chain().clone(), config.clone())
            .with_submit(Arc::new(DevSubmit::new(dev.clone())));
        let api = Arc::new(api);
        let mut module = jsonrpsee::RpcModule::new(());
        module.merge(eth_module(api.clone())?)?;
        module.merge(debug_module(api.clone())?)?;
        module.merge(txpool_module(api)?)?;
        module.merge(dev_module(dev.clone())?)?;
        let misc = misc_module(genesis.config.chain_id, module.method_names())?;
        module.merge(misc)?;
        let server = serve(options.addr, module, &config, Some(beacon_route(dev.clone()))).await?;
        tasks.spawn("embedded L1", dev.clone().run(tasks.cancel_token()));
        Ok(Self { dev, server })
    }

    /// Where it answers.
    pub fn url(&self) -> String {
        format!("http://{}", self.server.addr)
    }

    /// Stops the server. Clients that hold their connections open are not waited for long.
    pub async fn stop(self) {
        let _ = tokio::time::timeout(STOP_WITHIN, self.server.stop()).await;
    }
}
