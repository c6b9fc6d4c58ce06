//! Looks at L1 and the derived chain for an account.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};

use alloy_primitives::{Address, B256, U256};
use duplex_actors::{Operator, Rollup};
use duplex_chain::StateAt;
use duplex_contracts::bindings::{IMessageQueue, ISettlement, IVault};
use duplex_l1::{ClaimEntry, ClaimStatus, SettlementMode};
use duplex_primitives::{L1Message, OutputRoot};

use crate::{
    Asset, Assets, Batches, ClaimFacts, ExitError, Leaving, OnL1, Path, Purpose, Unpaid, View, Waiting,
    message::deposited_token, path, purpose, scan::Scan,
};

/// How long it is believed that a withdrawal was released; a reorganisation of L1 may undo it.
const BELIEVED: Duration = Duration::from_secs(60);
/// `WithdrawalState` of the Vault.
const DONE: u8 = 1;
const FAILED: u8 = 2;

/// What became of a message that took an asset out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// Position in the queue.
    pub index: u64,
    /// What it meant.
    pub purpose: Purpose,
    /// Whether its call succeeded on L2.
    pub success: bool,
}

/// What was seen, and where.
#[derive(Debug, Clone)]
pub struct Seen {
    /// What decides the next step.
    pub view: View,
    /// The newest batch that was derived.
    pub batch: u64,
    /// Its last L2 block, to which balances belong.
    pub block: u64,
    /// The withdrawals behind `view.unpaid`.
    pub leaving: BTreeMap<B256, Leaving>,
    /// Messages whose outcome is new.
    pub outcomes: Vec<Outcome>,
    /// Claims that say something false and can become final.
    pub false_claims: Vec<u64>,
}

/// Looks at L1 and the derived chain for one account.
#[derive(Debug)]
pub struct Observer {
    rollup: Rollup,
    account: Address,
    /// What the rollup has.
    pub assets: Assets,
    scan: Scan,
    released: BTreeMap<B256, Instant>,
    /// L1 time of messages, by index, L1 block and accumulator: the same one may be sent again after a
    /// reorganisation.
    sent_at: BTreeMap<(u64, B256), u64>,
    watched: BTreeMap<u64, (L1Message, Purpose)>,
}

impl Observer {
    /// Looks for `account`.
    pub fn new(rollup: Rollup, account: Address) -> Self {
        let assets = Assets::new(rollup.deployment.tokens.iter().cloned());
        Self {
            rollup,
            account,
            assets,
            scan: Scan::new(account),
            released: BTreeMap::new(),
            sent_at: BTreeMap::new(),
            watched: BTreeMap::new(),
        }
    }

    /// Has the outcome of a message told. One that is seen waiting is watched anyway; but L2 may take it
    /// between two looks.
    pub fn watch(&mut self, message: L1Message) {
        if let Some(purpose) = purpose(&message, self.account, self.rollup.deployment.contracts.vault) {
            self.watched.insert(message.index, (message, purpose));
        }
    }

    /// Withdrawals of the account in the derived chain, as far as it was read.
    pub fn leaving(&self) -> &[Leaving] {
        &self.scan.leaving
    }

    /// Looks.
    ///
    /// # Errors
    /// If L1 does not answer or the chain cannot be read; [`ExitError::is_temporary`] says whether looking
    /// again may help.
    pub async fn look(&mut self, operator: &Operator) -> Result<Seen, ExitError> {
        let rollup = self.rollup.clone();
        let derivation = rollup.derived()?.ok_or(ExitError::ChainMoved)?;
        let (Some(head), Some(header)) = (derivation.l1_head, rollup.batch_header(derivation.batch)?) else {
            return Err(ExitError::ChainMoved);
        };
        let (now, batch, block) = (head.header.timestamp, derivation.batch, header.lastBlock);
        self.read_chain(block).await?;
        let state = rollup.chain.state_at(block)?.ok_or(ExitError::ChainMoved)?;
        let holdings = self.holdings(&state)?;
        let waiting = self.waiting(header.messageCount).await?;
        let mut arriving = BTreeMap::new();
        for (asset, amount) in waiting.iter().filter_map(|waiting| waiting.purpose.brings(self.account)) {
            let sum: &mut U256 = arriving.entry(asset).or_default();
            *sum = sum.saturating_add(amount);
        }
        let outcomes = self.outcomes(header.messageCount)?;
        let (unpaid, leaving) = self.unpaid().await?;
        let open = unpaid.iter().filter(|unpaid| unpaid.on_l1 == OnL1::Open);
        let needed: BTreeSet<u64> = open.map(|unpaid| unpaid.batch).collect();
        let claims = rollup.index.claims()?;
        let (facts, false_claims) = self.facts(&claims, batch, &needed).await?;
        let settlement = rollup.deployment.contracts.settlement;
        let (last_final, covered) = rollup.last_final().await?;
        if covered > batch {
            return Err(ExitError::ChainMoved);
        }
        let paths = self.paths(&facts, last_final, &needed, batch, now);
        let credit = rollup.l1.call(settlement, &ISettlement::creditCall { account: self.account }).await?;
        let view = View {
            now,
            in_flight: operator.txs.in_flight().await > 0,
            holdings,
            arriving,
            waiting,
            unpaid,
            paths,
            own_ripe: self.own_ripe(&claims, &facts, now),
            credit,
        };
        Ok(Seen { view, batch, block, leaving, outcomes, false_claims })
    }

