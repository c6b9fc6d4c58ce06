//! Chain and blocks.

use alloy_eips::{BlockId, BlockNumberOrTag};
use alloy_primitives::{B256, U64};
use alloy_rpc_types_eth::Header;
use jsonrpsee::{RpcModule, core::RegisterMethodError};
use serde_json::{Value, json};

use crate::{
    ChainApi, RpcBlock, RpcResult,
    context::Register,
    convert::{block_of, empty_block},
    header_of,
    params::Args,
};

/// eth/68, the wire protocol that other clients of these rules speak. This node has none.
const PROTOCOL_VERSION: u64 = 68;

pub(super) fn register(module: &mut RpcModule<ChainApi>) -> Result<(), RegisterMethodError> {
    module.light("eth_chainId", |_, api| Ok(U64::from(api.chain().config().chain_id)))?;
    module.light("eth_blockNumber", |_, api| Ok(U64::from(api.chain().head().header.number)))?;
    module.light("eth_protocolVersion", |_, _| Ok(U64::from(PROTOCOL_VERSION)))?;
    module.light("eth_syncing", |_, api| {
        Ok(api.syncing().map_or(Value::Bool(false), |progress| json!(progress)))
    })?;
    module.light("eth_accounts", |_, api| Ok(api.config().accounts.clone()))?;
    module.light("eth_coinbase", |_, api| Ok(api.chain().head().header.beneficiary))?;
    module.light("eth_mining", |_, _| Ok(false))?;
    module.light("eth_hashrate", |_, _| Ok(U64::ZERO))?;
    module.heavy("eth_getBlockByNumber", |mut args, api| {
        let id = BlockId::from(args.required::<BlockNumberOrTag>("block")?);
        block(api, id, args.optional("full transactions")?)
    })?;
    module.heavy("eth_getBlockByHash", |mut args, api| {
        let id = BlockId::from(args.required::<B256>("block hash")?);
        block(api, id, args.optional("full transactions")?)
    })?;
    module.heavy("eth_getHeaderByNumber", |mut args, api| {
        header(api, args.required::<BlockNumberOrTag>("block")?.into())
    })?;
    module.heavy("eth_getHeaderByHash", |mut args, api| {
        header(api, args.required::<B256>("block hash")?.into())
    })?;
    module.light("eth_getBlockTransactionCountByNumber", |args, api| count(by_number(args)?, api))?;
    module.light("eth_getBlockTransactionCountByHash", |args, api| count(by_hash(args)?, api))?;
    // There are no uncles: blocks have one proposer.
    module.light("eth_getUncleCountByBlockNumber", |args, api| uncles(by_number(args)?, api))?;
    module.light("eth_getUncleCountByBlockHash", |args, api| uncles(by_hash(args)?, api))?;
    module.light("eth_getUncleByBlockNumberAndIndex", |_, _| Ok(Value::Null))?;
    module.light("eth_getUncleByBlockHashAndIndex", |_, _| Ok(Value::Null))
}

fn by_number(mut args: Args<'_>) -> RpcResult<BlockId> {
    Ok(args.required::<BlockNumberOrTag>("block")?.into())
}

fn by_hash(mut args: Args<'_>) -> RpcResult<BlockId> {
    Ok(args.required::<B256>("block hash")?.into())
}

fn block(api: &ChainApi, id: BlockId, full: Option<bool>) -> RpcResult<Option<RpcBlock>> {
    let full = full.unwrap_or(false);
    if id.is_pending() {
        return Ok(Some(empty_block(api.pending_header(), full)));
    }
    Ok(api.block(id)?.map(|block| block_of(&block, full)))
}

fn header(api: &ChainApi, id: BlockId) -> RpcResult<Option<Header>> {
    if id.is_pending() {
        return Ok(Some(Header::new(api.pending_header())));
    }
    Ok(api.block(id)?.map(|block| header_of(&block)))
}

fn count(id: BlockId, api: &ChainApi) -> RpcResult<Option<U64>> {
    if id.is_pending() {
        return Ok(Some(U64::ZERO));
    }
    Ok(api.block(id)?.map(|block| U64::from(block.transactions().len())))
}

fn uncles(id: BlockId, api: &ChainApi) -> RpcResult<Option<U64>> {
    if id.is_pending() {
        return Ok(Some(U64::ZERO));
    }
    Ok(api.block(id)?.map(|_| U64::ZERO))
}
