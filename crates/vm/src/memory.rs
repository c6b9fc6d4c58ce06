//! Memory as the interpreter works on it: flat, zero until touched, with a note of what was written.

use crate::tree::{Dirty, PAGE_BYTES, PageBytes, Tree};

const BYTES: usize = crate::MEMORY_BYTES as usize;
const PAGES: usize = BYTES / PAGE_BYTES;

/// The 2^32 bytes. The system gives pages of memory only for what is touched.
pub(crate) struct Memory {
    bytes: Box<[u8; BYTES]>,
    /// 1 for each page in `written`.
    dirty: Box<[u8; PAGES]>,
    /// Pages written since they were last taken.
    written: Vec<u32>,
}

fn zeros<const N: usize>() -> Box<[u8; N]> {
    match vec![0; N].into_boxed_slice().try_into() {
        Ok(zeros) => zeros,
        Err(_) => unreachable!("it was made with this length"),
    }
}

impl Memory {
    /// What a tree holds.
    pub(crate) fn new(tree: &Tree) -> Self {
        let mut memory = Self { bytes: zeros(), dirty: zeros(), written: Vec::new() };
        tree.pages(&mut |number, bytes| *memory.page_mut(number) = *bytes);
        memory
    }

    /// The `N` bytes at an address, unless it is outside or no multiple of `N`.
    #[inline(always)]
    pub(crate) fn load<const N: usize>(&self, address: u64) -> Option<[u8; N]> {
        if !fits::<N>(address) {
            return None;
        }
        let (words, _) = self.bytes.as_chunks::<N>();
        Some(words[address as usize / N])
    }

    /// Writes `N` bytes at an address. False, and nothing written, if it is outside or no multiple of `N`.
    #[inline(always)]
    #[must_use]
    pub(crate) fn store<const N: usize>(&mut self, address: u64, value: [u8; N]) -> bool {
        if !fits::<N>(address) {
            return false;
        }
        let page = address as usize / PAGE_BYTES;
        if self.dirty[page] == 0 {
            self.mark(page);
        }
        let (words, _) = self.bytes.as_chunks_mut::<N>();
        words[address as usize / N] = value;
        true
    }

    #[cold]
    #[inline(never)]
    fn mark(&mut self, page: usize) {
        self.dirty[page] = 1;
        self.written.push(page as u32);
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
        &self.bytes.as_chunks().0[number as usize]
    }

    fn page_mut(&mut self, number: u32) -> &mut PageBytes {
        &mut self.bytes.as_chunks_mut().0[number as usize]
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
        to.differences(from, &mut |number, bytes| *self.page_mut(number) = *bytes);
        let written = self.take_written();
        for number in written {
            *self.page_mut(number) = to.page(number).copied().unwrap_or([0; PAGE_BYTES]);
        }
    }
}

/// Whether an access of `N` bytes at an address is allowed.
#[inline(always)]
pub(crate) const fn fits<const N: usize>(address: u64) -> bool {
    address & (!(BYTES as u64 - 1) | (N as u64 - 1)) == 0
}
