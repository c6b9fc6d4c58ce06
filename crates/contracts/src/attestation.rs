//! What relayers sign: the twin of `contracts/src/libraries/Attesting.sol`, by a library's EIP-712.

use std::borrow::Cow;

use alloy_primitives::{Address, B256, U256};
use alloy_sol_types::{Eip712Domain, SolStruct};

use crate::bindings::Attestation;

/// EIP-712 domain of the attestations for a registry on L1.
pub fn attestation_domain(l1_chain_id: u64, registry: Address) -> Eip712Domain {
    Eip712Domain {
        name: Some(Cow::Borrowed("Duplex Relayers")),
        version: Some(Cow::Borrowed("1")),
        chain_id: Some(U256::from(l1_chain_id)),
        verifying_contract: Some(registry),
        salt: None,
    }
}

/// What is signed.
pub fn attestation_digest(attestation: &Attestation, domain: &Eip712Domain) -> B256 {
    attestation.eip712_signing_hash(domain)
}
