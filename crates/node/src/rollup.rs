//! The rollup node.

use std::{net::SocketAddr, path::PathBuf, sync::Arc, time::Duration};

use alloy_primitives::keccak256;
use alloy_signer_local::PrivateKeySigner;
use duplex_actors::{
    Batcher, BatcherOptions, Operator, Proposer, ProposerOptions, Rollup, SafetyTracker, Sequencer,
    SequencerOptions,
};
use duplex_chain::{Chain, ChainOptions};
use duplex_l1::{Deployment, L1Index, Rpc, TxManager, TxManagerOptions, Watcher, WatcherOptions};
use duplex_pool::PoolConfig;
use duplex_rpc::{
    ChainApi, RpcConfig, RunningServer, debug_module, eth_module, misc_module, serve, txpool_module,
};
use duplex_storage::{History, Options, Records};

use crate::{NodeError, Tasks, api::duplex_module, embedded_l1::create_dir};

/// Chain id of a devnet's L2 unless another is chosen.
pub const L2_CHAIN_ID: u64 = 42_424;

/// Time after which an L1 transaction that is not mined is sent again with a higher fee.
const RESEND_AFTER: Duration = Duration::from_secs(30);

/// How long requests in flight are waited for when stopping.
pub(crate) const STOP_WITHIN: Duration = Duration::from_secs(3);

/// What a node does besides following and answering.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Roles {
    /// Makes L2 blocks.
    pub sequence: bool,
    /// Posts batches.
    pub batch: bool,
    /// Makes claims and finalises them.
    pub propose: bool,
}

/// How a rollup node runs.
#[derive(Debug, Clone)]
pub struct RollupOptions {
    /// Where it keeps its data.
    pub dir: PathBuf,
    /// The rollup.
    pub deployment: Deployment,
    /// L1's JSON-RPC.
    pub l1_url: String,
    /// Where it listens; port 0 takes a free one.
    pub addr: SocketAddr,
    /// What it does.
    pub roles: Roles,
    /// The key for L1 transactions; needed to post or claim.
    pub key: Option<PrivateKeySigner>,
    /// How it makes blocks.
    pub sequencer: SequencerOptions,
    /// When it seals batches.
    pub batcher: BatcherOptions,
    /// How often it claims.
    pub proposer: ProposerOptions,
    /// Pause between looks at L1.
    pub l1_poll: Duration,
    /// How far back its state can be read.
    pub history: History,
}

/// A running rollup node.
#[derive(Debug)]
pub struct RollupNode {
    /// The chain and its surroundings.
    pub rollup: Rollup,
    server: RunningServer,
}

impl RollupNode {
    /// Starts a node on its directory, or a new one.
    ///
    /// # Errors
    /// If L1 is not the rollup's, or the directory or the port cannot be used.
    pub async fn start(options: RollupOptions, tasks: &mut Tasks) -> Result<Self, NodeError> {
        let deployment = Arc::new(options.deployment);
        let l1 = Rpc::new(&options.l1_url)?;
        check_l1(&l1, &deployment).await?;
        if let Some(key) =
            options.key.as_ref().filter(|key| options.roles.batch && key.address() != deployment.sequencer)
        {
            return Err(NodeError::WrongKey { found: key.address(), expected: deployment.sequencer });
        }
        create_dir(&options.dir)?;

        let config = deployment.genesis.config;
        let chain_options = ChainOptions {
            storage: Options { history: options.history, ..Default::default() },
            pool: PoolConfig::new(config),
            trie_nodes: 1_000_000,
        };
        let chain = Chain::open(&options.dir.join("chain"), &deployment.genesis, chain_options)?;
        if chain.genesis_hash() != deployment.genesis_hash {
            return Err(NodeError::WrongGenesis {
                expected: deployment.genesis_hash,
                found: chain.genesis_hash(),
            });
        }
        // The index is about these contracts only: another deployment gets another file.
        let name = format!("l1-{}.redb", &keccak256(deployment.contracts.inbox).to_string()[2..10]);
        let index = L1Index::open(&options.dir.join(name))?;
        let watcher = Watcher::new(
            l1.clone(),
            index.clone(),
            WatcherOptions {
                message_queue: deployment.contracts.message_queue,
                inbox: deployment.contracts.inbox,
                settlement: deployment.contracts.settlement,
                start: deployment.start_block,
                poll: options.l1_poll,
            },
        );
        let rollup = Rollup {
            chain: chain.clone(),
            deployment: deployment.clone(),
            l1,
            index,
            l1_head: watcher.head(),
        };

        let rpc_config = RpcConfig::default();
        let api = Arc::new(ChainApi::new(chain, rpc_config.clone()));
        let mut module = jsonrpsee::RpcModule::new(());
        module.merge(eth_module(api.clone())?)?;
        module.merge(debug_module(api.clone())?)?;
        module.merge(txpool_module(api)?)?;
        module.merge(duplex_module(rollup.clone())?)?;
        let misc = misc_module(config.chain_id, module.method_names())?;
        module.merge(misc)?;
        let server = serve(options.addr, module, &rpc_config, None).await?;

        let cancel = tasks.cancel_token();
        tasks.spawn("L1 watcher", watcher.run(cancel.clone()));
        tasks.spawn("safety tracker", SafetyTracker::new(rollup.clone()).run(cancel.clone()));
        if options.roles.sequence {
            tasks.spawn("sequencer", Sequencer::new(rollup.clone(), options.sequencer).run(cancel.clone()));
        }
        if let Some(key) = options.key.filter(|_| options.roles.batch || options.roles.propose) {
            let records = Arc::new(Records::open(&options.dir.join("transactions.redb"))?);
            let tx_options = TxManagerOptions { poll: options.l1_poll, resend_after: RESEND_AFTER };
            let txs = TxManager::open(rollup.l1.clone(), key, records, tx_options).await?;
            let operator = Operator { txs: txs.clone() };
            tasks.spawn("L1 transactions", txs.run(cancel.clone()));
            if options.roles.batch {
                let batcher = Batcher::open(rollup.clone(), operator.clone(), &options.dir, options.batcher)?;
                tasks.spawn("batcher", batcher.run(cancel.clone()));
            }
            if options.roles.propose {
                tasks
                    .spawn("proposer", Proposer::new(rollup.clone(), operator, options.proposer).run(cancel));
            }
        }
        Ok(Self { rollup, server })
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

/// Checks that an L1 is the one that a rollup is on.
async fn check_l1(l1: &Rpc, deployment: &Deployment) -> Result<(), NodeError> {
    let (url, expected) = (l1.url().to_owned(), deployment.l1_chain_id);
    let found = l1.chain_id().await?;
    if found != expected {
        return Err(NodeError::WrongL1 { url, found, expected });
    }
    let contracts = &deployment.contracts;
    for address in [contracts.message_queue, contracts.inbox, contracts.settlement, contracts.vault] {
        if l1.code(address).await?.is_empty() {
            return Err(NodeError::NoContract { url, address });
        }
    }
    Ok(())
}
