//! Accounts, storage and their proofs.

use alloy_consensus::constants::KECCAK_EMPTY;
use alloy_primitives::{Address, B256, U64, U256};
use alloy_rpc_types_eth::{EIP1186AccountProofResponse, EIP1186StorageProof};
use alloy_serde::JsonStorageKey;
use jsonrpsee::{RpcModule, core::RegisterMethodError};
use revm::DatabaseRef;

use crate::{ChainApi, RpcError, RpcResult, context::Register, params::Args};

pub(super) fn register(module: &mut RpcModule<ChainApi>) -> Result<(), RegisterMethodError> {
    module.light("eth_getBalance", |mut args, api| {
        let address: Address = args.required("address")?;
        let info = api.state(args.block()?)?.basic_ref(address)?;
        Ok(info.map_or(U256::ZERO, |info| info.balance))
    })?;
    module.light("eth_getTransactionCount", |mut args, api| {
        let address: Address = args.required("address")?;
        let id = args.block()?;
        if let Some(nonce) = id.is_pending().then(|| api.chain().pool().pending_nonce(address)).flatten() {
            return Ok(U64::from(nonce));
        }
        let info = api.state(id)?.basic_ref(address)?;
        Ok(U64::from(info.map_or(0, |info| info.nonce)))
    })?;
    module.light("eth_getCode", |mut args, api| {
        let address: Address = args.required("address")?;
        Ok(api.state(args.block()?)?.code(address)?)
    })?;
    module.light("eth_getStorageAt", |mut args, api| {
        let address: Address = args.required("address")?;
        let slot: JsonStorageKey = args.required("slot")?;
        let value = api.state(args.block()?)?.storage_ref(address, slot.as_b256().into())?;
        Ok(B256::from(value))
    })?;
    module.heavy("eth_getProof", prove)
}

fn prove(mut args: Args<'_>, api: &ChainApi) -> RpcResult<EIP1186AccountProofResponse> {
    let address: Address = args.required("address")?;
    let keys: Vec<JsonStorageKey> = args.required("storage keys")?;
    let limit = api.config().max_proof_slots;
    if keys.len() > limit {
        return Err(RpcError::Limit(format!("{} storage keys asked for, the limit is {limit}", keys.len())));
    }
    let slots: Vec<U256> = keys.iter().map(|key| key.as_b256().into()).collect();
    let proof = api.state(args.block()?)?.prove(address, &slots).map_err(RpcError::internal)?;
    let account = proof.account;
    Ok(EIP1186AccountProofResponse {
        address,
        balance: account.map_or(U256::ZERO, |account| account.balance),
        code_hash: account.map_or(KECCAK_EMPTY, |account| account.code_hash),
        nonce: account.map_or(0, |account| account.nonce),
        storage_hash: proof.storage_root,
        account_proof: proof.account_proof,
        storage_proof: keys
            .into_iter()
            .zip(proof.storage)
            .map(|(key, slot)| EIP1186StorageProof { key, value: slot.value, proof: slot.proof })
            .collect(),
    })
}
