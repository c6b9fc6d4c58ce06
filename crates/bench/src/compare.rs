//! Several measurements side by side.

use crate::Report;
use crate::report::mebibytes;
use core::fmt;
use serde::{Deserialize, Serialize};

/// Reports of the same load on several targets. The first is what the others are compared with.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// The reports.
    pub reports: Vec<Report>,
    /// For each report, its figures divided by those of the first.
    pub ratios: Vec<Ratios>,
}

/// The figures of a report divided by those of another; `None` where either lacks a figure or the
/// other's is zero.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Ratios {
    /// The name of the target.
    pub label: String,
    /// Of included transactions per second: above one is faster.
    pub included_per_second: Option<f64>,
    /// Of transactions included per second while sending: above one is faster.
    pub sustained_per_second: Option<f64>,
    /// Of the median time to inclusion: below one is faster.
    pub inclusion_p50: Option<f64>,
    /// Of the 99th percentile of the time to inclusion: below one is faster.
    pub inclusion_p99: Option<f64>,
    /// Of the node's processor time per transaction: below one is cheaper.
    pub cpu_per_transaction: Option<f64>,
    /// Of the node's peak memory: below one is smaller.
    pub peak_memory: Option<f64>,
}

impl Ratios {
    /// Divides the figures of `report` by those of `base`.
    pub fn of(report: &Report, base: &Report) -> Self {
        let ratio = |a: f64, b: f64| (b > 0.0).then(|| a / b);
        let nodes = report.node.zip(base.node);
        let peaks = nodes.and_then(|(a, b)| a.peak_memory_bytes.zip(b.peak_memory_bytes));
        Self {
            label: report.label.clone(),
            included_per_second: ratio(report.included_per_second, base.included_per_second),
            sustained_per_second: ratio(report.sustained_per_second, base.sustained_per_second),
            inclusion_p50: ratio(report.inclusion.p50_ms, base.inclusion.p50_ms),
            inclusion_p99: ratio(report.inclusion.p99_ms, base.inclusion.p99_ms),
            cpu_per_transaction: nodes
                .and_then(|(a, b)| ratio(a.cpu_micros_per_transaction, b.cpu_micros_per_transaction)),
            peak_memory: peaks.and_then(|(a, b)| ratio(a as f64, b as f64)),
        }
    }
}

impl Comparison {
    /// Compares reports with the first of them.
    pub fn new(reports: Vec<Report>) -> Self {
        let ratios = match reports.first() {
            Some(base) => reports.iter().map(|report| Ratios::of(report, base)).collect(),
            None => Vec::new(),
        };
        Self { reports, ratios }
    }
}

/// A figure of a report, and its ratio.
type Figure = fn(&Report, &Ratios) -> (Option<f64>, Option<f64>);

