//! The validity program's allocator: TLSF, over as much of the machine's memory as it needs.
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

/// Sizes by powers of two, each cut into sixteen classes. All that there are, so that pieces grow together.
type Pool = Tlsf<'static, u32, u16, 28, 16>;

/// What the pool takes at a time. Not all at once: a proof costs as much as there is memory up to the last byte that is not
/// zero, and the pool writes where it ends.
const PIECE: usize = 1 << 20;
/// What a block may need beside its size and alignment.
const OVERHEAD: usize = 64;

struct Heap {
    pool: Pool,
    /// Where the pool ends, and where the memory does.
    next: usize,
    end: usize,
}

/// The allocator.
pub struct LlffHeap(UnsafeCell<Heap>);

impl core::fmt::Debug for LlffHeap {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("LlffHeap").finish_non_exhaustive()
    }
}

// SAFETY: the machine has one hart and no interrupts, so there are no threads to share with.
unsafe impl Sync for LlffHeap {}

fn block(start: usize, size: usize) -> Option<NonNull<[u8]>> {
    NonNull::new(ptr::slice_from_raw_parts_mut(ptr::with_exposed_provenance_mut::<u8>(start), size))
}

impl LlffHeap {
    /// One without memory.
    pub const fn empty() -> Self {
        Self(UnsafeCell::new(Heap { pool: Pool::new(), next: 0, end: 0 }))
    }

    /// Gives it its memory.
    ///
    /// # Safety
    /// Nothing else uses the `size` bytes at `start`, for as long as the program runs; called once, before anything is
    /// allocated.
    pub unsafe fn init(&self, start: usize, size: usize) {
        let Some(first) = block(start, size.min(PIECE)) else { return };
        let heap = self.heap();
        // SAFETY: the caller says that the block is nobody else's.
        let inserted = unsafe { heap.pool.insert_free_block_ptr(first) };
        let inserted = inserted.expect("there is memory").get();
        (heap.next, heap.end) = (start + inserted, start + size);
    }

    #[allow(clippy::mut_from_ref)]
    fn heap(&self) -> &mut Heap {
        // SAFETY: only `init` and the methods of `GlobalAlloc` below call this, each of them once and without calling anything
        // that allocates, so no two of these references are alive together.
        unsafe { &mut *self.0.get() }
    }
}

impl Heap {
    /// What `take` takes from the pool, which is given more memory if it has too little. Null if there is no more.
    fn take(&mut self, layout: Layout, take: impl Fn(&mut Pool) -> Option<NonNull<u8>>) -> *mut u8 {
        let found = take(&mut self.pool).or_else(|| {
            self.grow(layout)?;
            take(&mut self.pool)
        });
        pointer(found)
    }

    fn grow(&mut self, layout: Layout) -> Option<()> {
        let needed = layout.size().checked_add(layout.align())?.checked_add(OVERHEAD)?;
        // A block is looked for in classes whose smallest is large enough, which are up to a sixteenth apart: one that is only as
        // large as needed would not be found.
        let size = needed.checked_add(needed / 16)?.checked_next_multiple_of(PIECE)?;
        // Near the end it gets what there is: with what is free at the end of the pool that may do.
        let size = size.min(self.end - self.next);
        // SAFETY: memory that `init` was given and the pool does not have, right behind what it has.
        let more = unsafe { self.pool.append_free_block_ptr(block(self.next, size)?) };
        self.next += more;
        (more > 0).then_some(())
    }
}

fn pointer(block: Option<NonNull<u8>>) -> *mut u8 {
    block.map_or(ptr::null_mut(), NonNull::as_ptr)
}

// SAFETY: blocks come from one TLSF pool, which keeps `GlobalAlloc`'s promises: they have the size and alignment asked for, do
// not overlap, and stay where they are until released. It never unwinds, and gives null when there is no memory left.
unsafe impl GlobalAlloc for LlffHeap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        self.heap().take(layout, |pool| pool.allocate(layout))
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        if let Some(block) = NonNull::new(block) {
            // SAFETY: by this method's own contract, the block came from here with this alignment.
            unsafe { self.heap().pool.deallocate(block, layout.align()) }
        }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let (Some(block), Ok(layout)) = (NonNull::new(block), Layout::from_size_align(size, layout.align()))
        else {
            return ptr::null_mut();
        };
        self.heap().take(layout, |pool| {
            // SAFETY: by this method's own contract, the block came from here with this alignment. If it stays where it is for
            // lack of memory, it is still allocated when this is tried again.
            unsafe { pool.reallocate(block, layout) }
        })
    }
}
