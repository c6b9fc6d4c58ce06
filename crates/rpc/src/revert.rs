//! The reason in reverted bytes.

use alloy_primitives::{Bytes, U256};

use crate::RpcError;

/// Selector of `Error(string)`, which `require` and `revert` give.
const ERROR: [u8; 4] = [0x08, 0xc3, 0x79, 0xa0];
/// Selector of `Panic(uint256)`, which failed assertions give.
const PANIC: [u8; 4] = [0x4e, 0x48, 0x7b, 0x71];

/// The error for a call that reverted, in go-ethereum's words.
pub(crate) fn reverted(data: Bytes) -> RpcError {
    let message = match reason(&data) {
        Some(reason) => format!("execution reverted: {reason}"),
        None => "execution reverted".into(),
    };
    RpcError::Reverted { message, data }
}

/// The text in `Error(string)`, or the meaning of the code in `Panic(uint256)`.
pub(crate) fn reason(data: &[u8]) -> Option<String> {
    let (selector, body) = data.split_first_chunk::<4>()?;
    match *selector {
        ERROR => {
            let offset = word(body, 0)?;
            let length = word(body, offset)?;
            let start = offset.checked_add(32)?;
            let text = body.get(start..start.checked_add(length)?)?;
            Some(String::from_utf8_lossy(text).into_owned())
        }
        PANIC => {
            let code = U256::from_be_slice(body.get(..32)?);
            let known = match code.try_into().unwrap_or(u64::MAX) {
                0x00 => "generic panic",
                0x01 => "assert(false)",
                0x11 => "arithmetic underflow or overflow",
                0x12 => "division or modulo by zero",
                0x21 => "enum overflow",
                0x22 => "invalid encoded storage byte array accessed",
                0x31 => "out-of-bounds array access; popping on an empty array",
                0x32 => "out-of-bounds access of an array or bytesN",
                0x41 => "out of memory",
                0x51 => "uninitialized function",
                _ => return Some(format!("unknown panic code: {code:#x}")),
            };
            Some(known.into())
        }
        _ => None,
    }
}

fn word(body: &[u8], at: usize) -> Option<usize> {
    let word = body.get(at..at.checked_add(32)?)?;
    U256::from_be_slice(word).try_into().ok()
}

/// go-ethereum's words for how a call ended that did not return.
pub(crate) fn halted(reason: &str) -> String {
    let name = reason.split(['(', ' ', '{']).next().unwrap_or(reason);
    let text = match name {
        "OutOfGas" => "out of gas",
        "OpcodeNotFound" | "InvalidFEOpcode" => "invalid opcode",
        "InvalidJump" => "invalid jump destination",
        "StackUnderflow" => "stack underflow",
        "StackOverflow" => "stack limit reached 1024",
        "OutOfOffset" => "return data out of bounds",
        "CreateCollision" => "contract address collision",
        "CreateContractSizeLimit" => "max code size exceeded",
        "CreateInitCodeSizeLimit" => "max initcode size exceeded",
        "CreateContractStartingWithEF" => "invalid code: must not begin with 0xef",
        "OverflowPayment" => "payment overflow",
        "CallTooDeep" => "max call depth exceeded",
        "OutOfFunds" => "insufficient balance for transfer",
        "NonceOverflow" => "nonce uint64 overflow",
        _ => return format!("execution failed: {reason}"),
    };
    text.into()
}

#[cfg(test)]
mod tests {
    use alloy_primitives::hex;

    use super::*;

    #[test]
    fn reasons_are_read() {
        let text = hex!(
            "08c379a0
             0000000000000000000000000000000000000000000000000000000000000020
             0000000000000000000000000000000000000000000000000000000000000003
             6162630000000000000000000000000000000000000000000000000000000000"
        );
        assert_eq!(reason(&text).as_deref(), Some("abc"));
        let panic = hex!("4e487b710000000000000000000000000000000000000000000000000000000000000011");
        assert_eq!(reason(&panic).as_deref(), Some("arithmetic underflow or overflow"));
        assert_eq!(reason(&hex!("deadbeef")), None);
    }

    #[test]
    fn no_bytes_panic() {
        let text = hex!(
            "08c379a0
             ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff
             ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
        );
        for end in 0..text.len() {
            assert_eq!(reason(&text[..end]), None);
        }
        let mut huge = text;
        huge[4..35].fill(0);
        huge[35] = 0x20;
        assert_eq!(reason(&huge), None);
    }
}
