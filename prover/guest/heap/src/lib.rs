//! The validity program's allocator: TLSF over all memory that the machine has.
//!
//! OpenVM brings two of its own. One never gives memory back: a block whose calls move a lot of data runs out of it, and could
//! never be proved. The other looks through a list, which whoever writes a block can make long. Here each allocation and each
//! release takes a bounded number of steps, whatever came before, as in the fault-proof program (`guest/src/heap.rs`).
//!
//! This crate has the name and the items of `embedded-alloc` that `openvm-platform` uses.
#![no_std]

use core::{
    alloc::{GlobalAlloc, Layout},
    cell::UnsafeCell,
    ptr::{self, NonNull},
};

use rlsf::Tlsf;

/// Sizes by powers of two up to 2^29 and more, each cut into sixteen classes.
type Pool = Tlsf<'static, u32, u16, 26, 16>;

/// The allocator.
pub struct LlffHeap(UnsafeCell<Pool>);

impl core::fmt::Debug for LlffHeap {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("LlffHeap").finish_non_exhaustive()
    }
}

// SAFETY: the machine has one hart and no interrupts, so there are no threads to share with.
unsafe impl Sync for LlffHeap {}

impl LlffHeap {
    /// One without memory.
    pub const fn empty() -> Self {
        Self(UnsafeCell::new(Pool::new()))
    }

    /// Gives it its memory.
    ///
    /// # Safety
    /// Nothing else uses the `size` bytes at `start`, for as long as the program runs; called once, before anything is
    /// allocated.
    pub unsafe fn init(&self, start: usize, size: usize) {
        let block = ptr::slice_from_raw_parts_mut(ptr::with_exposed_provenance_mut::<u8>(start), size);
        let Some(block) = NonNull::new(block) else { return };
        // SAFETY: nothing else refers to the pool now, and the caller says that the block is nobody else's.
        let inserted = unsafe { (*self.0.get()).insert_free_block_ptr(block) };
        assert!(inserted.is_some(), "there is memory");
    }

    #[allow(clippy::mut_from_ref)]
    fn pool(&self) -> &mut Pool {
        // SAFETY: only the methods of `GlobalAlloc` below call this, each of them once and without calling anything that
        // allocates, so no two of these references are alive together.
        unsafe { &mut *self.0.get() }
    }
}

fn pointer(block: Option<NonNull<u8>>) -> *mut u8 {
    block.map_or(ptr::null_mut(), NonNull::as_ptr)
}

// SAFETY: blocks come from one TLSF pool, which keeps `GlobalAlloc`'s promises: they have the size and alignment asked for, do
// not overlap, and stay where they are until released. It never unwinds, and gives null when there is no memory left.
unsafe impl GlobalAlloc for LlffHeap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        pointer(self.pool().allocate(layout))
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if let Some(block) = NonNull::new(block) {
            // SAFETY: by this method's own contract, the block came from here with this alignment.
            unsafe { self.pool().deallocate(block, layout.align()) }
        }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let (Some(block), Ok(layout)) = (NonNull::new(block), Layout::from_size_align(size, layout.align()))
        else {
            return ptr::null_mut();
        };
        // SAFETY: by this method's own contract, the block came from here with this alignment.
        pointer(unsafe { self.pool().reallocate(block, layout) })
    }
}
