//! What proves a message to the other end.

use alloy_primitives::{Address, B256, Bytes, U256, address, keccak256};
use alloy_sol_types::{SolCall, SolValue};
use duplex_contracts::bindings::{
    AnchorProof, AttestedProof, Evidence, IEndpoint, IExodus, IInbox, IL1Block, ISettlement, OutputProof,
    OutputRootProof,
};
use duplex_l1::{Crossing, L1Header, Rpc, SlotProof};
use duplex_primitives::predeploys;
use duplex_spv::{Proof, block_with};

use crate::{
    Direction, Lane, LaneError, Layer, Sent,
    message::{accumulator_slot, delivery_slot},
    witness::{ATTESTED, PROVED},
};

/// Keeps the hashes of L1's last 8191 blocks (EIP-2935).
const HISTORY: Address = address!("0000F90827F1C53a10cb7A02335B175320002935");
const HISTORY_WINDOW: u64 = 8191;

/// By what a message is proved.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum By {
    /// The accumulator in the endpoint's storage, after any block since.
    Slot,
    /// The event in the receipt of the transaction that sent it.
    Receipt,
}

/// A delivery that can be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prepared {
    /// The `Endpoint` at the destination.
    pub to: Address,
    /// Input of the call.
    pub data: Bytes,
}

impl Lane {
    /// The delivery of a message, or nothing as long as its destination does not know a block that has it: for L2 an
    /// anchor, for L1 a final claim. If somebody else than `earner` has reserved the fee, the delivery will revert, unless
    /// `earner` is zero.
    ///
    /// # Errors
    /// If a layer cannot be reached, no longer has the message, or contradicts the other one.
    pub async fn prepare(&self, sent: &Sent, by: By, earner: Address) -> Result<Option<Prepared>, LaneError> {
        let proof = match sent.direction {
            Direction::Down => self.anchor_proof(sent, by).await?.map(|proof| proof.abi_encode()),
            Direction::Up => self.output_proof(sent, by).await?.map(|proof| proof.abi_encode()),
            Direction::Over | Direction::Back => {
                self.sibling_proof(sent).await?.map(|proof| proof.abi_encode())
            }
        };
        let Some(mut proof) = proof else { return Ok(None) };
        if self.crossing == Crossing::Multisig {
            proof.insert(0, PROVED);
        }
        let (_, to) = self.end(sent.direction.destination());
        let call = IEndpoint::deliverCall { message: sent.message.clone(), proof: proof.into(), earner };
        Ok(Some(Prepared { to, data: call.abi_encode().into() }))
    }

    /// The delivery of a message on relayers' word.
    pub fn attested(&self, sent: &Sent, proof: &AttestedProof, earner: Address) -> Prepared {
        let proof = [vec![ATTESTED], proof.abi_encode()].concat();
        let (_, to) = self.end(sent.direction.destination());
        let call = IEndpoint::deliverCall { message: sent.message.clone(), proof: proof.into(), earner };
        Prepared { to, data: call.abi_encode().into() }
    }

    async fn anchor_proof(&self, sent: &Sent, by: By) -> Result<Option<AnchorProof>, LaneError> {
        let previous = self.accumulator_before(sent).await?;
        let anchor: u64 = self.l2.call(predeploys::L1_BLOCK, &IL1Block::numberCall {}).await?;
        if anchor < sent.block {
            return Ok(None);
        }
        if by == By::Receipt {
            let evidence = receipt_evidence(&self.l1, sent).await?;
            let known = anchor_hash(&self.l2, sent.block).await?;
            if known == keccak256(&evidence.header) {
                return Ok(Some(AnchorProof { anchor: sent.block, evidence, ..Default::default() }));
            }
            // L2 built on no such block, but L1 has its hash at the anchor.
            let Some(header) = self.anchor_header(&self.l2, anchor).await? else { return Ok(None) };
            let slot = U256::from(sent.block % HISTORY_WINDOW).into();
            let proof = self.l1.proof(HISTORY, &[slot], anchor).await?;
            return Ok(Some(AnchorProof {
                anchor,
                anchorHeader: header,
                number: sent.block,
                accountNodes: proof.account_proof,
                slotNodes: only_slot(Layer::L1, proof.storage_proof)?,
                evidence,
            }));
        }
        let Some(header) = self.anchor_header(&self.l2, anchor).await? else { return Ok(None) };
        let evidence = slot_evidence(&self.l1, Layer::L1, self.endpoint, sent, previous, anchor).await?;
        let evidence = Evidence { header, ..evidence };
        Ok(Some(AnchorProof { anchor, evidence, ..Default::default() }))
    }

    /// The header of an L2's anchor, unless L1 has another block there by now.
    pub(crate) async fn anchor_header(&self, l2: &Rpc, anchor: u64) -> Result<Option<Bytes>, LaneError> {
        let Some(L1Header { header, hash }) = self.l1.header(anchor).await? else { return Ok(None) };
        let same = anchor_hash(l2, anchor).await? == hash;
        Ok(same.then(|| alloy_rlp::encode(&header).into()))
    }

    async fn output_proof(&self, sent: &Sent, by: By) -> Result<Option<OutputProof>, LaneError> {
        let previous = self.accumulator_before(sent).await?;
        let Some(known) = self.known_output().await? else { return Ok(None) };
        let KnownOutput { claim_id, block: last, output, .. } = known;
        if last < sent.block {
            return Ok(None);
        }
        let evidence = match by {
            By::Slot => {
                slot_evidence(&self.l2, Layer::L2, predeploys::ENDPOINT, sent, previous, last).await?
            }
            By::Receipt if sent.block == last => receipt_evidence(&self.l2, sent).await?,
            // L1 knows the claim's last block only.
            By::Receipt => return Ok(None),
        };
        Ok(Some(OutputProof { claimId: claim_id, output, evidence }))
    }

