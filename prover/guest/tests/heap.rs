//! The program's allocator, on a part of this process' memory.

use std::{
    alloc::{GlobalAlloc, Layout},
    collections::BTreeMap,
};

use embedded_alloc::LlffHeap;
use proptest::prelude::*;

const MIB: usize = 1 << 20;

/// A heap over `size` bytes, which belong to it for good.
fn heap(size: usize) -> LlffHeap {
    let memory = vec![0u8; size].leak();
    let heap = LlffHeap::empty();
    // SAFETY: the memory is leaked, so nothing else uses it.
    unsafe { heap.init(memory.as_mut_ptr().expose_provenance(), size) };
    heap
}

fn layout(size: usize) -> Layout {
    Layout::from_size_align(size, 4).unwrap()
}

#[test]
fn blocks_of_any_size_are_found_while_there_is_memory() {
    // Sizes between the classes of blocks, and at their edges.
    for size in [1, MIB - 64, MIB, 31 * MIB + 7, 32 * MIB, 33 * MIB, 65 * MIB, 129 * MIB + 1] {
        let heap = heap(300 * MIB);
        for nth in 0..2 {
            // SAFETY: the size is not zero.
            let block = unsafe { heap.alloc(layout(size)) };
            assert!(!block.is_null(), "block {nth} of {size} bytes");
            // SAFETY: the block is as long.
            unsafe { block.write_bytes(0xa5, size) };
        }
    }
}

#[test]
fn there_is_no_more_memory_than_there_is() {
    // On 64 bits, unlike in the machine, what is free at the end of the pool does not grow together with what the pool gets then.
    let heap = heap(5 * MIB);
    // SAFETY: no size here is zero.
    let take = |size| unsafe { heap.alloc(layout(size)) };
    assert!(take(6 * MIB).is_null());
    let block = take(3 * MIB);
    assert!(!block.is_null());
    assert!(take(2 * MIB).is_null());
    // SAFETY: the block came from there with this layout.
    unsafe { heap.dealloc(block, layout(3 * MIB)) };
    assert!(!take(3 * MIB).is_null(), "what was released is there again");
}

#[test]
fn small_blocks_are_used_again_and_many_go_back() {
    let heap = heap(4 * MIB);
    // SAFETY: no size here is zero.
    let take = |size| unsafe { heap.alloc(layout(size)) };
    for size in [1, 8, 9, 24, 25, 500, 504, 505] {
        let first = take(size);
        // SAFETY: the block came from there with this layout.
        unsafe { heap.dealloc(first, layout(size)) };
        assert_eq!(take(size), first, "{size}");
    }
    // Nearly all of the memory in blocks of one size, and then of another, and then in one.
    for size in [64, 400, 1000] {
        let blocks: Vec<_> = (0..(3 * MIB) / (size + 32)).map(|_| take(size)).collect();
        assert!(blocks.iter().all(|block| !block.is_null()), "{size}");
        for block in blocks {
            // SAFETY: the block came from there with this layout.
            unsafe { heap.dealloc(block, layout(size)) };
        }
    }
    // On 64 bits, pieces of the pool do not grow together: half of each is large.
    assert!((0..3).all(|_| !take(MIB / 2).is_null()));
}

/// What waits lies anywhere, as tables are dropped in any order: it must not keep large blocks from being found.
#[test]
fn what_waits_does_not_break_up_the_memory() {
    const SIZES: [usize; 4] = [8, 40, 200, 504];
    let heap = heap(100 * MIB);
    // SAFETY: no size here is zero.
    let take = |size| unsafe { heap.alloc(layout(size)) };
    for _ in 0..3 {
        let mut blocks = Vec::new();
        while let block = take(24 * 1024)
            && !block.is_null()
        {
            blocks.push((block, 24 * 1024));
            blocks.extend(SIZES.map(|size| (take(size), size)));
        }
        assert!(blocks.len() > 10_000);
        // One of all sizes from everywhere: a prime number is no divisor of how many there are.
        let count = blocks.len();
        let scattered = (0..count).map(|nth| blocks[nth * 7_919 % count]);
        assert_ne!(count % 7_919, 0);
        for (block, size) in scattered.filter(|(block, _)| !block.is_null()) {
            // SAFETY: the block came from there with this layout.
            unsafe { heap.dealloc(block, layout(size)) };
        }
        // On 64 bits, the pool's pieces of 1 MiB do not grow together: most of each is found.
        let large: Vec<_> = (0..98).map(|_| take(MIB * 9 / 10)).collect();
        let found = large.iter().filter(|block| !block.is_null()).count();
        assert!(found > 95, "{found}");
        for block in large.into_iter().filter(|block| !block.is_null()) {
            // SAFETY: the block came from there with this layout.
            unsafe { heap.dealloc(block, layout(MIB * 9 / 10)) };
        }
    }
}

