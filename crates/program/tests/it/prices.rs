//! What the EVM's instructions take to prove for their gas: each in a loop that does little else. `cargo xtask validity` keeps it in
//! `prover/instructions.json`, and refuses what takes too much (docs/validity.md §3). `DUPLEX_MEASURED=DIR` writes the bundles there.

use std::path::PathBuf;

use alloy_primitives::{Address, U256, hex};
use duplex_stf::BLAKE2_ROUND_GAS;

use crate::{
    measured::write,
    world::{Place, Plan, World},
};

const LOOPER: Address = Address::repeat_byte(0x75);
/// How often the loop goes round in the two bundles of each, whose difference is what is counted.
const ROUNDS: [u64; 2] = [1, 3];

/// What a loop does.
struct Case {
    name: String,
    /// What lies on the stack, the first on top, below how often the loop goes round.
    operands: Vec<U256>,
    /// What memory begins with.
    memory: Vec<u8>,
    /// What leaves the stack as it was.
    body: Vec<u8>,
    /// How often the body is there.
    times: usize,
}

/// Numbers of as many bits, and no pattern that would make them easier.
fn number(bits: u32) -> U256 {
    U256::from_be_bytes(hex!("f123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"))
        >> (256 - bits)
}

fn case(name: impl Into<String>, operands: &[U256], body: &[u8]) -> Case {
    Case {
        name: name.into(),
        operands: operands.to_vec(),
        memory: Vec::new(),
        body: body.to_vec(),
        times: 64,
    }
}

/// What takes its operands from the stack: `DUP`s, the instruction, `POP`.
fn arithmetic() -> Vec<Case> {
    let (full, small) = (number(255), U256::from(0x13));
    let mut cases = Vec::new();
    for (name, code, first) in [
        ("add", 0x01, full),
        ("mul", 0x02, full),
        ("sub", 0x03, full),
        ("signextend", 0x0b, small),
        ("lt", 0x10, full),
        ("slt", 0x12, full),
        ("eq", 0x14, full),
        ("and", 0x16, full),
        ("byte", 0x1a, small),
        ("shl", 0x1b, small),
        ("shr", 0x1c, small),
        ("sar", 0x1d, small),
    ] {
        cases.push(case(name, &[first, number(256)], &[0x82, 0x82, code, 0x50]));
    }
    for bits in [32, 64, 128, 192, 256] {
        for (name, code) in [("div", 0x04), ("sdiv", 0x05), ("mod", 0x06), ("smod", 0x07)] {
            let operands = [!number(255), number(bits)];
            cases.push(case(format!("{name}-{bits}"), &operands, &[0x82, 0x82, code, 0x50]));
        }
        for (name, code) in [("addmod", 0x08), ("mulmod", 0x09)] {
            let operands = [!number(255), !number(254), number(bits)];
            cases.push(case(format!("{name}-{bits}"), &operands, &[0x83, 0x83, 0x83, code, 0x50]));
        }
        cases.push(case(format!("exp-{bits}"), &[full, number(bits)], &[0x82, 0x82, 0x0a, 0x50]));
    }
    for (name, code) in [("iszero", 0x15), ("not", 0x19), ("clz", 0x1e)] {
        cases.push(case(name, &[full], &[0x81, code, 0x50]));
    }
    cases.push(case("swap", &[full], &[0x90, 0x90]));
    cases
}

/// The stack, memory, storage, calls.
fn others() -> Vec<Case> {
    let codes: [(&str, &[u8]); 50] = [
        ("push0", &hex!("5f 50")),
        ("push32", &hex!("7f abababababababababababababababababababababababababababababababab 50")),
        ("pc", &hex!("58 50")),
        ("dup", &hex!("80 50")),
        ("jumpdest", &hex!("5b")),
        ("gas", &hex!("5a 50")),
        ("address", &hex!("30 50")),
        ("blobhash", &hex!("5f 49 50")),
        ("blockhash", &hex!("6001 43 03 40 50")),
        ("calldataload", &hex!("5f 35 50")),
        ("calldatacopy-1024", &hex!("610400 5f 5f 37")),
        ("codecopy-0", &hex!("5f 5f 5f 39")),
        ("codecopy-1024", &hex!("610400 5f 5f 39")),
        ("mcopy-1024", &hex!("610400 5f 610100 5e")),
        ("mcopy-1025-unaligned", &hex!("610401 5f 610101 5e")),
        ("mload", &hex!("5f 51 50")),
        ("mload-unaligned", &hex!("6001 51 50")),
        ("mstore", &hex!("5f 5f 52")),
        ("mstore8", &hex!("5f 5f 53")),
        ("keccak-0", &hex!("5f 5f 20 50")),
        ("keccak-32", &hex!("6020 5f 20 50")),
        ("keccak-136", &hex!("6088 5f 20 50")),
        ("keccak-4096", &hex!("611000 5f 20 50")),
        ("sload", &hex!("5f 54 50")),
        ("sstore-same", &hex!("5f 5f 55")),
        ("tload", &hex!("5f 5c 50")),
        ("tstore", &hex!("5f 5f 5d")),
        ("tstore-elsewhere", &hex!("5f 5a 5d")),
        ("balance", &hex!("30 31 50")),
        ("selfbalance", &hex!("47 50")),
        ("extcodehash", &hex!("30 3f 50")),
        ("extcodesize", &hex!("30 3b 50")),
        ("extcodecopy-1024", &hex!("610400 5f 5f 30 3c")),
        ("log0", &hex!("5f 5f a0")),
        ("log0-1024", &hex!("610400 5f a0")),
        ("log4", &hex!("5f 5f 5f 5f 5f 5f a4")),
        ("call-nobody", &hex!("5f 5f 5f 5f 5f 60fe 5a f1 50")),
        ("call-itself-to-fail", &hex!("5f 5f 5f 5f 30 611000 fa 50")),
        ("call-ecrecover-0", &hex!("5f 5f 5f 5f 6001 5a fa 50")),
        ("call-sha256-0", &hex!("5f 5f 5f 5f 6002 5a fa 50")),
        ("call-sha256-4096", &hex!("5f 5f 611000 5f 6002 5a fa 50")),
        ("call-ripemd160-0", &hex!("5f 5f 5f 5f 6003 5a fa 50")),
        ("call-ripemd160-4096", &hex!("5f 5f 611000 5f 6003 5a fa 50")),
        ("call-identity-0", &hex!("5f 5f 5f 5f 6004 5a fa 50")),
        ("call-identity-1024", &hex!("610400 5f 610400 5f 6004 5a fa 50")),
        ("call-add-0", &hex!("5f 5f 5f 5f 6006 5a fa 50")),
        ("call-multiply-0", &hex!("5f 5f 5f 5f 6007 5a fa 50")),
        ("call-blake2f-fails", &hex!("5f 5f 5f 5f 6009 5f fa 50")),
        ("create-0", &hex!("5f 5f 5f f0 50")),
        ("create-3072", &hex!("610c00 5f 5f f0 50")),
    ];
    codes.iter().map(|(name, body)| case(*name, &[], body)).collect()
}

