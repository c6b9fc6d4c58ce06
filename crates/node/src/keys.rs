//! The development accounts, whose keys everybody knows.

use alloy_primitives::{Address, B256};
use alloy_signer_local::{MnemonicBuilder, PrivateKeySigner, coins_bip39::English};
use duplex_l1::DevAccount;

use crate::NodeError;

/// The mnemonic that Ethereum's development tools share.
pub const MNEMONIC: &str = "test test test test test test test test test test test junk";

/// How many development accounts there are.
const COUNT: u32 = 10;

/// Development account `index` (0 to 9). The last one operates devnets.
///
/// # Panics
/// If the mnemonic above were not one.
pub fn dev_key(index: u32) -> PrivateKeySigner {
    MnemonicBuilder::<English>::default()
        .phrase(MNEMONIC)
        .index(index)
        .and_then(|builder| builder.build())
        .expect("the mnemonic is valid")
}

/// All development accounts.
pub fn dev_accounts() -> Vec<DevAccount> {
    (0..COUNT)
        .map(dev_key)
        .map(|key| DevAccount { address: key.address(), private_key: key.to_bytes() })
        .collect()
}

/// Reads a private key: 64 hexadecimal digits, with or without `0x`.
///
/// # Errors
/// If it is none.
pub fn parse_key(text: &str) -> Result<PrivateKeySigner, NodeError> {
    let bad = || NodeError::Key { given: text.chars().take(6).chain("…".chars()).collect() };
    let bytes: B256 = text.trim().parse().map_err(|_| bad())?;
    PrivateKeySigner::from_bytes(&bytes).map_err(|_| bad())
}

/// The addresses of the development accounts.
pub(crate) fn dev_addresses() -> Vec<Address> {
    (0..COUNT).map(|index| dev_key(index).address()).collect()
}
