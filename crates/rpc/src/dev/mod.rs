//! What tools for development ask of the development L1, by anvil's and hardhat's names.
//!
//! Parameters and answers have anvil's forms. What differs: a change of state by decree
//! (`anvil_setBalance` and the like) is a block of its own, so it is seen by everybody who follows
//! the chain; and a reorganisation takes the transactions of the removed blocks back in.

mod control;
mod info;
mod mine;
mod number;
mod state;

use std::{collections::BTreeMap, sync::Arc};

use alloy_primitives::{B256, keccak256};
use duplex_chain::dev::DevChain;
use jsonrpsee::{RpcModule, core::RegisterMethodError, types::ErrorObjectOwned};
use parking_lot::Mutex;
use serde_json::Value;

use crate::{RpcResult, params::Args};
use number::Number;

/// What the methods share.
#[derive(Debug)]
pub struct DevApi {
    dev: Arc<DevChain>,
    /// Tells one run of the node from the next.
    instance: B256,
    /// Number and hash of the head when each snapshot was taken, by its id.
    snapshots: Mutex<BTreeMap<u64, (u64, B256)>>,
}

type Method = fn(&DevApi, &mut Args<'_>) -> RpcResult<Value>;

/// Every method with all its names.
const METHODS: &[(&[&str], Method)] = &[
    (&["evm_mine"], mine::evm_mine),
    (&["anvil_mine", "hardhat_mine"], mine::anvil_mine),
    (&["evm_increaseTime", "anvil_increaseTime"], mine::increase_time),
    (&["evm_setNextBlockTimestamp", "anvil_setNextBlockTimestamp"], mine::set_next_block_timestamp),
    (&["evm_setTime", "anvil_setTime"], mine::set_time),
    (&["evm_setAutomine", "anvil_setAutomine"], control::set_automine),
    (&["anvil_getAutomine", "hardhat_getAutomine"], control::get_automine),
    (&["evm_setIntervalMining", "anvil_setIntervalMining"], control::set_interval_mining),
    (&["anvil_getIntervalMining"], control::get_interval_mining),
    (&["evm_snapshot", "anvil_snapshot"], control::snapshot),
    (&["evm_revert", "anvil_revert"], control::revert),
    (&["anvil_reorg"], control::reorg),
    (&["anvil_dropTransaction", "hardhat_dropTransaction"], control::drop_transaction),
    (&["anvil_dropAllTransactions"], control::drop_all_transactions),
    (&["anvil_setBalance", "hardhat_setBalance"], state::set_balance),
    (&["anvil_setNonce", "hardhat_setNonce", "evm_setAccountNonce"], state::set_nonce),
    (&["anvil_setCode", "hardhat_setCode"], state::set_code),
    (&["anvil_setStorageAt", "hardhat_setStorageAt"], state::set_storage_at),
    (&["anvil_setCoinbase", "hardhat_setCoinbase"], state::set_coinbase),
    (&["anvil_nodeInfo"], info::node_info),
    (&["anvil_metadata", "hardhat_metadata"], info::metadata),
];

/// The methods of the development L1.
///
/// They mine and write, so they run where blocking is allowed; the chain's one writer puts them in
/// order.
///
/// # Errors
/// Never in practice: only if two methods had the same name.
pub fn dev_module(dev: Arc<DevChain>) -> Result<RpcModule<DevApi>, RegisterMethodError> {
    let started = std::time::UNIX_EPOCH.elapsed().unwrap_or_default().as_nanos();
    let genesis = dev.chain().genesis_hash();
    let instance = keccak256([genesis.as_slice(), &started.to_be_bytes()].concat());
    let mut module = RpcModule::new(DevApi { dev, instance, snapshots: Mutex::default() });
    for &(names, method) in METHODS {
        let [name, aliases @ ..] = names else { continue };
        module.register_blocking_method(name, move |params, api, _| -> Result<Value, ErrorObjectOwned> {
            Ok(method(&api, &mut Args::new(&params)?)?)
        })?;
        for alias in aliases {
            module.register_alias(alias, name)?;
        }
    }
    Ok(module)
}