const ROWS: [(&str, usize, Figure); 10] = [
    ("included/s", 0, |r, q| (Some(r.included_per_second), q.included_per_second)),
    ("while sending/s", 0, |r, q| (Some(r.sustained_per_second), q.sustained_per_second)),
    ("accepted/s", 0, |r, _| (Some(r.accepted_per_second), None)),
    ("Mgas/s", 1, |r, _| (Some(r.mgas_per_second), None)),
    ("inclusion p50 ms", 1, |r, q| (Some(r.inclusion.p50_ms), q.inclusion_p50)),
    ("inclusion p99 ms", 1, |r, q| (Some(r.inclusion.p99_ms), q.inclusion_p99)),
    ("node us/transaction", 1, |r, q| (r.node.map(|n| n.cpu_micros_per_transaction), q.cpu_per_transaction)),
    ("node peak MiB", 0, |r, q| (r.node.and_then(|n| n.peak_memory_bytes).map(mebibytes), q.peak_memory)),
    ("missing", 0, |r, _| (Some(r.missing as f64), None)),
    ("rejected", 0, |r, _| (Some(r.rejected as f64), None)),
];

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = |report: &Report| report.label.chars().count().max(18);
        write!(f, "{:<20}", "")?;
        for report in &self.reports {
            write!(f, "  {:>w$}", report.label, w = width(report))?;
        }
        writeln!(f)?;
        for (name, decimals, figure) in ROWS {
            write!(f, "{name:<20}")?;
            for (index, (report, ratios)) in self.reports.iter().zip(&self.ratios).enumerate() {
                let (value, ratio) = figure(report, ratios);
                let value = value.map_or_else(|| "-".to_owned(), |value| format!("{value:.decimals$}"));
                let ratio = ratio.filter(|_| index > 0).map(|ratio| format!(" ({ratio:.2}x)"));
                let cell = format!("{value}{}", ratio.unwrap_or_default());
                write!(f, "  {cell:>w$}", w = width(report))?;
            }
            writeln!(f)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{BlockStats, Latency, LoadSettings, ProcessUse, ReceiptSample, Recipients};

    fn report(label: &str, rate: f64, micros: u32, memory: Option<u64>) -> Report {
        let node = memory.map(|bytes| ProcessUse {
            cpu_micros_per_transaction: 100.0,
            peak_memory_bytes: Some(bytes),
            ..Default::default()
        });
        Report {
            label: label.to_owned(),
            rpc_url: "http://localhost:1".to_owned(),
            client: String::new(),
            chain_id: 1,
            settings: LoadSettings {
                seconds: 1.0,
                rate: None,
                batch: 1,
                connections: 1,
                accounts: 1,
                recipients: Recipients::Fresh,
                token: None,
            },
            setup_seconds: 0.0,
            sign_seconds: 0.0,
            signed: 10,
            sent: 10,
            accepted: 10,
            included: 10,
            missing: 0,
            rejected: 0,
            retries: 0,
            transport_errors: 0,
            errors: Vec::new(),
            exhausted: false,
            send_seconds: 1.0,
            total_seconds: 1.0,
            accepted_per_second: rate,
            included_per_second: rate,
            sustained_per_second: 0.0,
            gas_used: 0,
            mgas_per_second: 0.0,
            blocks: BlockStats::default(),
            inclusion: Latency::from_micros(vec![micros]),
            acceptance: Latency::default(),
            receipts: ReceiptSample::default(),
            generator: None,
            node,
        }
    }

    #[test]
    fn ratios_are_against_the_first() {
        let comparison = Comparison::new(vec![
            report("one", 100.0, 2_000, Some(1 << 20)),
            report("two", 250.0, 1_000, Some(3 << 20)),
            report("three", 0.0, 0, None),
        ]);
        let ratios = &comparison.ratios;
        assert_eq!(ratios[0].included_per_second, Some(1.0));
        assert_eq!(ratios[1].included_per_second, Some(2.5));
        assert_eq!(ratios[1].sustained_per_second, None);
        assert_eq!((ratios[1].inclusion_p50, ratios[1].inclusion_p99), (Some(0.5), Some(0.5)));
        assert_eq!((ratios[1].cpu_per_transaction, ratios[1].peak_memory), (Some(1.0), Some(3.0)));
        assert_eq!((ratios[2].included_per_second, ratios[2].peak_memory), (Some(0.0), None));
        let table = comparison.to_string();
        assert!(table.contains("250 (2.50x)") && table.contains("three"), "{table}");
        assert!(!table.contains("(1.00x)\n") || table.contains("100.0 (1.00x)"), "{table}");
    }

    #[test]
    fn no_reports_no_ratios() {
        assert_eq!(Comparison::new(Vec::new()).ratios, Vec::new());
    }

    #[test]
    fn reports_survive_json_and_say_what_is_wrong() {
        let mut report = report("one", 100.0, 2_000, Some(1 << 20));
        assert!(report.is_clean());
        report.missing = 3;
        assert!(!report.is_clean());
        let json = serde_json::to_string(&report).unwrap();
        assert_eq!(serde_json::from_str::<Report>(&json).unwrap(), report);
        let text = report.to_string();
        assert!(text.contains("100 included/s") && text.contains("3 accepted but never included"), "{text}");
    }
}
