//! The charts, as SVG.
//!
//! Written by hand because they are four kinds of shapes: a plotting crate would bring fonts, images and a tree of
//! dependencies for them.

mod axis;
mod bars;
mod plot;
mod relayers;
mod svg;

pub(crate) use relayers::relayer_charts;
pub(crate) use svg::escape;

use axis::Axis;
use plot::{Plot, Series};

use crate::{Absence, Balance, Bonds, Drains, Pressure, Setting, Summary, Wei, digits};

/// A picture, and the name of its file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chart {
    /// Such as `attack-cost.svg`.
    pub file: &'static str,
    /// A whole SVG document, which can be a part of a page too.
    pub svg: String,
}

/// Every chart of a setting; those of the simulation only if there was one.
pub fn charts(setting: &Setting, summaries: &[Summary]) -> Vec<Chart> {
    let mut charts = vec![
        Chart { file: "attack-cost.svg", svg: attack_cost(setting) },
        Chart { file: "honest-capital.svg", svg: honest_capital(setting) },
        Chart { file: "capital-for-value.svg", svg: capital_for_value(setting) },
    ];
    if !summaries.is_empty() {
        charts.push(Chart { file: "simulation.svg", svg: bars::shares(summaries) });
        charts.push(Chart { file: "simulation-money.svg", svg: bars::money(summaries) });
    }
    charts
}

/// At most five lines over axes that grow by factors; each with its name and its points, all of which are above zero.
pub fn lines(
    file: &'static str,
    [title, description]: [&str; 2],
    [x, y]: [&str; 2],
    series: Vec<(String, Vec<(f64, f64)>)>,
) -> Chart {
    let points = || series.iter().flat_map(|(_, points)| points);
    let axis = |label: &str, of: fn(&(f64, f64)) -> f64| {
        let low = points().map(of).fold(f64::INFINITY, f64::min);
        let high = points().map(of).fold(0.0, f64::max);
        Axis::logarithmic(label, low, high)
    };
    let plot = Plot {
        id: "lines",
        title: title.into(),
        description: description.into(),
        x: axis(x, |point| point.0),
        y: axis(y, |point| point.1),
        series: series.iter().map(|(name, points)| Series::new(name, points.iter().copied())).collect(),
        mark: None,
    };
    Chart { file, svg: plot.svg() }
}

/// Values secured around the one given, as many to a factor of ten.
fn values(setting: &Setting) -> (Axis, Vec<f64>) {
    let value = setting.value.as_ether();
    let axis = Axis::logarithmic("value secured, ETH", value / 500.0, value * 500.0);
    let count = 60;
    let at = |index: i32| axis.low * (axis.high / axis.low).powf(f64::from(index) / f64::from(count));
    let values = (0..=count).map(at).collect();
    (axis, values)
}

fn mark(setting: &Setting) -> Option<(f64, String)> {
    Some((setting.value.as_ether(), format!("this rollup: {}", setting.value)))
}

fn attack_cost(setting: &Setting) -> String {
    let (x, values) = values(setting);
    let drains = Drains::of(setting);
    let pressure = Pressure::of(setting);
    let flat = |name: String, cost: Wei| {
        let cost = cost.as_ether();
        Series::new(name, values.iter().map(|value| (*value, cost)))
    };
    let mut series =
        vec![Series::new("value secured: what an attack can take", values.iter().map(|v| (*v, *v)))];
    series.push(flat(
        format!("false claims until {} are used up: surely lost", setting.budget),
        drains.claims.lost,
    ));
    series.push(flat("defences until its gas is used up: put at stake".into(), drains.defences.capital));
    if let Some(from) = Absence::of(setting).pays_from {
        series.push(flat(format!("one try, while all {} watchers may be away", setting.watchers), from));
    }
    series.push(flat("keeping the honest side from L1".into(), pressure.censorship()));
    let costs = series.iter().skip(1).filter_map(|s| Some(s.points.first()?.1)).filter(|cost| *cost > 0.0);
    let (low, high) = costs.fold((x.low, x.high), |(low, high), cost| (low.min(cost), high.max(cost)));
    let told: Vec<_> = series
        .iter()
        .skip(1)
        .map(|s| format!("{}: {} ETH", s.name, digits(s.points.first().map_or(0.0, |p| p.1))))
        .collect();
    Plot {
        id: "attack-cost",
        title: "Cost of an attack, against the value secured".into(),
        description: format!(
            "An attack pays to the right of where the line of the value secured crosses its own. {}.",
            told.join("; ")
        ),
        // Beyond this the lines only say "more than there is".
        y: Axis::logarithmic("cost, ETH", low.max(x.low / 1000.0), high.min(x.high * 1000.0)),
        x,
        series,
        mark: mark(setting),
    }
    .svg()
}

