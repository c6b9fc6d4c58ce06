//! Lines over two axes.

use super::{
    axis::Axis,
    svg::{Anchor, Canvas, WIDTH},
};

const LEFT: f64 = 84.0;
const RIGHT: f64 = WIDTH - 24.0;
const TOP: f64 = 48.0;
const BOTTOM: f64 = 372.0;
const ROW: f64 = 22.0;

/// A line with its name in the legend.
#[derive(Debug)]
pub(super) struct Series {
    pub(super) name: String,
    pub(super) points: Vec<(f64, f64)>,
}

impl Series {
    pub(super) fn new(name: impl Into<String>, points: impl IntoIterator<Item = (f64, f64)>) -> Self {
        Self { name: name.into(), points: points.into_iter().collect() }
    }
}

/// A chart of at most five lines.
#[derive(Debug)]
pub(super) struct Plot {
    pub(super) id: &'static str,
    pub(super) title: String,
    pub(super) description: String,
    pub(super) x: Axis,
    pub(super) y: Axis,
    pub(super) series: Vec<Series>,
    /// A value on the horizontal axis to be marked, and its text.
    pub(super) mark: Option<(f64, String)>,
}

impl Plot {
    pub(super) fn svg(&self) -> String {
        #[allow(clippy::cast_precision_loss)]
        let height = BOTTOM + 64.0 + ROW * self.series.len() as f64;
        let mut canvas = Canvas::new(self.id, &self.title, &self.description, height);
        let at_x = |value: f64| LEFT + (RIGHT - LEFT) * self.x.place(value);
        let at_y = |value: f64| BOTTOM - (BOTTOM - TOP) * self.y.place(value);
        for (value, text) in self.x.ticks() {
            canvas.line((at_x(value), TOP), (at_x(value), BOTTOM), "grid");
            canvas.text(at_x(value), BOTTOM + 18.0, "soft", Anchor::Middle, &text);
        }
        for (value, text) in self.y.ticks() {
            canvas.line((LEFT, at_y(value)), (RIGHT, at_y(value)), "grid");
            canvas.text(LEFT - 8.0, at_y(value) + 4.0, "soft", Anchor::End, &text);
        }
        canvas.line((LEFT, BOTTOM), (RIGHT, BOTTOM), "axis");
        canvas.line((LEFT, TOP), (LEFT, BOTTOM), "axis");
        canvas.text(f64::midpoint(LEFT, RIGHT), BOTTOM + 40.0, "soft", Anchor::Middle, &self.x.label);
        canvas.text_upwards(22.0, f64::midpoint(TOP, BOTTOM), &self.y.label);
        if let Some((value, text)) = &self.mark {
            let x = at_x(*value);
            canvas.line((x, TOP), (x, BOTTOM), "mark");
            let (x, anchor) =
                if self.x.place(*value) > 0.7 { (x - 6.0, Anchor::End) } else { (x + 6.0, Anchor::Start) };
            canvas.text(x, TOP + 14.0, "soft", anchor, text);
        }
        let mut y = BOTTOM + 62.0;
        for (index, series) in self.series.iter().enumerate() {
            let class = format!("line c{index}");
            let points: Vec<_> = series.points.iter().map(|(x, y)| (at_x(*x), at_y(*y))).collect();
            canvas.path(&points, &class, &series.name);
            canvas.line((LEFT, y), (LEFT + 44.0, y), &class);
            canvas.text(LEFT + 54.0, y + 4.0, "", Anchor::Start, &series.name);
            y += ROW;
        }
        canvas.finish()
    }
}
