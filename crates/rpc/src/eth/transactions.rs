//! Transactions, of blocks and of the pool.

use alloy_eips::{BlockId, BlockNumberOrTag};
use alloy_primitives::{Address, B256, Bytes, U64};
use alloy_rpc_types_eth::Index;
use duplex_chain::BlockData;
use jsonrpsee::{RpcModule, core::RegisterMethodError};

use crate::{ChainApi, RpcResult, RpcTransaction, context::Register, transaction_of};

pub(super) fn register(module: &mut RpcModule<ChainApi>) -> Result<(), RegisterMethodError> {
    module.light("eth_getTransactionByHash", |mut args, api| {
        by_hash(api, args.required("transaction hash")?)
    })?;
    module.light("eth_getTransactionByBlockHashAndIndex", |mut args, api| {
        let id = args.required::<B256>("block hash")?.into();
        at(api, id, args.required("index")?, transaction_of)
    })?;
    module.light("eth_getTransactionByBlockNumberAndIndex", |mut args, api| {
        let id = args.required::<BlockNumberOrTag>("block")?.into();
        at(api, id, args.required("index")?, transaction_of)
    })?;
    module.light("eth_getRawTransactionByBlockHashAndIndex", |mut args, api| {
        let id = args.required::<B256>("block hash")?.into();
        at(api, id, args.required("index")?, raw_at)
    })?;
    module.light("eth_getRawTransactionByBlockNumberAndIndex", |mut args, api| {
        let id = args.required::<BlockNumberOrTag>("block")?.into();
        at(api, id, args.required("index")?, raw_at)
    })?;
    module.light("eth_getRawTransactionByHash", |mut args, api| {
        let hash: B256 = args.required("transaction hash")?;
        if let Some((block, index)) = api.chain().transaction(hash)? {
            return Ok(Some(raw_at(&block, index)));
        }
        Ok(api.chain().pool().get(hash).map(|pooled| Bytes::from(pooled.tx().raw())))
    })?;
    module.light("eth_getTransactionBySenderAndNonce", |mut args, api| {
        let sender: Address = args.required("sender")?;
        let nonce: U64 = args.required("nonce")?;
        let content = api.chain().pool().content_from(sender);
        let mut pooled = content.pending.iter().chain(&content.queued);
        let found = pooled.find(|tx| U64::from(tx.nonce()) == nonce);
        Ok(found.map(|tx| RpcTransaction::pending(tx.tx(), tx.hash(), tx.sender())))
    })
}

fn raw_at(block: &BlockData, index: usize) -> Bytes {
    block.transactions()[index].raw().into()
}

fn at<T>(
    api: &ChainApi,
    id: BlockId,
    Index(index): Index,
    form: impl Fn(&BlockData, usize) -> T,
) -> RpcResult<Option<T>> {
    let block = api.block(id)?.filter(|block| index < block.transactions().len());
    Ok(block.map(|block| form(&block, index)))
}

fn by_hash(api: &ChainApi, hash: B256) -> RpcResult<Option<RpcTransaction>> {
    if let Some((block, index)) = api.chain().transaction(hash)? {
        return Ok(Some(transaction_of(&block, index)));
    }
    let pooled = api.chain().pool().get(hash);
    Ok(pooled.map(|pooled| RpcTransaction::pending(pooled.tx(), hash, pooled.sender())))
}
