//! A state in memory, and what the tests put into it.

use std::collections::BTreeMap;

use alloy_consensus::{SignableTransaction, TxEip1559};
use alloy_primitives::{Address, B256, Bytes, Signature, TxKind, U256, address, hex, keccak256};
use duplex_primitives::{
    BaseFeeRule, BlockAttributes, ChainConfig, Header, L2Extra, Transaction, predeploys,
};
use duplex_stf::{Changes, Executor, Outcome, TxResult, open_header};
use revm::{DatabaseRef, bytecode::Bytecode, database_interface::DBErrorMarker, state::AccountInfo};

pub(crate) const ALICE: Address = address!("00000000000000000000000000000000000a11ce");
pub(crate) const BOB: Address = address!("0000000000000000000000000000000000000b0b");
/// Stores the second word of its input at the first.
pub(crate) const STORE: Address = address!("0000000000000000000000000000000000005704");
/// Reverts.
pub(crate) const REVERT: Address = address!("000000000000000000000000000000000000dead");
/// Runs into an invalid instruction.
pub(crate) const HALT: Address = address!("0000000000000000000000000000000000000bad");
pub(crate) const ETHER: u128 = 1_000_000_000_000_000_000;
pub(crate) const GWEI: u64 = 1_000_000_000;

/// A read that failed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("no state for {0}")]
pub(crate) struct Missing(pub(crate) Address);

impl DBErrorMarker for Missing {}

/// Accounts, storage by hashed slot, and code.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct State {
    pub(crate) accounts: BTreeMap<Address, (u64, U256, B256)>,
    pub(crate) storage: BTreeMap<Address, BTreeMap<B256, U256>>,
    pub(crate) codes: BTreeMap<B256, Bytes>,
    /// Reading this account fails.
    pub(crate) broken: Option<Address>,
}

impl DatabaseRef for State {
    type Error = Missing;

    fn basic_ref(&self, address: Address) -> Result<Option<AccountInfo>, Missing> {
        if self.broken == Some(address) {
            return Err(Missing(address));
        }
        Ok(self.accounts.get(&address).map(|(nonce, balance, code_hash)| AccountInfo {
            nonce: *nonce,
            balance: *balance,
            code_hash: *code_hash,
            code: None,
            account_id: None,
        }))
    }

    fn code_by_hash_ref(&self, code_hash: B256) -> Result<Bytecode, Missing> {
        Ok(Bytecode::new_raw(self.codes[&code_hash].clone()))
    }

    fn storage_ref(&self, address: Address, slot: U256) -> Result<U256, Missing> {
        assert!(self.accounts.contains_key(&address), "storage of an account that does not exist");
        Ok(self.slot(address, slot))
    }

    fn block_hash_ref(&self, _: u64) -> Result<B256, Missing> {
        Ok(B256::ZERO)
    }
}

impl State {
    pub(crate) fn with(mut self, address: Address, nonce: u64, balance: u128, code: &[u8]) -> Self {
        let hash = keccak256(code);
        self.codes.insert(hash, Bytes::copy_from_slice(code));
        self.accounts.insert(address, (nonce, U256::from(balance), hash));
        self
    }

    pub(crate) fn with_slot(mut self, address: Address, slot: u64, value: U256) -> Self {
        self.storage.entry(address).or_default().insert(hashed(U256::from(slot)), value);
        self
    }

    pub(crate) fn slot(&self, address: Address, slot: U256) -> U256 {
        self.storage.get(&address).and_then(|slots| slots.get(&hashed(slot))).copied().unwrap_or_default()
    }

    pub(crate) fn balance(&self, address: Address) -> u128 {
        self.accounts.get(&address).map_or(0, |(_, balance, _)| balance.to())
    }

    pub(crate) fn nonce(&self, address: Address) -> u64 {
        self.accounts.get(&address).map_or(0, |(nonce, ..)| *nonce)
    }

    /// The wei of all accounts.
    pub(crate) fn total(&self) -> u128 {
        self.accounts.values().map(|(_, balance, _)| balance.to::<u128>()).sum()
    }

    /// What the state is after `changes`, which must be well formed.
    pub(crate) fn apply(&mut self, changes: &Changes) {
        assert_eq!(changes.accounts.len(), changes.state.len());
        for (hash, code) in &changes.codes {
            assert_eq!(*hash, keccak256(code));
            self.codes.insert(*hash, code.clone());
        }
        for (address, account) in &changes.accounts {
            let update = &changes.state[&keccak256(address)];
            assert_eq!(update.account, *account);
            assert!(update.storage.is_sorted_by(|a, b| a.0 < b.0));
            let slots = self.storage.entry(*address).or_default();
            if update.wipe_storage {
                slots.clear();
            }
            for (key, value) in &update.storage {
                if value.is_zero() {
                    slots.remove(key)
                } else {
                    slots.insert(*key, *value)
                };
            }
            if slots.is_empty() {
                self.storage.remove(address);
            }
            match account {
                Some(account) => {
                    let known =
                        account.code_hash == keccak256([]) || self.codes.contains_key(&account.code_hash);
                    assert!(known, "code of {address}");
                    self.accounts.insert(*address, (account.nonce, account.balance, account.code_hash))
                }
                None => self.accounts.remove(address),
            };
        }
        assert!(self.storage.keys().all(|address| self.accounts.contains_key(address)));
    }
}

