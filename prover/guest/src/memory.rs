//! Comparing memory. The compiler's own way goes byte by byte, some six instructions each, and what is compared here are addresses
//! and hashes that lie at words.

use core::arch::global_asm;

// `memcmp(a, b, n)`: below, at or above zero as the first byte that differs is. Words are compared while both places are at words
// and four bytes are left; the first that differ are looked at byte by byte, as all else is. `bcmp` asks for less.
global_asm!(
    ".globl memcmp",
    ".globl bcmp",
    ".type memcmp, @function",
    "memcmp:",
    "bcmp:",
    "or a3, a0, a1",
    "andi a3, a3, 3",
    "add a4, a0, a2", // the end
    "bnez a3, 2f",
    "addi a5, a4, -3", // a word may be read before this
    "1:",
    "bgeu a0, a5, 2f",
    "lw a6, 0(a0)",
    "lw a7, 0(a1)",
    "bne a6, a7, 2f",
    "addi a0, a0, 4",
    "addi a1, a1, 4",
    "j 1b",
    "2:",
    "bgeu a0, a4, 3f",
    "lbu a6, 0(a0)",
    "lbu a7, 0(a1)",
    "bne a6, a7, 4f",
    "addi a0, a0, 1",
    "addi a1, a1, 1",
    "j 2b",
    "3:",
    "li a0, 0",
    "ret",
    "4:",
    "sub a0, a6, a7",
    "ret",
);
