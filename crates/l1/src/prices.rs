//! What data costs on L1.

use alloy_eips::{eip4844::DATA_GAS_PER_BLOB, eip7840::BlobParams};
use alloy_primitives::U256;

use crate::{Rpc, RpcError};

/// Gas of `append` besides its data: the transaction itself, the checks, storage, the event.
const APPEND_GAS: u64 = 160_000;
/// Gas of `appendBlobs` in all.
const APPEND_BLOBS_GAS: u64 = 160_000;
/// Gas per byte of compressed data in calldata: the floor of EIP-7623 for bytes that are not zero.
/// The contract hashes it, too, for less than a gas a byte, which the floor contains.
const GAS_PER_BYTE: u64 = 40;

/// L1's prices at one moment, in wei.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DaPrices {
    /// Of a gas: base fee and usual priority fee.
    pub gas: u128,
    /// Of a blob gas.
    pub blob_gas: u128,
}

impl DaPrices {
    /// The prices of the next block.
    ///
    /// # Errors
    /// If L1 cannot be read.
    pub async fn current(rpc: &Rpc) -> Result<Self, RpcError> {
        let head = rpc.latest_header().await?.header;
        let priority = rpc.priority_fee().await?;
        let gas = u128::from(head.base_fee_per_gas.unwrap_or_default()) + priority;
        let blob_gas = head.next_block_blob_fee(BlobParams::osaka()).unwrap_or(1);
        Ok(Self { gas, blob_gas })
    }

    /// Wei for a batch with `len` bytes of data in calldata.
    pub fn calldata(&self, len: usize) -> U256 {
        U256::from(APPEND_GAS + GAS_PER_BYTE * len as u64) * U256::from(self.gas)
    }

    /// Wei for a batch with `blobs` blobs.
    pub fn blobs(&self, blobs: usize) -> U256 {
        U256::from(APPEND_BLOBS_GAS) * U256::from(self.gas)
            + U256::from(DATA_GAS_PER_BLOB * blobs as u64) * U256::from(self.blob_gas)
    }
}
