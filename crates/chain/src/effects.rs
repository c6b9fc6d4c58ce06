//! Blocks with what they do, for those who know that their headers are right: nothing is executed again, and nothing is believed.
//!
//! A header names its transactions, its receipts and the state after it, each by a root. So whoever knows the hash of a block (by a
//! proof, or from a later block) can take all these from anybody.

use std::{collections::BTreeSet, sync::Arc};

use alloy_consensus::constants::KECCAK_EMPTY;
use alloy_primitives::{Address, B256, Bytes, U256, keccak256};
use alloy_rlp::{RlpDecodable, RlpEncodable};
use duplex_primitives::{Block, Receipt, RecoveredBlock, receipts_root, transactions_root};
use duplex_stf::{Changes, Outcome, execute_block};
use duplex_trie::{AccountUpdate, StateAccount};
use revm::DatabaseRef;

use crate::{
    BlockData, Chain, ChainError,
    derive::senders,
    write::{Executed, check},
};

/// What a block did.
#[derive(Debug, Clone, PartialEq, Eq, RlpEncodable, RlpDecodable)]
pub struct Effects {
    /// One receipt for each transaction.
    pub receipts: Vec<Receipt>,
    /// The accounts that it changed, by address.
    pub accounts: Vec<AccountEffect>,
    /// Code of the contracts that it created.
    pub codes: Vec<Bytes>,
}

/// What a block did to an account.
#[derive(Debug, Clone, PartialEq, Eq, RlpEncodable, RlpDecodable)]
pub struct AccountEffect {
    /// Its address.
    pub address: Address,
    /// The account after the block: one, or none if it does not exist any more.
    pub after: Vec<AccountAfter>,
    /// The storage that it had before is gone.
    pub wiped: bool,
    /// Slots that changed, by their hashes.
    pub slots: Vec<SlotEffect>,
}

/// An account without its storage.
#[derive(Debug, Clone, PartialEq, Eq, RlpEncodable, RlpDecodable)]
pub struct AccountAfter {
    /// Number of transactions sent, or of contracts created.
    pub nonce: u64,
    /// In wei.
    pub balance: U256,
    /// `keccak256` of its code.
    pub code_hash: B256,
}

/// A slot after a block.
#[derive(Debug, Clone, PartialEq, Eq, RlpEncodable, RlpDecodable)]
pub struct SlotEffect {
    /// `keccak256` of the slot's number.
    pub hashed_slot: B256,
    /// Its value; zero if it is gone.
    pub value: U256,
}

impl Effects {
    fn new(outcome: Outcome) -> Self {
        let Changes { mut state, accounts, codes } = outcome.changes;
        // Nobody needs what is gone again.
        let named: BTreeSet<_> =
            accounts.iter().filter_map(|(_, account)| account.map(|account| account.code_hash)).collect();
        let accounts = accounts.into_iter().map(|(address, account)| {
            let update = state.remove(&keccak256(address)).unwrap_or_default();
            let after = account.map(|StateAccount { nonce, balance, code_hash }| AccountAfter {
                nonce,
                balance,
                code_hash,
            });
            let slots = update.storage.into_iter();
            AccountEffect {
                address,
                after: after.into_iter().collect(),
                wiped: update.wipe_storage,
                slots: slots.map(|(hashed_slot, value)| SlotEffect { hashed_slot, value }).collect(),
            }
        });
        Self {
            accounts: accounts.collect(),
            receipts: outcome.receipts,
            codes: codes.into_iter().filter(|(hash, _)| named.contains(hash)).map(|(_, code)| code).collect(),
        }
    }

