//! Messages between the layers.

use alloc::vec::Vec;
use alloy_primitives::{Address, B256, Bytes, TxKind, U256, keccak256};
use alloy_sol_types::{SolValue, sol};
use op_alloy_consensus::TxDeposit;
use serde::{Deserialize, Serialize};

use crate::Transaction;

/// Added to a contract's address when it sends a message to L2, so that no L1 contract can act
/// as the L2 contract that happens to have its address.
const ALIAS_OFFSET: Address = alloy_primitives::address!("1111000000000000000000000000000000001111");

/// The L2 address that stands for an L1 contract: `address + 0x1111…1111 (mod 2^160)`.
pub fn alias_l1_address(address: Address) -> Address {
    let sum = U256::from_be_slice(address.as_slice()) + U256::from_be_slice(ALIAS_OFFSET.as_slice());
    Address::from_slice(&sum.to_be_bytes::<32>()[12..])
}

/// An L1 to L2 message, as the `MessageQueue` emits it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct L1Message {
    /// Position in the queue, from 0.
    pub index: u64,
    /// Sender on L2; aliased already if it was a contract.
    pub from: Address,
    /// What is called on L2.
    pub target: Address,
    /// Wei minted to `from` (locked in the `Vault`).
    pub mint: U256,
    /// Wei sent with the call, from the balance of `from`.
    pub value: U256,
    /// Gas limit of the call.
    pub gas_limit: u64,
    /// Call data.
    pub data: Bytes,
    /// The L1 block in which it was sent.
    pub l1_block: u64,
    /// The queue's accumulator after this message.
    pub accumulator: B256,
}

impl L1Message {
    /// `abi.encode(from, target, mint, value, gasLimit, data)`.
    pub fn encode(&self) -> Vec<u8> {
        let fields = (self.from, self.target, self.mint, self.value, self.gas_limit, self.data.clone());
        fields.abi_encode_params()
    }

    /// keccak256 of [`encode`](Self::encode).
    pub fn hash(&self) -> B256 {
        keccak256(self.encode())
    }

    /// The deposit transaction that delivers this message. Its source hash is
    /// `keccak(0 ‖ accumulator)`, which is unique to the message and its whole history.
    ///
    /// A mint that does not fit 128 bits cannot happen: there is less ETH than that.
    pub fn to_deposit(&self) -> Transaction {
        let mut source = [0u8; 64];
        source[32..].copy_from_slice(self.accumulator.as_slice());
        TxDeposit {
            source_hash: keccak256(source),
            from: self.from,
            to: TxKind::Call(self.target),
            mint: self.mint.saturating_to(),
            value: self.value,
            gas_limit: self.gas_limit,
            is_system_transaction: false,
            input: self.data.clone(),
        }
        .into()
    }
}

/// The accumulator after `messages`, starting from `previous`:
/// `acc' = keccak256(acc ‖ messageHash)`.
pub fn messages_accumulator<'a>(previous: B256, messages: impl IntoIterator<Item = &'a L1Message>) -> B256 {
    messages.into_iter().fold(previous, |acc, message| {
        let mut buf = [0u8; 64];
        buf[..32].copy_from_slice(acc.as_slice());
        buf[32..].copy_from_slice(message.hash().as_slice());
        keccak256(buf)
    })
}

sol! {
    /// An L2 to L1 message as L1 takes it.
    #[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
    struct Withdrawal {
        /// Counter with the version in the top 16 bits.
        uint256 nonce;
        /// Who called the `MessagePasser` on L2.
        address sender;
        /// What L1 calls.
        address target;
        /// Wei released with the call.
        uint256 value;
        /// Gas that the call gets at least.
        uint256 gasLimit;
        /// Call data.
        bytes data;
    }
}

impl Withdrawal {
    /// `keccak256(abi.encode(nonce, sender, target, value, gasLimit, data))`.
    pub fn hash(&self) -> B256 {
        let fields: Vec<u8> =
            (self.nonce, self.sender, self.target, self.value, self.gasLimit, self.data.clone())
                .abi_encode_params();
        keccak256(fields)
    }

    /// The slot of `MessagePasser.sentMessages[hash]`: `keccak256(hash ‖ 0)`.
    pub fn storage_slot(&self) -> B256 {
        let mut buf = [0u8; 64];
        buf[..32].copy_from_slice(self.hash().as_slice());
        keccak256(buf)
    }
}
