//! Random transactions of every kind.

use alloy_consensus::{SignableTransaction, TxEip1559, TxEip2930, TxEip4844, TxEip7702, TxLegacy};
use alloy_eips::{
    eip2930::{AccessList, AccessListItem},
    eip7702::{Authorization, SignedAuthorization},
};
use alloy_primitives::{Address, B256, Bytes, Signature, TxKind, U256};
use duplex_primitives::{BatchContent, BlockContent, Transaction};
use op_alloy_consensus::TxDeposit;
use proptest::prelude::*;

pub(crate) const CHAIN: u64 = 42_069;

/// Numbers of every length, with the ends more often than chance would give them.
pub(crate) fn number() -> impl Strategy<Value = u64> {
    prop_oneof![Just(0), Just(u64::MAX), 0u64..300, (any::<u64>(), 0u32..64).prop_map(|(n, bits)| n >> bits)]
}

fn fee() -> impl Strategy<Value = u128> {
    prop_oneof![Just(0), Just(u128::MAX), (any::<u128>(), 0u32..128).prop_map(|(n, bits)| n >> bits)]
}

pub(crate) fn word() -> impl Strategy<Value = U256> {
    prop_oneof![
        Just(U256::ZERO),
        Just(U256::MAX),
        (any::<[u8; 32]>(), 0usize..256).prop_map(|(bytes, bits)| U256::from_be_bytes(bytes) >> bits)
    ]
}

pub(crate) fn address() -> impl Strategy<Value = Address> {
    any::<[u8; 20]>().prop_map(Address::from)
}

pub(crate) fn hash() -> impl Strategy<Value = B256> {
    any::<[u8; 32]>().prop_map(B256::from)
}

pub(crate) fn bytes() -> impl Strategy<Value = Bytes> {
    prop_oneof![
        Just(Bytes::new()),
        prop::collection::vec(any::<u8>(), 0..200).prop_map(Bytes::from),
        (200usize..3000).prop_map(|len| vec![7; len].into()),
    ]
}

pub(crate) fn kind() -> impl Strategy<Value = TxKind> {
    prop_oneof![1 => Just(TxKind::Create), 3 => address().prop_map(TxKind::Call)]
}

fn signature() -> impl Strategy<Value = Signature> {
    (word(), word(), any::<bool>()).prop_map(|(r, s, parity)| Signature::new(r, s, parity))
}

fn access_list() -> impl Strategy<Value = AccessList> {
    let item = (address(), prop::collection::vec(hash(), 0..3))
        .prop_map(|(address, storage_keys)| AccessListItem { address, storage_keys });
    prop::collection::vec(item, 0..3).prop_map(AccessList)
}

fn authorizations() -> impl Strategy<Value = Vec<SignedAuthorization>> {
    let one = (word(), address(), number(), any::<u8>(), word(), word()).prop_map(
        |(chain_id, address, nonce, parity, r, s)| {
            SignedAuthorization::new_unchecked(Authorization { chain_id, address, nonce }, parity, r, s)
        },
    );
    prop::collection::vec(one, 0..3)
}

/// What all kinds have.
type Common = (u64, u64, u128, u128, U256, Bytes, Signature);

fn common() -> impl Strategy<Value = Common> {
    (number(), number(), fee(), fee(), word(), bytes(), signature())
}

pub(crate) fn legacy() -> impl Strategy<Value = Transaction> {
    (common(), kind(), any::<bool>()).prop_map(
        |((nonce, gas_limit, fee, _, value, input, sig), to, protected)| {
            let chain_id = protected.then_some(CHAIN);
            TxLegacy { chain_id, nonce, gas_price: fee, gas_limit, to, value, input }.into_signed(sig).into()
        },
    )
}

pub(crate) fn eip2930() -> impl Strategy<Value = Transaction> {
    (common(), kind(), access_list()).prop_map(
        |((nonce, gas_limit, gas_price, _, value, input, sig), to, access_list)| {
            TxEip2930 { chain_id: CHAIN, nonce, gas_price, gas_limit, to, value, access_list, input }
                .into_signed(sig)
                .into()
        },
    )
}

pub(crate) fn eip1559() -> impl Strategy<Value = Transaction> {
    (common(), kind(), access_list()).prop_map(
        |((nonce, gas_limit, fee, tip, value, input, sig), to, access_list)| {
            TxEip1559 {
                chain_id: CHAIN,
                nonce,
                gas_limit,
                max_fee_per_gas: fee,
                max_priority_fee_per_gas: tip,
                to,
                value,
                access_list,
                input,
            }
            .into_signed(sig)
            .into()
        },
    )
}

pub(crate) fn eip4844() -> impl Strategy<Value = Transaction> {
    (common(), address(), access_list(), prop::collection::vec(hash(), 0..3), fee()).prop_map(
        |((nonce, gas_limit, max_fee, tip, value, input, sig), to, access_list, blobs, blob_fee)| {
            TxEip4844 {
                chain_id: CHAIN,
                nonce,
                gas_limit,
                max_fee_per_gas: max_fee,
                max_priority_fee_per_gas: tip,
                to,
                value,
                access_list,
                blob_versioned_hashes: blobs,
                max_fee_per_blob_gas: blob_fee,
                input,
            }
            .into_signed(sig)
            .into()
        },
    )
}

pub(crate) fn eip7702() -> impl Strategy<Value = Transaction> {
    (common(), address(), access_list(), authorizations()).prop_map(
        |((nonce, gas_limit, fee, tip, value, input, sig), to, access_list, authorization_list)| {
            TxEip7702 {
                chain_id: CHAIN,
                nonce,
                gas_limit,
                max_fee_per_gas: fee,
                max_priority_fee_per_gas: tip,
                to,
                value,
                access_list,
                authorization_list,
                input,
            }
            .into_signed(sig)
            .into()
        },
    )
}

pub(crate) fn deposit() -> impl Strategy<Value = Transaction> {
    (hash(), address(), kind(), fee(), word(), number(), bytes()).prop_map(
        |(source_hash, from, to, mint, value, gas_limit, input)| {
            TxDeposit { source_hash, from, to, mint, value, gas_limit, is_system_transaction: false, input }
                .into()
        },
    )
}

/// The kinds that a batch can hold.
pub(crate) fn batched() -> impl Strategy<Value = Transaction> {
    prop_oneof![legacy(), eip2930(), eip1559(), eip7702()]
}

pub(crate) fn content() -> impl Strategy<Value = BatchContent> {
    let block = (number(), number(), number(), prop::collection::vec(batched(), 0..5)).prop_map(
        |(timestamp_delta, anchor_delta, messages, transactions)| BlockContent {
            timestamp_delta,
            anchor_delta,
            messages,
            transactions,
        },
    );
    prop::collection::vec(block, 0..7).prop_map(|blocks| BatchContent { blocks })
}
