//! The hasher of the program's tables: multilinear hashing under the statement's hash.
//!
//! Everyone knows the program to the bit, so with a hasher that takes its key from where things
//! are in memory, as `foldhash` must without an operating system, anyone could choose slots that all
//! meet in one bucket, and make a block whose execution does not end within the machine's steps. The
//! statement's hash covers the batch: nobody knows it while they write a transaction of that batch.
//!
//! What is hashed is words of 32 bits: `(k0 + k1 w1 + k2 w2 + ...) mod 2^64`, of which the upper half is the hash. For keys that
//! do not depend on them, any two different strings of as many words have the same hash with probability 2^-32, whoever chose
//! them (Lemire and Kaser, Strongly universal string hashing is fast, 2014). There are as many keys as the tables' keys have
//! words; what is longer goes through SipHash first. Both keys come from the statement's hash by SipHash. With all of it by
//! SipHash a transfer takes a sixth more instructions in the validity program's machine.
//!
//! This crate has the name and the items of `foldhash` that the program's dependencies use.
#![no_std]

use core::{
    hash::{BuildHasher, Hasher},
    sync::atomic::{AtomicU64, Ordering},
};

// Deprecated in favour of the standard library's tables, which need an operating system.
#[allow(deprecated)]
type Sip = core::hash::SipHasher;

/// How many words are hashed with keys of their own: an address and a slot, with room to spare.
const WORDS: usize = 24;

/// The keys: plain memory, as the machines have one hart.
static KEYS: [AtomicU64; WORDS + 1] = [const { AtomicU64::new(0) }; WORDS + 1];
/// That of what is longer.
static LONG: [AtomicU64; 2] = [const { AtomicU64::new(0) }; 2];

fn sip(key: [u64; 2], number: u64) -> u64 {
    #[allow(deprecated)]
    let mut sip = Sip::new_with_keys(key[0], key[1]);
    sip.write_u64(number);
    sip.finish()
}

/// Sets the keys, before the first table is made.
pub fn set_key(hash: [u64; 4]) {
    for (i, place) in KEYS.iter().enumerate() {
        place.store(sip([hash[0], hash[1]], i as u64), Ordering::Relaxed);
    }
    for (place, word) in LONG.iter().zip([hash[2], hash[3]]) {
        place.store(word, Ordering::Relaxed);
    }
}

#[inline]
fn key(i: usize) -> u64 {
    KEYS[i].load(Ordering::Relaxed)
}

/// What dependencies ask for.
pub mod fast {
    use core::marker::PhantomData;

    use super::{BuildHasher, Hasher, LONG, Ordering, WORDS, key, sip};

    /// Makes hashers with the program's keys.
    #[derive(Debug, Clone, Copy, Default)]
    pub struct RandomState;

    impl BuildHasher for RandomState {
        type Hasher = FoldHasher<'static>;

        #[inline]
        fn build_hasher(&self) -> FoldHasher<'static> {
            FoldHasher { sum: key(0), words: 0, key: PhantomData }
        }
    }

    /// A hasher.
    #[derive(Debug, Clone)]
    pub struct FoldHasher<'a> {
        sum: u64,
        /// How many words there were.
        words: usize,
        key: PhantomData<&'a ()>,
    }

    impl FoldHasher<'_> {
        #[inline]
        fn word(&mut self, word: u32) {
            if self.words == WORDS {
                self.shorten();
            }
            self.words += 1;
            self.sum = self.sum.wrapping_add(key(self.words).wrapping_mul(u64::from(word)));
        }

        /// Puts a hash of all that came in its place.
        #[cold]
        fn shorten(&mut self) {
            let long = [0, 1].map(|i: usize| LONG[i].load(Ordering::Relaxed));
            (self.sum, self.words) = (sip(long, self.sum), 0);
        }
    }

    impl Hasher for FoldHasher<'_> {
        /// The hash, twice: tables take bits from both ends.
        #[inline]
        fn finish(&self) -> u64 {
            let hash = self.sum >> 32;
            hash << 32 | hash
        }

        #[inline]
        fn write(&mut self, bytes: &[u8]) {
            let (words, rest) = bytes.as_chunks::<4>();
            words.iter().for_each(|word| self.word(u32::from_le_bytes(*word)));
            if !rest.is_empty() {
                let mut last = [0; 4];
                last[..rest.len()].copy_from_slice(rest);
                self.word(u32::from_le_bytes(last));
            }
        }

        #[inline]
        fn write_u8(&mut self, number: u8) {
            self.word(number.into());
        }

        #[inline]
        fn write_u16(&mut self, number: u16) {
            self.word(number.into());
        }

        #[inline]
        fn write_u32(&mut self, number: u32) {
            self.word(number);
        }

        #[inline]
        fn write_u64(&mut self, number: u64) {
            self.word(number as u32);
            self.word((number >> 32) as u32);
        }

        #[inline]
        fn write_usize(&mut self, number: usize) {
            self.write_u64(number as u64);
        }
    }
}
