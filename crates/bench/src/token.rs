//! The ERC-20 side of a load.

use alloy_primitives::{Address, U256, hex};

/// Creation code of the minimal ERC-20: `transfer`, `balanceOf`, `totalSupply` and the `Transfer`
/// event. It gives a supply of 2^128 - 1 to its creator. The source is `token.evm` beside this
/// file.
pub const MINIMAL_ERC20: &[u8] = &hex!(
    "336000526fffffffffffffffffffffffffffffffff8060406000205560015560ac80602a6000396000f360003560e01c"
    "8063a9059cbb14604a57806370a0823114602957806318160ddd14603e575b600080fd5b600435600052604060002054"
    "60005260206000f35b60015460005260206000f35b602435336000526040600020805480831160245782900390556004"
    "356000526040600020805482019055600052600435337fddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628"
    "f55a4df523b3ef60206000a3600160005260206000f3"
);

/// Calldata of `transfer(address,uint256)`.
pub(crate) fn transfer_call(to: Address, amount: U256) -> Vec<u8> {
    let mut call = Vec::with_capacity(68);
    call.extend_from_slice(&hex!("a9059cbb"));
    call.extend_from_slice(to.into_word().as_slice());
    call.extend_from_slice(&amount.to_be_bytes::<32>());
    call
}

/// Calldata of `balanceOf(address)`.
pub(crate) fn balance_of_call(owner: Address) -> Vec<u8> {
    let mut call = Vec::with_capacity(36);
    call.extend_from_slice(&hex!("70a08231"));
    call.extend_from_slice(owner.into_word().as_slice());
    call
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    fn opcode(name: &str) -> Option<u8> {
        let numbered = |prefix: &str, base: u8| Some(base + name.strip_prefix(prefix)?.parse::<u8>().ok()?);
        Some(match name {
            "ADD" => 0x01,
            "SUB" => 0x03,
            "GT" => 0x11,
            "EQ" => 0x14,
            "SHR" => 0x1c,
            "KECCAK256" => 0x20,
            "CALLER" => 0x33,
            "CALLDATALOAD" => 0x35,
            "CODECOPY" => 0x39,
            "MSTORE" => 0x52,
            "SLOAD" => 0x54,
            "SSTORE" => 0x55,
            "JUMPI" => 0x57,
            "RETURN" => 0xf3,
            "REVERT" => 0xfd,
            _ => numbered("PUSH", 0x5f)
                .or_else(|| numbered("DUP", 0x7f))
                .or_else(|| numbered("SWAP", 0x8f))
                .or_else(|| numbered("LOG", 0xa0))?,
        })
    }

    fn assemble(source: &str) -> Vec<u8> {
        let mut sections: Vec<Vec<u8>> = Vec::new();
        let mut labels = HashMap::new();
        let mut references = Vec::new();
        for token in source.lines().flat_map(|line| line.split(';').next().unwrap_or("").split_whitespace()) {
            if token.starts_with('.') {
                sections.push(Vec::new());
                continue;
            }
            let section = sections.len() - 1;
            let code = &mut sections[section];
            if let Some(label) = token.strip_suffix(':') {
                labels.insert(label.to_owned(), code.len());
                code.push(0x5b);
            } else if let Some(label) = token.strip_prefix('@') {
                references.push((section, code.len(), label.to_owned()));
                code.push(0);
            } else if let Some(opcode) = opcode(token) {
                code.push(opcode);
            } else {
                code.extend(hex::decode(token).unwrap());
            }
        }
        labels.insert("runtime".to_owned(), sections[0].len());
        labels.insert("size".to_owned(), sections[1].len());
        for (section, at, label) in references {
            sections[section][at] = u8::try_from(labels[&label]).unwrap();
        }
        sections.concat()
    }

    #[test]
    fn creation_code_is_its_source() {
        let assembled = assemble(include_str!("token.evm"));
        assert_eq!(hex::encode(assembled), hex::encode(MINIMAL_ERC20));
    }

    #[test]
    fn calls_are_abi_encoded() {
        let call = transfer_call(Address::repeat_byte(0x11), U256::from(5));
        assert_eq!(call.len(), 68);
        assert_eq!(&call[4..16], &[0; 12]);
        assert_eq!((call[16], call[67]), (0x11, 5));
        assert_eq!(balance_of_call(Address::ZERO).len(), 36);
    }
}
