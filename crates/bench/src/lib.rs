//! Load generators and reports for any Ethereum JSON-RPC.
//!
//! A [`TransferLoad`] signs every transaction before it starts, sends them over keep-alive HTTP/1.1
//! connections, follows the chain until all of them are included, and returns a [`Report`]. What it
//! counts is what the chain included, never what the endpoint merely answered to. It uses nothing
//! but standard `eth_` methods, so that any node is measured the same way, and a [`Comparison`]
//! sets the reports of several nodes side by side.
//!
//! The sending side shares the machine with the node it measures, so it is one thread that does
//! nothing but hand prepared bytes to sockets: no key, no hash and no JSON tree is touched while
//! the clock runs, except to look into a reply that holds an error. The processor time of that
//! thread is reported beside the node's.
//!
//! ```no_run
//! use duplex_bench::TransferLoad;
//!
//! let mut load = TransferLoad::new("http://127.0.0.1:8545");
//! load.seconds = 15.0;
//! load.batch = 100;
//! let report = load.run(&mut |progress| eprintln!("{progress}"))?;
//! print!("{report}");
//! # Ok::<(), duplex_bench::BenchError>(())
//! ```

mod compare;
mod da;
mod error;
mod follow;
mod http;
mod keys;
mod load;
mod plan;
mod progress;
mod reply;
mod report;
mod rpc;
mod run;
mod send;
mod setup;
mod shared;
mod sign;
mod stats;
mod token;
mod usage;

pub use compare::{Comparison, Ratios};
pub use da::{DaLoad, DaReport, DaRow};
pub use error::BenchError;
pub use load::{Erc20, Recipients, TransferLoad};
pub use progress::Progress;
pub use report::{BlockStats, ErrorCount, LoadSettings, ProcessUse, ReceiptSample, Report};
pub use stats::Latency;
pub use token::MINIMAL_ERC20;
