//! The hasher of the tables of the programs that are proved (`guest/hasher`).

use std::{
    collections::HashSet,
    hash::{BuildHasher, Hash, Hasher},
};

use keyed::fast::{FoldHasher, RandomState};

/// Under a key of this test's, which all its tests share.
fn hasher() -> FoldHasher<'static> {
    keyed::set_key([1, 2, 3, 4]);
    RandomState.build_hasher()
}

fn hash(bytes: &[u8]) -> u64 {
    let mut hasher = hasher();
    hasher.write(bytes);
    hasher.finish()
}

/// The most of `keys` that meet in one of as many buckets as there are keys, by the hashes' low bits and by their high ones.
fn longest<K: Hash>(keys: impl ExactSizeIterator<Item = K>) -> [u32; 2] {
    let bits = keys.len().ilog2();
    let mut buckets = [vec![0; 1 << bits], vec![0; 1 << bits]];
    for key in keys {
        let mut hasher = hasher();
        key.hash(&mut hasher);
        let hash = hasher.finish();
        buckets[0][(hash & ((1 << bits) - 1)) as usize] += 1;
        buckets[1][(hash >> (64 - bits)) as usize] += 1;
    }
    buckets.map(|buckets| buckets.into_iter().max().unwrap())
}

#[test]
fn keys_that_look_alike_are_spread() {
    type Pattern = fn(u32) -> [u8; 20];
    let patterns: [(&str, Pattern); 3] = [
        ("count up", |i| word(i, 0)),
        ("count up elsewhere", |i| word(i, 16)),
        ("are multiples of a power of two", |i| word(i << 16, 4)),
    ];
    for (what, pattern) in patterns {
        let longest = longest((0..1u32 << 14).map(pattern));
        // Thrown at random it is some seven.
        assert!(longest.iter().all(|most| *most < 16), "addresses that {what}: {longest:?}");
    }
    assert!(longest((0..1u32 << 14).map(|i| u64::from(i) * 0x1000)).iter().all(|most| *most < 16));
}

fn word(i: u32, at: usize) -> [u8; 20] {
    let mut bytes = [0; 20];
    bytes[at..at + 4].copy_from_slice(&i.to_be_bytes());
    bytes
}

#[test]
fn each_byte_counts_in_strings_of_any_length() {
    for length in [1, 3, 4, 20, 32, 52, 95, 96, 97, 100, 200, 1000] {
        let bytes: Vec<u8> = (0..length).map(|i| i as u8).collect();
        let mut seen = HashSet::from([hash(&bytes)]);
        for at in 0..length {
            let mut other = bytes.clone();
            other[at] ^= 0x80;
            assert!(seen.insert(hash(&other)), "byte {at} of {length}");
        }
    }
}

#[test]
fn numbers_and_bytes_are_all_hashed() {
    let of = |feed: fn(&mut FoldHasher<'static>)| {
        let mut hasher = hasher();
        feed(&mut hasher);
        hasher.finish()
    };
    let found = [
        of(|_| ()),
        of(|h| h.write_u8(1)),
        of(|h| h.write_u16(2)),
        of(|h| h.write_u32(3)),
        of(|h| h.write_u64(4)),
        of(|h| h.write_u64(5 << 32)),
        of(|h| h.write_usize(6)),
        of(|h| h.write_u64(4 << 32 | 4)),
    ];
    assert_eq!(found.iter().collect::<HashSet<_>>().len(), found.len());
    // The same number is the same, whichever way it comes, and in both halves.
    assert_eq!(of(|h| h.write_u32(7)), of(|h| h.write(&[7, 0, 0, 0])));
    assert!(found.iter().all(|hash| hash >> 32 == hash & 0xffff_ffff));
}
