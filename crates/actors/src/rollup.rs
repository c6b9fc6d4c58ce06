//! What all actors work with.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError},
};

use alloy_primitives::B256;
use duplex_chain::Chain;
use duplex_contracts::{
    ClaimContent,
    bindings::{IInbox, ISettlement},
};
use duplex_derivation::{Anchor, Rules};
use duplex_l1::{
    BatchReader, ClaimEntry, ClaimStatus, Deployment, L1Header, L1Index, Rpc, RpcError, TxManager,
};
use duplex_primitives::{BatchHeader, L1Message, L2Extra, tree::Tree};
use tokio::sync::{Mutex, watch};

use crate::{
    ActorError, Proofs,
    proposer::{claim_history, last_block},
};

/// How far L2 says what L1 says.
#[derive(Debug, Clone, Default)]
pub struct Derivation {
    /// The newest L1 block up to which L2 agrees with L1; `None` until that was so once.
    pub l1_head: Option<L1Header>,
    /// The newest batch whose blocks are here and are what L1 says.
    pub batch: u64,
    /// Its hash.
    pub batch_hash: B256,
    /// The newest batch on L1.
    pub on_l1: u64,
    /// Batches since the start that were taken by their proof, without executing them.
    pub by_proof: u64,
    /// Batches since the start whose content was void, so that the default content stands for it.
    pub undecodable: u64,
    /// Transactions since the start that a batch listed and that could not be executed.
    pub skipped: u64,
}

/// What all actors work with.
#[derive(Debug, Clone)]
pub struct Rollup {
    /// The L2 chain.
    pub chain: Chain,
    /// What the rollup is.
    pub deployment: Arc<Deployment>,
    /// L1.
    pub l1: Rpc,
    /// What has happened on L1.
    pub index: L1Index,
    /// Reads the data of batches.
    pub reader: BatchReader,
    /// The newest L1 block of which everything is in the index.
    pub l1_head: watch::Receiver<Option<L1Header>>,
    /// How far L2 is derived from L1.
    pub derivation: watch::Receiver<Derivation>,
    /// Whoever looks at the chain and then changes it takes this first, so that nobody changes it
    /// in between.
    pub turn: Arc<Mutex<()>>,
    /// The proofs that this node keeps for others.
    pub proofs: Proofs,
    /// Claims that were looked at.
    pub judged: Judged,
}

/// Whether claims are true, by hash: what a hash names does not change.
#[derive(Debug, Clone, Default)]
pub struct Judged(Arc<std::sync::Mutex<BTreeMap<B256, bool>>>);

impl Judged {
    fn get(&self, claim_hash: &B256) -> Option<bool> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(claim_hash).copied()
    }

    fn put(&self, claim_hash: B256, is_true: bool) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(claim_hash, is_true);
    }
}

impl Rollup {
    /// The rules that derivation needs to know.
    pub fn rules(&self) -> Rules {
        Rules {
            chain_id: self.chain.config().chain_id,
            gas_limit: self.chain.config().gas_limit,
            message_gas_per_block: self.deployment.parameters.message_gas_per_block,
        }
    }

    /// Whether a batch on L1 ends where this chain does at its last block. `None` if this chain is
    /// not there yet. Only its header is compared: what the batch contains is the deriver's duty.
    ///
    /// # Errors
    /// If the chain cannot be read.
    pub fn agrees_with(&self, batch: &BatchHeader) -> Result<Option<bool>, ActorError> {
        let Some(header) = self.chain.header(batch.lastBlock)? else { return Ok(None) };
        let extra = L2Extra::decode(&header.extra_data).unwrap_or_default();
        let ours = (extra.anchor_number, extra.message_count);
        let same_anchor = header.parent_beacon_block_root == Some(batch.anchorHash);
        Ok(Some(ours == (batch.anchorNumber, batch.messageCount) && same_anchor))
    }

