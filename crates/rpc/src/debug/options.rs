//! Which tracer, and how.

use std::time::Duration;

use alloy_rpc_types_trace::geth::{
    GethDebugBuiltInTracerType as BuiltIn, GethDebugTracerType, GethDebugTracingOptions,
};
use revm_inspectors::tracing::DebugInspector;

use super::guard::{Guard, Recording};
use crate::{RpcError, RpcResult};

/// The tracers that there are, beside struct logs, which need no name.
const TRACERS: [&str; 7] = [
    "callTracer",
    "flatCallTracer",
    "prestateTracer",
    "4byteTracer",
    "muxTracer",
    "erc7562Tracer",
    "noopTracer",
];

/// How long a trace may take if the caller does not say, and the most that it may say.
const DEFAULT_TIMEOUT: Duration = Duration::from_secs(30);
const MAX_TIMEOUT: Duration = Duration::from_secs(120);

/// What runs beside the EVM while it is traced.
pub(super) type Tracer = (Guard, DebugInspector);

/// The tracer that the options ask for. The bounds hold for all transactions that it sees.
pub(super) fn tracer(options: GethDebugTracingOptions, max_bytes: usize) -> RpcResult<Tracer> {
    let recording = recording(&options)?;
    let timeout = match &options.timeout {
        None => DEFAULT_TIMEOUT,
        Some(text) => go_duration(text)
            .ok_or_else(|| {
                RpcError::param("timeout", format!("{text:?} is not a duration like \"5s\" or \"1m30s\""))
            })?
            .min(MAX_TIMEOUT),
    };
    let name = options.tracer.as_ref().map_or("struct log tracer", GethDebugTracerType::as_str).to_owned();
    let inspector = DebugInspector::new(options)
        .map_err(|error| RpcError::param("tracerConfig", format!("{error} for the {name}")))?;
    Ok((Guard::new(timeout, max_bytes, recording), inspector))
}

fn recording(options: &GethDebugTracingOptions) -> RpcResult<Recording> {
    match &options.tracer {
        None => Ok(Recording {
            steps: true,
            stack: options.config.is_stack_enabled(),
            memory: options.config.is_memory_enabled(),
        }),
        Some(GethDebugTracerType::BuiltInTracer(BuiltIn::Erc7562Tracer | BuiltIn::MuxTracer)) => {
            Ok(Recording { steps: true, stack: true, memory: true })
        }
        Some(GethDebugTracerType::BuiltInTracer(
            BuiltIn::CallTracer
            | BuiltIn::FlatCallTracer
            | BuiltIn::PreStateTracer
            | BuiltIn::FourByteTracer
            | BuiltIn::NoopTracer,
        )) => Ok(Recording::default()),
        Some(other) => {
            let shown: String = other.as_str().chars().take(40).collect();
            Err(RpcError::param(
                "tracer",
                format!(
                    "no tracer {shown:?}; known are {}, and struct logs if none is named. Tracers in JavaScript are not run",
                    TRACERS.join(", ")
                ),
            ))
        }
    }
}

/// Reads a duration as Go writes it: numbers with units, as `1m30s` or `500ms`.
fn go_duration(text: &str) -> Option<Duration> {
    let mut total = Duration::ZERO;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, tail) = rest.split_at(digits);
        let unit = tail.find(|c: char| c.is_ascii_digit()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(unit);
        let seconds = match unit {
            "ns" => 1e-9,
            "us" | "µs" => 1e-6,
            "ms" => 1e-3,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3600.0,
            _ => return None,
        };
        let part = Duration::try_from_secs_f64(number.parse::<f64>().ok()? * seconds).ok()?;
        total = total.checked_add(part)?;
        rest = tail;
    }
    (!text.is_empty()).then_some(total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn test_go_duration_reads_what_go_writes() {
        assert_eq!(go_duration("5s"), Some(Duration::from_secs(5)));
        assert_eq!(go_duration("500ms"), Some(Duration::from_millis(500)));
        assert_eq!(go_duration("1m30s"), Some(Duration::from_secs(90)));
        assert_eq!(go_duration("1.5h"), Some(Duration::from_secs(5400)));
        for wrong in ["", "5", "s", "-5s", "5 s", "5d", "1e400s", "99999999999999999999999h"] {
            assert_eq!(go_duration(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn test_tracer_unknown_lists_the_known() {
        for name in ["xyz", "stateGasTracer", "{result: function() {}}"] {
            let options = serde_json::from_value(serde_json::json!({"tracer": name})).unwrap();
            let error = tracer(options, 1).unwrap_err().to_string();
            assert!(TRACERS.iter().all(|tracer| error.contains(tracer)), "{error}");
        }
    }

    #[test]
    fn test_tracer_knows_all_it_lists() {
        for name in TRACERS {
            let options = serde_json::from_value(serde_json::json!({"tracer": name})).unwrap();
            tracer(options, 1).unwrap();
        }
    }
}
