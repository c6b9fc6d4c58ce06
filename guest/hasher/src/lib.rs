//! The hasher of the program's tables: SipHash-2-4 under the statement's hash.
//!
//! Everyone knows the program to the bit, so with a hasher that takes its key from where things
//! are in memory, as `foldhash` must without an operating system, anyone could choose slots that all
//! meet in one bucket, and make a block whose execution does not end within the machine's steps. The
//! statement's hash covers the batch: nobody knows it while they write a transaction of that batch.
//!
//! This crate has the name and the items of `foldhash` that the program's dependencies use.
#![no_std]

use core::{
    hash::BuildHasher,
    sync::atomic::{AtomicU64, Ordering},
};

/// The key: plain memory, as the machine has one hart.
static KEY: [AtomicU64; 2] = [const { AtomicU64::new(0) }; 2];

/// Sets the key, before the first table is made.
pub fn set_key(hash: [u64; 4]) {
    for (place, word) in KEY.iter().zip(hash) {
        place.store(word, Ordering::Relaxed);
    }
}

/// What dependencies ask for.
pub mod fast {
    use core::{fmt, hash::Hasher, marker::PhantomData};

    use super::{BuildHasher, KEY, Ordering};

    // Deprecated in favour of the standard library's tables, which need an operating system.
    #[allow(deprecated)]
    type Sip = core::hash::SipHasher;

    /// Makes hashers with the program's key.
    #[derive(Debug, Clone, Copy, Default)]
    pub struct RandomState;

    impl BuildHasher for RandomState {
        type Hasher = FoldHasher<'static>;

        #[inline]
        fn build_hasher(&self) -> FoldHasher<'static> {
            let [a, b] = [0, 1].map(|i: usize| KEY[i].load(Ordering::Relaxed));
            #[allow(deprecated)]
            FoldHasher { sip: Sip::new_with_keys(a, b), key: PhantomData }
        }
    }

    /// A hasher.
    #[derive(Clone)]
    pub struct FoldHasher<'a> {
        sip: Sip,
        key: PhantomData<&'a ()>,
    }

    impl fmt::Debug for FoldHasher<'_> {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.debug_struct("FoldHasher").finish_non_exhaustive()
        }
    }

    impl Hasher for FoldHasher<'_> {
        #[inline]
        fn finish(&self) -> u64 {
            self.sip.finish()
        }

        #[inline]
        fn write(&mut self, bytes: &[u8]) {
            self.sip.write(bytes);
        }
    }
}
