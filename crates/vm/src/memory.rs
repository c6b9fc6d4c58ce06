//! Memory as the interpreter works on it: chunks that are zero until written, and a note of the pages written.

use crate::tree::{Dirty, PAGE_BYTES, PageBytes, Tree};

const BYTES: u64 = crate::MEMORY_BYTES;
const PAGES: usize = BYTES as usize / PAGE_BYTES;
/// Bytes that are allocated at once.
const CHUNK_BYTES: usize = 1 << 16;
const CHUNKS: usize = BYTES as usize / CHUNK_BYTES;

type Chunk = [u8; CHUNK_BYTES];

/// The 2^32 bytes. Chunks that nobody has written to are zero, and not there.
pub(crate) struct Memory {
    chunks: Box<[Option<Box<Chunk>>; CHUNKS]>,
    /// 1 for each page in `written`.
    dirty: Box<[u8; PAGES]>,
    /// Pages written since they were last taken.
    written: Vec<u32>,
}

fn boxed<T, const N: usize>(items: Vec<T>) -> Box<[T; N]> {
    match items.into_boxed_slice().try_into() {
        Ok(items) => items,
        Err(_) => unreachable!("there are as many"),
    }
}

impl Memory {
    /// What a tree holds.
    pub(crate) fn new(tree: &Tree) -> Self {
        let chunks = boxed((0..CHUNKS).map(|_| None).collect());
        let mut memory = Self { chunks, dirty: boxed(vec![0; PAGES]), written: Vec::new() };
        tree.pages(&mut |number, bytes| *memory.page_mut(number) = *bytes);
        memory
    }

    /// The `N` bytes at an address, unless it is outside or no multiple of `N`.
    #[inline(always)]
    pub(crate) fn load<const N: usize>(&self, address: u64) -> Option<[u8; N]> {
        if !fits::<N>(address) {
            return None;
        }
        let address = address as usize;
        match &self.chunks[address / CHUNK_BYTES] {
            Some(chunk) => Some(chunk.as_chunks::<N>().0[address % CHUNK_BYTES / N]),
            None => Some([0; N]),
        }
    }

    /// Writes `N` bytes at an address. False, and nothing written, if it is outside or no multiple of `N`.
    #[inline(always)]
    #[must_use]
    pub(crate) fn store<const N: usize>(&mut self, address: u64, value: [u8; N]) -> bool {
        if !fits::<N>(address) {
            return false;
        }
        let address = address as usize;
        let page = address / PAGE_BYTES;
        if self.dirty[page] == 0 {
            self.mark(page);
        }
        // There is one: `mark` sees to that.
        if let Some(chunk) = &mut self.chunks[address / CHUNK_BYTES] {
            chunk.as_chunks_mut::<N>().0[address % CHUNK_BYTES / N] = value;
        }
        true
    }

    #[cold]
    #[inline(never)]
    fn mark(&mut self, page: usize) {
        self.dirty[page] = 1;
        self.written.push(page as u32);
        self.page_mut(page as u32);
    }

    /// Numbers of the pages written since the last call, ascending.
    pub(crate) fn take_written(&mut self) -> Vec<u32> {
        let mut written = std::mem::take(&mut self.written);
        for page in &written {
            self.dirty[*page as usize] = 0;
        }
        written.sort_unstable();
        written
    }

    pub(crate) fn page(&self, number: u32) -> &PageBytes {
        let (chunk, at) = place(number);
        self.chunks[chunk].as_ref().map_or(&[0; PAGE_BYTES], |chunk| &chunk.as_chunks().0[at])
    }

    fn page_mut(&mut self, number: u32) -> &mut PageBytes {
        let (chunk, at) = place(number);
        let chunk = self.chunks[chunk].get_or_insert_with(|| boxed(vec![0; CHUNK_BYTES]));
        &mut chunk.as_chunks_mut().0[at]
    }

    #[cfg(test)]
    pub(crate) fn clear(&mut self, number: u32) {
        *self.page_mut(number) = [0; PAGE_BYTES];
    }

    /// Takes what was written into `tree`, which stands for this memory otherwise.
    pub(crate) fn sync(&mut self, tree: &mut Tree) {
        let written = self.take_written();
        let dirty: Vec<Dirty<'_>> = written.iter().map(|number| (*number, self.page(*number))).collect();
        tree.update(&dirty);
    }

    /// Takes what was written to `other` since it was last taken there; the rest must be the same.
    pub(crate) fn copy_written(&mut self, other: &Self) {
        for number in &other.written {
            if self.dirty[*number as usize] == 0 {
                self.mark(*number as usize);
            }
            *self.page_mut(*number) = *other.page(*number);
        }
    }

    /// Takes the content of `to`; this memory is what `from` holds, and what was written since.
    pub(crate) fn restore(&mut self, from: &Tree, to: &Tree) {
        to.differences(from, &mut |number, bytes| {
            *self.page_mut(number) = bytes.copied().unwrap_or([0; PAGE_BYTES]);
        });
        let written = self.take_written();
        for number in written {
            *self.page_mut(number) = to.page(number).copied().unwrap_or([0; PAGE_BYTES]);
        }
    }
}

/// Whether an access of `N` bytes at an address is allowed.
#[inline(always)]
pub(crate) const fn fits<const N: usize>(address: u64) -> bool {
    address & (!(BYTES - 1) | (N as u64 - 1)) == 0
}

/// The chunk that a page is in, and where it is there.
const fn place(page: u32) -> (usize, usize) {
    let pages = CHUNK_BYTES / PAGE_BYTES;
    (page as usize / pages, page as usize % pages)
}
