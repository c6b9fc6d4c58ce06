//! Years in which relayers collude at some time, against watchers that are not always there.

use serde::Serialize;

use super::RelayerSetting;
use crate::sim::Rng;

/// Hours of a run: who is not found out within them is not found out.
const HOURS: u64 = 365 * 24;
const HOUR: u64 = 3600;

/// What came of collusions.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RelayerSummary {
    /// Runs.
    pub runs: u32,
    /// What was taken on average, in ETH.
    pub mean_taken: f64,
    /// The most, in ETH.
    pub most_taken: f64,
    /// What those who colluded lost on average, less what they took, in ETH.
    pub mean_net_loss: f64,
    /// Share of runs in which they gained.
    pub paid: f64,
    /// Hours until somebody reported, at the most.
    pub most_hours: u64,
}

/// Simulates collusions of as few as must sign. They take all that the limits allow, on whichever lanes bring more:
///
/// - on both: their lies about L1 can be shown from the next hour on in which a watcher works. Then L1 is closed to them, and
///   L2 within half of its window;
/// - on L1 only, by lies about L2: these can be shown when a later claim is final, at some time within L1's window, and from
///   the next hour on in which a watcher works.
#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
pub fn simulate_relayers(setting: &RelayerSetting, runs: u32, seed: u64) -> RelayerSummary {
    let mut rng = Rng::new(seed);
    let (mut taken, mut net, mut paid, mut most, mut most_hours) = (0.0, 0.0, 0u32, 0.0f64, 0u64);
    let (limit, stake) = (setting.limit().as_ether(), setting.lost().as_ether());
    let during = |seconds: u64, window: u64| limit * (1.0 + seconds as f64 / window as f64);
    for _ in 0..runs {
        let shown = (rng.unit() * setting.l1_window as f64) as u64;
        let mut reported = |from: u64| {
            let mut hours = from / HOUR + 1;
            while hours < HOURS && !(0..setting.watchers).any(|_| rng.chance(setting.uptime)) {
                hours += 1;
            }
            hours
        };
        let (both, one) = (reported(0), reported(shown));
        let told = both * HOUR + setting.l2_window / 2;
        let take_both = during(both * HOUR, setting.l1_window) + during(told, setting.l2_window);
        let take_one = during(one * HOUR, setting.l1_window);
        let (take, hours) = if take_both >= take_one { (take_both, both) } else { (take_one, one) };
        let lost = if hours < HOURS { stake } else { 0.0 };
        taken += take;
        net += lost - take;
        paid += u32::from(take > lost);
        most = most.max(take);
        most_hours = most_hours.max(hours);
    }
    let count = f64::from(runs.max(1));
    RelayerSummary {
        runs,
        mean_taken: taken / count,
        most_taken: most,
        mean_net_loss: net / count,
        paid: f64::from(paid) / count,
        most_hours,
    }
}
