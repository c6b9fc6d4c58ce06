//! Where L2's tokens are, and their balances in them.

use alloy_primitives::{Address, B256, U256, hex, keccak256};
use duplex_primitives::predeploys;

/// Solady's slot of a balance: `keccak(holder ‖ 8 zero bytes ‖ this)`.
const BALANCE_SEED: u32 = 0x87a2_11a2;

/// The L2 twin of an L1 token: the EIP-1167 clone of `BridgedToken` that `BridgedTokenFactory` makes
/// with CREATE2 and the token's address as salt. `Vault.l2TokenAddress` says the same.
pub fn l2_token_address(l1_token: Address) -> Address {
    let mut code = [0u8; 55];
    code[..20].copy_from_slice(&hex!("3d602d80600a3d3981f3363d3d373d3d3d363d73"));
    code[20..40].copy_from_slice(predeploys::BRIDGED_TOKEN.as_slice());
    code[40..].copy_from_slice(&hex!("5af43d82803e903d91602b57fd5bf3"));
    predeploys::BRIDGED_TOKEN_FACTORY.create2(l1_token.into_word(), keccak256(code))
}

/// The storage slot of a holder's balance in L2's ERC-20 tokens, WETH among them.
pub fn token_balance_slot(holder: Address) -> U256 {
    let mut bytes = [0u8; 32];
    bytes[..20].copy_from_slice(holder.as_slice());
    bytes[28..].copy_from_slice(&BALANCE_SEED.to_be_bytes());
    let slot: B256 = keccak256(bytes);
    slot.into()
}
