//! What L1 blocks tell the consensus layer (EIP-7685). L2 has none.

use alloc::vec::Vec;
use alloy_eips::{
    eip6110::{DEPOSIT_REQUEST_TYPE, MAINNET_DEPOSIT_CONTRACT_ADDRESS},
    eip7002::{WITHDRAWAL_REQUEST_PREDEPLOY_ADDRESS, WITHDRAWAL_REQUEST_TYPE},
    eip7251::{CONSOLIDATION_REQUEST_PREDEPLOY_ADDRESS, CONSOLIDATION_REQUEST_TYPE},
    eip7685::Requests,
};
use alloy_primitives::{B256, Bytes, Log, U256, b256};
use duplex_primitives::Receipt;
use revm::DatabaseRef;

use crate::{BlockError, Machine, TxError};

/// `keccak256("DepositEvent(bytes,bytes,bytes,bytes,bytes)")`.
const DEPOSIT_EVENT: B256 = b256!("649bbc62d0e31342afea4e5cd82d4049e7e1ee912fc0889aa790803be39038c5");

/// Offset of each field in the event's data, and its length: public key, withdrawal credentials,
/// amount, signature, index.
const DEPOSIT_FIELDS: [(usize, usize); 5] = [(160, 48), (256, 32), (320, 8), (384, 96), (512, 8)];
const DEPOSIT_EVENT_LENGTH: usize = 576;

fn word(data: &[u8], at: usize) -> U256 {
    U256::from_be_slice(&data[at..at + 32])
}

/// The 192 bytes of one deposit, if the event has exactly the layout of EIP-6110.
fn deposit(log: &Log) -> Option<[u8; 192]> {
    let data = &log.data.data;
    if data.len() != DEPOSIT_EVENT_LENGTH {
        return None;
    }
    let mut out = [0u8; 192];
    let mut at = 0;
    for (i, (offset, len)) in DEPOSIT_FIELDS.into_iter().enumerate() {
        if word(data, 32 * i) != U256::from(offset) || word(data, offset) != U256::from(len) {
            return None;
        }
        out[at..at + len].copy_from_slice(&data[offset + 32..offset + 32 + len]);
        at += len;
    }
    Some(out)
}

/// The requests of a block whose transactions have run, in the order of their types.
pub(crate) fn collect<D: DatabaseRef, I>(
    machine: &mut Machine<D, I>,
    receipts: &[Receipt],
) -> Result<Requests, BlockError<D::Error>> {
    let mut requests = Requests::default();
    let mut deposits = Vec::new();
    for log in receipts.iter().flat_map(|receipt| &receipt.logs) {
        if log.address == MAINNET_DEPOSIT_CONTRACT_ADDRESS && log.topics().first() == Some(&DEPOSIT_EVENT) {
            deposits.extend_from_slice(&deposit(log).ok_or(BlockError::DepositEvent)?);
        }
    }
    if !deposits.is_empty() {
        requests.push_request_with_type(DEPOSIT_REQUEST_TYPE, deposits);
    }
    for (kind, contract) in [
        (WITHDRAWAL_REQUEST_TYPE, WITHDRAWAL_REQUEST_PREDEPLOY_ADDRESS),
        (CONSOLIDATION_REQUEST_TYPE, CONSOLIDATION_REQUEST_PREDEPLOY_ADDRESS),
    ] {
        let failed = BlockError::SystemCall(contract);
        let code = machine.state().basic_ref(contract).map_err(BlockError::Source)?;
        // A missing contract makes the block invalid: it could never report anything.
        if code.is_none_or(|info| info.is_empty_code_hash()) {
            return Err(failed);
        }
        let result = match machine.system_call(contract, Bytes::new()) {
            Ok(result) if result.is_success() => result,
            Err(TxError::Source(source)) => return Err(BlockError::Source(source)),
            _ => return Err(failed),
        };
        if !result.output.is_empty() {
            requests.push_request_with_type(kind, result.output);
        }
    }
    Ok(requests)
}
