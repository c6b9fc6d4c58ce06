//! Processor time and memory of processes, from Linux's `/proc` (proc(5)).
//!
//! On other systems every reading is absent and the report says so by leaving the figure out.

use std::fs;

/// Clock ticks per second in `/proc/*/stat`: `USER_HZ`, which is 100 on every architecture that
/// Linux presents to programs.
const TICKS: f64 = 100.0;

/// Seconds of processor time that a process has used, user and system together.
pub(crate) fn process_cpu_seconds(pid: u32) -> Option<f64> {
    cpu_seconds(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
}

/// Seconds of processor time that the calling thread has used.
pub(crate) fn thread_cpu_seconds() -> Option<f64> {
    let precise = fs::read_to_string("/proc/thread-self/schedstat").ok();
    let nanos = precise.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    match nanos {
        Some(nanos) if nanos > 0 => Some(nanos as f64 / 1e9),
        _ => cpu_seconds(&fs::read_to_string("/proc/thread-self/stat").ok()?),
    }
}

/// Resident memory of a process now, and the most it ever had, in bytes.
pub(crate) fn memory(pid: u32) -> Option<(u64, u64)> {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
    Some((kilobytes(&status, "VmRSS:")?, kilobytes(&status, "VmHWM:")?))
}

fn cpu_seconds(stat: &str) -> Option<f64> {
    // The second field is the command in parentheses and may hold spaces and parentheses itself.
    let (_, rest) = stat.rsplit_once(')')?;
    let mut fields = rest.split_whitespace().skip(11);
    let user: f64 = fields.next()?.parse().ok()?;
    let system: f64 = fields.next()?.parse().ok()?;
    Some((user + system) / TICKS)
}

fn kilobytes(status: &str, name: &str) -> Option<u64> {
    let line = status.lines().find(|line| line.starts_with(name))?;
    let number: u64 = line.split_whitespace().nth(1)?.parse().ok()?;
    Some(number * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stat_with_a_hostile_name() {
        let stat = "42 (a) b (c) R 1 2 3 4 5 6 7 8 9 10 150 50 0 0 20 0 1 0 1 1 1";
        assert_eq!(cpu_seconds(stat), Some(2.0));
        assert_eq!(cpu_seconds("nonsense"), None);
    }

    #[test]
    fn status_memory() {
        let status = "Name:\tx\nVmHWM:\t    2048 kB\nVmRSS:\t  1024 kB\n";
        assert_eq!(kilobytes(status, "VmHWM:"), Some(2 << 20));
        assert_eq!(kilobytes(status, "VmPeak:"), None);
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_is_measured() {
        let me = std::process::id();
        assert!(process_cpu_seconds(me).is_some());
        assert!(thread_cpu_seconds().is_some());
        let (now, peak) = memory(me).unwrap();
        assert!(now > 0 && peak >= now);
    }
}
