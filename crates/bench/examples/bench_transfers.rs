//! Sends transfers to any Ethereum JSON-RPC and prints the report.
//!
//! `bench_transfers URL [seconds=N] [batch=N] [connections=N] [accounts=N] [rate=N] [max_rate=N]
//! [max_pending=N] [pid=N] [erc20] [senders] [json]`

#![expect(clippy::print_stdout, clippy::print_stderr, reason = "a program")]

use duplex_bench::{Erc20, Recipients, TransferLoad};
use std::error::Error;

fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let mut load = TransferLoad::new(arguments.next().ok_or("give the URL of a node")?);
    let mut json = false;
    for argument in arguments {
        match argument.split_once('=') {
            Some(("seconds", value)) => load.seconds = value.parse()?,
            Some(("batch", value)) => load.batch = value.parse()?,
            Some(("connections", value)) => load.connections = value.parse()?,
            Some(("accounts", value)) => load.accounts = value.parse()?,
            Some(("rate", value)) => load.rate = Some(value.parse()?),
            Some(("max_rate", value)) => load.max_rate = value.parse()?,
            Some(("max_pending", value)) => load.max_pending = value.parse()?,
            Some(("pid", value)) => load.node_pids.push(value.parse()?),
            None if argument == "erc20" => load.erc20 = Some(Erc20::Minimal),
            None if argument == "senders" => load.recipients = Recipients::Senders,
            None if argument == "json" => json = true,
            _ => return Err(format!("what is {argument}?").into()),
        }
    }
    let report = load.run(&mut |progress| eprintln!("{progress}"))?;
    if json {
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        print!("{report}");
    }
    Ok(())
}