    /// True if this chain has all that L1 has, as far as headers of batches show it: then blocks
    /// may be built on its head.
    ///
    /// # Errors
    /// If the chain or the index cannot be read.
    pub fn is_abreast(&self) -> Result<bool, ActorError> {
        let (_, batches) = self.index.counts()?;
        match self.index.batch(batches)? {
            None => Ok(true),
            Some(entry) => Ok(self.agrees_with(&entry.header)? == Some(true)),
        }
    }

    /// What was derived, where that is what the index has now: while L1 reorganises, the index is ahead of derivation. `None` until it is so
    /// (again).
    ///
    /// # Errors
    /// If the index cannot be read.
    pub fn derived(&self) -> Result<Option<Derivation>, ActorError> {
        let derivation = self.derivation.borrow().clone();
        let is_there = derivation.batch == 0
            || self.index.batch(derivation.batch)?.is_some_and(|entry| entry.hash == derivation.batch_hash);
        Ok(Some(derivation).filter(|derivation| is_there && derivation.l1_head.is_some()))
    }

    /// The header of batch `index`; batch 0 is genesis.
    ///
    /// # Errors
    /// If the index cannot be read.
    pub fn batch_header(&self, index: u64) -> Result<Option<BatchHeader>, ActorError> {
        if index == 0 {
            return Ok(Some(self.deployment.genesis_batch()));
        }
        Ok(self.index.batch(index)?.map(|entry| entry.header))
    }

    /// Messages `from..to` of the queue; `None` if the index does not have them all.
    ///
    /// # Errors
    /// If the index cannot be read.
    pub fn messages(&self, from: u64, to: u64) -> Result<Option<Vec<L1Message>>, ActorError> {
        let mut messages = Vec::with_capacity(to.saturating_sub(from).min(1024) as usize);
        for index in from..to {
            let Some(message) = self.index.message(index)? else { return Ok(None) };
            messages.push(message);
        }
        Ok(Some(messages))
    }

    /// L1 block `number` as an anchor; `None` if L1 does not have it.
    ///
    /// # Errors
    /// If L1 cannot be read.
    pub async fn anchor(&self, number: u64) -> Result<Option<Anchor>, RpcError> {
        Ok(self.l1.header(number).await?.map(anchor))
    }

    /// The L2 blocks that a claim is about, first and last; `None` if the index does not have its
    /// batches, or its parent.
    ///
    /// # Errors
    /// If the index cannot be read.
    pub fn blocks_of(&self, claim: &ClaimEntry) -> Result<Option<(u64, u64)>, ActorError> {
        let covered = match claim.parent_id {
            0 => 0,
            parent => match self.index.claim(parent)? {
                Some(parent) => parent.last_batch,
                None => return Ok(None),
            },
        };
        let ends = (last_block(&self.index, covered)?, last_block(&self.index, claim.last_batch)?);
        Ok(match ends {
            (Some(before), Some(last)) => Some((before + 1, last)),
            _ => None,
        })
    }

    /// The hash that L1 has of a claim ([`ClaimContent::hash`]), as far as the index says; `None` if that does not have its
    /// last batch, or its parent.
    ///
    /// # Errors
    /// If the index cannot be read.
    pub fn claim_hash(&self, claim: &ClaimEntry) -> Result<Option<B256>, ActorError> {
        let (parent_output_root, parent_batch) = match claim.parent_id {
            0 => (self.deployment.genesis_output, 0),
            id => match self.index.claim(id)? {
                Some(parent) => (parent.output_root, parent.last_batch),
                None => return Ok(None),
            },
        };
        let Some(batch) = self.index.batch(claim.last_batch)? else { return Ok(None) };
        let content = ClaimContent {
            parent_output_root,
            parent_batch,
            last_batch: claim.last_batch,
            last_batch_hash: batch.hash,
            block_outputs_root: claim.block_outputs_root,
            output_root: claim.output_root,
        };
        Ok(Some(content.hash()))
    }

