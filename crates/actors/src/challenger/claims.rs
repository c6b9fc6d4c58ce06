//! What is true of the claims on L1, and what follows from it.

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::Arc,
};

use alloy_primitives::{B256, U256};
use alloy_sol_types::SolCall;
use duplex_contracts::bindings::{Challenge, ChallengeStatus, IDisputes, ISettlement};
use duplex_l1::{ClaimEntry, ClaimStatus, SettlementMode};
use duplex_primitives::tree::Tree;

use super::{Challenger, Game, Open};
use crate::ActorError;

/// Claims that fall with their parents, in one transaction.
const FALLING: usize = 64;

/// What this node says of a claim's blocks.
#[derive(Debug, Clone)]
pub(super) struct Judgement {
    /// Of the claim that was judged. Whatever is staked names it, so that L1 refuses it for any other.
    claim_hash: B256,
    /// The output roots of its blocks.
    pub(super) history: Arc<Tree>,
}

impl Challenger {
    /// Challenges, refutes or defends what nodes claimed of the batches up to `last`. Gives the claims that are false, and those that
    /// are false before their last output only.
    pub(super) async fn judge(
        &mut self,
        claims: &BTreeMap<u64, ClaimEntry>,
        last: u64,
        open: &Open,
        now: u64,
    ) -> Result<(BTreeSet<u64>, BTreeSet<u64>), ActorError> {
        // What is true with all that it builds on is defended. What builds on a claim that somebody can prove is challenged if it is false,
        // since it has a final parent from then on, be its own window over or not; but it is not defended, since it falls with that claim.
        let (mut standing, mut possible) = (BTreeSet::from([0]), BTreeSet::from([0]));
        let (mut false_claims, mut dented_claims) = (BTreeSet::new(), BTreeSet::new());
        for claim in claims.values().filter(|claim| claim.last_batch <= last) {
            match claim.status {
                ClaimStatus::Final => {
                    standing.insert(claim.id);
                    possible.insert(claim.id);
                }
                ClaimStatus::Pending if possible.contains(&claim.parent_id) => {
                    let Some(own) = self.judgement(claim).await? else { continue };
                    let history = &own.history;
                    let is_true = history.root() == claim.block_outputs_root;
                    if is_true || self.is_dented(claim, history)? {
                        possible.insert(claim.id);
                    }
                    if is_true && standing.contains(&claim.parent_id) {
                        standing.insert(claim.id);
                        self.defend(claim, &own, open, now).await?;
                    } else if !is_true && possible.contains(&claim.id) {
                        dented_claims.insert(claim.id);
                    } else if !is_true {
                        false_claims.insert(claim.id);
                        if !self.refute(claim, history, claims.values()).await? {
                            self.challenge(claim, &own, open, now).await?;
                        }
                    }
                }
                _ => {}
            }
        }
        Ok((false_claims, dented_claims))
    }

    /// What this node says of a claim's blocks; `None` while it cannot know.
    pub(super) async fn judgement(&mut self, claim: &ClaimEntry) -> Result<Option<Judgement>, ActorError> {
        let Some(claim_hash) = self.rollup.claim_hash(claim)? else { return Ok(None) };
        if let Some(history) = self.histories.get(&(claim.id, claim_hash)) {
            return Ok(Some(Judgement { claim_hash, history: history.clone() }));
        }
        let (rollup, entry) = (self.rollup.clone(), claim.clone());
        let truth = tokio::task::spawn_blocking(move || rollup.truth_of(&entry)).await;
        let Some((claim_hash, truth)) =
            truth.map_err(|_| ActorError::Behind("reading blocks was cut off"))??
        else {
            return Ok(None);
        };
        let history = Arc::new(self.opinion.blocks(claim, truth));
        let (id, proposer) = (claim.id, claim.proposer);
        if history.root() != claim.block_outputs_root {
            if self.is_dented(claim, &history)? {
                tracing::info!(claim = id, %proposer, "a claim on L1 is false before its last output only, which does no harm");
            } else {
                tracing::error!(claim = id, %proposer, "a claim on L1 is false");
            }
        }
        self.histories.insert((claim.id, claim_hash), history.clone());
        Ok(Some(Judgement { claim_hash, history }))
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
        own: &Judgement,
        open: &Open,
        now: u64,
    ) -> Result<(), ActorError> {
        let me = self.operator.txs.address();
        // If L1 went back and another claim has this number now, what was said of the first one keeps nobody from saying what is true.
        let ours = own.history.root();
        let mine = |c: &Challenge| {
            let still = c.outputsRoot == ours && c.status == ChallengeStatus::Open;
            c.claimId == claim.id && c.challenger == me && still
        };
        let window = self.rollup.deployment.parameters.challenge_window;
        if now >= claim.l1_timestamp + window
            || open.challenges.values().any(mine)
            || open.lost.challenges.contains(&(claim.id, me, ours))
        {
            return Ok(());
        }
        let call =
            IDisputes::challengeCall { claimId: claim.id, claimHash: own.claim_hash, outputsRoot: ours };
        let bond = self.rollup.deployment.parameters.dispute_bond;
        self.send(format!("challenge claim {}", claim.id), &call, bond).await
    }

    /// Defends a true claim against everybody who challenges it. Others may do so too, but what they commit to
    /// is not in this node's hands.
    async fn defend(
        &mut self,
        claim: &ClaimEntry,
        own: &Judgement,
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
            let call = IDisputes::defendCall {
                challengeId: *id,
                claimHash: own.claim_hash,
                opened: own.history.opened(0, 0),
            };
            let label = format!("defend claim {} against challenge {id}", claim.id);
            self.send(label, &call, parameters.dispute_bond).await?;
        }
        Ok(())
    }

    /// Ends a challenge of this node that has won, or has become needless.
    pub(super) async fn resolve(
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
        let Some(Judgement { history, .. }) = self.judgement(claim).await? else { return Ok(()) };
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
    pub(super) async fn fell_with_parent(
        &mut self,
        claims: &BTreeMap<u64, ClaimEntry>,
    ) -> Result<(), ActorError> {
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
}
