//! Blocks, transactions and receipts in the encodings that their hashes and roots are made of.

use alloy_eips::{BlockId, eip2718::Encodable2718};
use alloy_primitives::{B256, Bytes};

use crate::{ChainApi, RpcResult, params::Args};

/// The RLP of a block.
pub(super) fn block(mut args: Args<'_>, api: &ChainApi) -> RpcResult<Bytes> {
    let id: BlockId = args.required("block")?;
    Ok(alloy_rlp::encode(&api.known_block(id)?.recovered.block).into())
}

/// The RLP of a block's header.
pub(super) fn header(mut args: Args<'_>, api: &ChainApi) -> RpcResult<Bytes> {
    let id: BlockId = args.required("block")?;
    Ok(alloy_rlp::encode(api.known_block(id)?.header()).into())
}

/// The EIP-2718 bytes of a transaction on the chain or in the pool; null if it is in neither.
pub(super) fn transaction(mut args: Args<'_>, api: &ChainApi) -> RpcResult<Option<Bytes>> {
    let hash: B256 = args.required("transaction hash")?;
    if let Some((block, index)) = api.chain().transaction(hash)? {
        return Ok(block.transactions().get(index).map(|tx| tx.raw().into()));
    }
    Ok(api.chain().pool().get(hash).map(|tx| tx.tx().raw().into()))
}

/// The EIP-2718 bytes of all receipts of a block.
pub(super) fn receipts(mut args: Args<'_>, api: &ChainApi) -> RpcResult<Vec<Bytes>> {
    let id: BlockId = args.required("block")?;
    let block = api.known_block(id)?;
    Ok(block.receipts.iter().map(|receipt| receipt.encoded_2718().into()).collect())
}