    /// Output root of a claim; genesis is claim 0.
    ///
    /// # Errors
    /// If the index cannot be read, or does not have it.
    pub fn output_of(&self, claim: u64) -> Result<B256, ActorError> {
        let gone = ActorError::Behind("a claim is not in the index any more");
        match claim {
            0 => Ok(self.deployment.genesis_output),
            id => Ok(self.index.claim(id)?.ok_or(gone)?.output_root),
        }
    }

    /// L1's last final claim and the last batch that it covers; 0 is genesis. Of several final claims up to the same batch it is the one that
    /// was final first, and L1 takes new claims on no other final one.
    ///
    /// # Errors
    /// If L1 or the index cannot be read, or the index does not have it yet.
    pub async fn last_final(&self) -> Result<(u64, u64), ActorError> {
        let settlement = self.deployment.contracts.settlement;
        let id = self.l1.call(settlement, &ISettlement::lastFinalClaimCall {}).await?;
        if id == 0 {
            return Ok((0, 0));
        }
        let claim = self.index.claim(id)?.filter(|claim| claim.status == ClaimStatus::Final);
        let claim = claim.ok_or(ActorError::Behind("the last final claim is not in the index yet"))?;
        Ok((id, claim.last_batch))
    }

    /// The hash of a claim, and what it should say by this chain; `None` while that is not derived up to its last batch, or if L1 went
    /// another way meanwhile.
    ///
    /// # Errors
    /// If the chain or the index cannot be read.
    pub fn truth_of(&self, claim: &ClaimEntry) -> Result<Option<(B256, Tree)>, ActorError> {
        let Some(hash) = self.claim_hash(claim)? else { return Ok(None) };
        let Some((first, last)) = self.blocks_of(claim)? else { return Ok(None) };
        let Some(history) = claim_history(&self.chain, first, last)? else { return Ok(None) };
        // Blocks past what is derived may be anybody's. L1 may have taken back the batch or the parent.
        let is_derived = self.derived()?.is_some_and(|derivation| derivation.batch >= claim.last_batch);
        Ok((is_derived && self.claim_hash(claim)? == Some(hash)).then_some((hash, history)))
    }

    /// Whether a claim says what this chain says, of all its blocks; `None` while that cannot be told, as with
    /// [`truth_of`](Self::truth_of).
    ///
    /// # Errors
    /// If the chain or the index cannot be read.
    pub fn is_true(&self, claim: &ClaimEntry) -> Result<Option<bool>, ActorError> {
        let Some(hash) = self.claim_hash(claim)? else { return Ok(None) };
        if let Some(known) = self.judged.get(&hash) {
            return Ok(Some(known));
        }
        let Some((hash, history)) = self.truth_of(claim)? else { return Ok(None) };
        let is_true = history.root() == claim.block_outputs_root;
        self.judged.put(hash, is_true);
        Ok(Some(is_true))
    }

    /// Whether a message has waited so long that anyone may append.
    ///
    /// # Errors
    /// If L1 cannot be read.
    pub async fn is_open(&self) -> Result<bool, RpcError> {
        self.l1.call(self.deployment.contracts.inbox, &IInbox::isOpenCall {}).await
    }

    /// The queue's accumulator after `count` messages; `None` if the index does not have them.
    ///
    /// # Errors
    /// If the index cannot be read.
    pub fn accumulator(&self, count: u64) -> Result<Option<B256>, ActorError> {
        match count.checked_sub(1) {
            None => Ok(Some(B256::ZERO)),
            Some(index) => Ok(self.index.message(index)?.map(|message| message.accumulator)),
        }
    }
}

/// An L1 header as derivation takes it.
pub(crate) fn anchor(header: L1Header) -> Anchor {
    Anchor { number: header.header.number, hash: header.hash, header: header.header }
}

/// What those actors need that send transactions to L1.
#[derive(Debug, Clone)]
pub struct Operator {
    /// Sends them.
    pub txs: TxManager,
}
