//! Receipts.

use std::sync::Arc;

use alloy_eips::BlockId;
use alloy_primitives::B256;
use duplex_chain::BlockData;
use jsonrpsee::{RpcModule, core::RegisterMethodError};

use crate::{ChainApi, RpcReceipt, RpcResult, context::Register, receipt_of};

pub(super) fn register(module: &mut RpcModule<ChainApi>) -> Result<(), RegisterMethodError> {
    module.light("eth_getTransactionReceipt", |mut args, api| {
        let hash: B256 = args.required("transaction hash")?;
        api.receipt(hash)
    })?;
    module.heavy("eth_getBlockReceipts", |mut args, api| {
        let id: BlockId = args.required("block")?;
        if id.is_pending() {
            return Ok(Some(Vec::new()));
        }
        api.block(id)?.map(|block| api.receipts(&block)).transpose()
    })
}

impl ChainApi {
    /// The receipt of a transaction; `None` while it is in no block.
    pub(crate) fn receipt(&self, hash: B256) -> RpcResult<Option<RpcReceipt>> {
        let Some((block, index)) = self.chain().transaction(hash)? else { return Ok(None) };
        let fees = self.l1_fees(&block)?;
        Ok(Some(receipt_of(self.chain().config(), &block, index, fees.as_ref())))
    }

    fn receipts(&self, block: &Arc<BlockData>) -> RpcResult<Vec<RpcReceipt>> {
        let (config, fees) = (self.chain().config(), self.l1_fees(block)?);
        let all = 0..block.transactions().len();
        Ok(all.map(|index| receipt_of(config, block, index, fees.as_ref())).collect())
    }
}
