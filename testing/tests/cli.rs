//! What users type, and what they are told.

use alloy_primitives::{Address, B256};
use duplex_testing::{
    devnet::{Finished, Process, anvil_bin, free_port, say, words},
    load::dev_key,
};
use serde_json::Value;

/// Nobody's address.
const FRIEND: &str = "0xd00000000000000000000000000000000000f00d";

struct Cli {
    file: String,
}

impl Cli {
    async fn run(&self, command: &str) -> Finished {
        let (verb, rest) = command.split_once(' ').unwrap_or((command, ""));
        Process::run(&words(&format!("{verb} --deployment {} {rest}", self.file))).await
    }

    async fn json(&self, command: &str) -> Value {
        self.run(&format!("{command} --json")).await.json()
    }

    /// Balance on L1 and L2.
    async fn balance(&self, of: &str, token: &str) -> (String, String) {
        let json = self.json(&format!("balance {of} --token {token}")).await;
        let row = &json["balances"][0];
        (row["l1"].as_str().unwrap().into(), row["l2"].as_str().unwrap().into())
    }
}

fn field<'a>(json: &'a Value, path: &str) -> &'a str {
    json.pointer(path).and_then(Value::as_str).unwrap_or_else(|| panic!("no {path} in {json}"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn users_do_everything_from_the_command_line() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().display();
    let mut devnet = Process::duplex(&words(&format!(
        "up --json --data-dir {data} --l1-port 0 --l2-port 0 --challenge-window 2 --batch-age 1 --claim-interval 1 \
         --block-time 100 --l1-block-time 300"
    )));
    let deployment = devnet.deployment().await;
    let cli = Cli { file: format!("{data}/deployment.json") };
    let owner = dev_key(&deployment, 0).address();
    let (uni, dai) = (deployment.token("UNI").unwrap().clone(), deployment.token("DAI").unwrap().clone());

    // Deposits: of ETH and tokens, by symbol and by address on L1; for people and for programs.
    let said = cli.run(&format!("deposit 1.5 --to {FRIEND}")).await;
    assert_eq!(said.code, Some(0), "{}", said.stderr);
    assert!(said.stdout.contains("deposited 1.5 ETH"), "{}", said.stdout);
    let deposit = cli.json(&format!("deposit 20 --token uni --to {owner}")).await;
    let l1_hash = field(&deposit, "/l1/receipt/transactionHash").to_owned();
    assert!(field(&deposit, "/l2Transaction").parse::<B256>().is_ok());
    cli.json(&format!("deposit 3.25 --token {}", dai.l1)).await;
    assert_eq!(cli.balance(FRIEND, "ETH").await, ("0".into(), "1.5".into()));
    assert_eq!(cli.balance(&owner.to_string(), "UNI").await.1, "20");
    assert_eq!(cli.balance(&owner.to_string(), &dai.l2.to_string()).await.1, "3.25");
    let all = cli.json("balance").await;
    assert_eq!(all["balances"].as_array().unwrap().len(), 3);
    assert_eq!(field(&all, "/address").parse::<Address>().unwrap(), owner);

    // Transfers, by symbol and by address on L2.
    let sent = cli.json(&format!("transfer 0.25 --to {FRIEND}")).await;
    let l2_hash = field(&sent, "/receipt/transactionHash").to_owned();
    let said = cli.run(&format!("transfer 4 --token {} --to {FRIEND}", uni.l2)).await;
    assert!(said.stdout.contains("sent 4 UNI"), "{} {}", said.stdout, said.stderr);
    assert_eq!(cli.balance(FRIEND, "ETH").await.1, "1.75");
    assert_eq!(cli.balance(FRIEND, "UNI").await, ("0".into(), "4".into()));

    // Withdrawals: at once, and in two steps.
    let done = cli.json(&format!("withdraw 0.5 --to {FRIEND}")).await;
    let withdrawal = field(&done, "/l2Transaction").to_owned();
    assert!(field(&done, "/release/receipt/transactionHash").parse::<B256>().is_ok());
    assert_eq!(cli.balance(FRIEND, "ETH").await.0, "0.5");
    let started = cli.run(&format!("withdraw 2 --token UNI --to {FRIEND} --no-wait")).await;
    assert_eq!(started.code, Some(0), "{}", started.stderr);
    let hash = started.stdout.trim().to_owned();
    assert!(hash.parse::<B256>().is_ok() && started.stderr.contains("--resume"), "{}", started.stderr);
    assert_eq!(cli.balance(FRIEND, "UNI").await.0, "0");
    let done = cli.run(&format!("withdraw --resume {hash}")).await;
    assert!(done.stdout.contains("released on L1"), "{} {}", done.stdout, done.stderr);
    assert_eq!(cli.balance(FRIEND, "UNI").await.0, "2");
    // What is released is not released again.
    let again = cli.run(&format!("withdraw --resume {hash}")).await;
    assert!(
        again.stdout.contains("was released on L1 by another transaction"),
        "{} {}",
        again.stdout,
        again.stderr
    );
    assert!(cli.json(&format!("withdraw --resume {hash}")).await["release"].is_null());
    assert_eq!(cli.balance(FRIEND, "UNI").await.0, "2");
    let started = cli.json(&format!("withdraw 0.001 --to {FRIEND} --no-wait")).await;
    assert!(field(&started, "/receipt/transactionHash").parse::<B256>().is_ok());

    // Status of the rollup, a deposit, a withdrawal.
    let status = cli.json("status").await;
    assert!(field(&status, "/unsafe/hash").parse::<B256>().is_ok());
    assert_eq!(field(&cli.json(&format!("status {l1_hash}")).await, "/messages/0/stage"), "included");
    assert_eq!(field(&cli.json(&format!("status {withdrawal}")).await, "/withdrawals/0/stage"), "released");
    let said = cli.run("status").await;
    assert!(said.stdout.contains("finalized"), "{}", said.stdout);

    // What is refused.
    let refused = [
        ("deposit 20000 --token ETH", vec!["ETH on L1", "20000"]),
        ("deposit 2000000 --token UNI", vec!["UNI on L1", "2000000"]),
        ("withdraw 5000", vec!["ETH on L2", "5000"]),
        ("withdraw 5000 --token DAI", vec!["DAI on L2", "5000"]),
        ("deposit 1,5", vec!["\"1,5\"", "not an amount of ETH"]),
        ("deposit 1e3", vec!["\"1e3\"", "not an amount"]),
        ("deposit 0.0000000000000000001", vec!["18 digits"]),
        ("transfer 1", vec!["--to"]),
        ("transfer 1 --token NOPE --to 0xd00000000000000000000000000000000000f00d", vec!["\"NOPE\""]),
        ("balance --token 0xd00000000000000000000000000000000000f00d", vec!["0xd000", "token"]),
        ("deposit 1 --key 0x12", vec!["private key"]),
        ("deposit 1 --l1 http://127.0.0.1:1/", vec!["http://127.0.0.1:1/"]),
        ("status --l2 http://127.0.0.1:1/", vec!["http://127.0.0.1:1/"]),
        ("deposit 1 --l1 nonsense", vec!["\"nonsense\"", "http://"]),
    ];
    for (command, words) in refused {
        say(command);
        cli.run(command).await.assert_refused(&words);
    }
    say("transfer more than owned");
    cli.run(&format!("transfer 5000 --to {FRIEND}")).await.assert_refused(&["5000", "L2"]);
    let unknown = B256::repeat_byte(0xee).to_string();
    cli.run(&format!("status {unknown}")).await.assert_refused(&[&unknown]);
    cli.run(&format!("withdraw --resume {unknown}")).await.assert_refused(&[&unknown, "withdrawal"]);
    cli.run(&format!("withdraw --resume {l2_hash}")).await.assert_refused(&[&l2_hash, "withdrawal"]);
    let nowhere = Cli { file: dir.path().join("nowhere.json").display().to_string() };
    nowhere.run("balance").await.assert_refused(&[&nowhere.file, "duplex up", "--deployment"]);
    // Mistakes in the words themselves are clap's: code 2, with usage.
    for command in ["deposit", "transfer --to 0x12 1", "withdraw", "status 0x12", "withdraw 1 --resume 0x12"]
    {
        let said = cli.run(command).await;
        assert_eq!(said.code, Some(2), "{command}: {}", said.stderr);
        assert!(!said.stderr.contains("panicked") && said.stderr.contains("error:"), "{}", said.stderr);
    }
    assert!(devnet.is_running());
}

fn assert_toured(tour: &Finished) {
    let report = tour.json();
    assert_eq!(report["ok"], true, "{report}");
    let checks = report["checks"].as_array().unwrap();
    assert!(checks.len() >= 15 && checks.iter().all(|check| check["ok"] == true), "{report}");
    say(&format!("  tour: {} steps, {} checks", report["steps"].as_array().unwrap().len(), checks.len()));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_tour_checks_every_balance() {
    assert_toured(&Process::run(&["tour", "--json"]).await);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_tour_checks_every_balance_on_anvil() {
    let Some(anvil) = anvil_bin() else {
        return say("skipped: no anvil on PATH or in DUPLEX_ANVIL");
    };
    let port = free_port();
    let mut l1 = Process::start(&anvil, &words(&format!("--port {port} --block-time 1 --silent")));
    let url = format!("http://127.0.0.1:{port}");
    l1.answers(&url).await;
    assert_toured(&Process::run(&["tour", "--json", "--l1", &url]).await);
}
