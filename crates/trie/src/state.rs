//! Ethereum's state: the account trie and the storage tries below it.

use crate::{
    AccountUpdate, HashedState, NodeSource, NodeUpdates, StateProof, StorageProof, Trie, Witness,
    error::Result, shrink,
};
use alloc::vec::Vec;
use alloy_primitives::{B256, U256, map::B256Map};
use alloy_rlp::Encodable;
use alloy_trie::{EMPTY_ROOT_HASH, TrieAccount};

/// The state of a chain after some block, of which the touched part is in memory.
#[derive(Debug, Clone)]
pub struct StateTrie {
    accounts: Trie,
    /// Storage tries with at least one node in memory, each at the root that its account names.
    storages: B256Map<Trie>,
    /// The sum of their node counts.
    storage_nodes: usize,
}

impl StateTrie {
    /// The state with the given root, for which nothing is fetched yet.
    pub fn new(root: B256) -> Self {
        Self { accounts: Trie::new(None, root), storages: B256Map::default(), storage_nodes: 0 }
    }

    /// The state root.
    pub const fn root(&self) -> B256 {
        self.accounts.root()
    }

    /// The number of trie nodes in memory.
    pub const fn node_count(&self) -> usize {
        self.accounts.node_count() + self.storage_nodes
    }

    /// Whether the state has no accounts.
    pub const fn is_empty(&self) -> bool {
        self.accounts.is_empty()
    }

    /// The account at `keccak256(address)`, if it exists.
    ///
    /// # Errors
    /// If a node on the way to it cannot be had. The state stays as it is.
    pub fn account<S: NodeSource>(
        &mut self,
        hashed_address: B256,
        source: &S,
    ) -> Result<Option<TrieAccount>, S::Error> {
        let Some(rlp) = self.accounts.get(&hashed_address, source)? else { return Ok(None) };
        alloy_rlp::decode_exact(rlp)
            .map(Some)
            .map_err(|reason| Trie::bad_value(None, &hashed_address, reason))
    }

    /// The value at `keccak256(slot)` of the account at `keccak256(address)`; zero if either does
    /// not exist.
    ///
    /// # Errors
    /// If a node on the way to it cannot be had. The state stays as it is.
    pub fn storage<S: NodeSource>(
        &mut self,
        hashed_address: B256,
        hashed_slot: B256,
        source: &S,
    ) -> Result<U256, S::Error> {
        if !self.storages.contains_key(&hashed_address) {
            let root = self.account(hashed_address, source)?.map(|account| account.storage_root);
            if root.is_none_or(|root| root == EMPTY_ROOT_HASH) {
                return Ok(U256::ZERO);
            }
            return self.with_storage(hashed_address, root, |trie| {
                storage_value(trie, hashed_address, hashed_slot, source)
            });
        }
        self.with_storage(hashed_address, None, |trie| {
            storage_value(trie, hashed_address, hashed_slot, source)
        })
    }

    /// Applies what a block did and returns the new state root. Appends to `updates` the nodes to
    /// write and those to delete; no key occurs twice.
    ///
    /// An account that is not in `changes` stays as it is; one that is there without an account
    /// goes away with its storage. Whether an account without nonce, balance and code should
    /// exist (EIP-161) is the caller's business. Removing an account that has storage reads all
    /// of it, to tell what to delete.
    ///
    /// # Errors
    /// If a node cannot be had. Then the state is again that of the former root, with nothing of
    /// it in memory, and `updates` is as it was.
    pub fn apply<S: NodeSource>(
        &mut self,
        changes: &HashedState,
        source: &S,
        updates: &mut NodeUpdates,
    ) -> Result<B256, S::Error> {
        let before = updates.len();
        let applied = self.apply_to(changes, source, Some(updates));
        if applied.is_err() {
            updates.truncate(before);
        }
        applied
    }

    /// The same where nothing is stored: the new state root, and that is all.
    ///
    /// # Errors
    /// If a node cannot be had. Then the state is again that of the former root, with nothing of it in memory.
    pub fn update<S: NodeSource>(&mut self, changes: &HashedState, source: &S) -> Result<B256, S::Error> {
        self.apply_to(changes, source, None)
    }

    fn apply_to<S: NodeSource>(
        &mut self,
        changes: &HashedState,
        source: &S,
        mut updates: Option<&mut NodeUpdates>,
    ) -> Result<B256, S::Error> {
        let root = self.root();
        let mut rlp = Vec::with_capacity(128);
        for (address, update) in changes {
            let updates = updates.as_deref_mut();
            if let Err(error) = self.apply_account(*address, update, source, updates, &mut rlp) {
                *self = Self::new(root);
                return Err(error);
            }
        }
        Ok(self.accounts.commit_to(updates))
    }

