//! Loads on Foundry's anvil, where it is installed: `DUPLEX_ANVIL` names it, or it is on the `PATH`.

use duplex_bench::{Comparison, Erc20, Recipients, Report, TransferLoad};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

struct Anvil {
    process: Child,
    url: String,
}

impl Drop for Anvil {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn binary() -> Option<PathBuf> {
    if let Some(path) = std::env::var_os("DUPLEX_ANVIL") {
        return Some(path.into());
    }
    let path = std::env::var_os("PATH")?;
    std::env::split_paths(&path).map(|folder| folder.join("anvil")).find(|file| file.is_file())
}

#[expect(clippy::print_stderr, reason = "a test that does nothing should say so")]
fn anvil(arguments: &[&str]) -> Option<Anvil> {
    let Some(binary) = binary() else {
        eprintln!("skipped: no anvil; set DUPLEX_ANVIL or put it on the PATH");
        return None;
    };
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let mut command = Command::new(binary);
    command.args(["--host", "127.0.0.1", "--port", &port.to_string()]).args(arguments);
    let process = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let anvil = Anvil { process, url: format!("http://127.0.0.1:{port}") };
    for _ in 0..200 {
        if std::net::TcpStream::connect(("127.0.0.1", port)).is_ok() {
            return Some(anvil);
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    panic!("anvil does not listen");
}

fn load(anvil: &Anvil) -> TransferLoad {
    let mut load = TransferLoad::new(&anvil.url);
    load.transactions = Some(200);
    load.accounts = 10;
    load.connections = 4;
    load.node_pids = vec![anvil.process.id()];
    load.chain_id = Some(31337);
    load
}

fn check(report: &Report, gas: u64) {
    assert!(report.is_clean(), "{report}");
    assert_eq!(
        (report.included, report.inclusion.count, report.receipts.looked_at),
        (200, 200, 16),
        "{report}"
    );
    assert!(report.gas_used >= 200 * gas, "{report}");
    assert!(report.client.starts_with("anvil"), "{report}");
}

#[test]
fn ether_transfers() {
    let Some(anvil) = anvil(&["--block-time", "1"]) else { return };
    let mut load = load(&anvil);
    let plain = load.run(&mut |_| ()).unwrap();
    check(&plain, 21_000);
    load.batch = 20;
    let batched = load.run(&mut |_| ()).unwrap();
    check(&batched, 21_000);
    let comparison = Comparison::new(vec![plain, batched]);
    assert!(comparison.ratios[1].included_per_second.is_some());
}

#[test]
fn token_transfers() {
    let Some(anvil) = anvil(&[]) else { return };
    let mut load = load(&anvil);
    load.erc20 = Some(Erc20::Minimal);
    load.batch = 20;
    let report = load.run(&mut |_| ()).unwrap();
    check(&report, 45_000);
    load.erc20 = report.settings.token.map(Erc20::Deployed);
    load.recipients = Recipients::Senders;
    check(&load.run(&mut |_| ()).unwrap(), 25_000);
}
