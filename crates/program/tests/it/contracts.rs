//! Contracts for tests, in bytecode.

use alloy_primitives::{Address, Bytes, U256, hex};

/// Sets slot `calldata[0..32]` to `calldata[32..64]` and logs the value under the slot.
pub(crate) const STORE: Address = Address::repeat_byte(0x51);
/// Sets slot `n` to the hash of the `n`th block before this one.
pub(crate) const ANCESTOR: Address = Address::repeat_byte(0x52);
/// Calls the address in its first word with the rest and a million gas, and keeps a hash of what came
/// of it in a slot that is a hash of what it was called with.
pub(crate) const CALLER: Address = Address::repeat_byte(0x53);
/// Reverts.
pub(crate) const REVERT: Address = Address::repeat_byte(0x54);
/// Uses all its gas.
pub(crate) const BURN: Address = Address::repeat_byte(0x55);

/// All of them.
pub(crate) fn all() -> Vec<(Address, Bytes)> {
    let caller = [
        // The input: what follows the first word.
        &hex!("60203603 80 6020 6000 37")[..],
        // STATICCALL(1,000,000, calldata[0..32], 0, size, 0, 0)
        &hex!("6000 6000 82 6000 600035 620f4240 fa"),
        // Keccak of the output, plus whether the call succeeded.
        &hex!("3d 6000 6000 3e 3d 6000 20 01"),
        // In slot keccak(calldata).
        &hex!("36 6000 6000 37 36 6000 20 55 00"),
    ];
    [
        (STORE, hex!("6020356000355560203560005260003560206000a100").to_vec()),
        (ANCESTOR, hex!("60003580430340905500").to_vec()),
        (CALLER, caller.concat()),
        (REVERT, hex!("60006000fd").to_vec()),
        (BURN, hex!("5b600056").to_vec()),
    ]
    .map(|(address, code)| (address, code.into()))
    .into()
}

/// Words, one after another.
pub(crate) fn words(words: &[u64]) -> Bytes {
    words.iter().flat_map(|word| U256::from(*word).to_be_bytes::<32>()).collect::<Vec<u8>>().into()
}
