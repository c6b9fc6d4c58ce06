//! A process that commits is killed, over and over, and opened again.

mod common;

use alloy_primitives::B256;
use common::{Dice, Model, block, compare_block};
use duplex_storage::{Database, History, Options};
use std::{
    io::{BufRead, BufReader, Write},
    path::Path,
    process::{Command, Stdio},
    time::Duration,
};

const IDENTITY: B256 = B256::repeat_byte(1);
const CHILD: &str = "DUPLEX_CRASH_CHILD";
/// The chain starts over after this many blocks, so that checking all of it stays cheap.
const LONGEST: u64 = 400;

fn options(chain: u64) -> Options {
    let history = if chain.is_multiple_of(2) { History::Window(12) } else { History::Archive };
    Options { history, cache_bytes: 4 << 20, sync: true, fold_blocks: 4 }
}

/// The body of the child: says what it is about to do and what is durable, until it is killed.
#[test]
#[ignore = "run by the test below, in a process of its own"]
fn child() {
    let Ok(setting) = std::env::var(CHILD) else { return };
    let (chain, dir) = setting.split_once(' ').unwrap();
    let chain: u64 = chain.parse().unwrap();
    let database = Database::open(Path::new(dir), IDENTITY, options(chain)).unwrap();
    // One system call a line, so that a kill cannot cut a line short.
    let say = |line: String| std::io::stderr().write_all(line.as_bytes()).unwrap();
    let mut dice = Dice(chain + database.reader().head().unwrap_or_default());
    loop {
        let head = database.reader().head();
        if let Some(head) = head.filter(|head| *head > 0 && dice.below(16) == 0) {
            let to = (head - 1 - dice.below(6).min(head - 1)).max(database.history_floor());
            say(format!("unwind {to}\n"));
            database.unwind(to).unwrap();
            say(format!("head {to}\n"));
        } else {
            let number = head.map_or(0, |head| head + 1);
            say(format!("commit {number}\n"));
            database.commit(&block(number, chain)).unwrap();
            say(format!("head {number}\n"));
        }
    }
}

/// Runs the child, kills it after a while and returns the heads that it may have left.
fn run_and_kill(chain: u64, dir: &Path, delay: Duration, before: Option<u64>) -> [Option<u64>; 2] {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--ignored", "--nocapture", "--test-threads=1"])
        .env(CHILD, format!("{chain} {}", dir.display()))
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let output = BufReader::new(child.stderr.take().unwrap());
    std::thread::scope(|scope| {
        let lines = scope.spawn(|| {
            let mut heads = [before; 2];
            for line in output.lines() {
                let line = line.unwrap();
                let (what, number) = line.split_once(' ').unwrap_or((&line, ""));
                match (what, number.parse()) {
                    ("head", Ok(number)) => heads = [Some(number); 2],
                    ("commit" | "unwind", Ok(number)) => heads[1] = Some(number),
                    _ => panic!("the child failed: {line}"),
                }
            }
            heads
        });
        std::thread::sleep(delay);
        child.kill().unwrap();
        child.wait().unwrap();
        lines.join().unwrap()
    })
}

#[test]
fn a_killed_process_loses_nothing_durable() {
    let rounds: u64 = std::env::var("DUPLEX_CRASH_ROUNDS").map_or(150, |rounds| rounds.parse().unwrap());
    let root = tempfile::tempdir().unwrap();
    let mut dice = Dice(rounds);
    let (mut chain, mut head, mut committed) = (0, None, 0);
    for _ in 0..rounds {
        let dir = root.path().join(chain.to_string());
        let delay = Duration::from_micros(2_000 + dice.below(60_000));
        let [acknowledged, attempted] = run_and_kill(chain, &dir, delay, head);

        let database = Database::open(&dir, IDENTITY, options(chain)).unwrap();
        let reader = database.reader();
        let found = reader.head();
        assert!(found == acknowledged || found == attempted, "{found:?}: {acknowledged:?} or {attempted:?}");
        let mut model = Model::default();
        for number in 0..found.map_or(0, |head| head + 1) {
            let block = block(number, chain);
            compare_block(&block, &reader);
            model.commit(&block);
        }
        if let Some(head) = found {
            for at in [reader.history_floor(), head] {
                model.states[at as usize].compare(&reader, at);
            }
        }
        reader.check().unwrap();
        committed = committed.max(found.unwrap_or(0));
        head = found;
        if found.is_some_and(|head| head >= LONGEST) {
            (chain, head) = (chain + 1, None);
        }
    }
    assert!(committed > 0, "no round lived long enough to commit");
}
