//! Loads on a chain that misbehaves on purpose.

mod mock;

use duplex_bench::{BenchError, Progress, TransferLoad};
use mock::{Faults, MockChain};

fn load(faults: Faults) -> TransferLoad {
    let mut load = TransferLoad::new(MockChain::serve(faults));
    load.transactions = Some(400);
    load.accounts = 10;
    load.connections = 4;
    load.poll_ms = 5;
    load.drain_seconds = 5.0;
    load
}

#[test]
fn everything_is_included_and_counted() {
    for batch in [1, 33] {
        let mut load = load(Faults::default());
        load.batch = batch;
        load.node_pids = vec![std::process::id()];
        let mut steps = Vec::new();
        let report = load.run(&mut |step| steps.push(step)).unwrap();
        assert!(report.is_clean(), "{report}");
        assert_eq!((report.signed, report.sent, report.accepted, report.included), (400, 400, 400, 400));
        assert_eq!((report.chain_id, report.label.as_str()), (99, "mock/v1"));
        assert_eq!(report.gas_used, 400 * 21_000);
        assert_eq!(report.inclusion.count, 400);
        assert!(report.exhausted && report.included_per_second > 0.0);
        assert!(report.blocks.filled >= 1 && report.blocks.max_transactions <= 400);
        assert_eq!(report.receipts.looked_at, 16);
        #[cfg(target_os = "linux")]
        assert!(report.node.unwrap().peak_memory_bytes.unwrap() > 0);
        assert!(steps.contains(&Progress::Signing { done: 400, total: 400 }));
        assert!(steps.contains(&Progress::Funding { done: 10, total: 10 }));
    }
}

#[test]
fn a_full_pool_is_waited_for() {
    for batch in [1, 50] {
        let mut load = load(Faults { pool: 30, ..Faults::default() });
        load.batch = batch;
        load.seconds = 1.0;
        let report = load.run(&mut |_| ()).unwrap();
        assert!(report.is_clean(), "{report}");
        assert_eq!(report.included, report.accepted);
        if batch > 1 {
            assert!(report.retries > 0, "{report}");
            assert!(report.errors.iter().any(|error| error.message == "txpool is full"), "{report}");
        }
    }
}

#[test]
fn a_broken_connection_is_opened_again() {
    let mut load = load(Faults { hang_up_every: Some(9), ..Faults::default() });
    load.batch = 5;
    // Preparation is not hardened against this, so it has to be out of the way of the fault.
    load.accounts = 1;
    load.connections = 1;
    let report = load.run(&mut |_| ()).unwrap();
    assert!(report.transport_errors > 0, "{report}");
    assert_eq!((report.accepted, report.included), (400, 400));
}

#[test]
fn a_refused_transaction_stops_its_sender_only() {
    let mut load = load(Faults { refused_nonce: Some(30), ..Faults::default() });
    load.batch = 10;
    let report = load.run(&mut |_| ()).unwrap();
    assert_eq!((report.rejected, report.included, report.missing), (10, 300, 0), "{report}");
    assert!(!report.is_clean());
}

#[test]
fn lost_transactions_are_missing() {
    let mut load = load(Faults { lost_nonce: Some(39), ..Faults::default() });
    load.seconds = 0.5;
    load.drain_seconds = 0.5;
    let report = load.run(&mut |_| ()).unwrap();
    assert_eq!((report.accepted, report.included, report.missing), (400, 390, 10), "{report}");
}

#[test]
fn the_pending_limit_holds_back() {
    let mut load = load(Faults::default());
    load.max_pending = 20;
    let report = load.run(&mut |_| ()).unwrap();
    assert_eq!(report.included, 400);
    // Each connection may have one request under way when the limit is met.
    assert!(report.blocks.max_transactions <= 24, "{report}");
}

#[test]
fn a_rate_is_kept() {
    let mut load = load(Faults::default());
    load.transactions = None;
    load.rate = Some(200.0);
    load.seconds = 1.0;
    let report = load.run(&mut |_| ()).unwrap();
    assert!(report.is_clean(), "{report}");
    assert!((150..=200).contains(&report.included), "{report}");
    assert!(report.send_seconds > 0.8, "{report}");
}

#[test]
fn errors_say_the_way_out() {
    let mut poor = load(Faults { balance: 5, ..Faults::default() });
    let error = poor.run(&mut |_| ()).unwrap_err();
    assert!(matches!(error, BenchError::Unfunded { .. }), "{error}");
    assert!(error.to_string().contains("0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"), "{error}");

    poor.chain_id = Some(1);
    let error = poor.run(&mut |_| ()).unwrap_err();
    assert!(matches!(error, BenchError::WrongChain { expected: 1, found: 99 }), "{error}");

    let refused = load(Faults { refused_nonce: Some(0), ..Faults::default() });
    let error = refused.run(&mut |_| ()).unwrap_err();
    assert!(error.to_string().contains("insufficient funds"), "{error}");

    let nobody = TransferLoad::new("http://127.0.0.1:1");
    assert!(matches!(nobody.run(&mut |_| ()), Err(BenchError::Unreachable { .. })));
}