    /// The output that L1 believes of L2: of the newest final claim, or in exodus of the exodus'. Nothing if this L2 node
    /// does not have its block.
    pub(crate) async fn known_output(&self) -> Result<Option<KnownOutput>, LaneError> {
        let contracts = &self.deployment.contracts;
        let exodus = self.l1.call(contracts.vault, &IExodus::exodusCall {}).await?;
        let claim_id = match exodus.started {
            true => exodus.claimId,
            false => self.l1.call(contracts.settlement, &ISettlement::lastFinalClaimCall {}).await?,
        };
        let claim = self.l1.call(contracts.settlement, &ISettlement::claimCall { id: claim_id }).await?;
        let batch = self.l1.call(contracts.inbox, &IInbox::batchCall { index: claim.lastBatch }).await?;
        let block = batch.lastBlock;
        let Some(output) = output_of(&self.l2, block).await? else { return Ok(None) };
        let ours = keccak256(output.abi_encode());
        if ours != claim.outputRoot {
            let claimed = claim.outputRoot;
            return Err(LaneError::Contradicted { claim: claim_id, block, claimed, ours });
        }
        Ok(Some(KnownOutput { claim_id, block, output, in_exodus: exodus.started }))
    }

    /// The call that takes a message of L1's back in exodus: pays it back, or, if it is a refund, revives what it was to
    /// refund.
    ///
    /// # Errors
    /// If there is no exodus, a layer cannot be reached, or this L2 node contradicts the exodus' claim.
    pub async fn prepare_reclaim(&self, sent: &Sent) -> Result<Prepared, LaneError> {
        if Direction::SIBLINGS.contains(&sent.direction) {
            return self.prepare_sibling_reclaim(sent).await;
        }
        let vault = self.deployment.contracts.vault;
        if sent.direction != Direction::Down || !self.l1.call(vault, &IExodus::exodusCall {}).await?.started {
            return Err(LaneError::NotInExodus(sent.id));
        }
        let Some(KnownOutput { block, output, .. }) = self.known_output().await? else {
            return Err(LaneError::Malformed {
                layer: Layer::L2,
                why: "the exodus' block is not there".into(),
            });
        };
        let proof = self.l2.proof(predeploys::ENDPOINT, &[delivery_slot(sent.id)], block).await?;
        let call = IEndpoint::reclaimCall {
            message: sent.message.clone(),
            p: output,
            accountProof: proof.account_proof,
            slotProof: only_slot(Layer::L2, proof.storage_proof)?,
        };
        Ok(Prepared { to: self.endpoint, data: call.abi_encode().into() })
    }
}

/// What L1 believes of L2.
pub(crate) struct KnownOutput {
    pub(crate) claim_id: u64,
    pub(crate) block: u64,
    pub(crate) output: OutputRootProof,
    pub(crate) in_exodus: bool,
}

async fn anchor_hash(l2: &Rpc, number: u64) -> Result<B256, LaneError> {
    let call = IL1Block::anchorHashCall { number: U256::from(number) };
    Ok(l2.call(predeploys::L1_BLOCK, &call).await?)
}

/// Preimage of the output root of an L2 block, if the node has it.
pub(crate) async fn output_of(l2: &Rpc, block: u64) -> Result<Option<OutputRootProof>, LaneError> {
    let Some(L1Header { header, hash }) = l2.header(block).await? else { return Ok(None) };
    let passer = l2.proof(predeploys::MESSAGE_PASSER, &[], block).await?;
    Ok(Some(OutputRootProof {
        version: B256::ZERO,
        stateRoot: header.state_root,
        messagePasserStorageRoot: passer.storage_hash,
        latestBlockhash: hash,
    }))
}

pub(crate) async fn slot_evidence(
    rpc: &Rpc,
    layer: Layer,
    endpoint: Address,
    sent: &Sent,
    previous: B256,
    block: u64,
) -> Result<Evidence, LaneError> {
    let proof = rpc.proof(endpoint, &[accumulator_slot(sent.message.nonce)], block).await?;
    Ok(Evidence {
        previous,
        accountNodes: proof.account_proof,
        slotNodes: only_slot(layer, proof.storage_proof)?,
        ..Default::default()
    })
}

pub(crate) fn only_slot(layer: Layer, mut slots: Vec<SlotProof>) -> Result<Vec<Bytes>, LaneError> {
    let why =
        || LaneError::Malformed { layer, why: "eth_getProof without the slot that was asked for".into() };
    slots.pop().map(|slot| slot.proof).ok_or_else(why)
}

async fn receipt_evidence(rpc: &Rpc, sent: &Sent) -> Result<Evidence, LaneError> {
    let (block, index) = block_with(rpc, sent.transaction).await?;
    let Proof::Receipt(item) = block.prove_receipt(index)? else {
        let why = "a receipt is proved as something else".into();
        return Err(LaneError::Malformed { layer: sent.direction.source(), why });
    };
    let receipt = rpc.receipt(sent.transaction).await?;
    let first = receipt.and_then(|receipt| receipt.logs.first()?.log_index).unwrap_or_default();
    Ok(Evidence {
        header: item.header,
        receiptNodes: item.proof,
        index: U256::from(item.index),
        logIndex: U256::from(sent.log_index.saturating_sub(first)),
        ..Default::default()
    })
}
