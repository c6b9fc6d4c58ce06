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
/// How all small blocks are aligned: as the pool does at no cost.
const ALIGN: usize = 8;
/// Small blocks are 8, 24, 40 bytes and so on: with their header, no byte of what the pool gives for them is left over.
const STEP: usize = 16;
/// How many sizes there are.
const SMALL: usize = 32;
/// How many blocks of a size wait for their next use. They lie anywhere, and what is free between them does not grow together.
const WAITING: u32 = 32;
/// With more memory than this, none wait when there is to be still more.
const EASY: usize = 64 << 20;

/// Small blocks of one size that were released and not given back to the pool: the next is taken from here, in a tenth of the
/// instructions.
#[derive(Clone, Copy)]
struct Shelf {
    /// The last one that was released, in which there is the one before it, and so on; null if there are none.
    first: *mut u8,
    count: u32,
}

impl Shelf {
    #[inline]
    fn take(&mut self) -> Option<NonNull<u8>> {
        let block = NonNull::new(self.first)?;
        // SAFETY: `put` wrote it, and nobody has had the block since; its size is at least `ALIGN`, and so is its alignment.
        self.first = unsafe { block.cast::<*mut u8>().read() };
        self.count -= 1;
        Some(block)
    }

    /// Takes a block that nobody uses any more, unless there are enough.
    ///
    /// # Safety
    /// The block is the pool's, of this size and aligned to `ALIGN`, and the caller has given it up.
    #[inline]
    unsafe fn put(&mut self, block: NonNull<u8>) -> bool {
        if self.count == WAITING {
            return false;
        }
        // SAFETY: the caller says that there is room for a pointer and that it is nobody else's.
        unsafe { block.cast::<*mut u8>().write(self.first) };
        self.first = block.as_ptr();
        self.count += 1;
        true
    }
}

/// The shelf that blocks of this layout are on, if they are small.
#[inline]
fn shelf(layout: Layout) -> Option<usize> {
    let shelf = (layout.size() + (ALIGN - 1)) / STEP;
    (shelf < SMALL && layout.align() <= ALIGN).then_some(shelf)
}

/// What the pool makes blocks of a shelf by.
#[inline]
fn small(shelf: usize) -> Layout {
    // SAFETY: the alignment is a power of two, and there are `SMALL` shelves.
    unsafe { Layout::from_size_align_unchecked(shelf * STEP + ALIGN, ALIGN) }
}

struct Heap {
    pool: Pool,
    shelves: [Shelf; SMALL],
    /// Where the memory begins, where what the pool has of it ends, and where all of it does.
    start: usize,
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
        let shelves = [Shelf { first: ptr::null_mut(), count: 0 }; SMALL];
        Self(UnsafeCell::new(Heap { pool: Pool::new(), shelves, start: 0, next: 0, end: 0 }))
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
        (heap.start, heap.next, heap.end) = (start, start + inserted, start + size);
    }

    #[allow(clippy::mut_from_ref)]
    fn heap(&self) -> &mut Heap {
        // SAFETY: only `init` and the methods of `GlobalAlloc` below call this. None of them has the reference while it calls
        // another, or anything that allocates, so no two of these references are alive together.
        unsafe { &mut *self.0.get() }
    }
}

impl Heap {
    /// What `take` takes from the pool, which is given more memory if it has too little. Null if there is no more.
    fn take(&mut self, layout: Layout, take: impl Fn(&mut Pool) -> Option<NonNull<u8>>) -> *mut u8 {
        let mut found = take(&mut self.pool);
        if found.is_none() && self.next - self.start > EASY {
            self.clear();
            found = take(&mut self.pool);
        }
        if found.is_none() && self.grow(layout).is_some() {
            found = take(&mut self.pool);
        }
        if found.is_none() {
            self.clear();
            found = take(&mut self.pool);
        }
        pointer(found)
    }

    /// Gives all that waits back to the pool.
    fn clear(&mut self) {
        for shelf in &mut self.shelves {
            while let Some(block) = shelf.take() {
                // SAFETY: the pool made it, at an alignment that is no more than what it has all blocks at.
                unsafe { self.pool.deallocate(block, ALIGN) }
            }
        }
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
// not overlap, and stay where they are until released. Small ones are as large as their shelf says, which their layout names, and
// are on it only while they are nobody's. It never unwinds, and gives null when there is no memory left.
unsafe impl GlobalAlloc for LlffHeap {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        let heap = self.heap();
        match shelf(layout) {
            Some(shelf) => match heap.shelves[shelf].take() {
                Some(block) => block.as_ptr(),
                None => heap.take(small(shelf), |pool| pool.allocate(small(shelf))),
            },
            None => heap.take(layout, |pool| pool.allocate(layout)),
        }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        let Some(block) = NonNull::new(block) else { return };
        let heap = self.heap();
        if let Some(shelf) = shelf(layout) {
            // SAFETY: by this method's own contract, the block came from here with this layout, thus with this shelf's.
            let is_put = unsafe { heap.shelves[shelf].put(block) };
            if is_put {
                return;
            }
        }
        // SAFETY: by this method's own contract, the block came from here with this alignment, or, if it is small, with one that
        // is no more than what the pool has all blocks at.
        unsafe { heap.pool.deallocate(block, layout.align()) }
    }

    unsafe fn realloc(&self, block: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        let (Some(old), Ok(new)) = (NonNull::new(block), Layout::from_size_align(size, layout.align()))
        else {
            return ptr::null_mut();
        };
        let new = match (shelf(layout), shelf(new)) {
            (Some(before), Some(after)) if before == after => return block,
            (Some(_), Some(_)) => {
                // SAFETY: the size is not zero, by this method's own contract.
                let other = unsafe { self.alloc(new) };
                if !other.is_null() {
                    // SAFETY: both blocks are at least as long, and not the same.
                    unsafe { ptr::copy_nonoverlapping(block, other, layout.size().min(size)) };
                    // SAFETY: by this method's own contract, the block came from here with this layout.
                    unsafe { self.dealloc(block, layout) };
                }
                return other;
            }
            (_, Some(after)) => small(after),
            (_, None) => new,
        };
        self.heap().take(new, |pool| {
            // SAFETY: by this method's own contract, the block came from here with this alignment, or with one that is no more
            // than what the pool has all blocks at. If it stays where it is for lack of memory, it is still allocated when this
            // is tried again.
            unsafe { pool.reallocate(old, new) }
        })
    }
}
