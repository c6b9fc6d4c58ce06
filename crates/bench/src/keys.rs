//! The accounts of a load.

use crate::BenchError;
use alloy_primitives::{Address, B256, keccak256};
use alloy_signer_local::PrivateKeySigner;
use core::hash::{BuildHasher, Hasher};

/// Something new for every run, so that a run never meets the nonces of an earlier one.
pub(crate) fn fresh_run_nonce() -> u64 {
    // The standard library seeds every `RandomState` from the system's randomness.
    std::collections::hash_map::RandomState::new().build_hasher().finish()
}

fn derive(domain: &str, seed: B256, run_nonce: u64, index: u64) -> B256 {
    let mut bytes = Vec::with_capacity(80);
    bytes.extend_from_slice(domain.as_bytes());
    bytes.extend_from_slice(seed.as_slice());
    bytes.extend_from_slice(&run_nonce.to_be_bytes());
    bytes.extend_from_slice(&index.to_be_bytes());
    keccak256(bytes)
}

/// The keys of the senders.
pub(crate) fn senders(
    seed: B256,
    run_nonce: u64,
    accounts: u32,
) -> Result<Vec<PrivateKeySigner>, BenchError> {
    (0..accounts)
        .map(|index| {
            let secret = derive("duplex-bench sender", seed, run_nonce, u64::from(index));
            PrivateKeySigner::from_bytes(&secret).map_err(|error| BenchError::Sign(error.into()))
        })
        .collect()
}

/// An address that the run has not paid before and whose key nobody knows.
pub(crate) fn fresh_recipient(seed: B256, run_nonce: u64, index: u64) -> Address {
    Address::from_word(derive("duplex-bench recipient", seed, run_nonce, index))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_do_not_share_accounts() {
        let addresses = |nonce| -> Vec<Address> {
            senders(B256::ZERO, nonce, 3).unwrap().iter().map(PrivateKeySigner::address).collect()
        };
        assert_eq!(addresses(1), addresses(1));
        assert!(addresses(1).iter().all(|address| !addresses(2).contains(address)));
        assert_ne!(fresh_run_nonce(), fresh_run_nonce());
        assert_ne!(fresh_recipient(B256::ZERO, 1, 0), fresh_recipient(B256::ZERO, 1, 1));
    }
}
