//! What a measurement found.

use crate::{Latency, Recipients};
use alloy_primitives::Address;
use core::fmt;
use serde::{Deserialize, Serialize};

/// The settings that a report belongs to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LoadSettings {
    /// How long the load was to be sent, in seconds.
    pub seconds: f64,
    /// The rate aimed at; `None` for as many as the endpoint takes.
    pub rate: Option<f64>,
    /// Transactions per HTTP request.
    pub batch: u32,
    /// Connections.
    pub connections: u32,
    /// Senders.
    pub accounts: u32,
    /// Whom the transfers paid.
    pub recipients: Recipients,
    /// The token that was transferred; `None` for ether.
    pub token: Option<Address>,
}

/// How often an error came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ErrorCount {
    /// The message, with `#` for numbers.
    pub message: String,
    /// How often.
    pub count: u64,
}

/// The blocks that carried a load.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct BlockStats {
    /// Blocks from the start to the last that held a transaction of the load.
    pub count: u64,
    /// Those that held one.
    pub filled: u64,
    /// Transactions of the load per filled block.
    pub mean_transactions: f64,
    /// The most transactions of the load in a block.
    pub max_transactions: u64,
    /// The most gas used in a block.
    pub max_gas_used: u64,
    /// The gas limit of the last filled block.
    pub gas_limit: u64,
}

/// Receipts that were looked at after the run, as a check that the transactions did something.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptSample {
    /// How many.
    pub looked_at: u64,
    /// Those of transactions that failed.
    pub failed: u64,
}

/// What processes used from the first transaction sent to the last one included.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub struct ProcessUse {
    /// Processor time, user and system, in seconds.
    pub cpu_seconds: f64,
    /// Processors busy on average.
    pub cores: f64,
    /// Processor time per included transaction, in microseconds.
    pub cpu_micros_per_transaction: f64,
    /// The most resident memory since the process started, in bytes.
    pub peak_memory_bytes: Option<u64>,
    /// The most resident memory while the load ran, looked at every second, in bytes.
    pub run_memory_bytes: Option<u64>,
}

/// The result of a load. `Display` is a table for people, `Serialize` is for programs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// The name of the target.
    pub label: String,
    /// Where it was.
    pub rpc_url: String,
    /// What the node calls itself.
    pub client: String,
    /// Its chain.
    pub chain_id: u64,
    /// What was asked for.
    pub settings: LoadSettings,
    /// How long the token and the funding took, in seconds.
    pub setup_seconds: f64,
    /// How long signing and serialising took, in seconds, before the clock started.
    pub sign_seconds: f64,
    /// Transactions signed.
    pub signed: u64,
    /// Transactions handed to the endpoint at least once.
    pub sent: u64,
    /// Transactions that the endpoint took.
    pub accepted: u64,
    /// Transactions that the chain included.
    pub included: u64,
    /// Transactions taken but not included before the wait was given up.
    pub missing: u64,
    /// Transactions refused for good. The later ones of their senders were not sent.
    pub rejected: u64,
    /// Times that a transaction was offered again, because the endpoint put it off.
    pub retries: u64,
    /// Requests without a usable HTTP reply.
    pub transport_errors: u64,
    /// Error messages, the most frequent first.
    pub errors: Vec<ErrorCount>,
    /// The signed transactions ran out before the time did: the rates are those of a shorter run.
    pub exhausted: bool,
    /// How long transactions were sent, in seconds.
    pub send_seconds: f64,
    /// From the first transaction sent to the last one included, in seconds.
    pub total_seconds: f64,
    /// Accepted while sending, per second of sending.
    pub accepted_per_second: f64,
    /// Everything included, per second of `total_seconds`.
    pub included_per_second: f64,
    /// Included while sending, per second of sending. On a chain with a block time this misses
    /// the last block or so.
    pub sustained_per_second: f64,
    /// Gas of the blocks that carried the load.
    pub gas_used: u64,
    /// That gas, in millions per second of `total_seconds`.
    pub mgas_per_second: f64,
    /// The blocks that carried the load.
    pub blocks: BlockStats,
    /// From handing a transaction over until its block was seen.
    pub inclusion: Latency,
    /// From sending a request until its reply.
    pub acceptance: Latency,
    /// A look at some receipts.
    pub receipts: ReceiptSample,
    /// The sending thread; `None` where the system does not say.
    pub generator: Option<ProcessUse>,
    /// The processes of the node; `None` where they were not named.
    pub node: Option<ProcessUse>,
}

