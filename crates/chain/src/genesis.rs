//! The first block.

use std::collections::BTreeMap;

use alloy_consensus::constants::KECCAK_EMPTY;
use alloy_eips::{eip2935, eip4788, eip4895::Withdrawals, eip7002, eip7251};
use alloy_primitives::{Address, B256, Bytes, U256, hex, keccak256};
use alloy_trie::EMPTY_ROOT_HASH;
use duplex_primitives::{Block, BlockBody, Genesis, GenesisAccount, RecoveredBlock, predeploys};
use duplex_stf::Changes;
use duplex_trie::{AccountUpdate, NodeUpdates, StateAccount, StateTrie, Witness};

use crate::{BlockData, ChainError, StateError};

/// Runtime code of the CREATE2 deployer that tools expect: it creates what follows the first word
/// of its input, with that word as salt, and returns the address.
const CREATE2_CODE: &[u8] = &hex!(
    "7fffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffe03601600081602082378035828234f58015156039578182fd5b8082525050506014600cf3"
);

/// Contracts that the protocol itself, or everybody's tools, expect on a fresh chain.
pub fn dev_system_contracts(l1: bool) -> BTreeMap<Address, GenesisAccount> {
    let mut contracts = vec![
        (predeploys::CREATE2_DEPLOYER, Bytes::from_static(CREATE2_CODE)),
        (eip2935::HISTORY_STORAGE_ADDRESS, eip2935::HISTORY_STORAGE_CODE.clone()),
    ];
    if l1 {
        contracts.extend([
            (eip4788::BEACON_ROOTS_ADDRESS, eip4788::BEACON_ROOTS_CODE.clone()),
            (
                eip7002::WITHDRAWAL_REQUEST_PREDEPLOY_ADDRESS,
                eip7002::WITHDRAWAL_REQUEST_PREDEPLOY_CODE.clone(),
            ),
            (
                eip7251::CONSOLIDATION_REQUEST_PREDEPLOY_ADDRESS,
                eip7251::CONSOLIDATION_REQUEST_PREDEPLOY_CODE.clone(),
            ),
        ]);
    }
    contracts
        .into_iter()
        .map(|(address, code)| (address, GenesisAccount { nonce: 1, code, ..Default::default() }))
        .collect()
}

/// The genesis block and everything that goes into the database with it.
pub(crate) fn genesis_block(genesis: &Genesis) -> Result<(BlockData, Changes, NodeUpdates), ChainError> {
    let mut changes = Changes::default();
    for (address, account) in &genesis.alloc {
        let code_hash = if account.code.is_empty() { KECCAK_EMPTY } else { keccak256(&account.code) };
        if code_hash != KECCAK_EMPTY {
            changes.codes.push((code_hash, account.code.clone()));
        }
        let state = StateAccount { nonce: account.nonce, balance: account.balance, code_hash };
        let mut storage: Vec<_> = account
            .storage
            .iter()
            .map(|(key, value)| (keccak256(key), U256::from_be_bytes(value.0)))
            .filter(|(_, value)| !value.is_zero())
            .collect();
        storage.sort_unstable_by_key(|(key, _)| *key);
        let update = AccountUpdate { account: Some(state), wipe_storage: false, storage };
        changes.state.insert(keccak256(address), update);
        changes.accounts.push((*address, Some(state)));
    }
    changes.codes.sort_unstable_by_key(|(hash, _)| *hash);
    changes.codes.dedup_by_key(|(hash, _)| *hash);

    let mut nodes = NodeUpdates::new();
    let mut trie = StateTrie::new(EMPTY_ROOT_HASH);
    let nothing = Nothing(Witness::new());
    let state_root = trie.apply(&changes.state, &nothing, &mut nodes)?;
    let passer = trie.account(keccak256(predeploys::MESSAGE_PASSER), &nothing)?;
    let header = genesis.header(state_root, passer.map_or(EMPTY_ROOT_HASH, |account| account.storage_root));
    let body = BlockBody { withdrawals: Some(Withdrawals::default()), ..Default::default() };
    let recovered =
        RecoveredBlock { hash: header.hash_slow(), block: Block { header, body }, senders: Vec::new() };
    Ok((BlockData::new(recovered, Vec::new()), changes, nodes))
}

/// The header of block 0.
///
/// # Errors
/// Never in practice: only if the state trie contradicted itself.
pub fn genesis_header(genesis: &Genesis) -> Result<duplex_primitives::Header, ChainError> {
    genesis_block(genesis).map(|(block, ..)| block.recovered.block.header)
}

/// A trie that starts empty asks for nothing.
struct Nothing(Witness);

impl duplex_trie::NodeSource for Nothing {
    type Error = StateError;

    fn node(&self, key: &duplex_trie::NodeKey, hash: &B256) -> Result<Option<Bytes>, StateError> {
        Ok(self.0.node(key, hash).unwrap_or_default())
    }
}
