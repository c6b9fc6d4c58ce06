//! The rollup node.

use std::{
    net::SocketAddr,
    path::PathBuf,
    sync::{Arc, OnceLock},
    time::Duration,
};

use alloy_primitives::keccak256;
use alloy_signer_local::PrivateKeySigner;
use duplex_actors::{
    Batcher, BatcherOptions, Challenger, Derivation, Deriver, Feed, Judged, Operator, Proofs, Proposer,
    ProposerOptions, Prover, ProverOptions, Proving, Rollup, Sequencer, SequencerOptions, TrustProofs,
    challenger::Watch, program,
};
use duplex_chain::{Chain, ChainOptions};
use duplex_l1::{
    BatchReader, BlobArchive, Blobs, Deployment, L1Index, Rpc, TxManager, TxManagerOptions, Watcher,
    WatcherOptions,
};
use duplex_pool::PoolConfig;
use duplex_rpc::{
    ChainApi, RpcConfig, RunningServer, archive_route, debug_module, eth_module, misc_module, serve,
    txpool_module,
};
use duplex_storage::{History, Options, Records};
use tokio::sync::{Mutex, watch};
use tokio_util::sync::CancellationToken;

use crate::{NodeError, Tasks, api::duplex_module, embedded_l1::create_dir, forward::Forward};

/// Chain id of a devnet's L2 unless another is chosen.
pub const L2_CHAIN_ID: u64 = 42_424;

/// Time after which an L1 transaction that is not mined is sent again with a higher fee.
const RESEND_AFTER: Duration = Duration::from_secs(30);

/// Pause between looks for blobs that are too old.
const PRUNE_EVERY: Duration = Duration::from_secs(3600);

/// How long requests in flight are waited for when stopping.
pub(crate) const STOP_WITHIN: Duration = Duration::from_secs(3);

/// What a node does besides deriving L2 from L1 and answering.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Roles {
    /// Makes L2 blocks.
    pub sequence: bool,
    /// Posts batches.
    pub batch: bool,
    /// Makes claims and finalises them.
    pub propose: bool,
    /// Challenges false claims and defends true ones.
    pub challenge: bool,
    /// Makes blocks and posts them only while anyone may, because a message waits too long: for
    /// keys that are not the sequencer's.
    pub permissionless: bool,
}

/// Where blobs come from, and how long they are kept.
#[derive(Debug, Clone, Default)]
pub struct BlobOptions {
    /// Beacon APIs and archives of other nodes, asked in this order; L1's own URL if there is none,
    /// which is right for development L1s.
    pub sources: Vec<String>,
    /// How long blobs are kept; forever if not given.
    pub keep: Option<Duration>,
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
    /// Where it listens; port 0 takes a free one. It serves nobody if not given.
    pub addr: Option<SocketAddr>,
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
    /// How it has batches proved; it does not if this is not given.
    pub prover: Option<ProverOptions>,
    /// Pause between looks at L1.
    pub l1_poll: Duration,
    /// How far back its state can be read.
    pub history: History,
    /// A node whose newest blocks are taken before they are on L1, and that gets the transactions
    /// which users send here.
    pub feed: Option<String>,
    /// Whose proofs are taken instead of executing what they are of.
    pub trust_proofs: Option<TrustProofs>,
    /// Where blobs come from.
    pub blobs: BlobOptions,
}

/// A running rollup node.
#[derive(Debug)]
pub struct RollupNode {
    /// The chain and its surroundings.
    pub rollup: Rollup,
    /// Sends its L1 transactions, if it has a key and a role that needs it.
    pub operator: Option<Operator>,
    /// What its challenger does, if it has one.
    pub challenger: Option<watch::Receiver<Watch>>,
    /// How far batches are proved, if it has that done.
    pub prover: Option<watch::Receiver<Proving>>,
    server: Option<RunningServer>,
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
        if let Some(key) = options
            .key
            .as_ref()
            .filter(|key| needs_sequencer_key(&options.roles) && key.address() != deployment.sequencer)
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
        let archive = BlobArchive::open(&options.dir.join("blobs"))?;
        let sources = match options.blobs.sources.is_empty() {
            true => vec![options.l1_url.clone()],
            false => options.blobs.sources.clone(),
        };
        let blobs = Blobs::new(archive.clone(), &sources)?;
        let (progress, derivation) = watch::channel(Derivation::default());
        let rollup = Rollup {
            chain: chain.clone(),
            deployment: deployment.clone(),
            l1: l1.clone(),
            index,
            reader: BatchReader::new(l1, blobs, deployment.contracts.inbox),
            l1_head: watcher.head(),
            derivation,
            turn: Arc::new(Mutex::new(())),
            proofs: Proofs::open(&options.dir)?,
            judged: Judged::default(),
        };
        let (challenger, prover_watch) = (Arc::new(OnceLock::new()), Arc::new(OnceLock::new()));
        let feed = options.feed.as_deref();
        let server = match options.addr {
            Some(addr) => {
                let watches = (&challenger, &prover_watch);
                Some(start_server(&rollup, watches, addr, archive.clone(), feed).await?)
            }
            None => None,
        };

