//! The L1 data fee that held in an L2 block.

use std::sync::Arc;

use alloy_primitives::U256;
use duplex_chain::BlockData;
use duplex_primitives::{L2Extra, Transaction, predeploys};
use op_revm::{L1BlockInfo, OpSpecId};
use revm::database_interface::WrapDatabaseRef;

use crate::{ChainApi, RpcResult, convert::L1ReceiptFields};

/// Furthest that is looked back for the anchor of a block whose state is not kept.
const LOOK_BACK: u64 = 4096;
/// Bytes of the call that sets the anchor: selector and five words. The third is L1's base fee,
/// the fifth its blob base fee.
const ANCHOR_CALL: usize = 4 + 5 * 32;

/// L1's fees as an L2 block sees them.
#[derive(Debug, Clone)]
pub struct L1Fees(L1BlockInfo);

impl L1Fees {
    /// The part of a receipt for a transaction with these EIP-2718 bytes.
    pub(crate) fn of(&self, raw: &[u8]) -> L1ReceiptFields {
        let mut info = self.0.clone();
        info.clear_tx_l1_cost();
        L1ReceiptFields {
            l1_gas_price: info.l1_base_fee,
            l1_gas_used: info.data_gas(raw, OpSpecId::KARST),
            l1_fee: info.calculate_tx_l1_cost(raw, OpSpecId::KARST),
            l1_base_fee_scalar: info.l1_base_fee_scalar,
            l1_blob_base_fee: info.l1_blob_base_fee.unwrap_or_default(),
            l1_blob_base_fee_scalar: info.l1_blob_base_fee_scalar.unwrap_or_default(),
        }
    }
}

impl ChainApi {
    /// The L1 fees in a block: from its state, or from the anchor transaction that set them if
    /// that state is not kept any more. `None` on L1, and if the anchor is too far back.
    pub(crate) fn l1_fees(&self, block: &Arc<BlockData>) -> RpcResult<Option<L1Fees>> {
        if !self.chain().config().is_l2() || block.transactions().iter().all(|tx| tx.is_deposit()) {
            return Ok(None);
        }
        let number = block.number();
        if number < self.chain().history_floor()? {
            return Ok(self.anchor_fees(block.clone())?.map(L1Fees));
        }
        let Some(state) = self.chain().state_at(number)? else { return Ok(None) };
        let info = L1BlockInfo::try_fetch(&mut WrapDatabaseRef(state), U256::from(number), OpSpecId::KARST)?;
        Ok(Some(L1Fees(info)))
    }

    fn anchor_fees(&self, mut block: Arc<BlockData>) -> RpcResult<Option<L1BlockInfo>> {
        let scalars = self.chain().config().l1_fee;
        for _ in 0..LOOK_BACK {
            let set = block
                .transactions()
                .iter()
                .filter_map(Transaction::as_deposit)
                .find(|tx| tx.to == predeploys::L1_BLOCK.into() && tx.input.len() == ANCHOR_CALL);
            if let Some(set) = set {
                let word = |at: usize| U256::from_be_slice(&set.input[4 + 32 * at..36 + 32 * at]);
                return Ok(Some(L1BlockInfo {
                    l1_base_fee: word(2),
                    l1_base_fee_scalar: U256::from(scalars.base_fee),
                    l1_blob_base_fee: Some(word(4)),
                    l1_blob_base_fee_scalar: Some(U256::from(scalars.blob_base_fee)),
                    ..Default::default()
                }));
            }
            let before = L2Extra::decode(&block.header().extra_data).and(block.number().checked_sub(1));
            let Some(before) = before.map(|number| self.chain().block(number)).transpose()?.flatten() else {
                break;
            };
            block = before;
        }
        Ok(None)
    }
}
