//! The first block of a chain.

use alloc::collections::BTreeMap;
use alloy_consensus::constants::EMPTY_WITHDRAWALS;
use alloy_eips::eip7685::EMPTY_REQUESTS_HASH;
use alloy_primitives::{Address, B256, Bytes, U256};
use serde::{Deserialize, Serialize};

use crate::{ChainConfig, Header, L2Extra, Rules};

/// An account that exists from the first block on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default)]
pub struct GenesisAccount {
    /// Wei.
    pub balance: U256,
    /// Transactions sent or contracts created.
    #[serde(with = "alloy_serde::quantity")]
    pub nonce: u64,
    /// Runtime code.
    pub code: Bytes,
    /// Storage by slot.
    pub storage: BTreeMap<B256, B256>,
}

/// The first block of a chain: its header without roots, and the accounts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Genesis {
    /// What distinguishes the chain.
    pub config: ChainConfig,
    /// Unix seconds.
    pub timestamp: u64,
    /// L2: the L1 block that genesis builds on.
    pub anchor_number: u64,
    /// L2: the hash of that block.
    pub anchor_hash: B256,
    /// Accounts by address.
    pub alloc: BTreeMap<Address, GenesisAccount>,
    /// The whole header, for a chain whose genesis was made elsewhere. Its state root must be
    /// that of `alloc`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub header: Option<Header>,
}

impl Genesis {
    /// The genesis header for a state with these roots. `message_passer_root` is the storage root
    /// of the `MessagePasser` (L2 only).
    pub fn header(&self, state_root: B256, message_passer_root: B256) -> Header {
        if let Some(header) = &self.header {
            return Header { state_root, ..header.clone() };
        }
        let l2 = self.config.is_l2();
        Header {
            state_root,
            timestamp: self.timestamp,
            gas_limit: self.config.gas_limit,
            base_fee_per_gas: Some(match self.config.rules {
                Rules::L1 => 1_000_000_000,
                Rules::L2 => self.config.base_fee.min,
            }),
            withdrawals_root: Some(if l2 { message_passer_root } else { EMPTY_WITHDRAWALS }),
            blob_gas_used: Some(0),
            excess_blob_gas: Some(0),
            parent_beacon_block_root: Some(if l2 { self.anchor_hash } else { B256::ZERO }),
            requests_hash: Some(EMPTY_REQUESTS_HASH),
            extra_data: if l2 {
                L2Extra { anchor_number: self.anchor_number, message_count: 0 }.encode()
            } else {
                Bytes::from_static(b"duplex development L1")
            },
            ..Default::default()
        }
    }
}
