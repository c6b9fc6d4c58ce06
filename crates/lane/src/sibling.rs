//! Two L2s of one L1, and what one must see of the other: final claims in L1's state, as its own anchors have it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_sol_types::{SolCall, SolValue};
use duplex_contracts::{
    artifact,
    bindings::{IEndpoint, IExodus, IInbox, IL1Block, ISettlement, ISiblingPort, SiblingProof},
};
use duplex_l1::{Deployment, Rpc, manifest};
use duplex_primitives::predeploys;
use serde::{Deserialize, Serialize};

use crate::{
    Direction, Lane, LaneError, Layer, Prepared, Sent,
    message::delivery_slot,
    prove::{only_slot, output_of, slot_evidence},
};

/// Where the `Vault` has whether it is in exodus and by which claim, and where the exodus' output root.
const EXODUS_SLOT: u64 = 2;
const EXODUS_ROOT_SLOT: u64 = 3;
/// Where the `Settlement` has its last final claim, and its claims; and what is where in one.
const LAST_FINAL_SLOT: u64 = 2;
const CLAIMS_SLOT: u64 = 3;
const CLAIM_SLOTS: u64 = 4;
const STATUS_PLACE: u64 = 1;
const OUTPUT_PLACE: u64 = 3;
/// Blocks whose state every L1 node surely still has.
const REMEMBERED: u64 = 64;

/// How two L2s are joined: the contracts on each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Siblings {
    /// The two.
    pub ends: [SiblingEnd; 2],
}

/// What is on one of two L2s that are joined.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct SiblingEnd {
    /// Its chain id.
    pub chain_id: u64,
    /// Its deployment file; a relative path is from the folder of the file that says this.
    pub deployment: PathBuf,
    /// Its `SiblingVerifier`, which knows the other L2.
    pub verifier: Address,
    /// Its `Messenger`.
    pub messenger: Address,
    /// Its `Endpoint`.
    pub endpoint: Address,
    /// Its `SiblingPort`.
    pub port: Address,
    /// The transactions that created them, in this order.
    pub transactions: [B256; 4],
    /// The block before which none of these was there.
    pub start_block: u64,
}

impl Siblings {
    /// Reads the file.
    ///
    /// # Errors
    /// If it cannot be read.
    pub fn load(path: &Path) -> Result<Self, LaneError> {
        let fail = |why: &dyn std::fmt::Display| LaneError::File {
            path: path.display().to_string(),
            why: why.to_string(),
        };
        serde_json::from_slice(&fs::read(path).map_err(|why| fail(&why))?).map_err(|why| fail(&why))
    }

    /// Writes the file.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), LaneError> {
        let fail = |why: &dyn std::fmt::Display| LaneError::File {
            path: path.display().to_string(),
            why: why.to_string(),
        };
        let json = serde_json::to_vec_pretty(self).map_err(|why| fail(&why))?;
        // Whole or not at all.
        let draft = path.with_extension("draft");
        fs::write(&draft, json).and_then(|()| fs::rename(&draft, path)).map_err(|why| fail(&why))
    }

    /// The end on the L2 with this chain id, and the other one.
    ///
    /// # Errors
    /// If neither is.
    pub fn seen_from(&self, chain_id: u64, path: &Path) -> Result<(SiblingEnd, SiblingEnd), LaneError> {
        let [a, b] = self.ends.clone();
        match chain_id {
            id if id == a.chain_id => Ok((a, b)),
            id if id == b.chain_id => Ok((b, a)),
            ours => Err(LaneError::OtherSiblings {
                path: path.display().to_string(),
                chains: format!("{} and {}", a.chain_id, b.chain_id),
                ours,
            }),
        }
    }
}

/// The other L2, and what joins ours with it.
#[derive(Debug, Clone)]
pub struct Sibling {
    /// Its JSON-RPC.
    pub rpc: Rpc,
    /// The other rollup.
    pub deployment: Deployment,
    /// What is on ours.
    pub here: SiblingEnd,
    /// What is on the other.
    pub there: SiblingEnd,
}

