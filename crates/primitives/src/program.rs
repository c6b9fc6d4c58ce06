//! What the fault-proof program must know of a rollup.

use alloc::vec::Vec;
use alloy_primitives::{B256, keccak256};
use alloy_sol_types::{SolValue, sol};

use crate::{BaseFeeRule, ChainConfig, L1FeeScalars, Rules};

sol! {
    /// The canonical form of a [`ProgramConfig`].
    struct Words {
        uint64 chainId;
        uint64 gasLimit;
        uint64 minBaseFee;
        uint64 targetPerSecond;
        uint64 damping;
        uint32 baseFeeScalar;
        uint32 blobBaseFeeScalar;
        uint64 maxBlockBytes;
        uint64 messageGasPerBlock;
    }
}

/// The rules of one rollup: those of its chain, and those of its Inbox that derivation needs.
///
/// `Settlement` keeps its [hash](Self::hash) as `configHash`, and every statement names it
/// (`docs/fault-proofs.md` §1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ProgramConfig {
    /// The L2 chain's; its [`rules`](ChainConfig::rules) are L2's.
    pub chain: ChainConfig,
    /// The Inbox's `messageGasPerBlock`.
    pub message_gas_per_block: u64,
}

impl ProgramConfig {
    /// The canonical encoding: `abi.encode(chainId, gasLimit, minBaseFee, targetPerSecond, damping,
    /// baseFeeScalar, blobBaseFeeScalar, maxBlockBytes, messageGasPerBlock)`, nine words.
    pub fn encode(&self) -> Vec<u8> {
        let ChainConfig { chain_id, rules: _, gas_limit, base_fee, l1_fee, max_block_bytes } = self.chain;
        let words = Words {
            chainId: chain_id,
            gasLimit: gas_limit,
            minBaseFee: base_fee.min,
            targetPerSecond: base_fee.target_per_second,
            damping: base_fee.damping,
            baseFeeScalar: l1_fee.base_fee,
            blobBaseFeeScalar: l1_fee.blob_base_fee,
            maxBlockBytes: max_block_bytes,
            messageGasPerBlock: self.message_gas_per_block,
        };
        words.abi_encode()
    }

    /// Reads what [`encode`](Self::encode) wrote; `None` for anything else.
    pub fn decode(bytes: &[u8]) -> Option<Self> {
        let words = Words::abi_decode_validate(bytes).ok()?;
        let config = Self {
            chain: ChainConfig {
                chain_id: words.chainId,
                rules: Rules::L2,
                gas_limit: words.gasLimit,
                base_fee: BaseFeeRule {
                    min: words.minBaseFee,
                    target_per_second: words.targetPerSecond,
                    damping: words.damping,
                },
                l1_fee: L1FeeScalars {
                    base_fee: words.baseFeeScalar,
                    blob_base_fee: words.blobBaseFeeScalar,
                },
                max_block_bytes: words.maxBlockBytes,
            },
            message_gas_per_block: words.messageGasPerBlock,
        };
        (config.encode() == bytes).then_some(config)
    }

    /// `keccak256` of the canonical encoding.
    pub fn hash(&self) -> B256 {
        keccak256(self.encode())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn config() -> ProgramConfig {
        ProgramConfig { chain: ChainConfig::l2_dev(42_069), message_gas_per_block: 18_000_000 }
    }

    #[test]
    fn every_field_is_a_word_and_comes_back() {
        let bytes = config().encode();
        let words: Vec<u64> =
            bytes.chunks(32).map(|word| u64::from_be_bytes(word[24..].try_into().unwrap())).collect();
        assert_eq!(
            words,
            [42_069, 30_000_000, 1_000_000, 500_000_000, 30_000_000_000, 2_500_000, 0, 118_000, 18_000_000]
        );
        assert_eq!(ProgramConfig::decode(&bytes), Some(config()));
        assert_eq!(config().hash(), keccak256(&bytes));
    }

    #[test]
    fn nothing_else_decodes() {
        let bytes = config().encode();
        assert_eq!(ProgramConfig::decode(&bytes[..bytes.len() - 1]), None);
        assert_eq!(ProgramConfig::decode(&[&bytes[..], &[0; 32]].concat()), None);
        assert_eq!(ProgramConfig::decode(&[]), None);
        for byte in 0..bytes.len() {
            let mut other = bytes.clone();
            other[byte] ^= 1;
            let width = if (5..7).contains(&(byte / 32)) { 4 } else { 8 };
            match ProgramConfig::decode(&other) {
                None => assert!(byte % 32 < 32 - width, "byte {byte}"),
                Some(read) => {
                    assert!(byte % 32 >= 32 - width, "byte {byte}");
                    assert_ne!(read, config(), "byte {byte}");
                }
            }
        }
    }
}
