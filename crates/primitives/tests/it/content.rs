//! The batch codec: what goes in comes out, and nothing else comes out.

use duplex_primitives::{BatchContent, BlockContent, ContentError, MAX_BLOCKS, MAX_CONTENT};
use proptest::prelude::*;

use crate::strategies::{CHAIN, batched, content};

/// Batch data from columns, whatever they say.
pub(crate) fn pack(columns: &[u8]) -> Vec<u8> {
    let mut data = vec![0];
    let params = brotli::enc::BrotliEncoderParams { quality: 5, lgwin: 20, ..Default::default() };
    brotli::BrotliCompress(&mut &columns[..], &mut data, &params).unwrap();
    data
}

fn columns(content: &BatchContent) -> Vec<u8> {
    content.columns(CHAIN).unwrap()
}

proptest! {
    #[test]
    fn decoding_gives_what_was_encoded(content in content()) {
        let data = content.encode(CHAIN).unwrap();
        let decoded = BatchContent::decode(&data, CHAIN).unwrap();
        prop_assert_eq!(&decoded, &content);
        // Equal transactions are not enough: the hashes must be right without the original bytes.
        let hashes = |content: &BatchContent| -> Vec<_> {
            content.blocks.iter().flat_map(|block| &block.transactions).map(|tx| tx.hash()).collect()
        };
        prop_assert_eq!(hashes(&decoded), hashes(&content));
    }

    #[test]
    fn random_data_is_refused_or_read(data in prop::collection::vec(any::<u8>(), 0..2000)) {
        let _ = BatchContent::decode(&data, CHAIN);
        let _ = BatchContent::decode(&[&[0u8][..], &data].concat(), CHAIN);
        if let Ok(read) = BatchContent::decode(&pack(&data), CHAIN) {
            prop_assert_eq!(columns(&read), data);
        }
    }

    /// Whatever columns are accepted, they are the only ones with that meaning.
    #[test]
    fn damaged_columns_are_refused_or_canonical(
        content in content(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut bytes = columns(&content);
        for (at, value) in damage {
            let at = at.index(bytes.len());
            bytes[at] = value;
        }
        if let Ok(read) = BatchContent::decode(&pack(&bytes), CHAIN) {
            prop_assert_eq!(columns(&read), bytes);
        }
    }

    #[test]
    fn damaged_data_never_panics(
        content in content(),
        damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..4),
    ) {
        let mut data = content.encode(CHAIN).unwrap();
        for (at, value) in damage {
            let at = at.index(data.len());
            data[at] = value;
        }
        let _ = BatchContent::decode(&data, CHAIN);
    }

    #[test]
    fn shorter_and_longer_data_is_refused(content in content(), cut in any::<prop::sample::Index>(), more in 1usize..9) {
        let data = content.encode(CHAIN).unwrap();
        prop_assert!(BatchContent::decode(&data[..cut.index(data.len())], CHAIN).is_err());
        let longer = [&data[..], &vec![0; more]].concat();
        prop_assert_eq!(BatchContent::decode(&longer, CHAIN), Err(ContentError::Compression));

        let bytes = columns(&content);
        prop_assert!(BatchContent::decode(&pack(&bytes[..cut.index(bytes.len())]), CHAIN).is_err());
        let longer = [&bytes[..], &vec![0; more]].concat();
        prop_assert_eq!(BatchContent::decode(&pack(&longer), CHAIN), Err(ContentError::Surplus(more)));
    }

    /// A legacy transaction without chain id means the same on every chain; all others do not.
    #[test]
    fn the_chain_id_is_the_readers(transaction in batched()) {
        let content = BatchContent { blocks: vec![BlockContent { transactions: vec![transaction], ..Default::default() }] };
        let transaction = &content.blocks[0].transactions[0];
        let replayable = alloy_consensus::Transaction::chain_id(transaction).is_none();
        let elsewhere = BatchContent::decode(&content.encode(CHAIN).unwrap(), CHAIN + 1).unwrap();
        prop_assert_eq!(elsewhere.blocks[0].transactions[0].hash() == transaction.hash(), replayable);
        prop_assert_eq!(content.encode(CHAIN + 1).is_ok(), replayable);
    }
}

#[test]
fn many_empty_blocks_take_few_bytes() {
    let block = BlockContent { timestamp_delta: 1, anchor_delta: 0, messages: 0, transactions: Vec::new() };
    let content = BatchContent { blocks: vec![block; MAX_BLOCKS] };
    let data = content.encode(CHAIN).unwrap();
    assert!(data.len() < 100, "{} bytes", data.len());
    assert_eq!(BatchContent::decode(&data, CHAIN).unwrap(), content);
}

#[test]
fn no_blocks_at_all() {
    let empty = BatchContent::default();
    assert_eq!(columns(&empty), [0]);
    assert_eq!(BatchContent::decode(&empty.encode(CHAIN).unwrap(), CHAIN).unwrap(), empty);
}

/// The length limit holds to the byte, and what is past it is never written out.
#[test]
fn content_length_limit_is_exact() {
    let zeros = vec![0u8; MAX_CONTENT + 1];
    assert_eq!(BatchContent::decode(&pack(&zeros), CHAIN), Err(ContentError::TooLong));
    // No blocks, and the rest is surplus: the content was looked at.
    assert_eq!(
        BatchContent::decode(&pack(&zeros[..MAX_CONTENT]), CHAIN),
        Err(ContentError::Surplus(MAX_CONTENT - 1))
    );
}

#[test]
fn a_bomb_is_too_long() {
    let bomb = pack(&vec![0u8; 64 << 20]);
    assert!(bomb.len() < 1000, "{} bytes", bomb.len());
    assert_eq!(BatchContent::decode(&bomb, CHAIN), Err(ContentError::TooLong));
}

/// The "large window" form of brotli, whose window can be 1 GiB, is not RFC 7932.
#[test]
fn large_windows_are_refused() {
    let mut data = vec![0];
    let params =
        brotli::enc::BrotliEncoderParams { quality: 5, lgwin: 30, large_window: true, ..Default::default() };
    brotli::BrotliCompress(&mut &[0u8][..], &mut data, &params).unwrap();
    assert_eq!(BatchContent::decode(&data, CHAIN), Err(ContentError::Compression));
    // The widest window of the RFC is fine.
    let mut data = vec![0];
    let params = brotli::enc::BrotliEncoderParams { quality: 5, lgwin: 24, ..Default::default() };
    brotli::BrotliCompress(&mut &[0u8][..], &mut data, &params).unwrap();
    assert_eq!(BatchContent::decode(&data, CHAIN), Ok(BatchContent::default()));
}