#[test]
fn small_blocks_stay_where_they_are_while_they_have_the_room() {
    let heap = heap(4 * MIB);
    // SAFETY: the size is not zero.
    let block = unsafe { heap.alloc(layout(25)) };
    // SAFETY: the block came from there with this layout, and the sizes are not zero.
    let [same, larger] =
        [(25, 40), (40, 41)].map(|(from, to)| unsafe { heap.realloc(block, layout(from), to) });
    assert_eq!(same, block);
    assert_ne!(larger, block);
}

/// What a program does with memory, by the number of the block that it does it with.
#[derive(Debug, Clone)]
enum Act {
    Allocate(usize, usize),
    Resize(usize, usize),
    Release(usize),
}

fn acts() -> impl Strategy<Value = Vec<Act>> {
    let size = prop_oneof![1..200usize, 1..1_000usize, 1..100_000usize];
    let act = prop_oneof![
        (size.clone(), 0..7u32).prop_map(|(size, align)| Act::Allocate(size, 1 << align)),
        (any::<usize>(), size).prop_map(|(block, size)| Act::Resize(block, size)),
        any::<usize>().prop_map(Act::Release),
    ];
    prop::collection::vec(act, 1..600)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    /// Against a model: every block has its place to itself, and keeps what was written to it.
    #[test]
    fn blocks_keep_what_is_theirs(acts in acts()) {
        let heap = heap(32 * MIB);
        let mut blocks: BTreeMap<usize, (Layout, u8)> = BTreeMap::new();
        for (nth, act) in acts.into_iter().enumerate() {
            let mark = nth as u8;
            let chosen = |block: usize, blocks: &BTreeMap<usize, (Layout, u8)>| {
                blocks.iter().nth(block % blocks.len().max(1)).map(|(at, (layout, mark))| (*at, *layout, *mark))
            };
            let (at, layout) = match act {
                Act::Allocate(size, align) => {
                    let layout = Layout::from_size_align(size, align).unwrap();
                    // SAFETY: the size is not zero.
                    (unsafe { heap.alloc(layout) }, layout)
                }
                Act::Resize(block, size) => {
                    let Some((at, layout, mark)) = chosen(block, &blocks) else { continue };
                    blocks.remove(&at);
                    // SAFETY: the block came from there with this layout; the size is not zero.
                    let moved = unsafe { heap.realloc(std::ptr::with_exposed_provenance_mut(at), layout, size) };
                    let kept = layout.size().min(size);
                    // SAFETY: so long is the block.
                    let bytes = unsafe { std::slice::from_raw_parts(moved, kept) };
                    prop_assert!(bytes.iter().all(|byte| *byte == mark));
                    (moved, Layout::from_size_align(size, layout.align()).unwrap())
                }
                Act::Release(block) => {
                    let Some((at, layout, _)) = chosen(block, &blocks) else { continue };
                    blocks.remove(&at);
                    // SAFETY: the block came from there with this layout.
                    unsafe { heap.dealloc(std::ptr::with_exposed_provenance_mut(at), layout) };
                    continue;
                }
            };
            prop_assert!(!at.is_null() && at.addr() % layout.align() == 0);
            let (start, end) = (at.expose_provenance(), at.addr() + layout.size());
            let before = blocks.range(..end).next_back();
            prop_assert!(before.is_none_or(|(other, (layout, _))| other + layout.size() <= start));
            // SAFETY: so long is the block.
            unsafe { at.write_bytes(mark, layout.size()) };
            blocks.insert(start, (layout, mark));
        }
        for (at, (layout, mark)) in blocks {
            // SAFETY: so long is the block.
            let bytes = unsafe {
                std::slice::from_raw_parts(std::ptr::with_exposed_provenance::<u8>(at), layout.size())
            };
            prop_assert!(bytes.iter().all(|byte| *byte == mark));
        }
    }
}
