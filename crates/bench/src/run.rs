//! A measurement from beginning to end.

use crate::follow::{Follower, Seen};
use crate::http::{Endpoint, HttpConnection};
use crate::plan::Plan;
use crate::report::{BlockStats, ErrorCount, LoadSettings, ProcessUse, ReceiptSample, Report};
use crate::rpc::RpcClient;
use crate::shared::Shared;
use crate::sign::{self, Signed};
use crate::stats::{Latency, per_second};
use crate::{BenchError, Progress, TransferLoad, send, setup, usage};
use alloy_primitives::B256;
use core::time::Duration;
use std::rc::Rc;
use std::sync::mpsc;
use std::thread;
use tokio::task::{JoinSet, LocalSet};
use tokio::time::Instant;

/// Receipts that are looked at after a run.
const RECEIPTS: usize = 16;

impl TransferLoad {
    /// Prepares the chain, signs, sends, waits for inclusion, and reports.
    ///
    /// Everything happens on a thread of its own while the caller waits, so that its processor
    /// time can be told from that of a node in the same process; from asynchronous code call it
    /// where blocking is allowed (`tokio::task::spawn_blocking`). `progress` runs on the calling
    /// thread, about once per second while the load runs.
    ///
    /// # Errors
    ///
    /// See [`BenchError`]. A run that sent but did not get everything included is not an error:
    /// the report counts what is missing.
    pub fn run(&self, progress: &mut dyn FnMut(Progress)) -> Result<Report, BenchError> {
        let runtime_error = |reason: &dyn core::fmt::Display| BenchError::Runtime(reason.to_string());
        let (sender, receiver) = mpsc::channel();
        thread::scope(|scope| {
            let load = move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                let runtime = runtime.map_err(|error| runtime_error(&error))?;
                // A caller that is gone needs no progress.
                let mut report = |step| drop(sender.send(step));
                LocalSet::new().block_on(&runtime, measure(self, &mut report))
            };
            let builder = thread::Builder::new().name("duplex-bench".to_owned());
            let running = builder.spawn_scoped(scope, load).map_err(|error| runtime_error(&error))?;
            receiver.iter().for_each(&mut *progress);
            running.join().unwrap_or_else(|_| Err(runtime_error(&"its thread panicked")))
        })
    }
}

async fn measure(load: &TransferLoad, progress: &mut dyn FnMut(Progress)) -> Result<Report, BenchError> {
    let positive = |value: f64| value.is_finite() && value > 0.0;
    if !positive(load.seconds) || !load.rate.is_none_or(positive) || !load.drain_seconds.is_finite() {
        return Err(BenchError::Settings("seconds and rate must be numbers above zero".to_owned()));
    }
    let endpoint = Endpoint::parse(&load.rpc_url)?;
    let plan = Plan::new(load.planned(), load.accounts, load.connections, load.batch)?;
    let mut client = RpcClient::new(endpoint.clone());
    let begun = Instant::now();
    let (chain_id, name) = setup::identify(load, &mut client).await?;
    progress(Progress::Connected { client: name.clone(), chain_id });
    let workload = setup::prepare(load, &mut client, &plan, chain_id, progress).await?;
    let setup_seconds = begun.elapsed().as_secs_f64();

    let begun = Instant::now();
    let Signed { requests, hashes } = sign::sign_all(&plan, &workload, load.batch > 1, progress)?;
    let numbers = Follower::index(&hashes);
    let sign_seconds = begun.elapsed().as_secs_f64();

    let connections = requests.len();
    let mut opened = Vec::with_capacity(connections);
    for _ in 0..connections {
        let mut connection = HttpConnection::new(endpoint.clone());
        let unreachable = |reason| BenchError::Unreachable { url: load.rpc_url.clone(), reason };
        connection.open().await.map_err(unreachable)?;
        opened.push(connection);
    }
    let next = client.block_number().await? + 1;
    let before = Usage::now(load);
    let drain = Duration::from_secs_f64(load.drain_seconds.max(0.0));
    let window = Duration::from_secs_f64(load.seconds);
    let shared = Rc::new(Shared::new(plan, window, drain, load.max_pending.max(1)));
    let step = load.rate.map(|rate| Duration::from_secs_f64(f64::from(load.batch) / rate));
    let mut senders = JoinSet::new();
    for (index, (connection, requests)) in (0u32..).zip(opened.into_iter().zip(requests)) {
        // Connections with more senders carry more, so that all of them end together.
        let range = shared.plan.transactions(index);
        let share = f64::from(range.end - range.start) / f64::from(shared.plan.total());
        let interval = step.filter(|_| share > 0.0).map(|step| step.div_f64(share));
        let delay = step.unwrap_or_default() * index;
        senders.spawn_local(send::drive(shared.clone(), connection, requests, interval, delay));
    }
    let follower = Follower {
        client,
        shared: shared.clone(),
        numbers,
        next,
        poll: Duration::from_millis(load.poll_ms.max(1)),
        node_pids: load.node_pids.clone(),
    };
    let seen = follower.run(progress).await?;
    let used = Usage::now(load).since(&before);
    drop(senders);

    if shared.accepted.get() == 0 && shared.included.get() == 0 {
        let message = shared.errors().into_iter().next().map_or_else(String::new, |(message, _)| message);
        return Err(BenchError::NothingAccepted { sent: shared.sent.get(), message });
    }
    let receipts = sample_receipts(RpcClient::new(endpoint), &shared, &hashes).await?;
    let settings = LoadSettings {
        seconds: load.seconds,
        rate: load.rate,
        batch: load.batch,
        connections: connections as u32,
        accounts: load.accounts,
        recipients: load.recipients,
        token: workload.token,
    };
    let mut report = report(&shared, &seen, &used, settings);
    report.label = load.label.clone().unwrap_or_else(|| label(&name, &load.rpc_url));
    (report.rpc_url, report.client, report.chain_id) = (load.rpc_url.clone(), name, chain_id);
    (report.setup_seconds, report.sign_seconds, report.receipts) = (setup_seconds, sign_seconds, receipts);
    Ok(report)
}

