//! Power fails at a random write: what was not synced is lost, kept or torn.

mod common;

use alloy_primitives::B256;
use common::{Dice, Model, block};
use duplex_storage::{Database, Error, History, OpenError, Options};
use redb::StorageBackend;
use std::{
    io,
    sync::{Arc, Mutex},
};

const IDENTITY: B256 = B256::repeat_byte(1);

/// The supply that both disks hang on. It fails after a number of operations.
#[derive(Debug)]
struct Power {
    left: u64,
    dice: Dice,
}

/// A disk with a cache: what survives a loss of power, and what was done since the last sync.
#[derive(Debug, Default)]
struct Disk {
    durable: Vec<u8>,
    current: Vec<u8>,
    unsynced: Vec<Operation>,
}

#[derive(Debug, Clone)]
enum Operation {
    Write(usize, Vec<u8>),
    Resize(usize),
}

impl Operation {
    fn apply(&self, disk: &mut Vec<u8>) {
        match self {
            Self::Resize(length) => disk.resize(*length, 0),
            Self::Write(offset, data) => {
                let end = offset + data.len();
                if disk.len() < end {
                    disk.resize(end, 0);
                }
                disk[*offset..end].copy_from_slice(data);
            }
        }
    }
}

impl Disk {
    /// What is found after a loss of power: any part of what was not synced, in sectors.
    fn lose_power(&mut self, dice: &mut Dice) {
        const SECTOR: usize = 512;
        let style = dice.below(4);
        for operation in std::mem::take(&mut self.unsynced) {
            match (style, operation) {
                (0, _) => {}
                (1, operation) => operation.apply(&mut self.durable),
                (_, Operation::Write(offset, data)) => {
                    for (index, sector) in data.chunks(SECTOR).enumerate() {
                        if dice.below(2) == 0 {
                            Operation::Write(offset + index * SECTOR, sector.to_vec())
                                .apply(&mut self.durable);
                        }
                    }
                }
                (_, resize) => resize.apply(&mut self.durable),
            }
        }
        self.current = self.durable.clone();
    }
}

#[derive(Debug, Clone)]
struct Faulty {
    power: Arc<Mutex<Power>>,
    disk: Arc<Mutex<Disk>>,
}

impl Faulty {
    fn spend(&self) -> io::Result<()> {
        let mut power = self.power.lock().unwrap();
        if power.left == 0 {
            return Err(io::Error::other("the power is out"));
        }
        power.left -= 1;
        Ok(())
    }

    fn apply(&self, operation: Operation) -> io::Result<()> {
        // The operation that the power fails in may still reach the disk, like all before it.
        let spent = self.spend();
        let mut disk = self.disk.lock().unwrap();
        if spent.is_ok() {
            operation.apply(&mut disk.current);
            disk.unsynced.push(operation);
        }
        spent
    }
}

impl StorageBackend for Faulty {
    fn len(&self) -> io::Result<u64> {
        Ok(self.disk.lock().unwrap().current.len() as u64)
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        let disk = self.disk.lock().unwrap();
        let offset = offset as usize;
        let data = disk.current.get(offset..offset + out.len()).ok_or(io::ErrorKind::UnexpectedEof)?;
        out.copy_from_slice(data);
        Ok(())
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.apply(Operation::Resize(len as usize))
    }

    fn sync_data(&self) -> io::Result<()> {
        self.spend()?;
        let mut disk = self.disk.lock().unwrap();
        let Disk { durable, unsynced, .. } = &mut *disk;
        unsynced.drain(..).for_each(|operation| operation.apply(durable));
        Ok(())
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.apply(Operation::Write(offset as usize, data.to_vec()))
    }
}

