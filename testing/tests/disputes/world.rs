//! A devnet and those who play on it.

use std::{
    path::Path,
    sync::Arc,
    time::{Duration, Instant},
};

use alloy_primitives::{Address, B256, U256};
use alloy_signer_local::PrivateKeySigner;
use alloy_sol_types::SolCall;
use duplex_actors::{Challenger, Operator, Rollup, challenger::Opinion, claim_history, program};
use duplex_bridge::{Asset, Bridge, Quiet, send_transaction};
use duplex_contracts::bindings::{Batch, DisputeStatus, IDisputes, IInbox, IMessageQueue, ISettlement};
use duplex_l1::{
    BatchEntry, ClaimEntry, ClaimStatus, SettlementMode, TxManager, TxManagerOptions, TxRequest,
};
use duplex_node::{Delays, DevProver, Devnet, DevnetOptions, NodeError, Pace, dev_key};
use duplex_primitives::{OutputRoot, data_root, tree::Tree};
use duplex_storage::Records;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// The account that lies in these tests.
pub(crate) const LIAR: u32 = 6;
/// Longer than any of them takes; a machine that is busy takes its time.
pub(crate) const LONG: Duration = Duration::from_secs(240);

/// Between claims of the devnet.
const CLAIM_INTERVAL: Duration = Duration::from_secs(2);

/// A devnet in this process.
pub(crate) struct World {
    pub(crate) bridge: Bridge,
    pub(crate) rollup: Rollup,
    pub(crate) operator: Address,
    txs: TxManager,
    pub(crate) dir: tempfile::TempDir,
    cancel: CancellationToken,
    running: JoinHandle<Result<(), NodeError>>,
}

impl World {
    /// Starts it. `challenge` says whether its own challenger works.
    pub(crate) async fn start(challenge: bool, window: u64, defence: u64, clock: u64) -> Self {
        Self::with(challenge, delays(window, defence, clock), SettlementMode::Optimistic, CLAIM_INTERVAL)
            .await
    }

    /// Starts one that makes one claim, and no more.
    pub(crate) async fn of_one_claim(window: u64, defence: u64, clock: u64) -> Self {
        let never = Duration::from_secs(24 * 3600);
        Self::with(true, delays(window, defence, clock), SettlementMode::Optimistic, never).await
    }

    /// Starts one that takes proofs, too. There is no prover.
    pub(crate) async fn hybrid(window: u64, defence: u64, clock: u64) -> Self {
        Self::with(true, delays(window, defence, clock), SettlementMode::Hybrid, CLAIM_INTERVAL).await
    }