    /// As the state takes them. `None` if there is something that the state's root would not show: an account or a slot twice,
    /// storage of an account that does not exist, code that no account has.
    fn into_changes(self) -> Option<(Changes, Vec<Receipt>)> {
        let mut changes = Changes::default();
        if !self.accounts.is_sorted_by(|a, b| a.address < b.address) {
            return None;
        }
        for AccountEffect { address, after, wiped, slots } in self.accounts {
            if after.len() > 1 || !slots.is_sorted_by(|a, b| a.hashed_slot < b.hashed_slot) {
                return None;
            }
            // The trie of an account goes with it, so what is said of its slots then would be in no root; and nothing of them
            // may be left for an account that comes to be there later.
            if after.is_empty() && !(wiped && slots.is_empty()) {
                return None;
            }
            let account = after.first().map(|after| StateAccount {
                nonce: after.nonce,
                balance: after.balance,
                code_hash: after.code_hash,
            });
            let storage = slots.into_iter().map(|slot| (slot.hashed_slot, slot.value)).collect();
            let update = AccountUpdate { account, wipe_storage: wiped, storage };
            changes.state.insert(keccak256(address), update);
            changes.accounts.push((address, account));
        }
        changes.codes = self.codes.into_iter().map(|code| (keccak256(&code), code)).collect();
        changes.codes.sort_unstable_by_key(|(hash, _)| *hash);
        let named: BTreeSet<_> = changes
            .accounts
            .iter()
            .filter_map(|(_, account)| account.map(|account| account.code_hash))
            .collect();
        let all_named = changes.codes.iter().all(|(hash, _)| named.contains(hash));
        (all_named && changes.codes.is_sorted_by(|(a, _), (b, _)| a < b)).then_some((changes, self.receipts))
    }
}

impl Chain {
    /// What block `number` did: it is executed again. `None` if there is no such block, or it is genesis.
    ///
    /// # Errors
    /// If the state before it is not kept any more, or the database fails.
    pub fn effects(&self, number: u64) -> Result<Option<(Arc<BlockData>, Effects)>, ChainError> {
        let Some(before) = number.checked_sub(1) else { return Ok(None) };
        let (Some(block), Some(parent)) = (self.block(number)?, self.header(before)?) else {
            return Ok(None);
        };
        let Some(state) = self.state_at(before)? else { return Ok(None) };
        let hash = block.header().parent_hash;
        let outcome = execute_block(&self.inner.config, &parent, hash, &block.recovered, state)?;
        Ok(Some((block, Effects::new(outcome))))
    }

    /// Takes a block that builds on the head, and what it did, without executing it. Its header is known to be right;
    /// transactions, receipts and the state after it are checked against that.
    ///
    /// # Errors
    /// If they are not the header's, or the database fails; the chain is as it was before.
    pub fn adopt(&self, block: Block, effects: Effects) -> Result<Arc<BlockData>, ChainError> {
        let hash = block.header.hash_slow();
        let header = block.header.clone();
        let Block { body, .. } = &block;
        check("transactionsRoot", header.transactions_root, transactions_root(&body.transactions))?;
        // Nothing names what L2 blocks do not have.
        let nothing_else =
            body.ommers.is_empty() && body.withdrawals.as_ref().is_some_and(|list| list.is_empty());
        check("body", true, nothing_else || !self.inner.config.is_l2())?;
        let (changes, receipts) = effects.into_changes().ok_or(ChainError::Effects(hash))?;
        check("receiptsRoot", header.receipts_root, receipts_root(&receipts))?;
        check("receipts", body.transactions.len(), receipts.len())?;
        let senders: Option<Vec<Address>> = senders(&body.transactions).into_iter().collect();
        let senders = senders.ok_or(ChainError::Signature(hash))?;
        let recovered = RecoveredBlock { block, hash, senders };
        let mut writer = self.writer();
        let head = self.head();
        if header.parent_hash != head.hash {
            return Err(ChainError::NotOnHead { parent: header.parent_hash, head: head.hash });
        }
        // The state names codes by their hashes, so one that is not there would not be missed.
        let state = head.state();
        for (_, account) in &changes.accounts {
            let Some(StateAccount { code_hash, .. }) = account else { continue };
            let new = changes.codes.binary_search_by_key(code_hash, |(hash, _)| *hash).is_ok();
            if !new && *code_hash != KECCAK_EMPTY {
                state.code_by_hash_ref(*code_hash)?;
            }
        }
        let outcome = Outcome {
            receipts,
            receipts_root: header.receipts_root,
            logs_bloom: header.logs_bloom,
            gas_used: header.gas_used,
            blob_gas_used: header.blob_gas_used.unwrap_or_default(),
            requests_hash: header.requests_hash.unwrap_or_default(),
            changes,
        };
        let Block { body, .. } = recovered.block;
        let executed = Executed { open: header.clone(), body, senders: recovered.senders, outcome };
        writer.commit(executed, Some(&header))
    }
}