    async fn read_chain(&mut self, block: u64) -> Result<(), ExitError> {
        let mut scan = std::mem::replace(&mut self.scan, Scan::new(self.account));
        let chain = self.rollup.chain.clone();
        let read = tokio::task::spawn_blocking(move || {
            let read = scan.advance(&chain, block);
            (scan, read)
        });
        let (scan, read) = read.await.map_err(|_| ExitError::Stopped)?;
        self.scan = scan;
        read?;
        for token in &self.scan.tokens {
            self.assets.add(token.clone());
        }
        Ok(())
    }

    fn holdings(&self, state: &StateAt) -> Result<BTreeMap<Address, U256>, ExitError> {
        let has = |asset: &Asset| Ok((asset.id(), asset.balance(state, self.account)?));
        let all: Result<Vec<_>, ExitError> = self.assets.iter().map(has).collect();
        Ok(all?.into_iter().filter(|(_, amount)| !amount.is_zero()).collect())
    }

    /// Messages of the account from number `consumed` on.
    async fn waiting(&mut self, consumed: u64) -> Result<Vec<Waiting>, ExitError> {
        let (count, _) = self.rollup.index.counts()?;
        let contracts = self.rollup.deployment.contracts;
        let mut waiting = Vec::new();
        for index in consumed..count {
            let message = self.rollup.index.message(index)?.ok_or(ExitError::ChainMoved)?;
            let Some(purpose) = purpose(&message, self.account, contracts.vault) else { continue };
            // Another block of the same number may have it at another time.
            let block = self.rollup.index.block_hash(message.l1_block)?.ok_or(ExitError::ChainMoved)?;
            let key = (index, block);
            let sent_at = match self.sent_at.get(&key) {
                Some(sent_at) => *sent_at,
                None => {
                    let call = IMessageQueue::messageCall { index };
                    let sent_at = self.rollup.l1.call(contracts.message_queue, &call).await?.timestamp;
                    self.sent_at.insert(key, sent_at);
                    sent_at
                }
            };
            if purpose.brings(self.account).is_some()
                && let Some(token) = deposited_token(&message.data)
            {
                self.assets.add(token);
            }
            if matches!(purpose, Purpose::Withdraw { .. } | Purpose::Unwrap { .. }) {
                self.watched.insert(index, (message, purpose));
            }
            waiting.push(Waiting { index, purpose, sent_at });
        }
        Ok(waiting)
    }

    /// What became of messages that were seen waiting.
    fn outcomes(&mut self, consumed: u64) -> Result<Vec<Outcome>, ExitError> {
        let done: Vec<u64> = self.watched.range(..consumed).map(|(index, _)| *index).collect();
        let mut outcomes = Vec::new();
        for index in done {
            let Some((message, purpose)) = self.watched.remove(&index) else { continue };
            // A reorganisation of L1 may have put another message into its place.
            if let Some((block, at)) = self.rollup.chain.transaction(message.to_deposit().hash())? {
                outcomes.push(Outcome { index, purpose, success: block.receipts[at].success });
            }
        }
        Ok(outcomes)
    }

    /// Withdrawals that L1 has not paid.
    async fn unpaid(&mut self) -> Result<(Vec<Unpaid>, BTreeMap<B256, Leaving>), ExitError> {
        let vault = self.rollup.deployment.contracts.vault;
        let (mut unpaid, mut leaving) = (Vec::new(), BTreeMap::new());
        self.released.retain(|_, since| since.elapsed() < BELIEVED);
        for found in &self.scan.leaving {
            let hash = found.withdrawal.hash();
            if self.released.contains_key(&hash) {
                continue;
            }
            let call = IVault::withdrawalStateCall { withdrawalHash: hash };
            let on_l1 = match self.rollup.l1.call(vault, &call).await? {
                DONE => {
                    self.released.insert(hash, Instant::now());
                    continue;
                }
                FAILED => OnL1::Failed,
                _ => OnL1::Open,
            };
            let batch = self.rollup.index.batch_of(found.block)?.ok_or(ExitError::ChainMoved)?;
            let posted = self.rollup.l1.header(batch.l1_block).await?.ok_or(ExitError::ChainMoved)?;
            let (batch, posted_at) = (batch.header.index, posted.header.timestamp);
            unpaid.push(Unpaid { hash, batch, posted_at, on_l1 });
            leaving.insert(hash, found.clone());
        }
        Ok((unpaid, leaving))
    }