    async fn with(
        challenge: bool,
        delays: Delays,
        settlement: SettlementMode,
        claim_interval: Duration,
    ) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let devnet = Devnet::start(DevnetOptions {
            data_dir: dir.path().join("devnet"),
            l1_port: 0,
            l2_port: 0,
            l1_block_time: Duration::from_millis(200),
            block_time: Duration::from_millis(100),
            pace: Pace {
                batch_age: Some(Duration::from_millis(500)),
                claim_interval: Some(claim_interval),
                ..Default::default()
            },
            challenge,
            delays,
            settlement,
            prover: DevProver::Own { program: Some(dir.path().join("none")), keys: dir.path().join("none") },
            ..Default::default()
        })
        .await
        .unwrap();
        let txs = devnet.l2.operator.as_ref().unwrap().txs.clone();
        Self {
            bridge: Bridge::new(devnet.deployment.clone(), None, None).unwrap(),
            rollup: devnet.l2.rollup.clone(),
            operator: txs.address(),
            txs,
            dir,
            cancel: devnet.cancel_token(),
            running: tokio::spawn(devnet.run()),
        }
    }

    pub(crate) async fn stop(self) {
        self.cancel.cancel();
        self.running.await.unwrap().unwrap();
    }

    /// Some life on L2, over several blocks; gives the newest batch, which has been derived.
    pub(crate) async fn live(&self, transfers: u32) -> BatchEntry {
        let user = dev_key(1);
        let before = self.rollup.derivation.borrow().batch;
        self.bridge.deposit(&user, &Asset::Eth, user.address(), U256::from(9), &Quiet).await.unwrap();
        for _ in 0..transfers {
            let to = Address::repeat_byte(7);
            self.bridge.transfer(&user, &Asset::Eth, to, U256::from(1)).await.unwrap();
        }
        let head = self.rollup.chain.head().header.number;
        let found = wait("the batch of what happened", async || {
            let derived = self.rollup.derivation.borrow().batch;
            self.rollup.index.batch(derived).unwrap().filter(|entry| entry.header.lastBlock >= head)
        });
        let entry = found.await;
        assert!(entry.header.index > before);
        entry
    }

    /// Appends a batch of one block as the sequencer, whatever its content is; gives it once it is derived.
    pub(crate) async fn append(&self, data: Vec<u8>) -> BatchEntry {
        let inbox = self.rollup.deployment.contracts.inbox;
        let last = self.rollup.l1.call(inbox, &IInbox::lastBatchCall {}).await.unwrap();
        let anchor = self.rollup.l1.latest_header().await.unwrap();
        let header = Batch {
            index: last.index + 1,
            parentHash: last.record.hash,
            dataRoot: data_root(&data),
            firstBlock: last.record.lastBlock + 1,
            lastBlock: last.record.lastBlock + 1,
            timestamp: anchor.header.timestamp.max(last.record.timestamp),
            anchorNumber: anchor.header.number,
            anchorHash: anchor.hash,
            messageCount: last.record.messageCount,
            messageAcc: self.accumulator(last.record.messageCount).await,
        };
        let index = header.index;
        let request = TxRequest {
            to: inbox,
            data: IInbox::appendCall { header, data: data.into() }.abi_encode().into(),
            value: U256::ZERO,
            gas_limit: Some(1_000_000),
            label: "a batch by hand".into(),
            blobs: Vec::new(),
        };
        let receipt = self.txs.submit(request).await.unwrap().await.unwrap().unwrap();
        assert!(receipt.is_success());
        wait("the batch", async || {
            let derived = self.rollup.derivation.borrow().batch;
            self.rollup.index.batch(index).unwrap().filter(|_| derived >= index)
        })
        .await
    }

    async fn accumulator(&self, messages: u64) -> B256 {
        let queue = self.rollup.deployment.contracts.message_queue;
        let call = IMessageQueue::accumulatorCall { messageCount: messages };
        self.rollup.l1.call(queue, &call).await.unwrap()
    }

    /// The claim that new ones may build on, and the first block after it.
    pub(crate) async fn tip(&self) -> (u64, u64) {
        let settlement = self.rollup.deployment.contracts.settlement;
        let last = self.rollup.l1.call(settlement, &ISettlement::lastFinalClaimCall {}).await.unwrap();
        wait("the last final claim in the index", async || {
            let batch = match last {
                0 => return Some((0, 1)),
                id => self.rollup.index.claim(id).unwrap()?.last_batch,
            };
            Some((last, self.rollup.index.batch(batch).unwrap()?.header.lastBlock + 1))
        })
        .await
    }

    /// The true outputs of blocks.
    pub(crate) fn outputs(&self, first: u64, last: u64) -> Vec<B256> {
        let history = claim_history(&self.rollup.chain, first, last).unwrap().unwrap();
        (0..=last - first).map(|leaf| history.leaf(leaf)).collect()
    }

    /// Claims a history up to a batch, as `key`; gives the claim's number.
    pub(crate) async fn claim(
        &self,
        key: &PrivateKeySigner,
        parent: u64,
        first: u64,
        entry: &BatchEntry,
        history: &Tree,
    ) -> u64 {
        let last = entry.header.lastBlock - first;
        let proof = history.proof(last);
        let call = ISettlement::proposeCall {
            parentId: parent,
            parentOutputRoot: self.rollup.output_of(parent).unwrap(),
            lastBatch: entry.header.index,
            lastBatchHash: entry.hash,
            blockOutputsRoot: history.root(),
            outputRoot: history.leaf(last),
            lastLeafProof: std::array::from_fn(|level| proof[level]),
        };
        let settlement = self.rollup.deployment.contracts.settlement;
        let bond = self.rollup.deployment.parameters.bond;
        let sent = send_transaction(&self.rollup.l1, key, Some(settlement), bond, call.abi_encode().into());
        let hash = sent.await.unwrap().receipt.transaction_hash;
        let found = wait("the claim in the index", async || {
            self.rollup.index.claims().unwrap().into_iter().find(|claim| claim.l1_tx == hash)
        });
        found.await.id
    }

    /// The hash by which L1 knows a claim.
    pub(crate) fn hash(&self, claim: u64) -> B256 {
        let entry = self.rollup.index.claim(claim).unwrap().unwrap();
        self.rollup.claim_hash(&entry).unwrap().unwrap()
    }

    /// Challenges a claim with a history of the same blocks, as `key`; gives the challenge's number.
    pub(crate) async fn challenge(&self, key: &PrivateKeySigner, claim: u64, history: B256) -> u64 {
        let call =
            IDisputes::challengeCall { claimId: claim, claimHash: self.hash(claim), outputsRoot: history };
        let disputes = self.rollup.deployment.contracts.disputes;
        let bond = self.rollup.deployment.parameters.dispute_bond;
        let data = call.abi_encode().into();
        send_transaction(&self.rollup.l1, key, Some(disputes), bond, data).await.unwrap();
        let count = self.ask(&IDisputes::challengeCountCall {}).await;
        for id in (1..=count).rev() {
            let challenge = self.ask(&IDisputes::challengeOfCall { id }).await;
            if (challenge.claimId, challenge.challenger) == (claim, key.address()) {
                return id;
            }
        }
        panic!("no challenge of claim {claim} by {}", key.address());
    }

    /// The devnet's own claim that covers a batch.
    pub(crate) async fn claimed(&self, entry: &BatchEntry) -> ClaimEntry {
        wait("an honest claim", async || {
            let claims = self.rollup.index.claims().unwrap();
            let mut own = claims.into_iter().filter(|claim| claim.proposer == self.operator);
            own.find(|claim| claim.last_batch >= entry.header.index)
        })
        .await
    }

    /// Waits until a claim has come to this.
    pub(crate) async fn comes_to(&self, claim: u64, status: ClaimStatus) -> ClaimEntry {
        wait(&format!("claim {claim} to be {status:?}"), async || {
            let entry = self.rollup.index.claim(claim).unwrap()?;
            let over = [ClaimStatus::Final, ClaimStatus::Rejected];
            assert!(
                entry.status == status || !over.contains(&entry.status),
                "claim {claim}: {:?}",
                entry.status
            );
            (entry.status == status).then_some(entry)
        })
        .await
    }

    pub(crate) async fn ask<C: SolCall>(&self, call: &C) -> C::Return {
        self.rollup.l1.call(self.rollup.deployment.contracts.disputes, call).await.unwrap()
    }

    /// How all disputes stand.
    pub(crate) async fn disputes(&self) -> Vec<DisputeStatus> {
        let mut found = Vec::new();
        for id in 1..=self.ask(&IDisputes::disputeCountCall {}).await {
            found.push(self.ask(&IDisputes::disputeOfCall { id }).await.status);
        }
        found
    }

    /// What an account has, and what the contracts owe it, in wei on L1.
    pub(crate) async fn worth(&self, account: Address) -> U256 {
        let contracts = self.rollup.deployment.contracts;
        let l1 = &self.rollup.l1;
        l1.balance(account).await.unwrap()
            + l1.call(contracts.disputes, &IDisputes::creditCall { account }).await.unwrap()
            + l1.call(contracts.settlement, &ISettlement::creditCall { account }).await.unwrap()
    }
}