/// What creates the contracts of one end, in their order: names, addresses, and creation code with its arguments. `other` is
/// the other end, `deployment` the rollup that it is on.
pub fn creations(
    own: &SiblingEnd,
    other: &SiblingEnd,
    deployment: &Deployment,
) -> [(&'static str, Address, Bytes); 4] {
    let c = &deployment.contracts;
    let endpoint = (other.endpoint, other.chain_id, own.verifier, own.messenger, Address::ZERO);
    [
        ("SiblingVerifier", own.verifier, (c.vault, c.settlement).abi_encode_params()),
        ("Messenger", own.messenger, (own.endpoint,).abi_encode_params()),
        ("Endpoint", own.endpoint, endpoint.abi_encode_params()),
        ("SiblingPort", own.port, (own.endpoint, other.port).abi_encode_params()),
    ]
    .map(|(name, address, args)| (name, address, [&artifact(name).bytecode[..], &args].concat().into()))
}

impl Lane {
    /// Checks that both are rollups of this L1 and that these nodes are theirs; and that what joins them was created by this
    /// program's code, with the two of them for arguments: by the very transactions, since what a contract answers, and the
    /// code that it has by now, say little about what is in its storage.
    ///
    /// # Errors
    /// With the first thing that is not so.
    pub async fn check_siblings(&self) -> Result<(), LaneError> {
        let Some(sibling) = &self.sibling else { return Err(LaneError::NoEnd(Layer::Sibling)) };
        let ends = [
            (&self.l2, &self.deployment, &sibling.here, &sibling.there, &sibling.deployment),
            (&sibling.rpc, &sibling.deployment, &sibling.there, &sibling.here, &self.deployment),
        ];
        for (rpc, rollup, own, other, of) in ends {
            let c = &rollup.contracts;
            manifest::check(&self.l1, rollup, c.vault, c.manifest).await?;
            let found = rpc.chain_id().await?;
            if found != own.chain_id || rollup.l2_chain_id != own.chain_id {
                let (url, deployed, named) = (rpc.url().into(), rollup.l2_chain_id, own.chain_id);
                return Err(LaneError::OtherChain { url, found, deployed, named });
            }
            for ((name, address, code), hash) in creations(own, other, of).into_iter().zip(own.transactions) {
                let foreign = |why: &'static str| LaneError::ForeignSiblings {
                    chain: own.chain_id,
                    name,
                    address,
                    why,
                };
                let created = rpc
                    .transaction(hash)
                    .await?
                    .ok_or_else(|| foreign("was created by a transaction that this chain does not have"))?;
                if created.from.create(created.nonce.to()) != address || created.to.is_some() {
                    return Err(foreign("was not created by the transaction that the file names"));
                }
                let mined = rpc
                    .receipt(hash)
                    .await?
                    .is_some_and(|receipt| receipt.is_success() && receipt.contract_address == Some(address));
                if !mined {
                    return Err(foreign("was not created by the transaction that the file names"));
                }
                if created.input != code {
                    return Err(foreign("was created by other code, or for other chains"));
                }
                if rpc.code(address).await?.is_empty() {
                    return Err(foreign("has no code"));
                }
            }
        }
        Ok(())
    }

    /// Whether a message waits only for its destination to build a block, whose anchor then has what proves it.
    ///
    /// # Errors
    /// If a layer cannot be reached.
    pub async fn wants_anchor(&self, sent: &Sent) -> Result<bool, LaneError> {
        match sent.direction {
            Direction::Up => Ok(false),
            Direction::Down => Ok(true),
            Direction::Over | Direction::Back => self.is_known_to_l1(sent).await,
        }
    }

    /// Whether L1 believes a block of an L2 that has this message: one of a final claim, or in exodus of the exodus'.
    async fn is_known_to_l1(&self, sent: &Sent) -> Result<bool, LaneError> {
        let (_, rollup) = self.rollup_of(sent.direction.source())?;
        let c = &rollup.contracts;
        let exodus = self.l1.call(c.vault, &IExodus::exodusCall {}).await?;
        let id = match exodus.started {
            true => exodus.claimId,
            false => self.l1.call(c.settlement, &ISettlement::lastFinalClaimCall {}).await?,
        };
        let claim = self.l1.call(c.settlement, &ISettlement::claimCall { id }).await?;
        let batch = self.l1.call(c.inbox, &IInbox::batchCall { index: claim.lastBatch }).await?;
        Ok(batch.lastBlock >= sent.block)
    }

    /// One of the two L2s.
    fn rollup_of(&self, layer: Layer) -> Result<(&Rpc, &Deployment), LaneError> {
        match (layer, &self.sibling) {
            (Layer::L2, _) => Ok((&self.l2, &self.deployment)),
            (Layer::Sibling, Some(sibling)) => Ok((&sibling.rpc, &sibling.deployment)),
            _ => Err(LaneError::NoEnd(layer)),
        }
    }

    /// What proves a message of one L2 to the other, once a claim that has it is final at the other's anchor.
    pub(crate) async fn sibling_proof(&self, sent: &Sent) -> Result<Option<SiblingProof>, LaneError> {
        // Cheap, and most messages wait here for days.
        if !self.is_known_to_l1(sent).await? {
            return Ok(None);
        }
        let previous = self.accumulator_before(sent).await?;
        let direction = sent.direction;
        let (source, rollup) = self.rollup_of(direction.source())?;
        let Some((known, block)) = self.output_at_anchor(rollup, source, direction.destination()).await?
        else {
            return Ok(None);
        };
        if block < sent.block {
            return Ok(None);
        }
        let (_, endpoint) = self.end(direction.source());
        let evidence = slot_evidence(source, direction.source(), endpoint, sent, previous, block).await?;
        Ok(Some(SiblingProof { evidence, ..known }))
    }

    /// What an L2 can be shown of the other by its newest anchor: the output that L1 believed of that then, and the number of
    /// its block.
    async fn output_at_anchor(
        &self,
        rollup: &Deployment,
        source: &Rpc,
        destination: Layer,
    ) -> Result<Option<(SiblingProof, u64)>, LaneError> {
        let (destination, _) = self.rollup_of(destination)?;
        let anchor: u64 = destination.call(predeploys::L1_BLOCK, &IL1Block::numberCall {}).await?;
        let Some(header) = self.anchor_header(destination, anchor).await? else { return Ok(None) };
        // The claim that L1 believed at the anchor, not the one that it believes by now.
        let known = match self.known_at(rollup, anchor).await {
            // Nodes forget old states; a newer anchor then helps.
            Err(LaneError::Rpc(error))
                if !error.is_temporary() && self.l1.block_number().await? > anchor + REMEMBERED =>
            {
                tracing::debug!(%error, anchor, "L1's state at the anchor cannot be had");
                return Ok(None);
            }
            known => known?,
        };
        let Some(known) = known else { return Ok(None) };
        let (settlement, inbox) = (rollup.contracts.settlement, rollup.contracts.inbox);
        let claim = self.l1.call(settlement, &ISettlement::claimCall { id: known.claimId }).await?;
        let batch = self.l1.call(inbox, &IInbox::batchCall { index: claim.lastBatch }).await?;
        let block = batch.lastBlock;
        let Some(output) = output_of(source, block).await? else { return Ok(None) };
        let ours = keccak256(output.abi_encode());
        if ours != claim.outputRoot {
            let claimed = claim.outputRoot;
            return Err(LaneError::Contradicted { claim: known.claimId, block, claimed, ours });
        }
        Ok(Some((SiblingProof { anchor, header, output, ..known }, block)))
    }

    /// The call that tells an end that the other one's chain is in exodus: nothing as long as its own chain has no anchor that
    /// shows it, and if it knows already.
    ///
    /// # Errors
    /// If a layer cannot be reached.
    pub async fn prepare_end(&self, alive: Layer, ended: Layer) -> Result<Option<Prepared>, LaneError> {
        let (rpc, endpoint) = self.end(alive);
        if !rpc.call(endpoint, &IEndpoint::peerLastStateCall {}).await?.is_zero() {
            return Ok(None);
        }
        let (source, rollup) = self.rollup_of(ended)?;
        let Some((known, _)) = self.output_at_anchor(rollup, source, alive).await? else { return Ok(None) };
        if known.rootNodes.is_empty() {
            return Ok(None);
        }
        let call = IEndpoint::endPeerCall { proof: known.abi_encode().into() };
        Ok(Some(Prepared { to: endpoint, data: call.abi_encode().into() }))
    }

    /// The block with which an L2 ended, if the other one knows that it is in exodus.
    async fn last_block(&self, alive: Layer, ended: Layer) -> Result<Option<u64>, LaneError> {
        let (rpc, endpoint) = self.end(alive);
        let state = rpc.call(endpoint, &IEndpoint::peerLastStateCall {}).await?;
        if state.is_zero() {
            return Ok(None);
        }
        let (source, rollup) = self.rollup_of(ended)?;
        let exodus = self.l1.call(rollup.contracts.vault, &IExodus::exodusCall {}).await?;
        let (settlement, inbox) = (rollup.contracts.settlement, rollup.contracts.inbox);
        let claim = self.l1.call(settlement, &ISettlement::claimCall { id: exodus.claimId }).await?;
        let batch = self.l1.call(inbox, &IInbox::batchCall { index: claim.lastBatch }).await?;
        let header = source.header(batch.lastBlock).await?;
        match header.is_some_and(|block| block.header.state_root == state) {
            true => Ok(Some(batch.lastBlock)),
            false => Err(LaneError::Malformed { layer: ended, why: "its last block is not there".into() }),
        }
    }

    /// The call that pays a message back that the other L2, which is in exodus, never got.
    pub(crate) async fn prepare_sibling_reclaim(&self, sent: &Sent) -> Result<Prepared, LaneError> {
        let (alive, ended) = (sent.direction.source(), sent.direction.destination());
        let Some(block) = self.last_block(alive, ended).await? else {
            return Err(LaneError::NotInExodus(sent.id));
        };
        let (rpc, there) = self.end(ended);
        let proof = rpc.proof(there, &[delivery_slot(sent.id)], block).await?;
        let call = IEndpoint::reclaimCall {
            message: sent.message.clone(),
            p: Default::default(),
            accountProof: proof.account_proof,
            slotProof: only_slot(ended, proof.storage_proof)?,
        };
        Ok(Prepared { to: self.end(alive).1, data: call.abi_encode().into() })
    }

    /// The call that pays a holder of a token's counterparts on an L2 that is in exodus, and how many these are; nothing if
    /// the other one does not know that yet. `token` is the token where it is at home.
    ///
    /// # Errors
    /// If a layer cannot be reached.
    pub async fn prepare_sibling_exit(
        &self,
        alive: Layer,
        ended: Layer,
        token: Address,
        holder: Address,
        to: Address,
    ) -> Result<Option<(Prepared, U256)>, LaneError> {
        let Some(block) = self.last_block(alive, ended).await? else { return Ok(None) };
        let (rpc, _) = self.end(ended);
        let counterpart = rpc.call(self.port(ended), &ISiblingPort::tokenAddressCall { home: token }).await?;
        // Solady's slot of a balance.
        let slot = keccak256([holder.as_slice(), &[0; 8], &[0x87, 0xa2, 0x11, 0xa2]].concat());
        let proof = rpc.proof(counterpart, &[slot], block).await?;
        let amount = proof.storage_proof.first().map(|slot| slot.value).unwrap_or_default();
        let call = ISiblingPort::exitCall {
            token,
            to,
            tokenProof: proof.account_proof,
            balanceProof: only_slot(ended, proof.storage_proof)?,
            holderProof: Vec::new(),
        };
        Ok(Some((Prepared { to: self.port(alive), data: call.abi_encode().into() }, amount)))
    }

    /// What L1 believed of a rollup at a block: its last final claim, or in exodus the exodus'.
    async fn known_at(&self, rollup: &Deployment, block: u64) -> Result<Option<SiblingProof>, LaneError> {
        let slot = |n: u64| B256::from(U256::from(n));
        let of_slot = async |address: Address, key: B256| {
            let proof = self.l1.proof(address, &[key], block).await?;
            let found = proof.storage_proof.first().map(|slot| slot.value).unwrap_or_default();
            Ok::<_, LaneError>((found, proof.account_proof, only_slot(Layer::L1, proof.storage_proof)?))
        };
        let c = &rollup.contracts;
        let (exodus, vault_nodes, exodus_nodes) = of_slot(c.vault, slot(EXODUS_SLOT)).await?;
        let mut known =
            SiblingProof { vaultNodes: vault_nodes, exodusNodes: exodus_nodes, ..Default::default() };
        if exodus.byte(0) != 0 {
            // Its claim's number follows the flag.
            known.claimId = (exodus >> 8u8).wrapping_to();
            known.rootNodes = of_slot(c.vault, slot(EXODUS_ROOT_SLOT)).await?.2;
            return Ok(Some(known));
        }
        let (last, settlement_nodes, _) = of_slot(c.settlement, slot(LAST_FINAL_SLOT)).await?;
        known.claimId = last.wrapping_to();
        known.settlementNodes = settlement_nodes;
        let first = U256::from_be_bytes(keccak256(slot(CLAIMS_SLOT)).0)
            + U256::from(CLAIM_SLOTS) * U256::from(known.claimId);
        let (status, _, status_nodes) =
            of_slot(c.settlement, (first + U256::from(STATUS_PLACE)).into()).await?;
        let (_, _, output_nodes) = of_slot(c.settlement, (first + U256::from(OUTPUT_PLACE)).into()).await?;
        if status.is_zero() {
            return Ok(None);
        }
        (known.statusNodes, known.outputNodes) = (status_nodes, output_nodes);
        Ok(Some(known))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_end_is_seen_from_its_own_chain() {
        let end = |chain_id| SiblingEnd {
            chain_id,
            deployment: format!("{chain_id}.json").into(),
            verifier: Address::repeat_byte(1),
            messenger: Address::repeat_byte(2),
            endpoint: Address::repeat_byte(3),
            port: Address::repeat_byte(4),
            transactions: [B256::repeat_byte(5); 4],
            start_block: 5,
        };
        let siblings = Siblings { ends: [end(7), end(8)] };
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("siblings.json");
        siblings.save(&path).unwrap();
        assert_eq!(Siblings::load(&path).unwrap(), siblings);
        assert_eq!(siblings.seen_from(8, &path).unwrap(), (end(8), end(7)));
        assert_eq!(siblings.seen_from(7, &path).unwrap(), (end(7), end(8)));
        let error = siblings.seen_from(9, &path).unwrap_err().to_string();
        assert!(error.contains("7 and 8") && error.contains("chain id 9"), "{error}");
        let error = Siblings::load(&dir.path().join("none.json")).unwrap_err().to_string();
        assert!(error.contains("none.json"), "{error}");
    }
}