    /// What matters of the claims; and which of those that can become final are false.
    async fn facts(
        &mut self,
        claims: &[ClaimEntry],
        derived: u64,
        needed: &BTreeSet<u64>,
    ) -> Result<(Vec<ClaimFacts>, Vec<u64>), ExitError> {
        let window = self.rollup.deployment.parameters.challenge_window;
        let (mut facts, mut false_claims) = (Vec::new(), Vec::new());
        for claim in claims.iter().filter(|claim| claim.last_batch <= derived) {
            let useful = needed.first().is_some_and(|batch| claim.last_batch >= *batch);
            let is_true = match claim.status {
                ClaimStatus::Final => {
                    !useful || output_at(&self.rollup, claim.last_batch)? == claim.output_root
                }
                ClaimStatus::Rejected => false,
                ClaimStatus::Pending => self.agrees(claim).await?,
            };
            // Where proofs are taken, what is true in the end can become final at any time, and does no harm.
            let is_hybrid = self.rollup.deployment.settlement_mode() == SettlementMode::Hybrid;
            let harms =
                || Ok::<_, ExitError>(output_at(&self.rollup, claim.last_batch)? != claim.output_root);
            if !is_true && claim.status == ClaimStatus::Pending && (!is_hybrid || harms()?) {
                false_claims.push(claim.id);
            }
            facts.push(ClaimFacts {
                id: claim.id,
                parent: claim.parent_id,
                last_batch: claim.last_batch,
                status: claim.status,
                ripe_at: claim.l1_timestamp + window,
                is_true,
            });
        }
        Ok((facts, false_claims))
    }

    /// Whether a claim says what was derived; its batches are.
    async fn agrees(&self, claim: &ClaimEntry) -> Result<bool, ExitError> {
        let (rollup, entry) = (self.rollup.clone(), claim.clone());
        let is_true = tokio::task::spawn_blocking(move || rollup.is_true(&entry));
        is_true.await.map_err(|_| ExitError::Stopped)??.ok_or(ExitError::ChainMoved)
    }

    fn paths(
        &self,
        facts: &[ClaimFacts],
        last_final: u64,
        needed: &BTreeSet<u64>,
        newest: u64,
        now: u64,
    ) -> BTreeMap<u64, Path> {
        let batches = Batches {
            // A batch that cannot be read is not claimed.
            last_block: |batch| last_block(&self.rollup, batch).unwrap_or(u64::MAX),
            newest,
            max_claim_blocks: self.rollup.deployment.parameters.max_claim_blocks,
        };
        let claimed = self.rollup.deployment.settlement_mode().has_disputes();
        let path = |batch| match path(facts, last_final, batch, &batches, now) {
            Path::Claim { .. } if !claimed => Path::Proof,
            path => path,
        };
        needed.iter().map(|batch| (*batch, path(*batch))).collect()
    }

    fn own_ripe(&self, claims: &[ClaimEntry], facts: &[ClaimFacts], now: u64) -> Option<u64> {
        let is_final = |id: u64| {
            id == 0 || facts.iter().any(|claim| claim.id == id && claim.status == ClaimStatus::Final)
        };
        let own = |id: u64| claims.iter().any(|claim| claim.id == id && claim.proposer == self.account);
        let ripe = |claim: &&ClaimFacts| {
            claim.status == ClaimStatus::Pending
                && claim.is_true
                && claim.ripe_at <= now
                && is_final(claim.parent)
        };
        facts.iter().filter(ripe).find(|claim| own(claim.id)).map(|claim| claim.id)
    }
}

/// The last L2 block of a batch; that of batch 0 is 0.
pub(crate) fn last_block(rollup: &Rollup, batch: u64) -> Result<u64, ExitError> {
    Ok(rollup.batch_header(batch)?.ok_or(ExitError::ChainMoved)?.lastBlock)
}

/// The L2 blocks that a claim covers, first and last.
pub(crate) fn range(
    rollup: &Rollup,
    claim: &ClaimEntry,
    claims: &[ClaimEntry],
) -> Result<(u64, u64), ExitError> {
    let parent = claims.iter().find(|parent| parent.id == claim.parent_id);
    let covered = match (claim.parent_id, parent) {
        (0, _) => 0,
        (_, Some(parent)) => parent.last_batch,
        (_, None) => return Err(ExitError::ChainMoved),
    };
    Ok((last_block(rollup, covered)? + 1, last_block(rollup, claim.last_batch)?))
}

/// The output of the last block of a batch, as derived.
pub(crate) fn output_of(rollup: &Rollup, block: u64) -> Result<OutputRoot, ExitError> {
    let header = rollup.chain.header(block)?.ok_or(ExitError::ChainMoved)?;
    Ok(OutputRoot::of(&header, header.hash_slow()))
}

pub(crate) fn output_at(rollup: &Rollup, batch: u64) -> Result<B256, ExitError> {
    Ok(output_of(rollup, last_block(rollup, batch)?)?.hash())
}
