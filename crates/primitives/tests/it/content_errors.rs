//! Every reason for which batch data is refused.

use alloy_consensus::{SignableTransaction, TxEip1559, TxEip7702};
use alloy_primitives::{Address, Signature, TxKind, U256};
use duplex_primitives::{BatchContent, BlockContent, ContentError, MAX_BLOCKS, MAX_CONTENT, Transaction};
use proptest::{strategy::ValueTree, test_runner::TestRunner};

use crate::{
    content::pack,
    strategies::{CHAIN, deposit, eip4844},
};

fn transfer() -> TxEip1559 {
    TxEip1559 {
        chain_id: CHAIN,
        nonce: 5,
        gas_limit: 21_000,
        max_fee_per_gas: 1_000_000,
        max_priority_fee_per_gas: 3,
        to: TxKind::Call(Address::repeat_byte(0xaa)),
        value: U256::from(1000),
        ..Default::default()
    }
}

fn signature() -> Signature {
    Signature::new(U256::from(0x11), U256::from(0x22), true)
}

fn one(transaction: impl Into<Transaction>) -> BatchContent {
    let block =
        BlockContent { timestamp_delta: 2, transactions: vec![transaction.into()], ..Default::default() };
    BatchContent { blocks: vec![block] }
}

/// One block with one transfer, column by column.
fn parts() -> Vec<(&'static str, Vec<u8>)> {
    let mut signature = vec![0; 64];
    signature[31] = 0x11;
    signature[63] = 0x22;
    vec![
        ("block count", vec![1]),
        ("timestamps", vec![2]),
        ("anchors", vec![0]),
        ("messages", vec![0]),
        ("block sizes", vec![1]),
        ("kinds", vec![0x22]),
        ("nonces", vec![5]),
        ("gas limits", vec![0x88, 0xa4, 0x01]),
        ("fees", vec![0xc0, 0x84, 0x3d]),
        ("tips", vec![3]),
        ("targets", vec![0xaa; 20]),
        ("values", vec![2, 0x03, 0xe8]),
        ("data lengths", vec![0]),
        ("data", vec![]),
        ("access lists", vec![0]),
        ("signatures", signature),
    ]
}

fn join(parts: &[(&str, Vec<u8>)]) -> Vec<u8> {
    parts.iter().flat_map(|(_, bytes)| bytes.clone()).collect()
}

fn with(column: &str, bytes: &[u8]) -> Result<BatchContent, ContentError> {
    let mut parts = parts();
    parts.iter_mut().find(|(name, _)| *name == column).unwrap().1 = bytes.to_vec();
    BatchContent::decode(&pack(&join(&parts)), CHAIN)
}

#[test]
fn the_bytes_are_these() {
    let content = one(transfer().into_signed(signature()));
    assert_eq!(content.columns(CHAIN).unwrap(), join(&parts()));
    assert_eq!(with("timestamps", &[2]).unwrap(), content);
}

#[test]
fn unknown_versions() {
    assert_eq!(BatchContent::decode(&[], CHAIN), Err(ContentError::Version(None)));
    assert_eq!(BatchContent::decode(&[1, 2, 3], CHAIN), Err(ContentError::Version(Some(1))));
}

#[test]
fn broken_compression() {
    assert_eq!(BatchContent::decode(&[0], CHAIN), Err(ContentError::Compression));
    assert_eq!(BatchContent::decode(&[0, 0xff, 0xff, 0xff], CHAIN), Err(ContentError::Compression));
}

/// Cutting the columns off anywhere is found out: by the counts, before anything is read for them,
/// unless more than the least that a transaction takes is left.
#[test]
fn columns_that_end_early() {
    let whole = join(&parts());
    for cut in 0..whole.len() {
        let error = BatchContent::decode(&pack(&whole[..cut]), CHAIN).unwrap_err();
        let expected = match cut {
            0..5 => "block count",
            5..75 => "block sizes",
            _ => "signatures",
        };
        assert_eq!(error, ContentError::Column(expected), "{cut} bytes");
    }
}

