//! Two L2s of one L1, and what one must see of the other: final claims in L1's state, as its own anchors have it.

use std::{
    fs,
    path::{Path, PathBuf},
};

use alloy_primitives::{Address, B256, U256, keccak256};
use alloy_sol_types::{SolCall, SolValue};
use duplex_contracts::{
    artifact,
    bindings::{
        IEndpoint, IInbox, IL1Block, IMessenger, ISettlement, ISiblingPort, ISiblingVerifier, ITokenPort,
        SiblingProof,
    },
};
use duplex_l1::{Deployment, Rpc};
use duplex_primitives::predeploys;
use serde::{Deserialize, Serialize};

use crate::{
    Direction, Lane, LaneError, Layer, Sent,
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
        fs::write(path, json).map_err(|why| fail(&why))
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

impl Lane {
    /// Checks that the contracts on both L2s are those of this program, and know of each other and of nobody else.
    ///
    /// # Errors
    /// With the first that is not.
    pub async fn check_siblings(&self) -> Result<(), LaneError> {
        let Some(sibling) = &self.sibling else { return Err(LaneError::NoEnd(Layer::Sibling)) };
        let ends = [
            (&self.l2, &sibling.here, &sibling.there, &sibling.deployment),
            (&sibling.rpc, &sibling.there, &sibling.here, &self.deployment),
        ];
        for (rpc, own, other, of) in ends {
            let checks = Checks { rpc, chain: own.chain_id };
            checks.code("the Endpoint", own.endpoint, "Endpoint").await?;
            checks.code("the Messenger", own.messenger, "Messenger").await?;
            checks.code("the verifier", own.verifier, "SiblingVerifier").await?;
            checks.code("the port", own.port, "SiblingPort").await?;
            let (end, port) = (own.endpoint, own.port);
            checks.says("the Endpoint", end, &IEndpoint::peerCall {}, other.endpoint).await?;
            checks.says("the Endpoint", end, &IEndpoint::peerChainIdCall {}, other.chain_id).await?;
            checks.says("the Endpoint", end, &IEndpoint::verifierCall {}, own.verifier).await?;
            checks.says("the Endpoint", end, &IEndpoint::messengerCall {}, own.messenger).await?;
            checks.says("the Endpoint", end, &IEndpoint::vaultCall {}, Address::ZERO).await?;
            checks.says("the Messenger", own.messenger, &IMessenger::endpointCall {}, end).await?;
            let c = &of.contracts;
            checks.says("the verifier", own.verifier, &ISiblingVerifier::vaultCall {}, c.vault).await?;
            checks
                .says("the verifier", own.verifier, &ISiblingVerifier::settlementCall {}, c.settlement)
                .await?;
            checks.says("the port", port, &ITokenPort::endpointCall {}, end).await?;
            checks.says("the port", port, &ITokenPort::peerCall {}, other.port).await?;
            // The first contract that the port created: of this program, since the port is.
            checks.says("the port", port, &ISiblingPort::tokenCodeCall {}, port.create(1)).await?;
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
            Direction::Over | Direction::Back => {
                let (_, source) = self.rollup_of(sent.direction.source())?;
                let (settlement, inbox) = (source.contracts.settlement, source.contracts.inbox);
                let id = self.l1.call(settlement, &ISettlement::lastFinalClaimCall {}).await?;
                let claim = self.l1.call(settlement, &ISettlement::claimCall { id }).await?;
                let batch = self.l1.call(inbox, &IInbox::batchCall { index: claim.lastBatch }).await?;
                Ok(batch.lastBlock >= sent.block)
            }
        }
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
        let previous = self.accumulator_before(sent).await?;
        let layer = sent.direction.source();
        let (source, rollup) = self.rollup_of(layer)?;
        let (destination, _) = self.rollup_of(sent.direction.destination())?;
        let anchor: u64 = destination.call(predeploys::L1_BLOCK, &IL1Block::numberCall {}).await?;
        // The claim that L1 believed at the anchor, not the one that it believes by now.
        let Some(header) = self.anchor_header(destination, anchor).await? else { return Ok(None) };
        let Some(known) = self.known_at(rollup, anchor).await? else { return Ok(None) };
        let claim =
            self.l1.call(rollup.contracts.settlement, &ISettlement::claimCall { id: known.claimId }).await?;
        let batch =
            self.l1.call(rollup.contracts.inbox, &IInbox::batchCall { index: claim.lastBatch }).await?;
        let block = batch.lastBlock;
        if block < sent.block {
            return Ok(None);
        }
        let Some(output) = output_of(source, block).await? else { return Ok(None) };
        let ours = keccak256(output.abi_encode());
        if ours != claim.outputRoot {
            let claimed = claim.outputRoot;
            return Err(LaneError::Contradicted { claim: known.claimId, block, claimed, ours });
        }
        let (_, endpoint) = self.end(layer);
        let evidence = slot_evidence(source, layer, endpoint, sent, previous, block).await?;
        Ok(Some(SiblingProof { anchor, header, output, evidence, ..known }))
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

/// Asks the contracts of one chain what they are.
struct Checks<'a> {
    rpc: &'a Rpc,
    chain: u64,
}

impl Checks<'_> {
    /// A contract has the code of this program's, whatever its immutables.
    async fn code(&self, what: &'static str, address: Address, name: &str) -> Result<(), LaneError> {
        let code = self.rpc.code(address).await?;
        match is_code_of(&artifact(name).deployed, &code) {
            true => Ok(()),
            false => Err(self.foreign(what, address, format!("is no {name} of this program"))),
        }
    }

    /// A contract gives this answer.
    async fn says<C: SolCall>(
        &self,
        what: &'static str,
        address: Address,
        call: &C,
        expected: C::Return,
    ) -> Result<(), LaneError>
    where
        C::Return: PartialEq + std::fmt::Display,
    {
        let found = self.rpc.call(address, call).await?;
        match found == expected {
            true => Ok(()),
            false => {
                Err(self.foreign(what, address, format!("says {found}, not {expected}, to {}", C::SIGNATURE)))
            }
        }
    }

    fn foreign(&self, what: &'static str, address: Address, why: String) -> LaneError {
        LaneError::ForeignSiblings { chain: self.chain, what, address, why }
    }
}

/// Whether code is that of an artifact, but for the immutables: where these go, the artifact pushes 32 zeros.
fn is_code_of(artifact: &[u8], code: &[u8]) -> bool {
    const PUSH32: u8 = 0x7f;
    if artifact.len() != code.len() {
        return false;
    }
    let mut at = 0;
    while at < code.len() {
        if artifact[at] != code[at] {
            return false;
        }
        let immutable = artifact[at] == PUSH32
            && artifact.get(at + 1..at + 33).is_some_and(|word| word.iter().all(|byte| *byte == 0));
        at += if immutable { 33 } else { 1 };
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_is_told_from_other_code() {
        let ours = &artifact("SiblingVerifier").deployed;
        assert!(is_code_of(ours, ours));
        let mut with_immutables = ours.to_vec();
        let place = ours.windows(33).position(|w| w[0] == 0x7f && w[1..].iter().all(|b| *b == 0)).unwrap();
        with_immutables[place + 32] = 7;
        assert!(is_code_of(ours, &with_immutables));
        for at in [0, place, place - 1, place + 33, ours.len() - 1] {
            let mut other = with_immutables.clone();
            other[at] ^= 1;
            assert!(!is_code_of(ours, &other), "{at}");
        }
        assert!(!is_code_of(ours, &ours[1..]) && !is_code_of(ours, &[]));
        // Those without immutables are the same in every byte.
        let end = &artifact("Endpoint").deployed;
        assert!((0..end.len()).step_by(97).all(|at| {
            let mut other = end.to_vec();
            other[at] ^= 0x80;
            !is_code_of(end, &other)
        }));
    }

    #[test]
    fn each_end_is_seen_from_its_own_chain() {
        let end = |chain_id| SiblingEnd {
            chain_id,
            deployment: format!("{chain_id}.json").into(),
            verifier: Address::repeat_byte(1),
            messenger: Address::repeat_byte(2),
            endpoint: Address::repeat_byte(3),
            port: Address::repeat_byte(4),
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