fn delays(window: u64, defence: u64, clock: u64) -> Delays {
    Delays {
        challenge_window: Some(window),
        defence_period: Some(defence),
        dispute_clock: Some(clock),
        ..Default::default()
    }
}

/// Waits for something.
pub(crate) async fn wait<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let start = Instant::now();
    loop {
        if let Some(found) = look().await {
            return found;
        }
        assert!(start.elapsed() < LONG, "waited {} s for {what}", LONG.as_secs());
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Somebody with a key who plays.
pub(crate) struct Player {
    cancel: CancellationToken,
    tasks: Vec<JoinHandle<()>>,
}

impl Player {
    pub(crate) async fn start(world: &World, key: u32, records: &Path, opinion: Arc<dyn Opinion>) -> Self {
        let options =
            TxManagerOptions { poll: Duration::from_millis(100), resend_after: Duration::from_secs(60) };
        let records = Arc::new(Records::open(records).unwrap());
        let txs = TxManager::open(world.rollup.l1.clone(), dev_key(key), records, options).await.unwrap();
        let cancel = CancellationToken::new();
        let player =
            Challenger::with_opinion(world.rollup.clone(), Operator { txs: txs.clone() }, program(), opinion);
        let (a, b) = (cancel.clone(), cancel.clone());
        let tasks = vec![
            tokio::spawn(async move { txs.run(a).await.unwrap() }),
            tokio::spawn(async move { player.run(b).await.unwrap() }),
        ];
        Self { cancel, tasks }
    }

    pub(crate) async fn stop(self) {
        self.cancel.cancel();
        for task in self.tasks {
            task.await.unwrap();
        }
    }
}

/// A history in which one leaf is something else.
pub(crate) fn with_leaf(outputs: &[B256], leaf: usize, value: B256) -> Tree {
    let mut leaves = outputs.to_vec();
    if leaf >= leaves.len() {
        leaves.resize(leaf + 1, B256::ZERO);
    }
    leaves[leaf] = value;
    OutputRoot::history(leaves)
}