    fn apply_account<S: NodeSource>(
        &mut self,
        address: B256,
        update: &AccountUpdate,
        source: &S,
        updates: Option<&mut NodeUpdates>,
        rlp: &mut Vec<u8>,
    ) -> Result<(), S::Error> {
        let former = self.account(address, source)?;
        let mut storage_root = former.map_or(EMPTY_ROOT_HASH, |account| account.storage_root);
        let wipe = update.account.is_none() || update.wipe_storage;
        let slots = if update.account.is_some() { &update.storage[..] } else { &[] };
        if (wipe && storage_root != EMPTY_ROOT_HASH) || !slots.is_empty() {
            storage_root = self.with_storage(address, Some(storage_root), |trie| {
                if wipe {
                    trie.clear(source)?;
                }
                for (slot, value) in slots {
                    if value.is_zero() {
                        trie.remove(slot, source)?;
                    } else {
                        trie.insert(slot, &alloy_rlp::encode_fixed_size(value), source)?;
                    }
                }
                Ok(trie.commit_to(updates))
            })?;
        }
        match &update.account {
            None => self.accounts.remove(&address, source)?,
            Some(account) => {
                rlp.clear();
                TrieAccount::new(account.nonce, account.balance, storage_root, account.code_hash).encode(rlp);
                self.accounts.insert(&address, rlp, source)?
            }
        };
        Ok(())
    }

    /// What `eth_getProof` tells of an account and some of its slots, existing or not.
    ///
    /// # Errors
    /// If a node on the way cannot be had. The state stays as it is.
    pub fn prove<S: NodeSource>(
        &mut self,
        hashed_address: B256,
        hashed_slots: &[B256],
        source: &S,
    ) -> Result<StateProof, S::Error> {
        let account = self.account(hashed_address, source)?;
        let account_proof = self.accounts.prove(&hashed_address, source)?;
        let storage_root = account.as_ref().map_or(EMPTY_ROOT_HASH, |account| account.storage_root);
        let storage = self.with_storage(hashed_address, Some(storage_root), |trie| {
            let prove = |&hashed_slot| {
                let value = storage_value(trie, hashed_address, hashed_slot, source)?;
                let proof = trie.prove(&hashed_slot, source)?;
                Ok(StorageProof { hashed_slot, value, proof })
            };
            hashed_slots.iter().map(prove).collect()
        })?;
        Ok(StateProof { account, account_proof, storage_root, storage })
    }

    /// Uses the storage trie of an account. It is opened with `root` if it is not in memory
    /// (`None`: it is), and kept if there is something of it in memory afterwards.
    fn with_storage<T, E>(
        &mut self,
        hashed_address: B256,
        root: Option<B256>,
        work: impl FnOnce(&mut Trie) -> Result<T, E>,
    ) -> Result<T, E> {
        let root = root.unwrap_or(EMPTY_ROOT_HASH);
        let trie =
            self.storages.entry(hashed_address).or_insert_with(|| Trie::new(Some(hashed_address), root));
        trie.set_epoch(self.accounts.epoch());
        let before = trie.node_count();
        let result = work(trie);
        let after = trie.node_count();
        if after == 0 {
            self.storages.remove(&hashed_address);
        }
        self.storage_nodes = self.storage_nodes - before + after;
        result
    }

    /// If more than `max_nodes` are in memory, forgets those that were not used for longest,
    /// until at most three quarters of `max_nodes` remain (so that the next calls are cheap).
    pub fn shrink(&mut self, max_nodes: usize) {
        if self.node_count() <= max_nodes {
            return;
        }
        let epoch = self.accounts.epoch();
        let mut ages = [0; 33];
        self.accounts.count_ages(&mut ages);
        for trie in self.storages.values_mut() {
            trie.set_epoch(epoch);
            trie.count_ages(&mut ages);
        }
        let keep = shrink::keep(&ages, max_nodes - max_nodes / 4);
        self.accounts.forget(keep);
        self.storages.retain(|_, trie| {
            trie.forget(keep);
            trie.node_count() > 0
        });
        self.storage_nodes = self.storages.values().map(Trie::node_count).sum();
    }
}

fn storage_value<S: NodeSource>(
    trie: &mut Trie,
    hashed_address: B256,
    hashed_slot: B256,
    source: &S,
) -> Result<U256, S::Error> {
    match trie.get(&hashed_slot, source)? {
        None => Ok(U256::ZERO),
        Some(rlp) => alloy_rlp::decode_exact(rlp)
            .map_err(|reason| Trie::bad_value(Some(hashed_address), &hashed_slot, reason)),
    }
}

/// The root of a state given as a whole: that of a genesis block.
pub fn state_root_of(accounts: impl IntoIterator<Item = (B256, AccountUpdate)>) -> B256 {
    StateTrie::new(EMPTY_ROOT_HASH)
        .apply(&accounts.into_iter().collect(), &Witness::new(), &mut NodeUpdates::new())
        .expect("a trie that starts empty needs no source")
}
