//! Walking all accounts.

use crate::{
    error::Result,
    view::{View, decode_account},
};
use alloy_primitives::B256;
use duplex_trie::StateAccount;
use redb::Range;
use std::{
    collections::{BTreeMap, btree_map::IntoIter},
    iter::Peekable,
    sync::Arc,
};

/// Every account that exists at a block, by `keccak256(address)`, in that order.
pub struct Accounts {
    layered: Peekable<IntoIter<B256, Option<StateAccount>>>,
    stored: Peekable<Stored>,
    /// Keeps the engine open; dropped after the range over it.
    _view: Arc<View>,
}

impl Accounts {
    pub(crate) fn new(view: Arc<View>, at: u64) -> Result<Self> {
        let mut layered = BTreeMap::new();
        for layer in view.layers.iter().filter(|layer| layer.number <= at) {
            layered.extend(layer.accounts.iter().map(|(hashed, account)| (*hashed, *account)));
        }
        let range = view.state.accounts.range::<&[u8; 40]>(..)?;
        let stored = Stored { range, next: None, at }.peekable();
        Ok(Self { layered: layered.into_iter().peekable(), stored, _view: view })
    }
}

impl core::fmt::Debug for Accounts {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Accounts").finish_non_exhaustive()
    }
}

impl Iterator for Accounts {
    type Item = Result<(B256, StateAccount)>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            // An account that is in both was written last in a layer.
            let stored = match self.stored.peek() {
                Some(Ok((hashed, _))) => Some(*hashed),
                Some(Err(_)) => return self.stored.next().and_then(Result::err).map(Err),
                None => None,
            };
            let layered = self.layered.peek().map(|(hashed, _)| *hashed);
            let (hashed, account) = match (layered, stored) {
                (None, None) => return None,
                (Some(layered), Some(stored)) if stored < layered => self.stored.next()?.ok()?,
                (Some(layered), stored) => {
                    if stored == Some(layered) {
                        self.stored.next();
                    }
                    self.layered.next()?
                }
                (None, Some(_)) => self.stored.next()?.ok()?,
            };
            if let Some(account) = account {
                return Some(Ok((hashed, account)));
            }
        }
    }
}

/// What the accounts table holds of each account at a block.
struct Stored {
    range: Range<'static, &'static [u8; 40], &'static [u8]>,
    /// An entry that was read ahead: the key's first version at or before the block.
    next: Option<(B256, Vec<u8>)>,
    at: u64,
}

impl Stored {
    fn read(&mut self) -> Result<Option<(B256, Option<StateAccount>)>> {
        let mut current = self.next.take();
        for entry in self.range.by_ref() {
            let (key, value) = entry?;
            let (hashed, version) = key.value().split_at(32);
            if version > self.at.to_be_bytes().as_slice() {
                continue;
            }
            match &mut current {
                Some((before, bytes)) if before.as_slice() == hashed => {
                    bytes.clear();
                    bytes.extend_from_slice(value.value());
                }
                _ => {
                    let read = (B256::from_slice(hashed), value.value().to_vec());
                    if current.is_some() {
                        self.next = Some(read);
                        break;
                    }
                    current = Some(read);
                }
            }
        }
        current.map(|(hashed, bytes)| Ok((hashed, decode_account(&bytes)?))).transpose()
    }
}

impl Iterator for Stored {
    type Item = Result<(B256, Option<StateAccount>)>;

    fn next(&mut self) -> Option<Self::Item> {
        self.read().transpose()
    }
}
