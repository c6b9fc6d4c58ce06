//! What names a claim: the twin of `claimHash` in `contracts/src/libraries/Hashing.sol`.

use alloy_primitives::{B256, keccak256};
use alloy_sol_types::SolValue;

/// What a claim says, and all that this depends on. Its number and the number of its parent are not part of it: an L1
/// reorganisation gives them to other claims.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ClaimContent {
    /// Output root of the claim that it builds on.
    pub parent_output_root: B256,
    /// Last batch of that claim; 0 is genesis.
    pub parent_batch: u64,
    /// Last batch that it covers.
    pub last_batch: u64,
    /// Hash of that batch, and so of all before it.
    pub last_batch_hash: B256,
    /// Root of the tree over the output roots of its blocks.
    pub block_outputs_root: B256,
    /// Output root of its last block.
    pub output_root: B256,
}

impl ClaimContent {
    /// The hash by which challenges and defences name the claim: `keccak256(abi.encode(…))` of the fields in order.
    pub fn hash(&self) -> B256 {
        let words = (
            self.parent_output_root,
            self.parent_batch,
            self.last_batch,
            self.last_batch_hash,
            self.block_outputs_root,
            self.output_root,
        );
        keccak256(words.abi_encode())
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn hashes_are_what_the_contract_computes() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../contracts/test/vectors.json");
        let vectors: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
        let claims = vectors["claims"].as_array().unwrap();
        assert_eq!(claims.len(), 3);
        for claim in claims {
            let word = |key: &str| claim[key].as_str().unwrap().parse::<B256>().unwrap();
            let content = ClaimContent {
                parent_output_root: word("parentOutputRoot"),
                parent_batch: claim["parentBatch"].as_u64().unwrap(),
                last_batch: claim["lastBatch"].as_u64().unwrap(),
                last_batch_hash: word("lastBatchHash"),
                block_outputs_root: word("blockOutputsRoot"),
                output_root: word("outputRoot"),
            };
            assert_eq!(content.hash(), word("hash"), "{content:?}");
        }
    }
}
