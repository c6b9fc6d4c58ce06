//! Fields of headers.

use alloy_primitives::{B256, Bytes, U256};
use alloy_rlp::{Decodable, Header as Rlp};
use duplex_primitives::Header;

/// Where the parent's hash is in a header's RLP: after the list's header, which has three bytes as
/// no header is shorter than its bloom or longer than 64 KiB, and the string's.
const PARENT: core::ops::Range<usize> = 4..36;
/// The part of a header that has the hash of its parent.
pub(crate) const START: core::ops::Range<usize> = 0..64;

/// The hash of the parent, from the [start](START) of a header.
pub(crate) fn parent_hash(start: &[u8]) -> Option<B256> {
    match start {
        [0xf9, _, _, 0xa0, ..] => start.get(PARENT).map(B256::from_slice),
        _ => None,
    }
}

/// An L2 header.
pub(crate) fn l2_header(rlp: &[u8]) -> Option<Header> {
    alloy_rlp::decode_exact(rlp).ok()
}

/// An L1 header, as far as derivation reads it: parent, number, time, `mixHash` and what both base
/// fees follow from. What later forks of L1 append is passed over, as this program outlives them; what
/// an L1 that is behind does not have yet is not there.
pub(crate) fn l1_header(rlp: &[u8]) -> Option<Header> {
    read_l1_header(rlp).ok()
}

fn read_l1_header(mut rlp: &[u8]) -> alloy_rlp::Result<Header> {
    let mut rest = Rlp::decode_bytes(&mut rlp, true)?;
    let rest = &mut rest;
    let parent_hash = B256::decode(rest)?;
    // Uncles, beneficiary, three roots, bloom, difficulty.
    skip(rest, 7)?;
    let number = u64::decode(rest)?;
    // Gas limit, gas used.
    skip(rest, 2)?;
    let timestamp = u64::decode(rest)?;
    // Extra data.
    skip(rest, 1)?;
    let mix_hash = B256::decode(rest)?;
    // Nonce.
    skip(rest, 1)?;
    let mut next = |skipped: usize| -> alloy_rlp::Result<Option<u64>> {
        for _ in 0..skipped {
            if !rest.is_empty() {
                skip(rest, 1)?;
            }
        }
        if rest.is_empty() { Ok(None) } else { u64::decode(rest).map(Some) }
    };
    let base_fee_per_gas = next(0)?;
    // Withdrawals root, blob gas used.
    let excess_blob_gas = next(2)?;
    Ok(Header {
        parent_hash,
        number,
        timestamp,
        mix_hash,
        base_fee_per_gas,
        excess_blob_gas,
        ..Default::default()
    })
}

fn skip(rest: &mut &[u8], items: usize) -> alloy_rlp::Result<()> {
    for _ in 0..items {
        let header = Rlp::decode(rest)?;
        *rest = &rest[header.payload_length..];
    }
    Ok(())
}

/// The words of an ABI encoding.
pub(crate) fn word(bytes: &[u8], index: usize) -> Option<U256> {
    bytes.get(32 * index..32 * (index + 1)).map(U256::from_be_slice)
}

/// Bytes 32 · `index` to 32 · (`index` + 1), as a hash.
pub(crate) fn hash(bytes: &Bytes, index: usize) -> Option<B256> {
    bytes.get(32 * index..32 * (index + 1)).map(B256::from_slice)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;
    use alloy_primitives::{Address, Bloom, keccak256};

    fn full() -> Header {
        Header {
            parent_hash: keccak256("parent"),
            beneficiary: Address::repeat_byte(9),
            logs_bloom: Bloom::repeat_byte(7),
            number: 23_000_000,
            gas_limit: 60_000_000,
            gas_used: 0,
            timestamp: 1_760_000_000,
            extra_data: Bytes::from_static(b"extra"),
            mix_hash: keccak256("mix"),
            base_fee_per_gas: Some(7),
            withdrawals_root: Some(keccak256("withdrawals")),
            blob_gas_used: Some(131_072),
            excess_blob_gas: Some(0),
            parent_beacon_block_root: Some(keccak256("beacon")),
            requests_hash: Some(keccak256("requests")),
            ..Default::default()
        }
    }

    #[test]
    fn l1_headers_are_read_past_what_later_forks_append() {
        let header = full();
        let rlp = alloy_rlp::encode(&header);
        let mut payload = &rlp[..];
        let mut longer: Vec<u8> = Rlp::decode_bytes(&mut payload, true).unwrap().to_vec();
        for _ in 0..3 {
            longer.extend(alloy_rlp::encode(keccak256("of a later fork")));
            let mut rlp = Vec::new();
            Rlp { list: true, payload_length: longer.len() }.encode(&mut rlp);
            rlp.extend(&longer);
            let read = l1_header(&rlp).unwrap();
            assert_eq!(read.parent_hash, header.parent_hash);
            assert_eq!(read.number, header.number);
            assert_eq!(read.timestamp, header.timestamp);
            assert_eq!(read.mix_hash, header.mix_hash);
            assert_eq!(read.base_fee_per_gas, header.base_fee_per_gas);
            assert_eq!(read.excess_blob_gas, header.excess_blob_gas);
            assert_eq!(parent_hash(&rlp[START]), Some(header.parent_hash));
        }
        for cut in 0..rlp.len() {
            assert!(l1_header(&rlp[..cut]).is_none(), "{cut} bytes");
        }
    }

    #[test]
    fn l1_headers_of_former_forks_lack_what_those_did_not_have() {
        let header = full();
        let london = Header {
            withdrawals_root: None,
            blob_gas_used: None,
            excess_blob_gas: None,
            parent_beacon_block_root: None,
            requests_hash: None,
            ..header.clone()
        };
        let shanghai = Header { withdrawals_root: header.withdrawals_root, ..london.clone() };
        let first = Header { base_fee_per_gas: None, ..london.clone() };
        for header in [first, london, shanghai] {
            let read = l1_header(&alloy_rlp::encode(&header)).unwrap();
            assert_eq!((read.number, read.timestamp), (header.number, header.timestamp));
            assert_eq!((read.base_fee_per_gas, read.excess_blob_gas), (header.base_fee_per_gas, None));
        }
    }

    #[test]
    fn the_hash_of_the_parent_is_where_it_is_looked_for() {
        let shortest = Header::default();
        for header in [full(), shortest] {
            let rlp = alloy_rlp::encode(&header);
            assert_eq!(parent_hash(&rlp[START]), Some(header.parent_hash));
            assert_eq!(l2_header(&rlp), Some(header));
        }
        assert_eq!(parent_hash(&[]), None);
        assert_eq!(parent_hash(&[0xf9, 2, 0, 0xa0]), None);
        assert_eq!(parent_hash(&[0xf8; 64]), None);
    }
}
