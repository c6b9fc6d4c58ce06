//! `exit` and `read`.

use alloy_primitives::{B256, Bytes, keccak256};
use duplex_vm::{
    BLOB_BYTES, BadWitness, CALL_EXIT, CALL_READ, Kind, Machine, Missing, PartKey, Preimages, Status, part,
};
use proptest::prelude::*;

use crate::{
    asm::*,
    conformance::{Case, Expected, check},
    world::{STATEMENT, Setup, Store, execute},
};

/// A blob's versioned hash, and its key in [`store`].
pub(crate) const BLOB: B256 = B256::repeat_byte(0xb1);

/// A preimage of 100 bytes.
pub(crate) fn hundred() -> Vec<u8> {
    (1..=100).collect()
}

pub(crate) fn store() -> Store {
    let blob = (0..BLOB_BYTES as u32).map(|i| (i.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    Store::default().with_keccak(&hundred()).with_keccak(&[]).with_keccak(&[7; 32]).with_blob(BLOB, blob)
}

/// A machine about to read.
pub(crate) fn read(kind: u64, key: &B256, offset: u64) -> Setup {
    let mut setup = Setup::new(ECALL).x(A7, CALL_READ).x(A4, kind).x(A5, offset);
    for (register, limb) in (A0..).zip(key.as_chunks::<8>().0) {
        setup = setup.x(register, u64::from_le_bytes(*limb));
    }
    setup
}

/// After a read of these bytes.
fn bytes(data: B256, length: u64) -> Expected {
    let mut registers = vec![(A4, length)];
    registers.extend((A0..).zip(data.as_chunks::<8>().0.iter().map(|limb| u64::from_le_bytes(*limb))));
    Expected::Registers(registers, CODE + 4)
}

/// Reads, and calls that there are not.
pub(crate) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut case = |name: &str, setup, expected| {
        cases.push(Case { name: name.into(), setup, expected });
    };
    let (preimage, any) = (hundred(), B256::repeat_byte(0xcc));
    let key = keccak256(&preimage);
    case("the statement", read(0, &B256::ZERO, 0), bytes(STATEMENT, 32));
    case("the statement by any key", read(0, &any, 0), bytes(STATEMENT, 32));
    for offset in [32, 64, 1 << 32, u64::MAX - 31] {
        case("the statement past its end", read(0, &any, offset), bytes(B256::ZERO, 32));
    }
    for offset in [0, 32, 64] {
        let data = B256::from_slice(&preimage[offset..offset + 32]);
        case(&format!("keccak at {offset}"), read(1, &key, offset as u64), bytes(data, 100));
    }
    let mut last = B256::ZERO;
    last[..4].copy_from_slice(&[97, 98, 99, 100]);
    case("keccak over its end", read(1, &key, 96), bytes(last, 100));
    for offset in [128, 160, 1 << 32, u64::MAX - 31] {
        case(&format!("keccak at {offset:#x}, past its end"), read(1, &key, offset), bytes(B256::ZERO, 100));
    }
    case("nothing, by its hash", read(1, &keccak256([]), 0), bytes(B256::ZERO, 0));
    case("nothing, past its end", read(1, &keccak256([]), 32), bytes(B256::ZERO, 0));
    case("one word", read(1, &keccak256([7; 32]), 0), bytes(B256::repeat_byte(7), 32));
    case("at the end of one word", read(1, &keccak256([7; 32]), 32), bytes(B256::ZERO, 32));
    let blob = store().0.remove(&(Kind::Blob, BLOB)).unwrap();
    for offset in [0, 32, 4095 * 32] {
        let data = B256::from_slice(&blob[offset..offset + 32]);
        case(&format!("blob at {offset}"), read(2, &BLOB, offset as u64), bytes(data, 131_072));
    }
    for offset in [131_072, 1 << 40] {
        case(&format!("blob at {offset}, past its end"), read(2, &BLOB, offset), bytes(B256::ZERO, 131_072));
    }
    for offset in [1, 8, 16, 31, 33, 95, 97, u64::MAX] {
        for kind in 0..3 {
            case(&format!("kind {kind} at {offset}"), read(kind, &key, offset), Expected::Panic);
        }
    }
    for kind in [3, 4, 255, 256, 1 << 32, (1 << 32) + 1, 1 << 63, u64::MAX] {
        case(&format!("kind {kind:#x}"), read(kind, &key, 0), Expected::Panic);
    }
    let numbers =
        [0, 1, 64, 92, 94, 214, 0x1fff, 0x2001, 0x2_0000, 1 << 32 | 93, 1 << 32 | 0x2000, 1 << 63, u64::MAX];
    for number in numbers {
        case(&format!("call {number:#x}"), Setup::new(ECALL).x(A7, number), Expected::Panic);
    }
    cases
}

#[test]
fn reads_give_what_is_there_and_calls_that_do_not_exist_panic() {
    for Case { name, setup, expected } in cases() {
        let executed = execute(&mut setup.machine(), &store());
        check(&name, &executed, &expected);
        assert!(executed.witness.memory.is_empty(), "{name}");
    }
}

#[test]
fn exit_keeps_the_code_and_stays() {
    for code in [0, 1, 2, 255, 256, 1 << 32, u64::MAX] {
        let mut machine = Setup::new(ECALL).x(A7, CALL_EXIT).x(A0, code).machine();
        let executed = execute(&mut machine, &Store::default());
        let mut wanted = executed.before.clone();
        (wanted.step, wanted.status, wanted.exit_code) = (1, Status::Exited, code);
        assert_eq!(executed.after, wanted);
        assert_eq!((machine.exit_code(), machine.pc()), (Some(code), CODE));
    }
}

#[test]
fn a_stopped_machine_stays_as_it_is() {
    let panicked = Setup::new(0).machine();
    let exited = Setup::new(ECALL).x(A7, CALL_EXIT).x(A0, 9).machine();
    for mut machine in [panicked, exited] {
        machine.step(&mut ()).unwrap();
        for _ in 0..3 {
            let executed = execute(&mut machine, &Store::default());
            assert_eq!(executed.before, executed.after);
            assert!(executed.witness.code.is_empty() && executed.witness.memory.is_empty());
        }
        machine.run(u64::MAX, &mut ()).unwrap();
        assert_eq!(machine.steps(), 1);
        assert!(machine.instruction().is_none() && machine.next_read().is_none());
    }
}

/// Nothing at first; then something wrong; then the preimage.
struct Late {
    calls: u32,
    preimage: Bytes,
}

impl Preimages for Late {
    fn get(&mut self, _: Kind, _: &B256) -> Option<Bytes> {
        self.calls += 1;
        match self.calls {
            1 => None,
            2 => Some(vec![0; 99].into()),
            _ => Some(self.preimage.clone()),
        }
    }
}

#[test]
fn a_missing_preimage_stops_the_machine_before_the_step() {
    let blob = Bytes::from(vec![3; BLOB_BYTES]);
    let statement = Bytes::from(vec![4; 32]);
    let keccak = Bytes::from(hundred());
    let key = keccak256(&keccak);
    for (kind, preimage) in [(Kind::Statement, statement), (Kind::Keccak, keccak), (Kind::Blob, blob)] {
        let mut late = Late { calls: 0, preimage: preimage.clone() };
        let mut machine = read(kind as u64, &key, 32).machine();
        let before = machine.state();
        for offered in [false, true] {
            let missing = machine.run(10, &mut late).unwrap_err();
            assert_eq!(missing, Missing { kind, key, step: 0, offered });
            assert!(missing.to_string().contains(&key.to_string()), "{missing}");
            assert_eq!(machine.state(), before);
        }
        assert_eq!(machine.next_read(), Some(PartKey { kind, key, offset: 32 }));
        machine.step(&mut late).unwrap();
        assert_eq!((machine.steps(), machine.status()), (1, Status::Running));
        assert_eq!(machine.registers()[A4 as usize], preimage.len() as u64);
    }
}

/// Counts how often it is asked.
struct Counted(Store, u32);

impl Preimages for Counted {
    fn get(&mut self, kind: Kind, key: &B256) -> Option<Bytes> {
        self.1 += 1;
        self.0.get(kind, key)
    }
}

#[test]
fn a_preimage_read_from_end_to_end_is_asked_for_once() {
    // Reads the blob whose key is in s2..s5, 4096 times.
    let keys = (0..4).map(|i| addi(A0 + i, 18 + i, 0));
    let mut code: Vec<u32> = keys.collect();
    code.extend([addi(A4, ZERO, 2), addi(A5, T0, 0), ECALL, addi(T0, T0, 32), bne(T0, T1, -32)]);
    code.push(0);
    let mut registers = [0; 31];
    registers[T1 as usize - 1] = BLOB_BYTES as u64;
    registers[A7 as usize - 1] = CALL_READ;
    for register in 18..22 {
        registers[register - 1] = u64::from_le_bytes([BLOB[0]; 8]);
    }
    let mut machine = Machine::at(program(&code), CODE, registers);
    let mut counted = Counted(store(), 0);
    machine.run(u64::MAX, &mut counted).unwrap();
    assert_eq!(machine.steps(), 4096 * 9 + 1);
    assert_eq!(counted.1, 1);
}

#[test]
fn the_statement_is_asked_for_anew_each_time() {
    let mut machine = Machine::at(program(&[ECALL, ECALL]), CODE, {
        let mut registers = [0; 31];
        registers[A7 as usize - 1] = CALL_READ;
        registers
    });
    let mut late = Late { calls: 2, preimage: vec![1; 32].into() };
    machine.step(&mut late).unwrap();
    assert_eq!(machine.registers()[A0 as usize], 0x0101_0101_0101_0101);
    // a4 is now 32, which is no kind.
    assert_eq!(machine.next_read(), None);
    machine.step(&mut late).unwrap();
    assert_eq!((machine.status(), late.calls), (Status::Panicked, 3));
}

#[test]
fn a_step_whose_part_is_not_known_cannot_be_proved() {
    let key = keccak256(hundred());
    for (kind, key) in [(Kind::Keccak, key), (Kind::Blob, BLOB)] {
        let executed = execute(&mut read(kind as u64, &key, 64).machine(), &store());
        assert_eq!(executed.verify(&()), Err(BadWitness::MissingPart { kind, key, offset: 64 }));
    }
}

proptest! {
    #[test]
    fn parts_are_the_preimage_in_pieces(preimage in proptest::collection::vec(any::<u8>(), 0..300), past in 0u64..1 << 60) {
        let mut joined = Vec::new();
        for offset in (0..preimage.len() as u64).step_by(32) {
            joined.extend_from_slice(part(&preimage, offset).as_slice());
        }
        prop_assert!(joined[preimage.len()..].iter().all(|byte| *byte == 0));
        joined.truncate(preimage.len());
        prop_assert_eq!(&joined, &preimage);
        prop_assert_eq!(part(&preimage, preimage.len() as u64 + past), B256::ZERO);
    }
}