/// Commits, unwinds and settles until the power fails. Returns the model after the last write
/// that succeeded, and after the one that did not.
fn use_until_failure(database: &Database, mut model: Model, dice: &mut Dice) -> (Model, Model) {
    loop {
        let mut next = model.clone();
        let start = next.blocks.len() as u64;
        let result = match dice.below(12) {
            0 if start > 1 => {
                let to = (start - 1).saturating_sub(dice.below(7)).max(database.history_floor());
                next.unwind(to);
                database.unwind(to).map(drop)
            }
            1 => database.settle(),
            2 => {
                let seed = dice.next();
                let blocks: Vec<_> = (start..start + 3).map(|number| block(number, seed)).collect();
                blocks.iter().for_each(|block| next.commit(block));
                database.commit_many(&blocks)
            }
            _ => {
                let block = block(start, dice.next());
                next.commit(&block);
                database.commit(&block)
            }
        };
        match result {
            Ok(()) => model = next,
            // Background folding may have raised the floor between the two calls.
            Err(Error::BeyondHistory { .. }) => {}
            Err(_) => return (model, next),
        }
    }
}

fn survive(seed: u64) {
    let mut dice = Dice(seed);
    let history = if dice.below(2) == 0 { History::Archive } else { History::Window(dice.below(8)) };
    let options =
        Options { history, cache_bytes: 1 << 20, sync: true, fold_blocks: 1 + dice.below(4) as usize };
    let disks: [Arc<Mutex<Disk>>; 2] = Default::default();
    // Files get their names when they are complete, so power cannot fail while they are created.
    let power = Arc::new(Mutex::new(Power { left: u64::MAX, dice: Dice(0) }));
    let [blocks, state] = disks.clone().map(|disk| Faulty { power: power.clone(), disk });
    drop(Database::with_backends(blocks, state, IDENTITY, options).unwrap());
    let mut model = Model::default();
    let mut tried = Model::default();
    for _ in 0..6 {
        let left = 1 + if dice.below(3) == 0 { dice.below(40) } else { dice.below(900) };
        let power = Arc::new(Mutex::new(Power { left, dice: Dice(dice.next()) }));
        let [blocks, state] = disks.clone().map(|disk| Faulty { power: power.clone(), disk });
        match Database::with_backends(blocks, state, IDENTITY, options) {
            Ok(database) => {
                let reader = database.reader();
                // Nothing half written: the last write that returned, or the one that did not.
                let hashes = |model: &Model| model.blocks.last().map(|block| block.hash);
                let head = reader.head().map(|head| reader.hash_of(head).unwrap().unwrap());
                if head != hashes(&model) {
                    assert_eq!(head, hashes(&tried), "seed {seed}");
                    model = tried;
                }
                model.compare(&reader);
                reader.check().unwrap();
                drop(reader);
                (model, tried) = use_until_failure(&database, model, &mut dice);
                // What can still be read after the failure is the last state that was published.
                let floor = database.history_floor();
                for at in floor..model.blocks.len() as u64 {
                    if let Ok(found) = database.reader().account(&common::account(0), at) {
                        assert_eq!(
                            found,
                            model.states[at as usize].accounts.get(&common::account(0)).copied()
                        );
                    }
                }
                assert!(matches!(
                    database.commit(&block(model.blocks.len() as u64, 0)),
                    Err(Error::Stopped { .. } | Error::Engine(_))
                ));
            }
            Err(OpenError::Storage(Error::Engine(error))) => {
                assert_eq!(power.lock().unwrap().left, 0, "seed {seed}: {error}");
            }
            Err(error) => panic!("seed {seed}: {error}"),
        }
        for disk in &disks {
            disk.lock().unwrap().lose_power(&mut power.lock().unwrap().dice);
        }
    }
}

#[test]
fn a_loss_of_power_loses_nothing_durable() {
    let rounds = std::env::var("DUPLEX_CRASH_ROUNDS").map_or(150, |rounds| rounds.parse().unwrap());
    let start = std::env::var("DUPLEX_CRASH_SEED").map_or(0, |seed| seed.parse().unwrap());
    for seed in start..start + rounds {
        survive(seed);
    }
}