impl Report {
    /// Whether everything that was sent was taken, included and successful.
    pub const fn is_clean(&self) -> bool {
        self.missing == 0 && self.rejected == 0 && self.included >= self.sent && self.receipts.failed == 0
    }
}

/// Bytes in MiB.
pub(crate) fn mebibytes(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

fn row(f: &mut fmt::Formatter<'_>, name: &str, value: fmt::Arguments<'_>) -> fmt::Result {
    writeln!(f, "  {name:<12} {value}")
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { settings, blocks, .. } = self;
        let kind = if settings.token.is_some() { "ERC-20 transfers" } else { "transfers" };
        writeln!(f, "{}: {kind}, chain {}, {}", self.label, self.chain_id, self.rpc_url)?;
        let recipients = match settings.recipients {
            Recipients::Fresh => "fresh recipients",
            Recipients::Senders => "paying each other",
        };
        row(
            f,
            "load",
            format_args!(
                "{:.1} s, batch {}, {} connections, {} senders, {recipients}",
                self.send_seconds, settings.batch, settings.connections, settings.accounts
            ),
        )?;
        row(
            f,
            "prepared",
            format_args!(
                "{} signed in {:.1} s, setup {:.1} s",
                self.signed, self.sign_seconds, self.setup_seconds
            ),
        )?;
        row(
            f,
            "included",
            format_args!("{} of {} accepted in {:.1} s", self.included, self.accepted, self.total_seconds),
        )?;
        row(
            f,
            "rate",
            format_args!(
                "{:.0} included/s, {:.0} while sending, {:.0} accepted/s",
                self.included_per_second, self.sustained_per_second, self.accepted_per_second
            ),
        )?;
        row(f, "gas", format_args!("{:.1} Mgas/s", self.mgas_per_second))?;
        row(f, "inclusion", format_args!("{}", self.inclusion))?;
        row(f, "acceptance", format_args!("{}", self.acceptance))?;
        row(
            f,
            "blocks",
            format_args!(
                "{} ({} filled), {:.0} transactions on average, {} at most",
                blocks.count, blocks.filled, blocks.mean_transactions, blocks.max_transactions
            ),
        )?;
        for (name, process) in [("node", self.node), ("generator", self.generator)] {
            if let Some(process) = process {
                let peak = process
                    .peak_memory_bytes
                    .map_or_else(String::new, |bytes| format!(", peak memory {:.0} MiB", mebibytes(bytes)));
                row(
                    f,
                    name,
                    format_args!(
                        "{:.2} s of processor, {:.2} cores, {:.1} us per transaction{peak}",
                        process.cpu_seconds, process.cores, process.cpu_micros_per_transaction
                    ),
                )?;
            }
        }
        self.problems(f)
    }
}

impl Report {
    fn problems(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.exhausted && self.send_seconds < self.settings.seconds {
            row(
                f,
                "note",
                format_args!("the signed transactions ran out; sign for a higher rate to fill the time"),
            )?;
        }
        if self.missing > 0 {
            row(f, "MISSING", format_args!("{} accepted but never included", self.missing))?;
        }
        if self.rejected > 0 {
            row(f, "REJECTED", format_args!("{} refused for good", self.rejected))?;
        }
        if self.receipts.failed > 0 {
            let ReceiptSample { looked_at, failed } = self.receipts;
            row(f, "FAILED", format_args!("{failed} of {looked_at} receipts looked at"))?;
        }
        if self.retries > 0 || self.transport_errors > 0 {
            let (retries, broken) = (self.retries, self.transport_errors);
            row(f, "retries", format_args!("{retries} transactions, {broken} broken requests"))?;
        }
        for ErrorCount { message, count } in &self.errors {
            row(f, "error", format_args!("{count} x {message}"))?;
        }
        Ok(())
    }
}
