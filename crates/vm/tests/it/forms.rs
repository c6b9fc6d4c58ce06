//! Encoded states, and instructions as people read them.

use alloy_primitives::{B256, keccak256};
use duplex_vm::{Instruction, STATE_BYTES, State, StateError, Status, register_name};
use proptest::prelude::*;

use crate::asm::*;

fn any_state() -> impl Strategy<Value = State> {
    let status = prop_oneof![Just(Status::Running), Just(Status::Exited), Just(Status::Panicked)];
    (any::<[u8; 32]>(), any::<u64>(), any::<u64>(), status, any::<u64>(), any::<[u64; 31]>()).prop_map(
        |(root, pc, step, status, code, registers)| State {
            memory_root: root.into(),
            pc: pc & !3,
            step,
            status,
            exit_code: if status == Status::Exited { code } else { 0 },
            registers,
        },
    )
}

proptest! {
    #[test]
    fn a_state_is_its_305_bytes(state in any_state(), status in 3u8.., low in 1u64..4, code in 1u64..) {
        let bytes = state.encode();
        prop_assert_eq!(State::decode(&bytes), Ok(state.clone()));
        prop_assert_eq!(state.hash(), keccak256(bytes));
        // Field by field, as the reference has them.
        let numbers = state.registers.iter().flat_map(|register| register.to_be_bytes());
        let mut wanted = state.memory_root.to_vec();
        wanted.extend(state.pc.to_be_bytes());
        wanted.extend(state.step.to_be_bytes());
        wanted.push(state.status as u8);
        wanted.extend(state.exit_code.to_be_bytes());
        wanted.extend(numbers);
        prop_assert_eq!(&bytes[..], &wanted[..]);
        // No state.
        let with = |at: usize, new: &[u8]| {
            let mut bytes = bytes;
            bytes[at..at + new.len()].copy_from_slice(new);
            State::decode(&bytes)
        };
        prop_assert_eq!(with(48, &[status]), Err(StateError::Status(status)));
        let pc = state.pc | low;
        prop_assert_eq!(with(32, &pc.to_be_bytes()), Err(StateError::ProgramCounter(pc)));
        if state.status != Status::Exited {
            let status = state.status as u8;
            prop_assert_eq!(with(49, &code.to_be_bytes()), Err(StateError::ExitCode { status, code }));
        }
        for length in [0, 304, 306] {
            let other = [bytes.as_slice(), &[0]].concat();
            prop_assert_eq!(State::decode(&other[..length]), Err(StateError::Length(length)));
        }
    }
}

#[test]
fn the_first_state_of_nothing_is_known() {
    // By hand: an empty tree's root, and zeros.
    let mut root = B256::ZERO;
    for _ in 0..27 {
        root = keccak256([root.0, root.0].concat());
    }
    let state = State {
        memory_root: root,
        pc: 0,
        step: 0,
        status: Status::Running,
        exit_code: 0,
        registers: [0; 31],
    };
    assert_eq!(state.hash(), keccak256([root.as_slice(), &[0; STATE_BYTES - 32]].concat()));
}

#[test]
fn instructions_read_as_in_assembler() {
    let table = [
        (lui(A0, 0x1234_5000), "lui a0, 0x12345"),
        (auipc(T0, 0xffff_f000), "auipc t0, 0xfffff"),
        (jal(RA, -8), "jal ra, -8"),
        (jalr(ZERO, RA, 0), "jalr zero, 0(ra)"),
        (beq(A0, ZERO, 16), "beq a0, zero, +16"),
        (b(7, A0, A1, -4096), "bgeu a0, a1, -4096"),
        (ld(A0, SP, -16), "ld a0, -16(sp)"),
        (lbu(A0, S0, 7), "lbu a0, 7(s0)"),
        (sd(SP, A0, -8), "sd a0, -8(sp)"),
        (sb(S1, T2, 2047), "sb t2, 2047(s1)"),
        (addi(SP, SP, -32), "addi sp, sp, -32"),
        (addiw(A0, A0, 1), "addiw a0, a0, 1"),
        (slli(A0, A1, 63), "slli a0, a1, 63"),
        (i(0x13, 5, A0, A1, 0x400 | 5), "srai a0, a1, 5"),
        (mulhu(A0, A1, A2), "mulhu a0, a1, a2"),
        (r(0x3b, 7, 1, 31, 30, 29), "remuw t6, t5, t4"),
        (0x0ff0_000f, "fence"),
        (ECALL, "ecall"),
    ];
    for (word, text) in table {
        assert_eq!(Instruction::decode(word).unwrap().to_string(), text);
    }
    assert_eq!((register_name(0), register_name(31), register_name(32)), ("zero", "t6", "?"));
}
