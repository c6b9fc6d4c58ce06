//! Charts about relayers who vouch for messages.

use super::{Axis, Chart, Plot, Series};
use crate::{RelayerSetting, Wei};

const POINTS: i32 = 60;

/// Every chart of a setting.
pub(crate) fn relayer_charts(setting: &RelayerSetting) -> Vec<Chart> {
    vec![
        Chart { file: "relayers-collusion.svg", svg: collusion(setting) },
        Chart { file: "relayers-stake.svg", svg: stake(setting) },
        Chart { file: "relayers-income.svg", svg: income(setting) },
    ]
}

/// What is taken and lost, by how long nobody reports it.
#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn collusion(setting: &RelayerSetting) -> String {
    let most = (setting.pays_after() * 2).max(3600) as f64;
    let days = |seconds: f64| seconds / 86_400.0;
    let at = |i: i32| most * f64::from(i) / f64::from(POINTS);
    let taken = (0..=POINTS).map(|i| {
        let seconds = at(i) as u64;
        (days(at(i)), setting.taken(seconds, seconds).as_ether())
    });
    let lost = setting.lost().as_ether();
    let high = setting.taken(most as u64, most as u64).as_ether().max(lost);
    Plot {
        id: "relayers-collusion",
        title: "What colluding relayers take, against what they lose".into(),
        description: format!(
            "{} relayers who lie together lose {}. They take as much if nobody reports them for {:.1} days.",
            setting.threshold(),
            setting.lost(),
            days(setting.pays_after() as f64)
        ),
        x: Axis::linear("days until somebody reports them", days(most)),
        y: Axis::linear("ETH", high),
        series: vec![
            Series::new("taken, on both lanes", taken),
            Series::new("lost, if they report themselves in the end", [(0.0, lost), (days(most), lost)]),
        ],
        mark: Some((days(setting.pays_after() as f64), "pays from here".into())),
    }
    .svg()
}

/// The stake of each, by what is to be vouched for at a time.
fn stake(setting: &RelayerSetting) -> String {
    let middle = setting.limit().as_ether();
    let x = Axis::logarithmic("ETH vouched for at a time, on each lane", middle / 50.0, middle * 50.0);
    let at = |i: i32| x.low * (x.high / x.low).powf(f64::from(i) / f64::from(POINTS));
    let for_relayers = |relayers: u32| {
        let s = RelayerSetting { relayers, ..*setting };
        let points = (0..=POINTS).map(|i| (at(i), s.stake_for(Wei::about_ether(at(i))).as_ether()));
        Series::new(format!("{relayers} relayers, {} must sign", s.threshold()), points)
    };
    let mut crowds = vec![4, 7, 16, 32];
    if !crowds.contains(&setting.relayers) {
        crowds.push(setting.relayers);
        crowds.sort_unstable();
    }
    let series: Vec<Series> = crowds.into_iter().map(for_relayers).collect();
    let points = series.iter().flat_map(|s| &s.points).map(|point| point.1);
    let (low, high) = points.fold((f64::MAX, 0.0f64), |(low, high), y| (low.min(y), high.max(y)));
    Plot {
        id: "relayers-stake",
        title: "Stake of each relayer, for what is vouched for at a time".into(),
        description: format!(
            "With {} relayers and {} each, {} can be vouched for at a time on each lane.",
            setting.relayers,
            setting.stake,
            setting.limit()
        ),
        y: Axis::logarithmic("ETH of each", low, high),
        series,
        mark: Some((middle, format!("here: {}", setting.limit()))),
        x,
    }
    .svg()
}

/// What a relayer has and pays a year, by messages a day.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn income(setting: &RelayerSetting) -> String {
    let most = f64::from(setting.break_even().unwrap_or(1_000).max(setting.messages)) * 2.0;
    let at = |i: i32| most * f64::from(i) / f64::from(POINTS);
    let earned = |value: Wei| {
        move |i: i32| {
            let s = RelayerSetting { messages: at(i) as u32, value, ..*setting };
            (at(i), s.earned().as_ether())
        }
    };
    let costs = setting.costs().as_ether();
    let high = earned(Wei::ZERO)(POINTS).1.max(costs);
    Plot {
        id: "relayers-income",
        title: "A relayer's year".into(),
        description: format!(
            "With {} messages a day a relayer earns {} and pays {}.",
            setting.messages,
            setting.earned(),
            setting.costs()
        ),
        x: Axis::linear("messages a day", most),
        y: Axis::linear("ETH a year", high),
        series: vec![
            Series::new("fees less gas, messages of no value", (0..=POINTS).map(earned(Wei::ZERO))),
            Series::new(
                format!("the same, messages of {}: the limits let fewer through", setting.value),
                (0..=POINTS).map(earned(setting.value)),
            ),
            Series::new("costs: locked stake and running", [(0.0, costs), (most, costs)]),
        ],
        mark: Some((f64::from(setting.messages), "here".into())),
    }
    .svg()
}