/// The name of a client without its build, or its URL.
fn label(client: &str, url: &str) -> String {
    let name: Vec<&str> = client.split('/').take(2).collect();
    if client.is_empty() { url.to_owned() } else { name.join("/") }
}

async fn sample_receipts(
    mut client: RpcClient,
    shared: &Shared,
    hashes: &[B256],
) -> Result<ReceiptSample, BenchError> {
    let mut sample = ReceiptSample::default();
    for number in shared.sample_included(RECEIPTS) {
        if let Some(receipt) = client.receipt(hashes[number as usize]).await? {
            sample.looked_at += 1;
            sample.failed += u64::from(receipt.status.is_zero());
        }
    }
    Ok(sample)
}

fn report(shared: &Shared, seen: &Seen, used: &Usage, settings: LoadSettings) -> Report {
    let total = u64::from(shared.plan.total());
    let ended = shared.sending_ended.get();
    let sending = if ended.is_zero() { shared.window } else { ended.min(shared.window) };
    let (in_window, last) = shared.included_within(sending);
    let included = shared.included.get();
    let (send_seconds, total_seconds) = (sending.as_secs_f64(), last.as_secs_f64());
    let process = |cpu: Option<f64>| {
        cpu.map(|cpu_seconds| ProcessUse {
            cpu_seconds,
            cores: per_second(cpu_seconds, used.seconds),
            cpu_micros_per_transaction: per_second(cpu_seconds * 1e6, included as f64),
            peak_memory_bytes: None,
            run_memory_bytes: None,
        })
    };
    let node = process(used.node).map(|node| ProcessUse {
        peak_memory_bytes: used.node_peak,
        run_memory_bytes: Some(seen.peak_memory).filter(|bytes| *bytes > 0),
        ..node
    });
    Report {
        label: String::new(),
        rpc_url: String::new(),
        client: String::new(),
        chain_id: 0,
        settings,
        setup_seconds: 0.0,
        sign_seconds: 0.0,
        signed: total,
        sent: shared.sent.get(),
        accepted: shared.accepted.get(),
        included,
        missing: shared.outstanding.get(),
        rejected: shared.rejected.get(),
        retries: shared.retries.get(),
        transport_errors: shared.transport_errors.get(),
        errors: shared.errors().into_iter().map(|(message, count)| ErrorCount { message, count }).collect(),
        exhausted: shared.sent.get() == total && ended < shared.window,
        send_seconds,
        total_seconds,
        accepted_per_second: per_second(shared.accepted_in_window.get() as f64, send_seconds),
        included_per_second: per_second(included as f64, total_seconds),
        sustained_per_second: per_second(in_window as f64, send_seconds),
        gas_used: seen.gas_used,
        mgas_per_second: per_second(seen.gas_used as f64 / 1e6, total_seconds),
        blocks: BlockStats {
            count: seen.blocks,
            filled: seen.filled,
            mean_transactions: per_second(included as f64, seen.filled as f64),
            max_transactions: seen.most_transactions,
            max_gas_used: seen.most_gas,
            gas_limit: seen.gas_limit,
        },
        inclusion: Latency::from_micros(shared.inclusion_micros()),
        acceptance: Latency::from_micros(shared.take_request_micros()),
        receipts: ReceiptSample::default(),
        generator: process(used.generator),
        node,
    }
}

/// Processor time, memory and wall clock, at a moment or between two.
struct Usage {
    at: Instant,
    seconds: f64,
    node: Option<f64>,
    generator: Option<f64>,
    node_peak: Option<u64>,
}

impl Usage {
    fn now(load: &TransferLoad) -> Self {
        let pids = &load.node_pids;
        let generator = usage::thread_cpu_seconds();
        let node: Option<f64> = pids.iter().map(|pid| usage::process_cpu_seconds(*pid)).sum();
        // A node in this process shares it with the sending thread.
        let own = pids.contains(&std::process::id());
        let node = node.map(|node| if own { node - generator.unwrap_or(0.0) } else { node });
        let peak: Option<u64> = pids.iter().map(|pid| Some(usage::memory(*pid)?.1)).sum();
        let some = !pids.is_empty();
        Self {
            at: Instant::now(),
            seconds: 0.0,
            node: node.filter(|_| some),
            generator,
            node_peak: peak.filter(|_| some),
        }
    }

    fn since(self, before: &Self) -> Self {
        let difference = |now: Option<f64>, then: Option<f64>| Some((now? - then?).max(0.0));
        Self {
            seconds: self.at.duration_since(before.at).as_secs_f64(),
            node: difference(self.node, before.node),
            generator: difference(self.generator, before.generator),
            ..self
        }
    }
}
