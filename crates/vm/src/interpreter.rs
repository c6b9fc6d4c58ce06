//! The fast path: executes decoded instructions on flat memory.

use crate::{
    isa::{Instruction, Op},
    memory::Memory,
};

/// Registers as the interpreter keeps them: 0 stays 0, `SINK` takes what is written to `x0`. There are 256 so that any
/// number in a byte is one.
pub(crate) type Registers = [u64; 256];

/// Where writes to `x0` go.
pub(crate) const SINK: u8 = 32;

/// Why [`run`] came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Pause {
    /// As many steps as asked for were executed.
    Done,
    /// The instruction at `pc` panics. It does not count as executed.
    Panic,
    /// The instruction at `pc` is an `ecall`. It does not count as executed.
    Call,
}

/// Executes up to `left` instructions; gives why it stopped and how many are left.
///
/// `code[i]` is the instruction at address `4 * i`, with `rd` replaced by [`SINK`] where it is 0.
pub(crate) fn run(
    code: &[Instruction],
    x: &mut Registers,
    pc_at: &mut u64,
    memory: &mut Memory,
    mut left: u64,
) -> (Pause, u64) {
    let mut pc = *pc_at;
    let pause = loop {
        if left == 0 {
            break Pause::Done;
        }
        let Some(&Instruction { op, rd, rs1, rs2, imm }) = code.get((pc >> 2) as usize) else {
            break Pause::Panic;
        };
        let imm = imm as u64;
        let (rd, a, b) = (rd as usize, x[rs1 as usize], x[rs2 as usize]);
        macro_rules! load {
            ($number:ty, $bytes:literal) => {{
                let Some(bytes) = memory.load::<$bytes>(a.wrapping_add(imm)) else { break Pause::Panic };
                // From a signed type this extends the sign.
                x[rd] = <$number>::from_le_bytes(bytes) as u64;
            }};
        }
        macro_rules! store {
            ($number:ty, $bytes:literal) => {
                if !memory.store::<$bytes>(a.wrapping_add(imm), (b as $number).to_le_bytes()) {
                    break Pause::Panic;
                }
            };
        }
        macro_rules! branch {
            ($holds:expr) => {
                if $holds {
                    let target = pc.wrapping_add(imm);
                    if target & 3 != 0 {
                        break Pause::Panic;
                    }
                    pc = target;
                    left -= 1;
                    continue;
                }
            };
        }
        match op {
            Op::Illegal => break Pause::Panic,
            Op::Ecall => break Pause::Call,
            Op::Fence => {}
            Op::Lui => x[rd] = imm,
            Op::Auipc => x[rd] = pc.wrapping_add(imm),
            Op::Jal | Op::Jalr => {
                let target = if op == Op::Jal { pc.wrapping_add(imm) } else { a.wrapping_add(imm) & !1 };
                if target & 3 != 0 {
                    break Pause::Panic;
                }
                x[rd] = pc + 4;
                pc = target;
                left -= 1;
                continue;
            }
            Op::Beq => branch!(a == b),
            Op::Bne => branch!(a != b),
            Op::Blt => branch!((a as i64) < b as i64),
            Op::Bge => branch!(a as i64 >= b as i64),
            Op::Bltu => branch!(a < b),
            Op::Bgeu => branch!(a >= b),
            Op::Lb => load!(i8, 1),
            Op::Lh => load!(i16, 2),
            Op::Lw => load!(i32, 4),
            Op::Ld => load!(u64, 8),
            Op::Lbu => load!(u8, 1),
            Op::Lhu => load!(u16, 2),
            Op::Lwu => load!(u32, 4),
            Op::Sb => store!(u8, 1),
            Op::Sh => store!(u16, 2),
            Op::Sw => store!(u32, 4),
            Op::Sd => store!(u64, 8),
            Op::Addi => x[rd] = a.wrapping_add(imm),
            Op::Slti => x[rd] = u64::from((a as i64) < imm as i64),
            Op::Sltiu => x[rd] = u64::from(a < imm),
            Op::Xori => x[rd] = a ^ imm,
            Op::Ori => x[rd] = a | imm,
            Op::Andi => x[rd] = a & imm,
            Op::Slli => x[rd] = a << (imm & 63),
            Op::Srli => x[rd] = a >> (imm & 63),
            Op::Srai => x[rd] = (a as i64 >> (imm & 63)) as u64,
            Op::Addiw => x[rd] = sext(a.wrapping_add(imm)),
            Op::Slliw => x[rd] = sext(a << (imm & 31)),
            Op::Srliw => x[rd] = sext((a as u32 >> (imm & 31)).into()),
            Op::Sraiw => x[rd] = (a as i32 >> (imm & 31)) as u64,
            Op::Add => x[rd] = a.wrapping_add(b),
            Op::Sub => x[rd] = a.wrapping_sub(b),
            Op::Sll => x[rd] = a << (b & 63),
            Op::Slt => x[rd] = u64::from((a as i64) < b as i64),
            Op::Sltu => x[rd] = u64::from(a < b),
            Op::Xor => x[rd] = a ^ b,
            Op::Srl => x[rd] = a >> (b & 63),
            Op::Sra => x[rd] = (a as i64 >> (b & 63)) as u64,
            Op::Or => x[rd] = a | b,
            Op::And => x[rd] = a & b,
            Op::Addw => x[rd] = sext(a.wrapping_add(b)),
            Op::Subw => x[rd] = sext(a.wrapping_sub(b)),
            Op::Sllw => x[rd] = sext(a << (b & 31)),
            Op::Srlw => x[rd] = sext((a as u32 >> (b & 31)).into()),
            Op::Sraw => x[rd] = (a as i32 >> (b & 31)) as u64,
            Op::Mul => x[rd] = a.wrapping_mul(b),
            Op::Mulh => x[rd] = ((i128::from(a as i64) * i128::from(b as i64)) >> 64) as u64,
            Op::Mulhsu => x[rd] = ((i128::from(a as i64) * i128::from(b)) >> 64) as u64,
            Op::Mulhu => x[rd] = ((u128::from(a) * u128::from(b)) >> 64) as u64,
            Op::Div => x[rd] = if b == 0 { u64::MAX } else { (a as i64).wrapping_div(b as i64) as u64 },
            Op::Divu => x[rd] = a.checked_div(b).unwrap_or(u64::MAX),
            Op::Rem => x[rd] = if b == 0 { a } else { (a as i64).wrapping_rem(b as i64) as u64 },
            Op::Remu => x[rd] = a.checked_rem(b).unwrap_or(a),
            Op::Mulw => x[rd] = sext(a.wrapping_mul(b)),
            Op::Divw => {
                let (a, b) = (a as i32, b as i32);
                x[rd] = if b == 0 { u64::MAX } else { a.wrapping_div(b) as u64 };
            }
            Op::Divuw => {
                x[rd] = (a as u32).checked_div(b as u32).map_or(u64::MAX, |quotient| sext(quotient.into()))
            }
            Op::Remw => {
                let (a, b) = (a as i32, b as i32);
                x[rd] = if b == 0 { a } else { a.wrapping_rem(b) } as u64;
            }
            Op::Remuw => x[rd] = sext((a as u32).checked_rem(b as u32).unwrap_or(a as u32).into()),
        }
        pc = pc.wrapping_add(4);
        left -= 1;
    };
    *pc_at = pc;
    (pause, left)
}

/// Sign-extends the low 32 bits.
#[inline(always)]
const fn sext(value: u64) -> u64 {
    value as i32 as u64
}
