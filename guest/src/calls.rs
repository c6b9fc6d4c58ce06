//! The machine's two calls, and the oracle made of one.

use alloc::vec::Vec;
use core::{arch::asm, convert::Infallible, ops::Range};

use alloy_primitives::{B256, Bytes};
use duplex_program::{Kind, Oracle, What};

/// Numbers of the calls, in `a7`.
const EXIT: u64 = 93;
const READ: u64 = 0x2000;

/// Bytes that one read gives.
const PART: usize = 32;

/// Ends the program.
pub(crate) fn exit(code: u64) -> ! {
    // SAFETY: the machine stops at this instruction for good; nothing of the program goes on.
    unsafe { asm!("ecall", in("a7") EXIT, in("a0") code, options(noreturn, nostack)) }
}

/// Four words, byte 0 the lowest of the first, as calls take and give 32 bytes.
type Words = [u64; 4];

fn words(bytes: &B256) -> Words {
    let (words, _) = bytes.as_chunks::<8>();
    [0, 1, 2, 3].map(|i| u64::from_le_bytes(words[i]))
}

/// Reads 32 bytes of a preimage; zeros past its end. Also gives its length.
#[inline(always)]
fn read(kind: Kind, key: &Words, offset: usize) -> (Words, usize) {
    let [mut a, mut b, mut c, mut d] = *key;
    let mut length = kind as u64;
    // SAFETY: the call reads and writes exactly the registers named here, and no memory. The number
    // and the kind are those of `docs/fault-proofs.md` §2, and every caller gives an offset that is
    // a multiple of 32, so the machine does not panic.
    unsafe {
        asm!(
            "ecall",
            in("a7") READ,
            inlateout("a0") a,
            inlateout("a1") b,
            inlateout("a2") c,
            inlateout("a3") d,
            inlateout("a4") length,
            in("a5") offset,
            options(nomem, nostack, preserves_flags),
        );
    }
    ([a, b, c, d], length as usize)
}

/// Appends a part, without what is past the end.
fn push(out: &mut Vec<u8>, part: Words, room: usize) {
    let mut bytes = [0u8; PART];
    for (place, word) in bytes.as_chunks_mut::<8>().0.iter_mut().zip(part) {
        *place = word.to_le_bytes();
    }
    out.extend_from_slice(&bytes[..room.min(PART)]);
}

/// The preimages that the machine reads. L1 vouches for them: what it has not got, no step can read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Machine;

impl Machine {
    /// The hash of the statement.
    pub(crate) fn statement_hash(self) -> [u64; 4] {
        read(Kind::Statement, &[0; 4], 0).0
    }
}

impl Oracle for Machine {
    type Error = Infallible;

    fn read(&self, what: What<'_>, key: &B256) -> Result<Bytes, Infallible> {
        self.part(what, key, 0..usize::MAX)
    }

    fn part(&self, what: What<'_>, key: &B256, range: Range<usize>) -> Result<Bytes, Infallible> {
        let (kind, key) = (what.kind(), words(key));
        let (first, length) = read(kind, &key, range.start);
        let end = range.end.min(length);
        let mut out = Vec::with_capacity(end.saturating_sub(range.start));
        let mut offset = range.start;
        let mut part = first;
        while offset < end {
            push(&mut out, part, end - offset);
            offset += PART;
            if offset < end {
                (part, _) = read(kind, &key, offset);
            }
        }
        Ok(out.into())
    }
}
