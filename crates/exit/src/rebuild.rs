//! L2 rebuilt from L1.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::{Duration, Instant},
};

use alloy_primitives::Address;
use alloy_signer_local::PrivateKeySigner;
use duplex_actors::{
    BatcherOptions, DaMode, Operator, ProposerOptions, Rollup, SequencerOptions, TrustProofs,
};
use duplex_chain::ChainEvent;
use duplex_l1::{Deployment, L1Header, Rpc, TxManager, TxManagerOptions, manifest};
use duplex_node::{BlobOptions, NodeError, Roles, RollupNode, RollupOptions, Tasks};
use duplex_primitives::OutputRoot;
use duplex_storage::{History, Records};
use tokio::{sync::broadcast::error::RecvError, task::JoinHandle};
use tokio_util::sync::CancellationToken;

use crate::ExitError;

/// Pause between looks at a development L1, and at another, where blocks take 12 seconds and RPCs count
/// calls.
const DEVELOPMENT_POLL: Duration = Duration::from_millis(300);
const POLL: Duration = Duration::from_secs(3);
/// Time after which an L1 transaction that is not mined is sent again with a higher fee.
const RESEND_AFTER: Duration = Duration::from_secs(30);
/// Pause between lines that say how far it is.
const SAY_EVERY: Duration = Duration::from_secs(2);
/// Batches that a node may be behind without saying so.
const SILENT: u64 = 8;

/// The deployment in `file`, or the one that is found on L1: of this Vault, or the only one there is.
///
/// # Errors
/// If there is none, or several, or it is not what the contracts say.
pub async fn find_deployment(
    l1: &Rpc,
    vault: Option<Address>,
    file: Option<&Path>,
) -> Result<Deployment, ExitError> {
    let Some(file) = file else { return Ok(manifest::discover(l1, vault).await?) };
    let deployment = Deployment::load(file)?;
    let contracts = deployment.contracts;
    manifest::check(l1, &deployment, vault.unwrap_or(contracts.vault), contracts.manifest).await?;
    Ok(deployment)
}

/// How often a rollup's L1 is looked at.
pub(crate) const fn l1_poll(deployment: &Deployment) -> Duration {
    match deployment.l1_chain_id {
        31337 | 1337 => DEVELOPMENT_POLL,
        _ => POLL,
    }
}

/// How L2 is rebuilt.
#[derive(Debug, Clone)]
pub struct RebuildOptions {
    /// Where it is kept; what is there already is not derived again.
    pub dir: PathBuf,
    /// L1's JSON-RPC.
    pub l1_url: String,
    /// The rollup.
    pub deployment: Deployment,
    /// Where blobs come from.
    pub blobs: BlobOptions,
    /// The key that sends L1 transactions; without one, everything is only read.
    pub key: Option<PrivateKeySigner>,
    /// Whether to make blocks and append them with that key while anyone may.
    pub append: bool,
    /// Whose proofs are taken instead of executing what they are of.
    pub trust_proofs: Option<TrustProofs>,
    /// What stops it.
    pub stop: CancellationToken,
}

/// L2, derived from L1 in this process.
#[derive(Debug)]
pub struct Rebuild {
    /// The chain and its surroundings.
    pub rollup: Rollup,
    /// Sends L1 transactions, if there is a key.
    pub operator: Option<Operator>,
    cancel: CancellationToken,
    running: Option<JoinHandle<Result<(), NodeError>>>,
    node: RollupNode,
}

impl Rebuild {
    /// Starts deriving.
    ///
    /// # Errors
    /// If L1 is not the rollup's, the genesis is not what L1 says, or the directory cannot be used.
    pub async fn start(options: RebuildOptions) -> Result<Self, ExitError> {
        let mut tasks = Tasks::default();
        let poll = l1_poll(&options.deployment);
        let append = options.append && options.key.is_some();
        let (key, dir) = (options.key.clone().filter(|_| !append), options.dir.clone());
        let node = RollupNode::start(
            RollupOptions {
                dir: options.dir,
                deployment: options.deployment,
                l1_url: options.l1_url,
                addr: None,
                roles: Roles {
                    sequence: append,
                    batch: append,
                    propose: false,
                    // The claims made on the way out must be defended like any others.
                    challenge: append,
                    permissionless: true,
                },
                key: options.key.filter(|_| append),
                sequencer: SequencerOptions {
                    block_time: Duration::from_secs(1),
                    heartbeat: Duration::from_secs(60),
                    confirmations: 0,
                    only_when_open: true,
                },
                batcher: BatcherOptions {
                    max_age: Duration::from_secs(3),
                    full_percent: 90,
                    // A few messages: calldata is cheap enough, and every L1 node takes it.
                    da: DaMode::Calldata,
                    only_when_open: true,
                },
                proposer: ProposerOptions { interval: Duration::from_secs(3600) },
                prover: None,
                l1_poll: poll,
                history: History::Archive,
                feed: None,
                trust_proofs: options.trust_proofs,
                blobs: options.blobs,
            },
            &mut tasks,
        )
        .await?;
        let (cancel, rollup) = (tasks.cancel_token(), node.rollup.clone());
        let mut operator = node.operator.clone();
        if let Some(key) = key {
            let records = Arc::new(Records::open(&dir.join("transactions.redb"))?);
            let tx_options = TxManagerOptions { poll, resend_after: RESEND_AFTER };
            let txs = TxManager::open(rollup.l1.clone(), key, records, tx_options).await?;
            tasks.spawn("L1 transactions", txs.clone().run(cancel.clone()));
            operator = Some(Operator { txs });
        }
        let running = Some(tokio::spawn(tasks.wait()));
        let (stop, stopped) = (options.stop, cancel.clone());
        tokio::spawn(async move {
            tokio::select! {
                () = stop.cancelled() => stopped.cancel(),
                () = stopped.cancelled() => {}
            }
        });
        let this = Self { rollup, operator, cancel, running, node };
        match this.check_genesis() {
            Ok(()) => Ok(this),
            Err(error) => {
                this.stop().await;
                Err(error)
            }
        }
    }

