//! Keccak-256 for `alloy-primitives`, which asks for it by this name.

use core::slice;

/// Bytes that one permutation takes in.
const RATE: usize = 136;

/// Writes the hash of `len` bytes at `bytes` to `output`.
///
/// # Safety
/// There are that many bytes to read, and 32 to write.
#[unsafe(no_mangle)]
unsafe extern "C" fn native_keccak256(bytes: *const u8, len: usize, output: *mut u8) {
    // SAFETY: the caller says so; an empty slice has a pointer that is not null, too.
    let bytes = unsafe { slice::from_raw_parts(bytes, len) };
    let hash = keccak256(bytes);
    // SAFETY: the caller says so, and the hash is not what is written to.
    unsafe { output.copy_from_nonoverlapping(hash.as_ptr(), hash.len()) };
}

fn keccak256(bytes: &[u8]) -> [u8; 32] {
    let mut state = [0u64; 25];
    let (blocks, rest) = bytes.as_chunks::<RATE>();
    for block in blocks {
        absorb(&mut state, block);
    }
    let mut last = [0u8; RATE];
    last[..rest.len()].copy_from_slice(rest);
    last[rest.len()] = 1;
    last[RATE - 1] |= 0x80;
    absorb(&mut state, &last);
    let mut hash = [0u8; 32];
    for (place, lane) in hash.as_chunks_mut::<8>().0.iter_mut().zip(state) {
        *place = lane.to_le_bytes();
    }
    hash
}

fn absorb(state: &mut [u64; 25], block: &[u8; RATE]) {
    for (lane, bytes) in state.iter_mut().zip(block.as_chunks::<8>().0) {
        *lane ^= u64::from_le_bytes(*bytes);
    }
    keccak::f1600(state);
}
