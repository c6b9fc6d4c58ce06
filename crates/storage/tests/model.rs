//! Random histories against the plain model.

mod common;

use alloy_primitives::{B256, Bytes};
use common::{Model, account, block, node};
use duplex_storage::{BlockRecord, Database, Error, History, OpenError, Options};
use proptest::prelude::*;

const IDENTITY: B256 = B256::repeat_byte(1);

#[derive(Debug, Clone)]
enum Step {
    Commit(u64),
    CommitMany(u64, u64),
    Unwind(u64),
    Settle,
    Reopen,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        10 => any::<u64>().prop_map(Step::Commit),
        2 => (any::<u64>(), 2..6u64).prop_map(|(seed, count)| Step::CommitMany(seed, count)),
        2 => (0..9u64).prop_map(Step::Unwind),
        1 => Just(Step::Settle),
        1 => Just(Step::Reopen),
    ]
}

fn options(window: Option<u64>, fold_blocks: usize) -> Options {
    let history = window.map_or(History::Archive, History::Window);
    Options { history, cache_bytes: 1 << 20, sync: false, fold_blocks }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..Default::default() })]

    #[test]
    fn any_history_reads_like_the_model(
        steps in prop::collection::vec(step(), 1..40),
        window in prop::option::of(0..12u64),
        fold_blocks in 1..6usize,
    ) {
        let dir = tempfile::tempdir().unwrap();
        let options = options(window, fold_blocks);
        let mut database = Database::open(dir.path(), IDENTITY, options).unwrap();
        let mut model = Model::default();
        let mut highest = 0;
        let mut before = None;
        for step in steps {
            match step {
                Step::Commit(seed) => {
                    let next = block(model.blocks.len() as u64, seed);
                    database.commit(&next).unwrap();
                    model.commit(&next);
                }
                Step::CommitMany(seed, count) => {
                    let start = model.blocks.len() as u64;
                    let blocks: Vec<_> = (start..start + count).map(|number| block(number, seed)).collect();
                    database.commit_many(&blocks).unwrap();
                    blocks.iter().for_each(|block| model.commit(block));
                }
                Step::Unwind(depth) => {
                    let Some(head) = model.head() else { continue };
                    let to = head.saturating_sub(depth);
                    match database.unwind(to) {
                        Ok(removed) => {
                            let expected: Vec<_> = model.blocks[to as usize + 1..]
                                .iter().rev().map(|block| (block.number, block.hash)).collect();
                            prop_assert_eq!(removed, expected);
                            for block in &model.blocks[to as usize + 1..] {
                                prop_assert_eq!(database.reader().number_of(&block.hash).unwrap(), None);
                                for hash in &block.tx_hashes {
                                    prop_assert_eq!(database.reader().transaction(hash).unwrap(), None);
                                }
                            }
                            model.unwind(to);
                        }
                        Err(Error::BeyondHistory { floor, .. }) => prop_assert!(to < floor),
                        Err(error) => panic!("{error}"),
                    }
                }
                Step::Settle => database.settle().unwrap(),
                Step::Reopen => {
                    before = None;
                    drop(database);
                    database = Database::open(dir.path(), IDENTITY, options).unwrap();
                }
            }
            highest = highest.max(model.head().unwrap_or(0));
            let promised = window.map_or(0, |window| highest.saturating_sub(window));
            prop_assert!(database.history_floor() <= promised);
            let reader = database.reader();
            model.compare(&reader);
            // A reader that was taken earlier still sees what it saw.
            if let Some((reader, model)) = before.replace((reader, model.clone())) {
                Model::compare(&model, &reader);
            }
        }
        database.settle().unwrap();
        let reader = database.reader();
        if let (Some(window), Some(head)) = (window, model.head()) {
            prop_assert!(database.history_floor() >= head.saturating_sub(window));
        }
        model.compare(&reader);
        let summary = reader.check().unwrap();
        if let (Some(_), Some(head)) = (window, model.head().filter(|head| *head >= window.unwrap_or(0))) {
            prop_assert!(head >= reader.history_floor());
            prop_assert_eq!((summary.accounts, summary.nodes), model.kept(reader.history_floor()));
        }
    }
}

