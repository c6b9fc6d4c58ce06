//! Changes of a block, on top of the state before it.

use alloc::vec::Vec;
use alloy_primitives::{
    Address, B256, Bytes, U256, keccak256,
    map::{AddressMap, B256Map, U256Map},
};
use duplex_trie::{AccountUpdate, HashedState, StateAccount};
use revm::{
    Database, DatabaseCommit, DatabaseRef,
    bytecode::Bytecode,
    state::{Account, AccountInfo, EvmState},
};

/// What is known of one account.
#[derive(Debug, Clone, Default)]
struct Entry {
    /// The account now; `None` if it does not exist.
    info: Option<AccountInfo>,
    /// Slots read or written, with their value now.
    slots: U256Map<Slot>,
    /// True if the account differs from the state below, or may.
    changed: bool,
    /// True if its storage below does not count any more.
    wiped: bool,
    /// True if it does not exist below, so that there is no storage to read.
    new: bool,
}

impl Entry {
    /// True if slots that are not here are zero.
    const fn is_complete(&self) -> bool {
        self.wiped || self.new || self.info.is_none()
    }
}

#[derive(Debug, Clone, Copy)]
struct Slot {
    value: U256,
    changed: bool,
}

/// Everything that differs from the state below.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    /// Accounts and slots, hashed for the trie.
    pub state: HashedState,
    /// The same accounts by address, in its order.
    pub accounts: Vec<(Address, Option<StateAccount>)>,
    /// Code of the contracts that were created, by hash, in its order.
    pub codes: Vec<(B256, Bytes)>,
}

/// How many bytes of code that accounts have are kept from transaction to transaction: more than any block calls that was not
/// made for it. The code of a transaction that goes beyond is read again, so a block's does not add up to more than there is memory for.
const KEPT_CODE: usize = 32 << 20;

/// A block's changes on top of a state source, and a cache of what was read from it.
#[derive(Debug)]
pub struct Overlay<D> {
    source: D,
    accounts: AddressMap<Entry>,
    codes: B256Map<Bytecode>,
    /// How many bytes of code `accounts` has kept.
    kept: usize,
}

impl<D> Overlay<D> {
    /// No changes yet.
    pub fn new(source: D) -> Self {
        Self { source, accounts: AddressMap::default(), codes: B256Map::default(), kept: 0 }
    }

    /// The state below.
    pub const fn source(&self) -> &D {
        &self.source
    }

    /// All changes.
    pub fn changes(&self) -> Changes {
        let mut state = HashedState::new();
        let mut accounts = Vec::new();
        for (address, entry) in self.accounts.iter().filter(|(_, entry)| entry.changed) {
            let mut storage: Vec<_> = entry
                .slots
                .iter()
                .filter(|(_, slot)| slot.changed)
                .map(|(key, slot)| (keccak256(key.to_be_bytes::<32>()), slot.value))
                .collect();
            storage.sort_unstable_by_key(|(key, _)| *key);
            let account = entry.info.as_ref().map(|info| StateAccount {
                nonce: info.nonce,
                balance: info.balance,
                code_hash: info.code_hash,
            });
            accounts.push((*address, account));
            state.insert(keccak256(address), AccountUpdate { account, wipe_storage: entry.wiped, storage });
        }
        accounts.sort_unstable_by_key(|(address, _)| *address);
        let mut codes: Vec<_> =
            self.codes.iter().map(|(hash, code)| (*hash, code.original_bytes())).collect();
        codes.sort_unstable_by_key(|(hash, _)| *hash);
        Changes { state, accounts, codes }
    }

    /// Overrides an account, for simulation.
    pub fn set_account(&mut self, address: Address, info: AccountInfo) {
        if let Some(code) = &info.code {
            self.codes.insert(info.code_hash, code.clone());
        }
        let entry = self.accounts.entry(address).or_default();
        entry.info = Some(info);
        entry.changed = true;
    }

    /// Overrides a storage slot, for simulation. The account must have been loaded or set before.
    pub fn set_slot(&mut self, address: Address, key: U256, value: U256) {
        let entry = self.accounts.entry(address).or_default();
        entry.slots.insert(key, Slot { value, changed: true });
        entry.changed = true;
    }

    /// Forgets the storage of an account, for simulation.
    pub fn wipe_storage(&mut self, address: Address) {
        let entry = self.accounts.entry(address).or_default();
        entry.slots.clear();
        entry.wiped = true;
        entry.changed = true;
    }
}

impl<D: DatabaseRef> Overlay<D> {
    fn load(&mut self, address: Address) -> Result<&mut Entry, D::Error> {
        use alloy_primitives::map::Entry as MapEntry;
        Ok(match self.accounts.entry(address) {
            MapEntry::Occupied(entry) => entry.into_mut(),
            MapEntry::Vacant(entry) => {
                let info = self.source.basic_ref(address)?;
                entry.insert(Entry { new: info.is_none(), info, ..Default::default() })
            }
        })
    }