/// `modexp` of numbers of so many bytes: base and modulus, exponent. Even moduli are half zeros.
fn modexps() -> Vec<Case> {
    let mut cases = Vec::new();
    for (size, exponent) in [
        (1, 4),
        (8, 4),
        (8, 32),
        (16, 4),
        (32, 1),
        (32, 2),
        (32, 4),
        (32, 32),
        (33, 4),
        (64, 1),
        (64, 32),
        (128, 1),
        (256, 3),
        (1024, 1),
    ] {
        for (parity, zeros) in [("odd", 0), ("even", size / 2 + 1)] {
            let lengths: [usize; 3] = [size, exponent, size];
            let mut memory: Vec<u8> =
                lengths.iter().flat_map(|length| U256::from(*length).to_be_bytes::<32>()).collect();
            memory.extend(vec![0xfd; size]);
            memory.extend(vec![0xff; exponent + size]);
            let length = memory.len();
            memory[length - zeros..].fill(0);
            if zeros == size {
                memory[length - 1] = 0xfe;
            }
            let size_of = (length as u16).to_be_bytes();
            let body = [&hex!("5f 5f 61")[..], &size_of, &hex!("5f 6005 5a fa 50")].concat();
            let name = format!("call-modexp-{size}-{exponent}-{parity}");
            cases.push(Case { name, operands: Vec::new(), memory, body, times: 1 });
        }
    }
    cases
}

/// BLAKE2, of many rounds.
fn blake2() -> Case {
    let mut memory = 1000u32.to_be_bytes().to_vec();
    memory.resize(212, 7);
    memory.push(1);
    let body = hex!("5f 5f 60d5 5f 6009 5a fa 50").to_vec();
    Case { name: "call-blake2f-1000".into(), operands: Vec::new(), memory, body, times: 1 }
}

impl Case {
    /// A contract that has the body as often as its input says, `times` each round.
    fn contract(&self) -> Vec<u8> {
        // Memory is there before the loop: some, then what it begins with.
        let mut code = hex!("5f 611fe0 52 61").to_vec();
        code.extend((self.memory.len() as u16).to_be_bytes());
        code.extend(hex!("61 0000 5f 39"));
        let at = code.len() - 4;
        for operand in self.operands.iter().rev() {
            code.push(0x7f);
            code.extend(operand.to_be_bytes::<32>());
        }
        code.extend(hex!("5f 35"));
        let start = u8::try_from(code.len()).expect("the loop begins early");
        code.push(0x5b);
        code.extend(self.body.repeat(self.times));
        code.extend([0x60, 1, 0x90, 0x03, 0x80, 0x60, start, 0x57, 0x00]);
        let memory = (code.len() as u16).to_be_bytes();
        code[at..at + 2].copy_from_slice(&memory);
        code.extend(&self.memory);
        code
    }
}

#[test]
fn instructions() {
    let dir = std::env::var_os("DUPLEX_MEASURED").map(PathBuf::from);
    let cases = arithmetic().into_iter().chain(others()).chain(modexps()).chain([blake2()]);
    for case in cases {
        let mut paid = Vec::new();
        for rounds in ROUNDS {
            let mut world = World::new(1, &[(LOOPER, case.contract().into())]);
            let input = U256::from(rounds).to_be_bytes::<32>().into();
            let transactions = vec![world.call(0, LOOPER.into(), 0, 16_000_000, input)];
            world.post(&[Plan { seconds: 12, anchors: 1, transactions, ..Plan::default() }], Place::Calldata);
            let block = world.chain.block(1).unwrap().unwrap();
            assert!(block.receipts[1].success, "{}", case.name);
            let (gas, count) = (block.gas_used(1), rounds * case.times as u64);
            write(dir.as_deref(), &format!("evm@{}@{count}@{gas}", case.name), &world);
            paid.push(gas);
        }
        if case.name == "call-blake2f-1000" {
            // Its price on L2, and a call.
            assert_eq!((paid[1] - paid[0]) / 2 / 1000, BLAKE2_ROUND_GAS, "{paid:?}");
        }
    }
}