        let cancel = tasks.cancel_token();
        tasks.spawn("L1 watcher", watcher.run(cancel.clone()));
        let mut deriver = Deriver::open(rollup.clone(), progress, &options.dir)?;
        if let Some(trust) = options.trust_proofs {
            deriver = deriver.trusting(trust, &options.dir)?;
        }
        tasks.spawn("deriver", deriver.run(cancel.clone()));
        if let Some(keep) = options.blobs.keep {
            tasks.spawn("blob archive", prune(archive, keep, cancel.clone()));
        }
        if let Some(feed) = &options.feed {
            tasks.spawn("feed", Feed::new(rollup.clone(), feed)?.run(cancel.clone()));
        }
        if options.roles.sequence {
            let sequencer =
                SequencerOptions { only_when_open: options.roles.permissionless, ..options.sequencer };
            tasks.spawn("sequencer", Sequencer::new(rollup.clone(), sequencer).run(cancel.clone()));
        }
        let (mut operator, mut proving) = (None, None);
        // Where claims are only taken with a proof there is nothing to claim or challenge without one.
        let disputes = deployment.settlement_mode().has_disputes();
        let roles = Roles {
            propose: options.roles.propose && disputes,
            challenge: options.roles.challenge && disputes,
            ..options.roles
        };
        let sends = roles.batch || roles.propose || roles.challenge || options.prover.is_some();
        if let Some(key) = options.key.filter(|_| sends) {
            let records = Arc::new(Records::open(&options.dir.join("transactions.redb"))?);
            let tx_options = TxManagerOptions { poll: options.l1_poll, resend_after: RESEND_AFTER };
            let txs = TxManager::open(rollup.l1.clone(), key, records, tx_options).await?;
            let sender = Operator { txs: txs.clone() };
            tasks.spawn("L1 transactions", txs.run(cancel.clone()));
            if options.roles.batch {
                let batcher =
                    BatcherOptions { only_when_open: options.roles.permissionless, ..options.batcher };
                let batcher = Batcher::open(rollup.clone(), sender.clone(), &options.dir, batcher)?;
                tasks.spawn("batcher", batcher.run(cancel.clone()));
            }
            if let Some(prover) = options.prover {
                let actor = Prover::new(rollup.clone(), sender.clone(), prover)?;
                let _ = prover_watch.set(actor.watch());
                proving = Some(actor.watch());
                tasks.spawn("prover", actor.run(cancel.clone()));
            }
            if roles.propose {
                let proposer = Proposer::new(rollup.clone(), sender.clone(), options.proposer);
                tasks.spawn("proposer", proposer.run(cancel.clone()));
            }
            if roles.challenge {
                let actor = Challenger::new(rollup.clone(), sender.clone(), program());
                let _ = challenger.set(actor.watch());
                tasks.spawn("challenger", actor.run(cancel));
            }
            operator = Some(sender);
        }
        Ok(Self { rollup, operator, challenger: challenger.get().cloned(), prover: proving, server })
    }

    /// Where it answers; empty if it serves nobody.
    pub fn url(&self) -> String {
        self.server.as_ref().map_or_else(String::new, |server| format!("http://{}", server.addr))
    }

    /// Stops the server. Clients that hold their connections open are not waited for long.
    pub async fn stop(self) {
        if let Some(server) = self.server {
            let _ = tokio::time::timeout(STOP_WITHIN, server.stop()).await;
        }
    }
}

/// What a part shows, once it runs.
type Shown<T> = Arc<OnceLock<watch::Receiver<T>>>;

const fn needs_sequencer_key(roles: &Roles) -> bool {
    roles.batch && !roles.permissionless
}

async fn start_server(
    rollup: &Rollup,
    watches: (&Shown<Watch>, &Shown<Proving>),
    addr: SocketAddr,
    archive: BlobArchive,
    feed: Option<&str>,
) -> Result<RunningServer, NodeError> {
    let config = RpcConfig::default();
    let mut api = ChainApi::new(rollup.chain.clone(), config.clone());
    if let Some(feed) = feed {
        api = api.with_submit(Arc::new(Forward::new(rollup.chain.clone(), feed)?));
    }
    let api = Arc::new(api);
    let mut module = jsonrpsee::RpcModule::new(());
    module.merge(eth_module(api.clone())?)?;
    module.merge(debug_module(api.clone())?)?;
    module.merge(txpool_module(api)?)?;
    module.merge(duplex_module(rollup.clone(), watches.0.clone(), watches.1.clone())?)?;
    let misc = misc_module(rollup.chain.config().chain_id, module.method_names())?;
    module.merge(misc)?;
    let find = Arc::new(move |hash| archive.get(hash).map_err(|error| error.to_string()));
    Ok(serve(addr, module, &config, Some(archive_route(find))).await?)
}

/// Removes blobs that are older than `keep`.
async fn prune(
    archive: BlobArchive,
    keep: Duration,
    cancel: CancellationToken,
) -> Result<(), duplex_l1::BlobsError> {
    loop {
        let archive = archive.clone();
        let removed = tokio::task::spawn_blocking(move || archive.prune(keep)).await;
        if let Ok(removed) = removed
            && let removed @ 1.. = removed?
        {
            tracing::info!(removed, "old blobs were removed from the archive");
        }
        tokio::select! {
            () = cancel.cancelled() => return Ok(()),
            () = tokio::time::sleep(PRUNE_EVERY) => {}
        }
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