    /// Adds wei to an account without a transaction (L1 withdrawals, EIP-4895).
    ///
    /// # Errors
    /// If the state source fails.
    pub fn credit(&mut self, address: Address, wei: U256) -> Result<(), D::Error> {
        if wei.is_zero() {
            return Ok(());
        }
        let entry = self.load(address)?;
        let info = entry.info.get_or_insert_default();
        info.balance = info.balance.saturating_add(wei);
        entry.changed = true;
        Ok(())
    }
}

impl<D: DatabaseRef> Database for Overlay<D> {
    type Error = D::Error;

    fn basic(&mut self, address: Address) -> Result<Option<AccountInfo>, D::Error> {
        Ok(self.load(address)?.info.clone())
    }

    fn code_by_hash(&mut self, code_hash: B256) -> Result<Bytecode, D::Error> {
        match self.codes.get(&code_hash) {
            Some(code) => Ok(code.clone()),
            None => self.source.code_by_hash_ref(code_hash),
        }
    }

    fn storage(&mut self, address: Address, key: U256) -> Result<U256, D::Error> {
        let entry = self.load(address)?;
        if let Some(slot) = entry.slots.get(&key) {
            return Ok(slot.value);
        }
        if entry.is_complete() {
            return Ok(U256::ZERO);
        }
        let value = self.source.storage_ref(address, key)?;
        if let Some(entry) = self.accounts.get_mut(&address) {
            entry.slots.insert(key, Slot { value, changed: false });
        }
        Ok(value)
    }

    fn block_hash(&mut self, number: u64) -> Result<B256, D::Error> {
        self.source.block_hash_ref(number)
    }
}

/// Reads without remembering, for tracers, which look at the state beside the EVM.
impl<D: DatabaseRef> DatabaseRef for Overlay<D> {
    type Error = D::Error;

    fn basic_ref(&self, address: Address) -> Result<Option<AccountInfo>, D::Error> {
        match self.accounts.get(&address) {
            Some(entry) => Ok(entry.info.clone()),
            None => self.source.basic_ref(address),
        }
    }

    fn code_by_hash_ref(&self, code_hash: B256) -> Result<Bytecode, D::Error> {
        match self.codes.get(&code_hash) {
            Some(code) => Ok(code.clone()),
            None => self.source.code_by_hash_ref(code_hash),
        }
    }

    fn storage_ref(&self, address: Address, key: U256) -> Result<U256, D::Error> {
        match self.accounts.get(&address) {
            Some(entry) => match entry.slots.get(&key) {
                Some(slot) => Ok(slot.value),
                None if entry.is_complete() => Ok(U256::ZERO),
                None => self.source.storage_ref(address, key),
            },
            None => self.source.storage_ref(address, key),
        }
    }

    fn block_hash_ref(&self, number: u64) -> Result<B256, D::Error> {
        self.source.block_hash_ref(number)
    }
}

impl<D> Overlay<D> {
    /// How many bytes of code an account brings that it had not here before.
    fn new_code(&self, address: &Address, account: &Account) -> usize {
        let is_there = account.is_touched() && !account.is_selfdestructed() && !account.is_empty();
        let has = |entry: &Entry| entry.info.as_ref().is_some_and(|info| info.code.is_some());
        match &account.info.code {
            Some(code) if is_there && !self.accounts.get(address).is_some_and(has) => code.len(),
            _ => 0,
        }
    }

    fn commit_account(&mut self, address: Address, mut account: Account, keep_code: bool) {
        if !account.is_touched() {
            return;
        }
        let entry = self.accounts.entry(address).or_default();
        // EIP-161: an empty account that was touched does not exist any more.
        if account.is_selfdestructed() || account.is_empty() {
            entry.changed |= entry.info.is_some();
            entry.info = None;
            entry.slots.clear();
            entry.wiped = true;
            return;
        }
        if account.is_created() {
            // A contract starts with empty storage (EIP-7610 excludes any other case).
            entry.slots.clear();
            entry.wiped |= entry.info.is_some();
        }
        if let Some(code) = account.info.code.as_ref().filter(|code| !code.is_empty())
            && entry.info.as_ref().is_none_or(|info| info.code_hash != account.info.code_hash)
        {
            self.codes.insert(account.info.code_hash, code.clone());
        }
        if !keep_code && entry.info.as_ref().is_none_or(|info| info.code.is_none()) {
            account.info.code = None;
        }
        entry.changed |= entry.info.as_ref() != Some(&account.info);
        for (key, slot) in account.storage.into_iter().filter(|(_, slot)| slot.is_changed()) {
            entry.slots.insert(key, Slot { value: slot.present_value, changed: true });
            entry.changed = true;
        }
        entry.info = Some(account.info);
    }
}

