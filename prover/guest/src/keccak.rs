//! Keccak-256 for `alloy-primitives`, by the machine's instructions.

use core::{arch::asm, mem::MaybeUninit, slice};

/// Bytes that one permutation takes in.
const RATE: usize = 136;
/// Custom-0, and the functions of OpenVM's keccak extension.
const OPCODE: u8 = 0x0b;
const FUNCT3: u8 = 0b100;
const PERMUTE: u8 = 0;
const ABSORB: u8 = 1;

#[repr(C, align(4))]
struct State([u8; 200]);

#[repr(C, align(4))]
struct Block([u8; RATE]);

/// Zeros for `$words` words, one store each: the compiler would call `memset`, which takes twice as many instructions.
macro_rules! zeros {
    ($type:ty, $words:literal) => {{
        const { assert!(size_of::<$type>() == 4 * $words && align_of::<$type>() == 4) };
        let mut place = MaybeUninit::<$type>::uninit();
        // SAFETY: so many words are there, at a word.
        unsafe {
            asm!(
                ".set zeros_at, 0",
                ".rept {words}",
                "sw zero, zeros_at({place})",
                ".set zeros_at, zeros_at + 4",
                ".endr",
                place = in(reg) place.as_mut_ptr(),
                words = const $words,
                options(nostack, preserves_flags),
            );
        }
        // SAFETY: all of it was just written, and all bytes may be zero.
        unsafe { place.assume_init() }
    }};
}

impl State {
    fn absorb(&mut self, block: *const u8) {
        let mut state = self.0.as_mut_ptr();
        openvm_custom_insn::custom_insn_r!(
            opcode = OPCODE, funct3 = FUNCT3, funct7 = ABSORB,
            rd = InOut state, rs1 = In block, rs2 = In RATE
        );
        openvm_custom_insn::custom_insn_r!(
            opcode = OPCODE, funct3 = FUNCT3, funct7 = PERMUTE,
            rd = InOut state, rs1 = Const "x0", rs2 = Const "x0"
        );
        let _ = state;
    }
}

/// Writes the hash of `len` bytes at `bytes` to `output`.
///
/// # Safety
/// There are that many bytes to read, and 32 to write.
#[unsafe(no_mangle)]
unsafe extern "C" fn native_keccak256(bytes: *const u8, len: usize, output: *mut u8) {
    // SAFETY: the caller says so; an empty slice has a pointer that is not null, too.
    let bytes = unsafe { slice::from_raw_parts(bytes, len) };
    let mut state = zeros!(State, 50);
    let (whole, rest) = bytes.as_chunks::<RATE>();
    for chunk in whole {
        // The instruction reads words.
        if chunk.as_ptr().addr() % 4 == 0 {
            state.absorb(chunk.as_ptr());
        } else {
            state.absorb(Block(*chunk).0.as_ptr());
        }
    }
    let mut last = zeros!(Block, 34);
    last.0[..rest.len()].copy_from_slice(rest);
    last.0[rest.len()] = 1;
    last.0[RATE - 1] |= 0x80;
    state.absorb(last.0.as_ptr());
    // SAFETY: the caller says so, and the state is not what is written to.
    unsafe { output.copy_from_nonoverlapping(state.0.as_ptr(), 32) };
}
