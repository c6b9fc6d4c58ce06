//! What data costs on L1.

use alloy_eips::{eip4844::DATA_GAS_PER_BLOB, eip7840::BlobParams};
use alloy_primitives::U256;

use crate::{Rpc, RpcError};

/// Gas of `append` besides its data (`contracts/snapshots/Gas.json`), and gas per byte of data: bytes
/// that are not zero, and hashing them.
const APPEND_GAS: u64 = 100_000;
const GAS_PER_BYTE: u64 = 17;
/// The least that a transaction costs (EIP-7623), with `append`'s header; for long data that is more.
const FLOOR_GAS: u64 = 30_000;
const FLOOR_PER_BYTE: u64 = 40;
/// Gas of `appendBlobs` in all.
const APPEND_BLOBS_GAS: u64 = 108_000;

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
        U256::from(calldata_gas(len)) * U256::from(self.gas)
    }

    /// Wei for a batch with `blobs` blobs.
    pub fn blobs(&self, blobs: usize) -> U256 {
        U256::from(APPEND_BLOBS_GAS) * U256::from(self.gas)
            + U256::from(DATA_GAS_PER_BLOB * blobs as u64) * U256::from(self.blob_gas)
    }
}

/// Gas of an `append` with `len` bytes of compressed data.
pub const fn calldata_gas(len: usize) -> u64 {
    let (used, floor) = (APPEND_GAS + GAS_PER_BYTE * len as u64, FLOOR_GAS + FLOOR_PER_BYTE * len as u64);
    if used > floor { used } else { floor }
}

/// Gas of an `appendBlobs`, without blob gas.
pub const fn blobs_gas() -> u64 {
    APPEND_BLOBS_GAS
}