#[test]
fn readers_run_beside_the_writer() {
    let dir = tempfile::tempdir().unwrap();
    let database = Database::open(dir.path(), IDENTITY, options(Some(8), 3)).unwrap();
    let mut model = Model::default();
    let blocks: Vec<_> = (0..150).map(|number| block(number, 7)).collect();
    blocks.iter().for_each(|block| model.commit(block));
    database.commit(&blocks[0]).unwrap();
    std::thread::scope(|scope| {
        let handles: Vec<_> = (0..2)
            .map(|_| {
                let (database, model) = (database.clone(), &model);
                scope.spawn(move || {
                    loop {
                        let reader = database.reader();
                        let head = reader.head().unwrap();
                        common::compare_block(&model.blocks[head as usize], &reader);
                        for at in [reader.history_floor(), head] {
                            model.states[at as usize].compare(&reader, at);
                        }
                        if head == 149 {
                            break;
                        }
                    }
                })
            })
            .collect();
        for block in &blocks[1..] {
            database.commit(block).unwrap();
        }
        handles.into_iter().for_each(|handle| handle.join().unwrap());
    });
}

#[test]
fn a_block_out_of_order_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let database = Database::open(dir.path(), IDENTITY, options(None, 2)).unwrap();
    assert!(matches!(database.reader().account(&account(0), 0), Err(Error::Empty)));
    assert!(matches!(database.unwind(0), Err(Error::Empty)));
    let refused = |found, expected| {
        let error = database.commit(&block(found, 0)).unwrap_err();
        assert!(matches!(error, Error::NotNext { expected: e, found: f } if (e, f) == (expected, found)));
    };
    refused(1, 0);
    database.commit(&block(0, 0)).unwrap();
    refused(0, 1);
    refused(2, 1);
    let gap = [block(1, 0), block(3, 0)];
    assert!(matches!(database.commit_many(&gap), Err(Error::NotNext { expected: 2, found: 3 })));
    assert_eq!(database.reader().head(), Some(0));
    assert!(matches!(database.unwind(1), Err(Error::BeyondHistory { floor: 0, head: 0, asked: 1 })));
    database.commit(&block(1, 0)).unwrap();
}

#[test]
fn a_directory_has_one_process_and_one_chain() {
    let dir = tempfile::tempdir().unwrap();
    let open = |identity| Database::open(dir.path(), identity, options(None, 2));
    let database = open(IDENTITY).unwrap();
    database.commit(&block(0, 0)).unwrap();
    assert!(matches!(open(IDENTITY), Err(OpenError::Locked { .. })));
    drop(database);
    let other = B256::repeat_byte(2);
    match open(other) {
        Err(OpenError::WrongChain { expected, found, .. }) => {
            assert_eq!((expected, found), (other, IDENTITY))
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(open(IDENTITY).unwrap().reader().head(), Some(0));
}

#[test]
fn a_lost_state_file_is_rebuilt_from_the_journal() {
    let dir = tempfile::tempdir().unwrap();
    let mut model = Model::default();
    let database = Database::open(dir.path(), IDENTITY, options(None, 2)).unwrap();
    for number in 0..40 {
        let block = block(number, 3);
        database.commit(&block).unwrap();
        model.commit(&block);
    }
    database.settle().unwrap();
    drop(database);
    std::fs::remove_file(dir.path().join("state.redb")).unwrap();
    let database = Database::open(dir.path(), IDENTITY, options(None, 2)).unwrap();
    model.compare(&database.reader());
    database.reader().check().unwrap();
}

#[test]
fn a_node_longer_than_a_page_is_read_whole() {
    let dir = tempfile::tempdir().unwrap();
    let rlp: Bytes = (0..200_000u32).map(|index| (index / 7) as u8).collect();
    let nodes = vec![(node(1), Some(rlp.clone())), (node(2), Some(rlp.slice(..40)))];
    let record = BlockRecord { nodes, ..block(0, 1) };
    for history in [None, Some(0)] {
        let dir = dir.path().join(format!("{history:?}"));
        let database = Database::open(&dir, IDENTITY, options(history, 1)).unwrap();
        database.commit(&record).unwrap();
        database.settle().unwrap();
        assert_eq!(database.reader().node(&node(1), 0).unwrap(), Some(rlp.clone()));
        assert_eq!(database.reader().node(&node(2), 0).unwrap(), Some(rlp.slice(..40)));
    }
}

#[test]
fn a_creation_that_was_cut_short_is_started_over() {
    let dir = tempfile::tempdir().unwrap();
    for name in ["blocks.new", "state.new", "records.new"] {
        std::fs::write(dir.path().join(name), [1; 5000]).unwrap();
    }
    Database::open(dir.path(), IDENTITY, options(None, 2)).unwrap().commit(&block(0, 0)).unwrap();
    duplex_storage::Records::open(&dir.path().join("records.redb")).unwrap().put("a", b"b").unwrap();
}