impl<D> DatabaseCommit for Overlay<D> {
    fn commit(&mut self, changes: EvmState) {
        // All of it or nothing: what is read again must not depend on the order of a table, which is another wherever this runs.
        let code: usize = changes.iter().map(|(address, account)| self.new_code(address, account)).sum();
        let keep_code = self.kept + code <= KEPT_CODE;
        if keep_code {
            self.kept += code;
        }
        for (address, account) in changes {
            self.commit_account(address, account, keep_code);
        }
    }
}

#[cfg(test)]
mod tests {
    use core::convert::Infallible;

    use revm::state::AccountStatus;

    use super::*;

    /// Contracts with code as long as it may be, of which no two are the same.
    struct Contracts;

    fn code(address: Address) -> Bytecode {
        Bytecode::new_legacy([&[0][..], address.as_slice(), &[0x5b; 24_555]].concat().into())
    }

    fn account(address: Address) -> AccountInfo {
        AccountInfo { nonce: 1, code_hash: code(address).hash_slow(), ..Default::default() }
    }

    impl DatabaseRef for Contracts {
        type Error = Infallible;

        fn basic_ref(&self, address: Address) -> Result<Option<AccountInfo>, Infallible> {
            Ok(Some(AccountInfo { code: None, ..account(address) }))
        }

        fn code_by_hash_ref(&self, _: B256) -> Result<Bytecode, Infallible> {
            Ok(Bytecode::new_legacy(Bytes::from_static(b"from below")))
        }

        fn storage_ref(&self, _: Address, _: U256) -> Result<U256, Infallible> {
            Ok(U256::ZERO)
        }

        fn block_hash_ref(&self, _: u64) -> Result<B256, Infallible> {
            Ok(B256::ZERO)
        }
    }

    /// What the EVM commits of an account that was called.
    fn called(info: AccountInfo, status: AccountStatus) -> Account {
        let mut account = Account::from(info);
        account.status = AccountStatus::Touched | status;
        account
    }

    #[test]
    fn code_is_kept_up_to_a_limit() {
        let mut overlay = Overlay::new(Contracts);
        let address = |nth: u64| Address::from_word(U256::from(nth).into());
        let most = (KEPT_CODE / 24_576) as u64;
        for nth in 0..most + 10 {
            let address = address(nth);
            let info = overlay.basic(address).unwrap().unwrap();
            assert!(info.code.is_none());
            let info = AccountInfo { code: Some(code(address)), ..info };
            overlay.commit([(address, called(info, AccountStatus::empty()))].into_iter().collect());
            // Once more, as the next transaction has it.
            let info = overlay.basic(address).unwrap().unwrap();
            assert_eq!(info.code.is_some(), nth < most, "{nth}");
            let code = info.code.or_else(|| overlay.code_by_hash(info.code_hash).ok()).unwrap();
            overlay.commit(
                [(address, called(AccountInfo { code: Some(code), ..info }, AccountStatus::empty()))]
                    .into_iter()
                    .collect(),
            );
        }
        assert!(overlay.kept <= KEPT_CODE);
        // None of them changed.
        assert_eq!(overlay.changes(), Changes::default());
    }

    /// Which code is read again must not depend on the order of a table.
    #[test]
    fn of_a_transaction_all_code_is_kept_or_none() {
        let most = KEPT_CODE / 24_576;
        for count in [most, most + 1] {
            let mut overlay = Overlay::new(Contracts);
            let addresses = (0..count).map(|nth| Address::from_word(U256::from(nth).into()));
            let call = |address: Address| {
                let info = AccountInfo { code: Some(code(address)), ..account(address) };
                (address, called(info, AccountStatus::empty()))
            };
            overlay.commit(addresses.clone().map(call).collect());
            for address in addresses {
                let info = overlay.basic(address).unwrap().unwrap();
                assert_eq!(info.code.is_some(), count == most, "{count}");
            }
            assert_eq!(overlay.kept, if count == most { most * 24_576 } else { 0 });
        }
    }

    #[test]
    fn code_that_a_block_makes_is_kept_whatever_its_length() {
        let mut overlay = Overlay::new(Contracts);
        overlay.kept = KEPT_CODE;
        let address = Address::repeat_byte(1);
        let info = AccountInfo { code: Some(code(address)), ..account(address) };
        let hash = info.code_hash;
        // Only the balance was there.
        overlay.accounts.entry(address).or_default().info = Some(AccountInfo::from_balance(U256::ONE));
        overlay.commit([(address, called(info, AccountStatus::Created))].into_iter().collect());
        assert_eq!(overlay.code_by_hash(hash).unwrap(), code(address));
        assert_eq!(overlay.changes().codes, [(hash, code(address).original_bytes())]);
    }
}
