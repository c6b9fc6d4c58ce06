//! What instructions compute, straight from their words: `None` where there is no such instruction.

use super::Outcome;

/// The distance that a `jal` jumps.
pub(super) fn jump_distance(word: u32) -> u64 {
    // imm[20|10:1|11|19:12]
    let distance = (word >> 31 & 1) << 20
        | (word >> 21 & 0x3ff) << 1
        | (word >> 20 & 1) << 11
        | (word >> 12 & 0xff) << 12;
    ((distance << 11) as i32 >> 11) as u64
}

/// A conditional branch between `a` and `b`.
pub(super) fn branch(word: u32, funct3: u32, pc: u64, a: u64, b: u64) -> Outcome {
    // imm[12|10:5] and imm[4:1|11]
    let distance =
        (word >> 31 & 1) << 12 | (word >> 25 & 0x3f) << 5 | (word >> 8 & 0xf) << 1 | (word >> 7 & 1) << 11;
    let holds = match funct3 >> 1 {
        0 => a == b,
        2 => (a as i64) < (b as i64),
        3 => a < b,
        _ => return Outcome::Panic,
    };
    // The odd ones are the negations.
    if holds == (funct3 & 1 == 1) {
        return Outcome::Next;
    }
    let target = pc.wrapping_add(((distance << 19) as i32 >> 19) as u64);
    if target & 3 == 0 { Outcome::Jump(target) } else { Outcome::Panic }
}

/// Opcode 0x13: 64 bits with an immediate.
pub(super) fn alu_immediate(word: u32, funct3: u32, a: u64, imm: u64) -> Option<u64> {
    let (funct6, amount) = (word >> 26, word >> 20 & 63);
    Some(match funct3 {
        0 => a.wrapping_add(imm),
        1 if funct6 == 0 => a << amount,
        2 => u64::from((a as i64) < imm as i64),
        3 => u64::from(a < imm),
        4 => a ^ imm,
        5 if funct6 == 0 => a >> amount,
        5 if funct6 == 0x10 => (a as i64 >> amount) as u64,
        6 => a | imm,
        7 => a & imm,
        _ => return None,
    })
}

/// Opcode 0x1b: the low 32 bits with an immediate.
pub(super) fn alu_immediate_32(word: u32, funct3: u32, a: u32, imm: u64) -> Option<u64> {
    let (funct7, amount) = (word >> 25, word >> 20 & 31);
    Some(extend(match (funct3, funct7) {
        (0, _) => a.wrapping_add(imm as u32),
        (1, 0) => a << amount,
        (5, 0) => a >> amount,
        (5, 0x20) => (a as i32 >> amount) as u32,
        _ => return None,
    }))
}

/// Opcode 0x33: 64 bits of two registers.
pub(super) fn alu(word: u32, funct3: u32, a: u64, b: u64) -> Option<u64> {
    let (sa, sb) = (a as i64, b as i64);
    let high = |a: i128, b: i128| (a.wrapping_mul(b) >> 64) as u64;
    Some(match word >> 25 {
        0 => match funct3 {
            0 => a.wrapping_add(b),
            1 => a << (b & 63),
            2 => u64::from(sa < sb),
            3 => u64::from(a < b),
            4 => a ^ b,
            5 => a >> (b & 63),
            6 => a | b,
            _ => a & b,
        },
        0x20 => match funct3 {
            0 => a.wrapping_sub(b),
            5 => (sa >> (b & 63)) as u64,
            _ => return None,
        },
        1 => match funct3 {
            0 => a.wrapping_mul(b),
            1 => high(sa.into(), sb.into()),
            2 => high(sa.into(), b.into()),
            3 => ((u128::from(a) * u128::from(b)) >> 64) as u64,
            4 if b == 0 => u64::MAX,
            4 => sa.wrapping_div(sb) as u64,
            5 => a.checked_div(b).unwrap_or(u64::MAX),
            6 if b == 0 => a,
            6 => sa.wrapping_rem(sb) as u64,
            _ => a.checked_rem(b).unwrap_or(a),
        },
        _ => return None,
    })
}

/// Opcode 0x3b: the low 32 bits of two registers.
pub(super) fn alu_32(word: u32, funct3: u32, a: u32, b: u32) -> Option<u64> {
    let (sa, sb) = (a as i32, b as i32);
    Some(extend(match (word >> 25, funct3) {
        (0, 0) => a.wrapping_add(b),
        (0, 1) => a << (b & 31),
        (0, 5) => a >> (b & 31),
        (0x20, 0) => a.wrapping_sub(b),
        (0x20, 5) => (sa >> (b & 31)) as u32,
        (1, 0) => a.wrapping_mul(b),
        (1, 4) if b == 0 => u32::MAX,
        (1, 4) => sa.wrapping_div(sb) as u32,
        (1, 5) => a.checked_div(b).unwrap_or(u32::MAX),
        (1, 6) if b == 0 => a,
        (1, 6) => sa.wrapping_rem(sb) as u32,
        (1, 7) => a.checked_rem(b).unwrap_or(a),
        _ => return None,
    }))
}

/// Sign-extends the result of a 32-bit instruction.
fn extend(value: u32) -> u64 {
    i64::from(value as i32) as u64
}
