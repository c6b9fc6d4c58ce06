//! Brotli, with a decoder that needs no operating system.

use alloc::{vec, vec::Vec};
use alloc_no_stdlib::{Allocator, SliceWrapper, SliceWrapperMut};
use brotli_decompressor::{BrotliDecompressStream, BrotliResult, BrotliState, HuffmanCode};

use super::ContentError;

/// Window of 2^20 bytes: far more than the compressed size of a batch, and a small decoder.
#[cfg(feature = "std")]
const WINDOW: i32 = 20;
/// The quality past which this data hardly shrinks: signatures and addresses are random.
#[cfg(feature = "std")]
const QUALITY: i32 = 5;

#[cfg(feature = "std")]
pub(super) fn compress(input: &[u8], out: &mut Vec<u8>) {
    let params = brotli::enc::BrotliEncoderParams {
        quality: QUALITY,
        lgwin: WINDOW,
        size_hint: input.len(),
        ..Default::default()
    };
    brotli::BrotliCompress(&mut &input[..], out, &params).expect("writing to memory does not fail");
}

/// The decoder's working memory, from the global allocator.
#[derive(Default)]
struct Memory<T>(Vec<T>);

impl<T> SliceWrapper<T> for Memory<T> {
    fn slice(&self) -> &[T] {
        &self.0
    }
}

impl<T> SliceWrapperMut<T> for Memory<T> {
    fn slice_mut(&mut self) -> &mut [T] {
        &mut self.0
    }
}

#[derive(Default)]
struct Global;

impl<T: Clone + Default> Allocator<T> for Global {
    type AllocatedMemory = Memory<T>;

    fn alloc_cell(&mut self, len: usize) -> Memory<T> {
        Memory(vec![T::default(); len])
    }

    fn free_cell(&mut self, _: Memory<T>) {}
}

/// Decompresses exactly one brotli stream that fills `input`, to at most `limit` bytes. Windows are
/// those of RFC 7932, at most 16 MiB: the "large window" form could ask for a gigabyte.
pub(super) fn decompress(input: &[u8], limit: usize) -> Result<Vec<u8>, ContentError> {
    let mut state = BrotliState::<Global, Global, Global>::new_strict(Global, Global, Global);
    let mut out = vec![0u8; input.len().saturating_mul(4).clamp(1024, limit)];
    let (mut left, mut read, mut written, mut total) = (input.len(), 0, 0, 0);
    loop {
        let mut room = out.len() - written;
        let result = BrotliDecompressStream(
            &mut left,
            &mut read,
            input,
            &mut room,
            &mut written,
            &mut out,
            &mut total,
            &mut state,
        );
        match result {
            BrotliResult::ResultSuccess if left == 0 => {
                out.truncate(written);
                return Ok(out);
            }
            BrotliResult::NeedsMoreOutput if out.len() < limit => {
                let longer = out.len().saturating_mul(2).min(limit);
                out.resize(longer, 0);
            }
            BrotliResult::NeedsMoreOutput => return Err(ContentError::TooLong),
            _ => return Err(ContentError::Compression),
        }
    }
}

// `HuffmanCode` is the element type of the third allocator.
const _: fn() = || {
    fn allocates<A: Allocator<HuffmanCode>>() {}
    allocates::<Global>();
};
