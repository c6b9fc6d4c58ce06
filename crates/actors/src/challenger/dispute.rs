//! What this node does in a dispute that has a bond of its own.

use std::sync::Arc;

use alloy_primitives::{Bytes, U256};
use alloy_sol_types::SolCall;
use duplex_contracts::bindings::{Challenge, ChallengeStatus, IDisputes, IPreimageOracle, Move};
use duplex_l1::{ClaimEntry, ClaimStatus, prove_element};
use duplex_primitives::tree::Tree;
use duplex_program::Statement;
use duplex_vm::{Kind, PartKey};

use super::{Challenger, Game, Side, Story, moves, story};
use crate::ActorError;

impl Challenger {
    /// Until when the side in turn must have moved.
    pub(super) fn deadline(&self, game: &Game) -> u64 {
        let dispute = &game.dispute;
        let used = match game.turn() {
            Side::Challenger => dispute.challengerTime,
            Side::Defender => dispute.defenderTime,
        };
        (dispute.turnStart + self.rollup.deployment.parameters.dispute_clock).saturating_sub(used)
    }

    pub(super) async fn play(
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
            return Ok(self.judgement(claim).await?.map(|own| (own.history, None)));
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
}
