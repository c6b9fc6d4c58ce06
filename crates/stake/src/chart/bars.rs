//! What came of the scenarios, one row each.

use super::{
    axis::{Axis, Scale, short},
    svg::{Anchor, Canvas, WIDTH},
};
use crate::{Summary, digits};

const LEFT: f64 = 268.0;
const RIGHT: f64 = WIDTH - 40.0;
const TOP: f64 = 88.0;

/// The shares of runs that came out badly, in four ways.
pub(super) fn shares(summaries: &[Summary]) -> String {
    const NAMES: [&str; 4] =
        ["finality late", "honest side out of pocket", "honest claim rejected", "funds at risk"];
    const BAR: f64 = 8.0;
    const ROW: f64 = 4.0 * BAR + 12.0;
    #[allow(clippy::cast_precision_loss)]
    let bottom = TOP + ROW * summaries.len() as f64;
    let told: Vec<_> = summaries
        .iter()
        .map(|s| {
            format!(
                "{}: late {:.0} %, out of pocket {:.0} %, rejected {:.0} %, funds at risk {:.0} %",
                s.scenario.title(),
                s.late * 100.0,
                s.out_of_pocket * 100.0,
                s.rejected * 100.0,
                s.stolen * 100.0
            )
        })
        .collect();
    let description = format!("Share of simulated years with each outcome. {}.", told.join("; "));
    let mut canvas =
        Canvas::new("simulation", "How often a simulated year goes wrong", &description, bottom + 52.0);
    let mut x = 16.0;
    for (index, name) in NAMES.iter().enumerate() {
        canvas.rectangle(x, 50.0, 12.0, 12.0, &format!("f{index}"), name);
        canvas.text(x + 18.0, 61.0, "", Anchor::Start, name);
        #[allow(clippy::cast_precision_loss)]
        let width = name.len() as f64 * 7.0;
        x += 48.0 + width;
    }
    let at = |share: f64| LEFT + (RIGHT - LEFT) * share;
    for percent in [0.0, 25.0, 50.0, 75.0, 100.0] {
        let x = at(percent / 100.0);
        canvas.line((x, TOP - 6.0), (x, bottom), "grid");
        canvas.text(x, bottom + 18.0, "soft", Anchor::Middle, &format!("{percent} %"));
    }
    canvas.text(f64::midpoint(LEFT, RIGHT), bottom + 42.0, "soft", Anchor::Middle, "share of runs, per cent");
    let mut y = TOP;
    for summary in summaries {
        canvas.text(LEFT - 12.0, y + ROW / 2.0 - 2.0, "", Anchor::End, summary.scenario.title());
        let values = [summary.late, summary.out_of_pocket, summary.rejected, summary.stolen];
        for (index, value) in values.into_iter().enumerate() {
            #[allow(clippy::cast_precision_loss)]
            let top = y + BAR * index as f64;
            let told =
                format!("{}: {} in {:.0} % of runs", summary.scenario.title(), NAMES[index], value * 100.0);
            // None is a hair, so that it is seen that there is a bar.
            canvas.rectangle(LEFT, top, (at(value) - LEFT).max(1.0), BAR - 1.0, &format!("f{index}"), &told);
        }
        y += ROW;
    }
    canvas.line((LEFT, TOP - 6.0), (LEFT, bottom), "axis");
    canvas.finish()
}

/// What the honest side gained or lost: the range of all runs, and the one in the middle.
pub(super) fn money(summaries: &[Summary]) -> String {
    const ROW: f64 = 30.0;
    #[allow(clippy::cast_precision_loss)]
    let bottom = TOP - 20.0 + ROW * summaries.len() as f64;
    let told: Vec<_> = summaries
        .iter()
        .map(|s| {
            let [least, middle, most] = s.honest.map(digits);
            format!("{}: {least} to {most} ETH, {middle} in the middle", s.scenario.title())
        })
        .collect();
    let description = format!("What the honest side gained or lost in simulated years. {}.", told.join("; "));
    let title = "What the honest side gains or loses in a simulated year";
    let mut canvas = Canvas::new("money", title, &description, bottom + 52.0);
    let (low, high) = summaries
        .iter()
        .flat_map(|s| s.honest)
        .fold((-1.0f64, 1.0f64), |(low, high), value| (low.min(value), high.max(value)));
    // Steps for the longer side, on both sides of zero.
    let longer = Axis::linear("", high.max(-low));
    let step = longer.ticks().get(1).map_or(longer.high, |tick| tick.0);
    let axis = Axis {
        label: "ETH".into(),
        scale: Scale::Linear,
        low: (low / step).floor() * step,
        high: (high / step).ceil() * step,
    };
    let at = |value: f64| LEFT + (RIGHT - LEFT) * axis.place(value);
    let mut tick = axis.low;
    while tick < axis.high + step / 2.0 {
        // Not minus zero, and not what adding up leaves of it.
        let value = if tick.abs() < step / 2.0 { 0.0 } else { tick };
        let class = if value == 0.0 { "axis" } else { "grid" };
        canvas.line((at(value), TOP - 26.0), (at(value), bottom), class);
        canvas.text(at(value), bottom + 18.0, "soft", Anchor::Middle, &short(value));
        tick += step;
    }
    let label = "honest side's gain (right) or loss (left), ETH: range of all runs, dot: the middle one";
    canvas.text(WIDTH / 2.0, bottom + 42.0, "soft", Anchor::Middle, label);
    let mut y = TOP - 6.0;
    for (summary, told) in summaries.iter().zip(&told) {
        let [least, middle, most] = summary.honest;
        canvas.text(LEFT - 12.0, y + 4.0, "", Anchor::End, summary.scenario.title());
        canvas.rectangle(at(least), y - 3.0, (at(most) - at(least)).max(1.0), 6.0, "f1", told);
        canvas.circle(at(middle), y, 6.0, if middle < -1e-9 { "f3" } else { "f1" }, told);
        y += ROW;
    }
    canvas.finish()
}
