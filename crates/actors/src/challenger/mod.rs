//! Disputes false claims, and defends true ones.
//!
//! Whatever is decided here follows from the chain that was derived and from what L1 says now. L1 keeps the state
//! of every game and the transaction manager what was sent, so a restart at any move loses nothing.

mod board;
mod liar;
mod moves;
mod opinion;
mod position;
mod refute;
mod replay;
mod witness;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, LazyLock},
    time::Duration,
};

use alloy_primitives::{Address, B256, Bytes, U256};
use alloy_sol_types::SolCall;
use duplex_contracts::bindings::{Challenge, ChallengeStatus, IDisputes, IPreimageOracle, ISettlement, Move};
use duplex_l1::{
    ClaimEntry, ClaimStatus, SettlementMode, TxManagerError, TxReceipt, TxRequest, prove_element,
};
use duplex_primitives::tree::Tree;
use duplex_program::Statement;
use duplex_vm::{Kind, PartKey, Program};
use serde::Serialize;
use tokio::{
    sync::{oneshot, watch},
    time::Instant,
};
use tokio_util::sync::CancellationToken;

pub use crate::facts::inputs;
pub use board::{Board, Game, Lost, Open, Story, story, story_since};
pub use liar::{Liar, Lie};
pub use moves::{Opened, Side};
pub use opinion::{Honest, Opinion};
pub use position::{Position, width};
pub use replay::{Inputs, Replays, Step};
pub use witness::{Absent, Witness, WitnessError};

use crate::{ActorError, Operator, Rollup};

/// The program that disputes execute (`guest/`), as `cargo xtask guest` builds it.
pub fn program() -> Arc<Program> {
    static PROGRAM: LazyLock<Arc<Program>> = LazyLock::new(|| {
        let elf = include_bytes!("../../../../guest/duplex-program.elf");
        match Program::from_elf(elf) {
            Ok(program) => Arc::new(program),
            // A test reads it.
            Err(error) => unreachable!("the fault-proof program that is part of this one: {error}"),
        }
    });
    PROGRAM.clone()
}

/// Pause between looks at what there is to do.
const PAUSE: Duration = Duration::from_millis(250);
/// Pause between looks at what was won.
const COLLECT_EVERY: Duration = Duration::from_secs(30);
/// Claims that fall with their parents, in one transaction.
const FALLING: usize = 64;

/// What the challenger is doing, for people and for alarms.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Watch {
    /// Claims on L1 that are false and not yet rejected.
    pub false_claims: BTreeSet<u64>,
    /// In `hybrid`: claims that are false before their last output only. There is nothing to do about them.
    pub dented_claims: BTreeSet<u64>,
    /// Challenges that are open.
    pub challenges: u64,
    /// Disputes that are open.
    pub disputes: u64,
    /// Of these, those with a bond of this node.
    pub own: u64,
    /// Challenges and defences that this node has lost. There should be none: a person must look.
    pub lost: u64,
    /// Why the last look failed; `None` if it did not.
    pub failing: Option<String>,
}

/// Disputes false claims and defends true ones.
#[derive(Debug)]
pub struct Challenger {
    rollup: Rollup,
    operator: Operator,
    opinion: Arc<dyn Opinion>,
    board: Board,
    replays: Replays,
    /// Own histories of claims, by what was claimed, and the hash of the last batch.
    histories: BTreeMap<(u64, B256, B256), Arc<Tree>>,
    /// What shows that a proof contradicts a false claim, by that and the proven claim; none if nothing ever will.
    refutations: BTreeMap<(u64, u64), Option<ISettlement::refuteCall>>,
    /// What was sent and is not mined, by what it is for.
    sent: BTreeMap<String, oneshot::Receiver<Result<TxReceipt, TxManagerError>>>,
    collected: Instant,
    watch: watch::Sender<Watch>,
}

impl Challenger {
    /// A challenger with the program that disputes execute.
    pub fn new(rollup: Rollup, operator: Operator, program: Arc<Program>) -> Self {
        Self::with_opinion(rollup, operator, program, Arc::new(Honest))
    }

