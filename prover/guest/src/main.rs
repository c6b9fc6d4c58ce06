//! The validity program (`docs/validity.md` §1): reads a bundle, executes its batches, and makes the hash of the statement
//! public that is true of them. A bundle that lacks something, or is of no chain, has no proof.
#![cfg_attr(target_os = "zkvm", no_std, no_main)]

#[cfg(target_os = "zkvm")]
extern crate alloc;

#[cfg(target_os = "zkvm")]
mod bls12_381;
#[cfg(target_os = "zkvm")]
mod bn254;
#[cfg(target_os = "zkvm")]
mod ethereum;
#[cfg(target_os = "zkvm")]
mod keccak;
#[cfg(target_os = "zkvm")]
mod memory;
#[cfg(target_os = "zkvm")]
mod p256;
#[cfg(target_os = "zkvm")]
mod pairing;
#[cfg(target_os = "zkvm")]
mod points;
#[cfg(target_os = "zkvm")]
mod secp256k1;

#[cfg(target_os = "zkvm")]
mod start {
    use duplex_program::{Bundle, RangeStatement, range_output};

    openvm::entry!(main);

    fn main() {
        crate::ethereum::install();
        let statement = openvm::io::read_vec();
        // If there is no further section to be read, there is no proof.
        let sections = core::iter::from_fn(|| Some(openvm::io::read_vec().into()));
        let bundle = Bundle::open(&statement, sections, crate::bls12_381::holds).expect("a bundle");
        let statement = *bundle.statement();
        // Before the first table is made: their order must not be known to who fills them.
        foldhash::set_key(key(statement.hash().0));
        let output =
            range_output(&bundle, &statement).expect("batches of this chain, and all that they need");
        openvm::io::reveal_bytes32(RangeStatement { output, ..statement }.hash().0);
    }

    fn key(hash: [u8; 32]) -> [u64; 4] {
        let (words, _) = hash.as_chunks::<8>();
        [0, 1, 2, 3].map(|i| u64::from_le_bytes(words[i]))
    }
}

/// Not the machine: there is nothing to do.
#[cfg(not(target_os = "zkvm"))]
fn main() {}