    /// The contracts know genesis by its output root only.
    fn check_genesis(&self) -> Result<(), ExitError> {
        let deployment = &self.rollup.deployment;
        let header = self.rollup.chain.header(0)?.ok_or(ExitError::ChainMoved)?;
        let found = OutputRoot::of(&header, self.rollup.chain.genesis_hash()).hash();
        let expected = deployment.genesis_output;
        if found == expected {
            return Ok(());
        }
        Err(ExitError::WrongGenesis { settlement: deployment.contracts.settlement, expected, found })
    }

    /// Waits for `done`, unless the node fails or is stopped first.
    ///
    /// # Errors
    /// Why it stopped.
    pub async fn during<T>(&mut self, done: impl Future<Output = T>) -> Result<T, ExitError> {
        let Some(running) = &mut self.running else { return Err(ExitError::Stopped) };
        tokio::select! {
            ended = running => {
                self.running = None;
                match ended {
                    Ok(Err(error)) => Err(error.into()),
                    _ => Err(ExitError::Stopped),
                }
            }
            value = done => Ok(value),
        }
    }

    /// Waits until L2 says what L1 says up to L1 block `number`; gives the newest batch in it. `tell`
    /// hears how far it is.
    ///
    /// # Errors
    /// If the node fails or is stopped.
    pub async fn in_step(&mut self, number: u64, tell: impl Fn(&str)) -> Result<u64, ExitError> {
        let rollup = self.rollup.clone();
        let batch = self
            .during(async {
                tokio::select! {
                    batch = reached(&rollup, number) => batch,
                    () = say(&rollup, &tell, false) => Err(ExitError::Stopped),
                }
            })
            .await??;
        let block = rollup.batch_header(batch)?.ok_or(ExitError::ChainMoved)?.lastBlock;
        tell(&format!("L2 is rebuilt up to L1 block {number}: {batch} batches, {block} blocks"));
        Ok(batch)
    }

    /// Stops it. Everything is on disk.
    pub async fn stop(mut self) {
        self.cancel.cancel();
        if let Some(running) = self.running.take() {
            let _ = running.await;
        }
        self.node.stop().await;
    }
}

/// Waits until all batches up to L1 block `number` are derived; gives the newest of them.
async fn reached(rollup: &Rollup, number: u64) -> Result<u64, ExitError> {
    let mut derivation = rollup.derivation.clone();
    loop {
        let reached = derivation.borrow_and_update().clone();
        let read =
            rollup.l1_head.borrow().as_ref().is_some_and(|head: &L1Header| head.header.number >= number);
        // The newest batch is found by bisection: their L1 blocks only grow.
        if read {
            let (mut low, mut high) = (0, rollup.index.counts()?.1);
            while low < high {
                let middle = low + (high - low).div_ceil(2);
                match rollup.index.batch(middle)? {
                    Some(entry) if entry.l1_block <= number => low = middle,
                    _ => high = middle - 1,
                }
            }
            if reached.batch >= low && (low > 0 || reached.l1_head.is_some()) {
                return Ok(low);
            }
        }
        tokio::select! {
            changed = derivation.changed() => if changed.is_err() { return Err(ExitError::Stopped) },
            () = tokio::time::sleep(DEVELOPMENT_POLL) => {}
        }
    }
}

/// Says how far a node is while it derives many batches, and when it is in step with L1. Never ends while
/// the node runs.
pub async fn narrate(rollup: Rollup, tell: impl Fn(&str)) {
    say(&rollup, tell, true).await;
}

async fn say(rollup: &Rollup, tell: impl Fn(&str), says_in_step: bool) {
    let (mut derivation, mut blocks) = (rollup.derivation.clone(), rollup.chain.subscribe());
    let (mut transactions, mut since, mut behind) = (0u64, Instant::now(), true);
    loop {
        let now = derivation.borrow_and_update().clone();
        let missing = now.on_l1.saturating_sub(now.batch);
        if let Some(l1) = now.l1_head.as_ref().filter(|_| missing == 0 && behind) {
            behind = false;
            if says_in_step {
                tell(&in_step_line(rollup, l1, now.batch));
            }
        } else if missing > SILENT && !behind {
            (behind, transactions, since) = (true, 0, Instant::now());
        }
        if behind && missing > 0 && since.elapsed() >= SAY_EVERY {
            let rate = transactions as f64 / since.elapsed().as_secs_f64();
            let block = rollup.chain.head().header.number;
            tell(&format!("batch {} of {}, L2 block {block}, {rate:.0} tx/s", now.batch, now.on_l1));
            (transactions, since) = (0, Instant::now());
        }
        tokio::select! {
            changed = derivation.changed() => if changed.is_err() { return },
            event = blocks.recv() => match event {
                Ok(ChainEvent::Block(block)) => transactions += user_transactions(&block),
                // Those that were missed are missing in one line's rate.
                Ok(ChainEvent::Removed(_)) | Err(RecvError::Lagged(_)) => {}
                Err(RecvError::Closed) => return,
            },
        }
    }
}

fn in_step_line(rollup: &Rollup, l1: &L1Header, batch: u64) -> String {
    let head = rollup.chain.head();
    let (number, hash) = (head.header.number, head.hash);
    format!("in step with L1 block {}: batch {batch}, L2 block {number} {hash}", l1.header.number)
}

fn user_transactions(block: &duplex_chain::BlockData) -> u64 {
    block.transactions().iter().filter(|tx| !tx.is_deposit()).count() as u64
}
