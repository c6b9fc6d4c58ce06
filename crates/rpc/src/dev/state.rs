//! State by decree. Each decree is mined at once, in a block of its own.

use alloy_primitives::{Address, B256, Bytes};
use duplex_chain::dev::Patch;
use serde_json::{Value, json};

use super::{DevApi, Number};
use crate::{RpcError, RpcResult, params::Args};

impl DevApi {
    fn decree(&self, patch: &Patch) -> RpcResult<()> {
        self.dev.patch(patch).map(drop).map_err(RpcError::from)
    }
}

pub(super) fn set_balance(api: &DevApi, args: &mut Args<'_>) -> RpcResult<Value> {
    let address: Address = args.required("address")?;
    let Number(balance) = args.required("balance")?;
    api.decree(&Patch::Balance(address, balance))?;
    Ok(Value::Null)
}

pub(super) fn set_nonce(api: &DevApi, args: &mut Args<'_>) -> RpcResult<Value> {
    let address: Address = args.required("address")?;
    let nonce = Number::required(args, "nonce")?;
    api.decree(&Patch::Nonce(address, nonce))?;
    Ok(Value::Null)
}

pub(super) fn set_code(api: &DevApi, args: &mut Args<'_>) -> RpcResult<Value> {
    let address: Address = args.required("address")?;
    let code: Bytes = args.required("code")?;
    api.decree(&Patch::Code(address, code))?;
    Ok(Value::Null)
}

/// The one decree that is answered with true, as anvil does.
pub(super) fn set_storage_at(api: &DevApi, args: &mut Args<'_>) -> RpcResult<Value> {
    let address: Address = args.required("address")?;
    let Number(slot) = args.required("slot")?;
    let value: B256 = args.required("value")?;
    api.decree(&Patch::Storage(address, slot, value))?;
    Ok(json!(true))
}

/// Holds from the next block on.
pub(super) fn set_coinbase(api: &DevApi, args: &mut Args<'_>) -> RpcResult<Value> {
    api.dev.set_beneficiary(args.required("address")?);
    Ok(Value::Null)
}