#[test]
fn values_out_of_range() {
    let cases: &[(&'static str, &'static str, &[u8])] = &[
        // Numbers that are too long, too large or not in their shortest form.
        ("timestamps", "timestamps", &[0x80, 0]),
        ("timestamps", "timestamps", &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2]),
        ("anchors", "anchors", &[0x82, 0x80, 0]),
        ("messages", "messages", &[0xff; 10]),
        ("nonces", "nonces", &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2]),
        ("gas limits", "gas limits", &[0x80, 0x80, 0]),
        ("fees", "fees", &[0xff; 20]),
        (
            "tips",
            "tips",
            &[
                0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x80,
                0x80, 0x80, 0x80, 4,
            ],
        ),
        // Kinds: blobs, unknown types, the unused bit, unprotected 1559.
        ("kinds", "kinds", &[0x03]),
        ("kinds", "kinds", &[0x05]),
        ("kinds", "kinds", &[0x0e]),
        ("kinds", "kinds", &[0x82]),
        ("kinds", "kinds", &[0x42]),
        ("kinds", "kinds", &[0x14]),
        // Words with a leading zero, or longer than a word.
        ("values", "values", &[1, 0]),
        (
            "values",
            "values",
            &[
                33, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24,
                25, 26, 27, 28, 29, 30, 31, 32, 33,
            ],
        ),
        // Counts that lie.
        ("block count", "block count", &[0xff, 0xff, 0xff, 0xff, 0x7f]),
        ("block sizes", "block sizes", &[2]),
        ("block sizes", "block sizes", &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]),
        ("data lengths", "data lengths", &[0xff, 0xff, 0xff, 0xff, 0x7f]),
        // Lists: the empty one has no bytes; not a list; something after the list; not canonical.
        ("access lists", "access lists", &[1, 0xc0]),
        ("access lists", "access lists", &[1, 0x05]),
        ("access lists", "access lists", &[2, 0xc0, 0xc0]),
        ("access lists", "access lists", &[2, 0xf8, 0x00]),
        ("access lists", "access lists", &[200, 1]),
    ];
    for (column, blamed, bytes) in cases {
        let error = with(column, bytes).unwrap_err();
        assert_eq!(error, ContentError::Column(blamed), "{column}: {bytes:02x?}");
    }
    // The largest values that do fit.
    assert!(with("timestamps", &[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1]).is_ok());
    let largest = [[0xff; 18].to_vec(), vec![3]].concat();
    let read = with("tips", &largest).unwrap();
    assert_eq!(
        alloy_consensus::Transaction::max_priority_fee_per_gas(&read.blocks[0].transactions[0]),
        Some(u128::MAX)
    );
}

/// An empty authorization list is written like an empty access list: no bytes.
#[test]
fn empty_authorization_lists_have_one_form() {
    let delegating = TxEip7702 { chain_id: CHAIN, ..Default::default() };
    let content = one(delegating.into_signed(signature()));
    let mut columns = content.columns(CHAIN).unwrap();
    let before_signature = columns.len() - 64;
    assert_eq!(columns[before_signature - 2..before_signature], [0, 0]);
    columns.splice(before_signature - 1..before_signature, [1, 0xc0]);
    assert_eq!(BatchContent::decode(&pack(&columns), CHAIN), Err(ContentError::Column("authorizations")));
}

#[test]
fn a_few_bytes_never_stand_for_millions() {
    // More blocks than a batch may have, each with all its bytes.
    let mut columns = vec![0x81, 0x80, 0x04];
    columns.resize(3 + 4 * (MAX_BLOCKS + 1), 0);
    assert_eq!(BatchContent::decode(&pack(&columns), CHAIN), Err(ContentError::Column("block count")));
    let content = BatchContent { blocks: vec![BlockContent::default(); MAX_BLOCKS + 1] };
    assert_eq!(content.encode(CHAIN), Err(ContentError::TooLong));

    // Blocks whose transactions each fit, but not together.
    let blocks = 1000u32;
    let mut columns = vec![0xe8, 0x07];
    columns.resize(2 + 3 * blocks as usize, 0);
    columns.extend((0..blocks).flat_map(|_| [100]));
    columns.resize(columns.len() + 70 * 100 * 10, 0);
    assert_eq!(BatchContent::decode(&pack(&columns), CHAIN), Err(ContentError::Column("block sizes")));
}

#[test]
fn what_cannot_be_in_a_batch() {
    let mut runner = TestRunner::deterministic();
    let mut sample = |strategy: &dyn Fn(&mut TestRunner) -> Transaction| strategy(&mut runner);
    use proptest::strategy::Strategy;
    let blob = sample(&|runner| eip4844().new_tree(runner).unwrap().current());
    let deposit = sample(&|runner| deposit().new_tree(runner).unwrap().current());
    let foreign = TxEip1559 { chain_id: CHAIN + 1, ..transfer() }.into_signed(signature()).into();
    for transaction in [blob, deposit, foreign] {
        let expected = transaction.hash();
        match one(transaction).encode(CHAIN) {
            Err(ContentError::Unsupported { hash, .. }) => assert_eq!(hash, expected),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn content_that_is_too_long_is_not_written() {
    let large = TxEip1559 { input: vec![0; MAX_CONTENT].into(), ..transfer() };
    assert_eq!(one(large.into_signed(signature())).encode(CHAIN), Err(ContentError::TooLong));
}
