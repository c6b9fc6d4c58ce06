//! Where the machine begins, and how it ends.

use core::{arch::global_asm, panic::PanicInfo};

use crate::{
    calls::{Machine, exit},
    heap,
};

/// Exit codes.
const HOLDS: u64 = 0;
const FAILS: u64 = 1;
const PANICKED: u64 = 2;

// The first instruction. Registers are zero and memory is the ELF's, with zeros for `.bss`. `sp` goes
// to the top of the stack, which ends at address 0: a stack that overflows reaches for addresses
// beyond 2^32, where every access panics (see `link.ld`).
global_asm!(
    ".section .text.start, \"ax\", @progbits",
    ".globl _start",
    ".type _start, @function",
    "_start:",
    "la sp, __stack_top",
    "call {main}",
    ".size _start, . - _start",
    main = sym main,
);

extern "C" fn main() -> ! {
    heap::init();
    let machine = Machine;
    // Before the first table is made: their order must not be known to who fills them.
    foldhash::set_key(machine.statement_hash());
    exit(match duplex_program::run(&machine) {
        Ok(true) => HOLDS,
        Ok(false) => FAILS,
        Err(never) => match never {},
    })
}

/// Every panic is the same: the statement was not shown. Where it was can be seen in the machine's
/// program counter.
#[panic_handler]
fn panic(_: &PanicInfo<'_>) -> ! {
    exit(PANICKED)
}

/// Out of memory, as a panic; called by the allocator.
pub(crate) fn out_of_memory() -> ! {
    exit(PANICKED)
}
