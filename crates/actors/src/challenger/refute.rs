//! False claims that a proof contradicts.
//!
//! Half of what such a claim loses is the prover's, so this pays for nobody's gas but theirs; but it ends the claim in one
//! transaction, where a challenge takes the defence period, and those who challenged are paid as if one of them had won.

use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::SolCall;
use duplex_contracts::bindings::ISettlement;
use duplex_l1::{ClaimEntry, ClaimStatus, L1Transaction};
use duplex_primitives::tree::{Tree, root_from};

use super::Challenger;
use crate::ActorError;

/// Siblings of a leaf of a claim's history.
type LeafProof = [B256; 12];

impl Challenger {
    /// Has L1 reject a false claim that a proven one contradicts. Whether that is under way: if it is not, all that is left is to
    /// challenge it.
    pub(super) async fn refute(
        &mut self,
        claim: &ClaimEntry,
        truth: &Tree,
        claims: impl Iterator<Item = &ClaimEntry>,
    ) -> Result<bool, ActorError> {
        // What a claim says of its last block is the one leaf that can be shown to be its own.
        let contradicts = |other: &&ClaimEntry| {
            other.status == ClaimStatus::Final
                && other.last_batch == claim.last_batch
                && other.output_root != claim.output_root
        };
        for proven in claims.filter(contradicts).map(|claim| claim.id) {
            let call = self.refutation(claim, truth, proven).await.unwrap_or_else(|error| {
                // It can be challenged as well.
                tracing::warn!(claim = claim.id, proven, %error, "cannot see whether a proof contradicts a claim");
                None
            });
            let Some(call) = call else { continue };
            let label = format!("refute claim {} by the proof of claim {proven}", claim.id);
            let settlement = self.rollup.deployment.contracts.settlement;
            self.send_to(settlement, label.clone(), call.abi_encode().into(), U256::ZERO).await?;
            return Ok(self.sent.contains_key(&label));
        }
        Ok(false)
    }

    /// What shows L1 that they contradict each other; `None` if the final claim was not proved, or nobody but its author knows the
    /// false one's history. Kept if that cannot change.
    async fn refutation(
        &mut self,
        claim: &ClaimEntry,
        truth: &Tree,
        proven: u64,
    ) -> Result<Option<ISettlement::refuteCall>, ActorError> {
        if let Some(known) = self.refutations.get(&(claim.id, proven)) {
            return Ok(known.clone());
        }
        let rollup = &self.rollup;
        let settlement = rollup.deployment.contracts.settlement;
        let prover = rollup.l1.call(settlement, &ISettlement::proverOfCall { id: proven }).await?;
        let blocks = rollup.blocks_of(claim)?;
        let Some((first, last)) = blocks.filter(|_| prover != Address::ZERO) else { return Ok(None) };
        let sent = rollup.l1.transaction(claim.l1_tx).await?;
        let proof = last_leaf(claim, last - first, truth, sent.as_ref(), settlement);
        let call = proof.map(|proof| ISettlement::refuteCall {
            id: claim.id,
            provenId: proven,
            leaf: claim.output_root,
            leafProof: proof,
        });
        if call.is_none() && sent.is_some() {
            tracing::warn!(
                claim = claim.id,
                proven,
                "a proof contradicts a claim whose history nobody knows"
            );
        }
        if call.is_some() || sent.is_some() {
            self.refutations.insert((claim.id, proven), call.clone());
        }
        Ok(call)
    }
}

/// That the claim's output is the last leaf of its history: as it was shown when it was made, unless a contract made it and nothing else
/// in it is false.
fn last_leaf(
    claim: &ClaimEntry,
    index: u64,
    truth: &Tree,
    sent: Option<&L1Transaction>,
    settlement: Address,
) -> Option<LeafProof> {
    let shown = sent
        .filter(|sent| sent.to == Some(settlement))
        .and_then(|sent| ISettlement::proposeCall::abi_decode(&sent.input).ok())
        .map(|call| call.lastLeafProof);
    let own = truth.proof(index);
    let own = std::array::from_fn(|level| own.get(level).copied().unwrap_or_default());
    let holds = |proof: &LeafProof| root_from(claim.output_root, index, proof) == claim.block_outputs_root;
    [shown, Some(own)].into_iter().flatten().find(holds)
}

#[cfg(test)]
mod tests {
    use alloy_primitives::{U64, keccak256};
    use duplex_primitives::tree::HISTORY_DEPTH;

    use super::*;

    const SETTLEMENT: Address = Address::repeat_byte(5);
    /// Number of the last block's leaf.
    const LAST: u64 = 4;

    fn tree(leaf: impl Fn(u64) -> B256) -> Tree {
        Tree::new(
            HISTORY_DEPTH,
            (0..=LAST).map(leaf).chain(std::iter::repeat(B256::ZERO)).take(4096).collect(),
        )
    }

    fn truth() -> Tree {
        tree(|index| keccak256(index.to_be_bytes()))
    }

    fn claim(history: &Tree) -> ClaimEntry {
        ClaimEntry {
            id: 3,
            parent_id: 0,
            last_batch: 2,
            block_outputs_root: history.root(),
            output_root: history.leaf(LAST),
            proposer: Address::repeat_byte(1),
            bond: U256::ZERO,
            l1_block: 1,
            l1_timestamp: 1,
            l1_tx: B256::ZERO,
            status: ClaimStatus::Pending,
        }
    }

    /// The transaction that made it.
    fn sent(history: &Tree, to: Address) -> L1Transaction {
        let call = ISettlement::proposeCall {
            parentId: 0,
            parentOutputRoot: B256::ZERO,
            lastBatch: 2,
            lastBatchHash: B256::ZERO,
            blockOutputsRoot: history.root(),
            outputRoot: history.leaf(LAST),
            lastLeafProof: proof(history),
        };
        L1Transaction {
            from: Address::repeat_byte(1),
            nonce: U64::ZERO,
            to: Some(to),
            input: call.abi_encode().into(),
            blob_versioned_hashes: None,
        }
    }

    fn proof(history: &Tree) -> LeafProof {
        history.proof(LAST).try_into().unwrap()
    }

    #[test]
    fn what_a_claim_showed_is_shown_again() {
        let history = tree(|index| keccak256([0xee, index as u8]));
        let (claim, sent) = (claim(&history), sent(&history, SETTLEMENT));
        assert_eq!(last_leaf(&claim, LAST, &truth(), Some(&sent), SETTLEMENT), Some(proof(&history)));
    }

    #[test]
    fn what_only_its_author_knows_cannot_be_shown() {
        let history = tree(|index| keccak256([0xee, index as u8]));
        let claim = claim(&history);
        let shown = |sent: Option<&L1Transaction>| last_leaf(&claim, LAST, &truth(), sent, SETTLEMENT);
        assert_eq!(shown(None), None);
        assert_eq!(shown(Some(&sent(&history, Address::repeat_byte(6)))), None, "a contract made it");
        assert_eq!(shown(Some(&sent(&truth(), SETTLEMENT))), None, "it is about another claim");
        let cut = L1Transaction { input: vec![1, 2, 3].into(), ..sent(&history, SETTLEMENT) };
        assert_eq!(shown(Some(&cut)), None, "it is no claim");
    }

    #[test]
    fn of_a_history_that_is_false_at_its_end_all_is_known() {
        let truth = truth();
        let history = tree(|index| if index == LAST { B256::repeat_byte(9) } else { truth.leaf(index) });
        let found = last_leaf(&claim(&history), LAST, &truth, None, SETTLEMENT);
        assert_eq!(found, Some(proof(&history)));
    }
}