pub(crate) fn hashed(slot: U256) -> B256 {
    keccak256(slot.to_be_bytes::<32>())
}

/// The accounts that all tests know.
pub(crate) fn people() -> State {
    State::default()
        .with(ALICE, 0, 100 * ETHER, &[])
        .with(BOB, 0, ETHER, &[])
        .with(STORE, 1, 0, &hex!("6020355f355500"))
        .with(REVERT, 1, 0, &hex!("5f5ffd"))
        .with(HALT, 1, 0, &hex!("fe"))
        .with(alloy_eips::eip2935::HISTORY_STORAGE_ADDRESS, 1, 0, &alloy_eips::eip2935::HISTORY_STORAGE_CODE)
}

/// Compiled runtime code of a contract.
fn deployed(name: &str) -> Vec<u8> {
    let path = format!("{}/../../contracts/artifacts/{name}.json", env!("CARGO_MANIFEST_DIR"));
    let json = std::fs::read_to_string(path).unwrap();
    let (_, rest) = json.split_once("\"deployedBytecode\": \"").unwrap();
    hex::decode(rest.split_once('"').unwrap().0).unwrap()
}

/// People on L2, with the predeploy that prices data.
pub(crate) fn l2_state() -> State {
    let scalars = U256::from(config().l1_fee.base_fee) << 96;
    people()
        .with(predeploys::L1_BLOCK, 1, 0, &deployed("L1Block"))
        .with_slot(predeploys::L1_BLOCK, 1, U256::from(GWEI))
        .with_slot(predeploys::L1_BLOCK, 3, scalars)
        .with_slot(predeploys::L1_BLOCK, 7, U256::from(1))
}

/// L2, with a base fee that does not move.
pub(crate) fn config() -> ChainConfig {
    let base_fee = BaseFeeRule { min: 1000, target_per_second: 1, damping: 0 };
    ChainConfig { base_fee, ..ChainConfig::l2_dev(901) }
}

pub(crate) fn parent() -> Header {
    Header {
        number: 8,
        timestamp: 1_800_000_000,
        gas_limit: config().gas_limit,
        base_fee_per_gas: Some(GWEI),
        blob_gas_used: Some(0),
        excess_blob_gas: Some(0),
        extra_data: L2Extra { anchor_number: 70, message_count: 3 }.encode(),
        ..Default::default()
    }
}

pub(crate) fn attributes() -> BlockAttributes {
    BlockAttributes {
        timestamp: 1_800_000_001,
        beacon_root: B256::repeat_byte(0xbe),
        prev_randao: B256::repeat_byte(0xaa),
        l2: L2Extra { anchor_number: 71, message_count: 5 },
        ..Default::default()
    }
}

pub(crate) fn parent_hash() -> B256 {
    parent().hash_slow()
}

/// A signature that the executor, which is told the sender, never looks at.
pub(crate) fn signature() -> Signature {
    Signature::new(U256::from(0x1234_5678), U256::from(0x9abc_def0_u64), true)
}

pub(crate) fn call(config: &ChainConfig, nonce: u64, to: TxKind, value: u128, input: Bytes) -> TxEip1559 {
    TxEip1559 {
        chain_id: config.chain_id,
        nonce,
        gas_limit: 500_000,
        max_fee_per_gas: 3 * u128::from(GWEI),
        max_priority_fee_per_gas: 7,
        to,
        value: U256::from(value),
        input,
        ..Default::default()
    }
}

pub(crate) fn sign(tx: TxEip1559) -> Transaction {
    tx.into_signed(signature()).into()
}

/// A block under execution, and the state below it.
pub(crate) struct Scene {
    pub(crate) executor: Executor<State>,
    pub(crate) header: Header,
    pub(crate) state: State,
}

impl Scene {
    pub(crate) fn new(config: &ChainConfig, state: State) -> Self {
        let header = open_header(config, &parent(), parent_hash(), &attributes());
        let executor = Executor::new(config, &header, state.clone()).unwrap();
        Self { executor, header, state }
    }

    pub(crate) fn l2() -> Self {
        Self::new(&config(), l2_state())
    }

    pub(crate) fn run(&mut self, tx: &Transaction, sender: Address) -> TxResult {
        self.executor.execute(tx, sender).unwrap()
    }

    /// Ends the block; gives what came of it and the state after it.
    pub(crate) fn finish(self) -> (Outcome, State) {
        let outcome = self.executor.finish(&[]).unwrap();
        let mut state = self.state;
        state.apply(&outcome.changes);
        (outcome, state)
    }
}