#[allow(clippy::cast_precision_loss)]
fn honest_capital(setting: &Setting) -> String {
    let drains = Drains::of(setting);
    let most = (drains.claims.answered.saturating_mul(2)).clamp(20, 1_000_000) as f64;
    let ends = |name: &str, each: Wei, base: Wei| {
        Series::new(name, [(0.0, base.as_ether()), (most, base.as_ether() + each.as_ether() * most)])
    };
    let terms = &setting.terms;
    let unanswered = setting.bonds.dispute + terms.worst(setting.gas.unanswered());
    let budget = setting.budget.as_ether();
    let series = vec![
        Series::new("the honest side's budget", [(0.0, budget), (most, budget)]),
        ends("honest side, each defended to the last step", setting.challenge_capital(), Wei::ZERO),
        ends("honest side, none defended", unanswered, Wei::ZERO),
        ends("attacker: bonds of claims that nobody defends", setting.bonds.claim, Wei::ZERO),
        ends(
            "attacker: bonds of claims and defences",
            setting.bonds.claim + setting.bonds.dispute,
            Wei::ZERO,
        ),
    ];
    let high = series.iter().flat_map(|s| &s.points).fold(0.0f64, |high, point| high.max(point.1));
    Plot {
        id: "honest-capital",
        title: "Capital for false claims made at the same time".into(),
        description: format!(
            "For each false claim the honest side needs {} if it is defended, {unanswered} if not; the attacker {}. A \
             budget of {} is enough for {} defended ones.",
            setting.challenge_capital(),
            setting.bonds.claim,
            setting.budget,
            drains.claims.answered
        ),
        x: Axis::linear("false claims at the same time", most),
        y: Axis::linear("ETH at hand", high),
        series,
        mark: None,
    }
    .svg()
}

fn capital_for_value(setting: &Setting) -> String {
    let (x, values) = values(setting);
    let over = |name: &str, capital: &dyn Fn(&Setting) -> f64| {
        let point = |value: &f64| {
            let changed = Setting { value: Wei::about_ether(*value), ..*setting };
            (*value, capital(&changed))
        };
        Series::new(name, values.iter().map(point))
    };
    let budget = setting.budget.as_ether();
    let series = vec![
        over("the honest side's budget", &|_| budget),
        over("challengers, with these bonds: false claims", &|s| Drains::of(s).claims.needed.as_ether()),
        over("the same, what comes back used again at once", &|s| {
            Drains::of(s).claims_needed_with_reuse.as_ether()
        }),
        over("challengers, with these bonds: defences", &|s| Drains::of(s).defences.needed.as_ether()),
        over("challengers and proposers together, with the claim bond that needs least", &|s| {
            let balance = Balance::of(s);
            (balance.challengers + balance.proposers).as_ether()
        }),
    ];
    let points = series.iter().flat_map(|s| &s.points).map(|point| point.1).filter(|y| *y > 0.0);
    let (low, high) = points.fold((f64::MAX, 0.0f64), |(low, high), y| (low.min(y), high.max(y)));
    let Bonds { claim, dispute } = setting.bonds;
    Plot {
        id: "capital-for-value",
        title: "Honest capital that makes attacks too dear".into(),
        description: format!(
            "With a claim bond of {claim} and a dispute bond of {dispute}, {} are needed for {}; the budget is {}.",
            Drains::of(setting).needed(),
            setting.value,
            setting.budget
        ),
        x,
        y: Axis::logarithmic("ETH needed", low, high),
        series,
        mark: mark(setting),
    }
    .svg()
}
