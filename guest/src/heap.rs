//! The allocator: TLSF over one pool of fixed size.
//!
//! Each allocation and each release takes a bounded number of steps, whatever came before: no pattern
//! of sizes makes the program slow. What is released is joined with its neighbours and used again.
//! The pool is [`HEAP`] bytes (`link.ld`); whoever needs more has no memory left, and the program
//! ends with exit code 2.

use core::{
    alloc::{GlobalAlloc, Layout},
    cell::UnsafeCell,
    ptr::{self, NonNull},
};

use rlsf::Tlsf;

use crate::start::out_of_memory;

/// Sizes by powers of two up to 2^30 and more, each cut into sixteen classes.
type Pool = Tlsf<'static, u32, u16, 26, 16>;

/// The machine has one hart and no interrupts.
struct Heap(UnsafeCell<Pool>);

// SAFETY: there is one hart, so there are no threads to share with.
unsafe impl Sync for Heap {}

#[global_allocator]
static HEAP: Heap = Heap(UnsafeCell::new(Pool::new()));

unsafe extern "C" {
    static mut __heap_start: u8;
    static mut __heap_end: u8;
}

/// Gives the allocator its memory. Called once, first of all.
pub(crate) fn init() {
    let start = &raw mut __heap_start;
    let end = &raw mut __heap_end;
    let block = ptr::slice_from_raw_parts_mut(start, end as usize - start as usize);
    let block = NonNull::new(block).unwrap_or_else(|| out_of_memory());
    // SAFETY: nothing else refers to the allocator now.
    let pool = unsafe { &mut *HEAP.0.get() };
    // SAFETY: the linker script puts nothing else into this range, for as long as the program runs.
    let inserted = unsafe { pool.insert_free_block_ptr(block) };
    if inserted.is_none() {
        out_of_memory();
    }
}

impl Heap {
    /// The pool.
    #[allow(clippy::mut_from_ref)]
    fn pool(&self) -> &mut Pool {
        // SAFETY: only the methods of `GlobalAlloc` below call this, each of them once and without
        // calling anything that allocates, so no two of these references are alive together.
        unsafe { &mut *self.0.get() }
    }
}

fn checked(block: Option<NonNull<u8>>) -> *mut u8 {
    block.unwrap_or_else(|| out_of_memory()).as_ptr()
}

fn non_null(block: *mut u8) -> NonNull<u8> {
    NonNull::new(block).unwrap_or_else(|| out_of_memory())
}

// SAFETY: blocks come from one TLSF pool, which keeps `GlobalAlloc`'s promises: they have the size and
// alignment asked for, do not overlap, and stay where they are until released. It never unwinds.
unsafe impl GlobalAlloc for Heap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        checked(self.pool().allocate(layout))
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: by this method's own contract, the block came from here with this alignment.
        unsafe { self.pool().deallocate(non_null(block), layout.align()) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let Ok(layout) = Layout::from_size_align(size, layout.align()) else { out_of_memory() };
        // SAFETY: by this method's own contract, the block came from here with this alignment.
        let block = unsafe { self.pool().reallocate(non_null(block), layout) };
        checked(block)
    }
}
