//! Recovery of signers, for transactions and for the `ecrecover` precompile.

use alloc::sync::Arc;

use alloy_consensus::crypto::{
    CryptoProvider, RecoveryError, UncompressedPublicKey, install_default_provider,
};
use alloy_primitives::{Address, U256, keccak256};
use duplex_program::Recovery;
use revm::precompile::{Crypto, PrecompileHalt, install_crypto};

/// Both places ask this one.
#[derive(Debug, Clone)]
struct Signers(Arc<Recovery>);

/// Makes them ask it. Called once, before anything asks.
pub(crate) fn install() {
    let signers = Signers(Arc::new(Recovery::new()));
    let first = install_default_provider(Arc::new(signers.clone())).is_ok() && install_crypto(signers);
    assert!(first, "installed once");
}

impl Signers {
    fn recover(&self, signature: &[u8], odd: bool, hash: &[u8; 32]) -> Option<Address> {
        let (r, s) = signature.split_at_checked(32)?;
        self.0.recover(hash, U256::from_be_slice(r), U256::try_from_be_slice(s.get(..32)?)?, odd)
    }
}

impl CryptoProvider for Signers {
    fn recover_signer_unchecked(
        &self,
        signature: &[u8; 65],
        hash: &[u8; 32],
    ) -> Result<Address, RecoveryError> {
        self.recover(signature, signature[64] == 1, hash).ok_or_else(RecoveryError::new)
    }

    /// Nothing asks for this: a signature is one of a key if the key is recovered from it.
    fn verify_and_compute_signer_unchecked(
        &self,
        key: &UncompressedPublicKey,
        signature: &[u8; 64],
        hash: &[u8; 32],
    ) -> Result<Address, RecoveryError> {
        let signer = Address::from_word(keccak256(&key[1..]));
        let found = [false, true].into_iter().any(|odd| self.recover(signature, odd, hash) == Some(signer));
        if found { Ok(signer) } else { Err(RecoveryError::new()) }
    }
}

impl Crypto for Signers {
    fn secp256k1_ecrecover(
        &self,
        signature: &[u8; 64],
        odd: u8,
        hash: &[u8; 32],
    ) -> Result<[u8; 32], PrecompileHalt> {
        let signer = self.recover(signature, odd == 1, hash);
        signer.map(|signer| signer.into_word().0).ok_or(PrecompileHalt::Secp256k1RecoverFailed)
    }
}
