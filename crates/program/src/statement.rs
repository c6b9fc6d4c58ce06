//! What the program proves.

use alloy_primitives::{B256, keccak256};
use alloy_sol_types::{SolValue, sol};

sol! {
    /// "From the block whose output root is `parentOutput`, block `blockNumber` of the batch
    /// `batchHash` on the chain `configHash` gives `output`."
    #[derive(Debug, Copy, PartialEq, Eq, Default)]
    struct Statement {
        /// Output root of the block before.
        bytes32 parentOutput;
        /// Output root of the block, as claimed.
        bytes32 output;
        /// Hash of the header of the batch that the block is in.
        bytes32 batchHash;
        /// Number of the block.
        uint64 blockNumber;
        /// Hash of the chain's [`ProgramConfig`](crate::ProgramConfig).
        bytes32 configHash;
    }
}

impl Statement {
    /// `keccak256(abi.encode(parentOutput, output, batchHash, blockNumber, configHash))`.
    pub fn hash(&self) -> B256 {
        keccak256(self.abi_encode())
    }
}