    /// One that says something else than what is so: for demonstrations and tests.
    pub fn with_opinion(
        rollup: Rollup,
        operator: Operator,
        program: Arc<Program>,
        opinion: Arc<dyn Opinion>,
    ) -> Self {
        Self {
            replays: Replays::new(rollup.clone(), program),
            rollup,
            operator,
            opinion,
            board: Board::default(),
            histories: BTreeMap::new(),
            refutations: BTreeMap::new(),
            sent: BTreeMap::new(),
            collected: Instant::now(),
            watch: watch::channel(Watch::default()).0,
        }
    }

    /// What it is doing.
    pub fn watch(&self) -> watch::Receiver<Watch> {
        self.watch.subscribe()
    }

    /// Works until cancelled.
    ///
    /// # Errors
    /// If the chain or the index cannot be read.
    pub async fn run(mut self, cancel: CancellationToken) -> Result<(), ActorError> {
        loop {
            let done = tokio::select! {
                () = cancel.cancelled() => return Ok(()),
                done = self.look() => done,
            };
            let pause = match done {
                Ok(()) => {
                    self.watch.send_if_modified(|watch| watch.failing.take().is_some());
                    PAUSE
                }
                Err(error) if error.is_temporary() => {
                    tracing::warn!(%error, "challenger waits");
                    let text = error.to_string();
                    self.watch.send_modify(|watch| watch.failing = Some(text));
                    Duration::from_secs(2)
                }
                Err(error) => return Err(error),
            };
            tokio::select! {
                () = cancel.cancelled() => return Ok(()),
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// One look at L1, and all that follows from it.
    async fn look(&mut self) -> Result<(), ActorError> {
        self.forget_what_was_mined();
        // Only what was derived from L1 is known to be true; on anything else nothing is staked.
        let claims: BTreeMap<u64, ClaimEntry> =
            self.rollup.index.claims()?.into_iter().map(|claim| (claim.id, claim)).collect();
        let Some(derivation) = self.rollup.derived()? else { return Ok(()) };
        let Some(l1_head) = derivation.l1_head else { return Ok(()) };
        let now = l1_head.header.timestamp;
        let open = self.board.read(&self.rollup).await?;
        if open.l1_went_back {
            self.histories.clear();
            self.refutations.clear();
        }
        let pending = |id: &u64| claims.get(id).is_some_and(|claim| claim.status == ClaimStatus::Pending);
        self.histories.retain(|(id, ..), _| pending(id));
        self.refutations.retain(|(id, _), _| pending(id));

        // What is true with all that it builds on is defended. What builds on a claim that somebody can prove is challenged if it is false,
        // since it has a final parent from then on, be its own window over or not; but it is not defended, since it falls with that claim.
        let (mut standing, mut possible) = (BTreeSet::from([0]), BTreeSet::from([0]));
        let (mut false_claims, mut dented_claims) = (BTreeSet::new(), BTreeSet::new());
        for claim in claims.values().filter(|claim| claim.last_batch <= derivation.batch) {
            match claim.status {
                ClaimStatus::Final => {
                    standing.insert(claim.id);
                    possible.insert(claim.id);
                }
                ClaimStatus::Pending if possible.contains(&claim.parent_id) => {
                    let Some(history) = self.history(claim).await? else { continue };
                    let is_true = history.root() == claim.block_outputs_root;
                    if is_true || self.is_dented(claim, &history)? {
                        possible.insert(claim.id);
                    }
                    if is_true && standing.contains(&claim.parent_id) {
                        standing.insert(claim.id);
                        self.defend(claim, &history, &open, now).await?;
                    } else if !is_true && possible.contains(&claim.id) {
                        dented_claims.insert(claim.id);
                    } else if !is_true {
                        false_claims.insert(claim.id);
                        if !self.refute(claim, &history, claims.values()).await? {
                            self.challenge(claim, &history, &open, now).await?;
                        }
                    }
                }
                _ => {}
            }
        }
        self.fell_with_parent(&claims).await?;
        let me = self.operator.txs.address();
        let mut own: Vec<(Game, Challenge, Side)> = Vec::new();
        for game in &open.games {
            let Some(challenge) = open.challenges.get(&game.dispute.challengeId) else { continue };
            if challenge.challenger == me {
                own.push((game.clone(), challenge.clone(), Side::Challenger));
            } else if game.dispute.defender == me {
                own.push((game.clone(), challenge.clone(), Side::Defender));
            }
        }
        let lost = open.lost.defences.iter().chain(&open.lost.challenges).filter(|(_, who)| *who == me);
        let lost = lost.count() as u64;
        if lost > self.watch.borrow().lost {
            tracing::error!(lost, node = %me, "a challenge or a defence of this node was lost: a person must look");
        }
        let state = Watch {
            lost,
            false_claims,
            dented_claims,
            challenges: open.challenges.values().filter(|c| c.status == ChallengeStatus::Open).count() as u64,
            disputes: open.games.len() as u64,
            own: own.len() as u64,
            failing: None,
        };
        self.watch.send_if_modified(|watch| {
            let changed = *watch != state;
            if changed {
                *watch = state;
            }
            changed
        });
        // Those whose time runs out first come first.
        own.sort_by_key(|(game, ..)| self.deadline(game));
        let mut failing = None;
        for (game, challenge, side) in own {
            let Some(claim) = claims.get(&challenge.claimId) else { continue };
            // One dispute that cannot go on must not stop the others.
            match self.play(&game, &challenge, claim, side, now).await {
                Err(error) if error.is_temporary() => {
                    tracing::warn!(dispute = game.id, %error, "a dispute waits");
                    failing = Some(error);
                }
                done => done?,
            }
        }
        for (id, challenge) in &open.challenges {
            self.resolve(*id, challenge, claims.get(&challenge.claimId), now).await?;
        }
        self.collect().await?;
        failing.map_or(Ok(()), Err)
    }

    /// What this node says of a claim's blocks; `None` while it cannot know.
    async fn history(&mut self, claim: &ClaimEntry) -> Result<Option<Arc<Tree>>, ActorError> {
        let Some(batch) = self.rollup.index.batch(claim.last_batch)? else { return Ok(None) };
        let key = (claim.id, claim.block_outputs_root, batch.hash);
        if let Some(history) = self.histories.get(&key) {
            return Ok(Some(history.clone()));
        }
        let (rollup, entry) = (self.rollup.clone(), claim.clone());
        let truth = tokio::task::spawn_blocking(move || rollup.history_of(&entry)).await;
        let Some(truth) = truth.map_err(|_| ActorError::Behind("reading blocks was cut off"))?? else {
            return Ok(None);
        };
        // L1 may have taken back the batch meanwhile: then this is another one's.
        if self.rollup.derived()?.is_none() {
            return Ok(None);
        }
        let history = Arc::new(self.opinion.blocks(claim, truth));
        let (id, proposer) = (claim.id, claim.proposer);
        if history.root() != claim.block_outputs_root {
            if self.is_dented(claim, &history)? {
                tracing::info!(claim = id, %proposer, "a claim on L1 is false before its last output only, which does no harm");
            } else {
                tracing::error!(claim = id, %proposer, "a claim on L1 is false");
            }
        }
        self.histories.insert(key, history.clone());
        Ok(Some(history))
    }

    /// Whether a claim, which is not true, is false before its last output only, and a proof can make it final. That does no harm, since
    /// nothing uses its other outputs; a challenge would bind a bond until the proof comes, and win nothing.
    fn is_dented(&self, claim: &ClaimEntry, history: &Tree) -> Result<bool, ActorError> {
        if self.rollup.deployment.settlement_mode() != SettlementMode::Hybrid {
            return Ok(false);
        }
        let blocks = self.rollup.blocks_of(claim)?;
        Ok(blocks.is_some_and(|(first, last)| history.leaf(last - first) == claim.output_root))
    }

    async fn challenge(
        &mut self,
        claim: &ClaimEntry,
        history: &Tree,
        open: &Open,
        now: u64,
    ) -> Result<(), ActorError> {
        let me = self.operator.txs.address();
        let mine =
            |c: &Challenge| c.claimId == claim.id && c.challenger == me && c.status == ChallengeStatus::Open;
        let window = self.rollup.deployment.parameters.challenge_window;
        if now >= claim.l1_timestamp + window
            || open.challenges.values().any(mine)
            || open.lost.challenges.contains(&(claim.id, me))
        {
            return Ok(());
        }
        let Some(batch) = self.rollup.index.batch(claim.last_batch)? else { return Ok(()) };
        let call = IDisputes::challengeCall {
            claimId: claim.id,
            blockOutputsRoot: claim.block_outputs_root,
            lastBatchHash: batch.hash,
            outputsRoot: history.root(),
        };
        let bond = self.rollup.deployment.parameters.dispute_bond;
        self.send(format!("challenge claim {}", claim.id), &call, bond).await
    }

    /// Defends a true claim against everybody who challenges it. Others may do so too, but what they commit to
    /// is not in this node's hands.
    async fn defend(
        &mut self,
        claim: &ClaimEntry,
        history: &Tree,
        open: &Open,
        now: u64,
    ) -> Result<(), ActorError> {
        let me = self.operator.txs.address();
        let parameters = self.rollup.deployment.parameters;
        for (id, challenge) in &open.challenges {
            let mine = |game: &Game| game.dispute.challengeId == *id && game.dispute.defender == me;
            if challenge.claimId != claim.id
                || challenge.status != ChallengeStatus::Open
                || challenge.challenger == me
                || now > challenge.openedAt + parameters.defence_period
                || open.games.iter().any(mine)
                || open.lost.defences.contains(&(*id, me))
            {
                continue;
            }
            let Some(batch) = self.rollup.index.batch(claim.last_batch)? else { return Ok(()) };
            let call = IDisputes::defendCall {
                challengeId: *id,
                lastBatchHash: batch.hash,
                opened: history.opened(0, 0),
            };
            let label = format!("defend claim {} against challenge {id}", claim.id);
            self.send(label, &call, parameters.dispute_bond).await?;
        }
        Ok(())
    }

    /// Until when the side in turn must have moved.
    fn deadline(&self, game: &Game) -> u64 {
        let dispute = &game.dispute;
        let used = match game.turn() {
            Side::Challenger => dispute.challengerTime,
            Side::Defender => dispute.defenderTime,
        };
        (dispute.turnStart + self.rollup.deployment.parameters.dispute_clock).saturating_sub(used)
    }

    async fn play(
        &mut self,
        game: &Game,
        challenge: &Challenge,
        claim: &ClaimEntry,
        side: Side,
        now: u64,
    ) -> Result<(), ActorError> {
        let id = game.id;
        // A claim that was proved meanwhile is final: there is nothing left to dispute.
        if challenge.status != ChallengeStatus::Open || claim.status != ClaimStatus::Pending {
            return self
                .send(format!("settle dispute {id}"), &IDisputes::settleCall { id }, U256::ZERO)
                .await;
        }
        if game.turn() != side {
            if now > self.deadline(game) {
                let label = format!("end dispute {id}: the other side's time is over");
                self.send(label, &IDisputes::timeoutCall { id }, U256::ZERO).await?;
            }
            return Ok(());
        }
        let label = format!("dispute {id}, {:?} at {:#x}", game.dispute.next, game.dispute.position);
        if self.sent.contains_key(&label) {
            return Ok(());
        }
        let data = match game.dispute.next {
            Move::ChallengerDescends | Move::DefenderDescends | Move::ChallengerReachesLeaf => {
                self.descend(game, claim, side).await?
            }
            Move::ChallengerCommits | Move::DefenderCommits => self.commit(game, claim, side).await?,
            Move::ChallengerProves => self.prove(game, claim).await?,
            _ => None,
        };
        match data {
            Some(data) => self.send_data(label, data, U256::ZERO).await,
            None => Ok(()),
        }
    }

    /// This side's history of the stage in which the two are; `None` while the machine is at work.
    async fn tree(
        &mut self,
        game: &Game,
        claim: &ClaimEntry,
        side: Side,
        story: &Story,
    ) -> Result<Option<(Arc<Tree>, Option<duplex_vm::State>)>, ActorError> {
        let stage = game.position.stage();
        if stage == 0 {
            return Ok(self.history(claim).await?.map(|tree| (tree, None)));
        }
        let statement = self.statement(game, claim, story)?;
        let path: Vec<u64> = (1..stage).map(|stage| game.position.leaf(stage)).collect();
        let Some(history) = self.replays.history(&statement, &path).await? else { return Ok(None) };
        let (opinion, hash) = (self.opinion.clone(), statement.hash());
        let told = tokio::task::spawn_blocking(move || {
            (Arc::new(opinion.states(side, hash, &history)), Some(opinion.last(side, hash, &history)))
        });
        Ok(Some(told.await.map_err(|_| ActorError::Behind("a history was cut off"))?))
    }

    /// The statement that a dispute is about, from what was said in it; L1 has its hash.
    fn statement(&self, game: &Game, claim: &ClaimEntry, story: &Story) -> Result<Statement, ActorError> {
        let (first, _) =
            self.rollup.blocks_of(claim)?.ok_or(ActorError::Behind("a claim's batches are gone"))?;
        let block = first + game.position.leaf(0);
        let batch =
            self.rollup.index.batch_of(block)?.ok_or(ActorError::Behind("a block's batch is gone"))?;
        let (_, output, parent) = story.block.ok_or(ActorError::Behind("a dispute's events are missing"))?;
        let statement = Statement {
            parentOutput: parent,
            output,
            batchHash: batch.hash,
            blockNumber: block,
            configHash: self.rollup.deployment.program_config().hash(),
        };
        if statement.hash() != game.dispute.statement {
            return Err(ActorError::Behind("a dispute is about another statement than its events say"));
        }
        Ok(statement)
    }

    async fn descend(
        &mut self,
        game: &Game,
        claim: &ClaimEntry,
        side: Side,
    ) -> Result<Option<Bytes>, ActorError> {
        let story = story(&self.rollup, game.id, claim.l1_block).await?;
        let Some(theirs) = story.opened else {
            return Err(ActorError::Behind("a dispute's events are missing"));
        };
        let Some((tree, _)) = self.tree(game, claim, side, &story).await? else { return Ok(None) };
        let position = game.position;
        let data = if game.dispute.next == Move::ChallengerReachesLeaf {
            let mut batch = 0;
            let mut start = game.dispute.agreed;
            if position.stage() == 0 {
                let (first, last) =
                    self.rollup.blocks_of(claim)?.ok_or(ActorError::Behind("a claim's batches are gone"))?;
                if let Some(leaf) = moves::leaf_below(position, &tree, &theirs)
                    && let block = first + leaf
                    && block <= last
                {
                    let entry = self.rollup.index.batch_of(block)?;
                    batch = entry.ok_or(ActorError::Behind("a block's batch is gone"))?.header.index;
                }
                start = self.rollup.output_of(claim.parent_id)?;
            }
            moves::descend_to_leaf(game.id, position, &tree, theirs, start, batch)
        } else {
            moves::descend(game.id, position, &tree, theirs)
        };
        if data.is_none() {
            tracing::error!(dispute = game.id, "nothing differs in a dispute of this node");
        }
        Ok(data)
    }

    async fn commit(
        &mut self,
        game: &Game,
        claim: &ClaimEntry,
        side: Side,
    ) -> Result<Option<Bytes>, ActorError> {
        let story = story(&self.rollup, game.id, claim.l1_block).await?;
        let Some((tree, last)) = self.tree(game, claim, side, &story).await? else { return Ok(None) };
        let last = last.filter(|_| game.position.stage() == 1).map(|state| state.encode());
        let (id, statement) = (game.id, game.dispute.statement);
        Ok(Some(moves::commit(
            id,
            side,
            game.position,
            statement,
            &tree,
            last.as_ref().map(|last| &last[..]),
        )))
    }

    async fn prove(&mut self, game: &Game, claim: &ClaimEntry) -> Result<Option<Bytes>, ActorError> {
        let story = story(&self.rollup, game.id, claim.l1_block).await?;
        let statement = self.statement(game, claim, &story)?;
        let path = [1, 2, 3].map(|stage| game.position.leaf(stage));
        let Some(step) = self.replays.step(&statement, &path).await? else { return Ok(None) };
        if let Some((part, preimage)) = &step.reads
            && !self.load(*part, preimage).await?
        {
            return Ok(None);
        }
        let witness = &step.witness;
        let call = IDisputes::proveCall {
            id: game.id,
            state: witness.state.clone().into(),
            code: witness.code.clone().into(),
            mem: witness.memory.clone().into(),
        };
        Ok(Some(call.abi_encode().into()))
    }

    /// Brings a part of a preimage to L1; true if it is there.
    async fn load(&mut self, part: PartKey, preimage: &Bytes) -> Result<bool, ActorError> {
        let PartKey { kind, key, offset } = part;
        let oracle = self.rollup.deployment.contracts.preimage_oracle;
        let call = IPreimageOracle::partCall { kind: U256::from(kind as u8), key, offset };
        match self.rollup.l1.call(oracle, &call).await {
            Ok(_) => return Ok(true),
            Err(error) if error.is_temporary() => return Err(error.into()),
            Err(_) => {}
        }
        let label = format!("load bytes {offset} of {key}");
        if self.sent.contains_key(&label) {
            return Ok(false);
        }
        let data = match kind {
            Kind::Blob => {
                let (blob, index) = (preimage.clone(), (offset / 32) as u32);
                let proved = tokio::task::spawn_blocking(move || prove_element(&blob, index)).await;
                let proved = proved.map_err(|_| ActorError::Behind("a proof was cut off"))??;
                let (value, commitment, proof) = (proved.value, proved.commitment, proved.proof);
                IPreimageOracle::loadBlobCall {
                    versionedHash: key,
                    index: u64::from(index),
                    value,
                    commitment,
                    proof,
                }
                .abi_encode()
            }
            _ => IPreimageOracle::loadKeccakCall { preimage: preimage.clone(), offset }.abi_encode(),
        };
        self.send_to(oracle, label, data.into(), U256::ZERO).await?;
        Ok(false)
    }

    /// Ends a challenge of this node that has won, or has become needless.
    async fn resolve(
        &mut self,
        id: u64,
        challenge: &Challenge,
        claim: Option<&ClaimEntry>,
        now: u64,
    ) -> Result<(), ActorError> {
        let mine = challenge.challenger == self.operator.txs.address();
        let period = self.rollup.deployment.parameters.defence_period;
        let pending = claim.is_none_or(|claim| claim.status == ClaimStatus::Pending);
        let won = pending && now > challenge.openedAt + period && challenge.openDisputes == 0;
        let needless = claim.is_some_and(|claim| claim.status == ClaimStatus::Rejected);
        if mine && challenge.status == ChallengeStatus::Open && (won || needless) {
            let call = IDisputes::resolveCall { challengeId: id };
            self.send(format!("resolve challenge {id}"), &call, U256::ZERO).await?;
        }
        let proved = claim.filter(|claim| claim.status == ClaimStatus::Final);
        if let Some(claim) = proved.filter(|_| mine && challenge.status == ChallengeStatus::Open) {
            self.agree(id, challenge, claim).await?;
        }
        Ok(())
    }

    /// Takes back the bond of a challenge whose claim was proved: what was proved is its last output only, and a history that is
    /// false before that was rightly challenged.
    async fn agree(&mut self, id: u64, challenge: &Challenge, claim: &ClaimEntry) -> Result<(), ActorError> {
        let Some(history) = self.history(claim).await? else { return Ok(()) };
        let Some((first, last)) = self.rollup.blocks_of(claim)? else { return Ok(()) };
        if history.root() != challenge.outputsRoot || history.leaf(last - first) != claim.output_root {
            return Ok(());
        }
        let proof: Vec<B256> = history.proof(last - first);
        let call = IDisputes::agreeCall {
            challengeId: id,
            lastLeafProof: std::array::from_fn(|level| proof[level]),
        };
        self.send(format!("take back challenge {id}: its claim was proved"), &call, U256::ZERO).await
    }

    /// Removes claims whose parents were rejected.
    async fn fell_with_parent(&mut self, claims: &BTreeMap<u64, ClaimEntry>) -> Result<(), ActorError> {
        let rejected = |id: &u64| claims.get(id).is_some_and(|claim| claim.status == ClaimStatus::Rejected);
        let fallen = claims.values().filter(|c| c.status == ClaimStatus::Pending && rejected(&c.parent_id));
        let ids: Vec<u64> = fallen.map(|claim| claim.id).take(FALLING).collect();
        match ids.is_empty() {
            true => Ok(()),
            false => {
                let call = ISettlement::rejectChildrenCall { ids: ids.clone() };
                let settlement = self.rollup.deployment.contracts.settlement;
                let label = format!("remove claims {ids:?}");
                self.send_to(settlement, label, call.abi_encode().into(), U256::ZERO).await
            }
        }
    }

    /// Fetches what was won, now and then.
    async fn collect(&mut self) -> Result<(), ActorError> {
        if self.collected.elapsed() < COLLECT_EVERY {
            return Ok(());
        }
        self.collected = Instant::now();
        let (me, contract) = (self.operator.txs.address(), self.rollup.deployment.contracts.disputes);
        let credit = self.rollup.l1.call(contract, &IDisputes::creditCall { account: me }).await?;
        if credit < self.rollup.deployment.parameters.dispute_bond {
            return Ok(());
        }
        let call = IDisputes::withdrawCreditCall { to: me };
        self.send("take back bonds of disputes".into(), &call, U256::ZERO).await
    }

    async fn send<C: SolCall>(&mut self, label: String, call: &C, value: U256) -> Result<(), ActorError> {
        self.send_data(label, call.abi_encode().into(), value).await
    }

    async fn send_data(&mut self, label: String, data: Bytes, value: U256) -> Result<(), ActorError> {
        self.send_to(self.rollup.deployment.contracts.disputes, label, data, value).await
    }

    /// Sends what is not under way already. What L1 would refuse is left: somebody was faster, or L1 is about to
    /// say something else; the next look decides again.
    async fn send_to(
        &mut self,
        to: Address,
        label: String,
        data: Bytes,
        value: U256,
    ) -> Result<(), ActorError> {
        if self.sent.contains_key(&label) {
            return Ok(());
        }
        let request = TxRequest { to, data, value, gas_limit: None, blobs: Vec::new(), label: label.clone() };
        match self.operator.txs.submit(request).await {
            Ok(receiver) => {
                tracing::info!(%label, "sent");
                self.sent.insert(label, receiver);
                Ok(())
            }
            Err(TxManagerError::Rpc(error)) if !error.is_temporary() => {
                tracing::warn!(%label, %error, "L1 would refuse this now");
                Ok(())
            }
            Err(error) => Err(error.into()),
        }
    }

    fn forget_what_was_mined(&mut self) {
        self.sent.retain(|label, receiver| match receiver.try_recv() {
            Err(oneshot::error::TryRecvError::Empty) => true,
            Ok(Err(error)) => {
                tracing::warn!(%label, %error, "failed, will be tried again");
                false
            }
            _ => false,
        });
    }
}
