//! As much of SVG as the charts need.

use core::fmt::Write;

/// Width of every chart, in its own units.
pub(super) const WIDTH: f64 = 760.0;

/// Text, lines and shapes on a background that follows the reader's light or dark setting.
#[derive(Debug)]
pub(super) struct Canvas {
    id: String,
    title: String,
    description: String,
    height: f64,
    body: String,
}

/// Which end of a text is at its point.
#[derive(Debug, Clone, Copy)]
pub(super) enum Anchor {
    Start,
    Middle,
    End,
}

/// Colours told apart by people with any colour vision (after Okabe and Ito), lighter ones on dark. Lines differ by
/// their dashes too, and bars by their order, which is the legend's.
const STYLE: &str = "\
.chart{font-family:system-ui,-apple-system,'Segoe UI',Roboto,'Liberation Sans',sans-serif;font-size:13px}\
.chart .bg{fill:#fff}.chart text{fill:#1d2127}.chart .title{font-size:17px;font-weight:600}\
.chart .soft{fill:#59616c}.chart .grid{stroke:#dfe3e8;stroke-width:1}.chart .axis{stroke:#59616c;stroke-width:1}\
.chart .mark{stroke:#59616c;stroke-width:1.5;stroke-dasharray:2 3}.chart .line{fill:none;stroke-width:2.5}\
.chart .c0{stroke:#1d2127}.chart .c1{stroke:#0072b2;stroke-dasharray:8 4}.chart .c2{stroke:#d55e00;stroke-dasharray:2 3}\
.chart .c3{stroke:#007a5a;stroke-dasharray:10 3 2 3}.chart .c4{stroke:#a83f7e;stroke-dasharray:12 3 2 3 2 3}\
.chart .f0{fill:#d9a400}.chart .f1{fill:#0072b2}.chart .f2{fill:#a83f7e}.chart .f3{fill:#d55e00}\
@media (prefers-color-scheme:dark){.chart .bg{fill:#15181d}.chart text{fill:#e6e9ee}.chart .soft{fill:#a7b0bc}\
.chart .grid{stroke:#2b3038}.chart .axis,.chart .mark{stroke:#a7b0bc}.chart .c0{stroke:#e6e9ee}.chart .c1{stroke:#56b4e9}\
.chart .c2{stroke:#ff8c42}.chart .c3{stroke:#2fd3a6}.chart .c4{stroke:#e69fcb}.chart .f0{fill:#f0c84b}.chart .f1{fill:#56b4e9}\
.chart .f2{fill:#e69fcb}.chart .f3{fill:#ff8c42}}";

/// Text that means nothing to XML and HTML.
pub(crate) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            // Not allowed in XML at all.
            control if control < ' ' && control != '\n' && control != '\t' => {}
            other => out.push(other),
        }
    }
    out
}

impl Canvas {
    /// An empty chart with its title written at the top. `id` tells its parts apart from those of others on a page.
    pub(super) fn new(id: &str, title: &str, description: &str, height: f64) -> Self {
        let mut canvas = Self {
            id: id.into(),
            title: title.into(),
            description: description.into(),
            height,
            body: String::new(),
        };
        canvas.text(16.0, 28.0, "title", Anchor::Start, title);
        canvas
    }

    fn add(&mut self, arguments: core::fmt::Arguments<'_>) {
        // Writing to a string does not fail.
        let _ = self.body.write_fmt(arguments);
        self.body.push('\n');
    }

    pub(super) fn text(&mut self, x: f64, y: f64, class: &str, anchor: Anchor, text: &str) {
        let anchor = match anchor {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        };
        let text = escape(text);
        self.add(format_args!(
            r#"<text x="{x:.1}" y="{y:.1}" class="{class}" text-anchor="{anchor}">{text}</text>"#
        ));
    }

    /// Text from the bottom up, around a point.
    pub(super) fn text_upwards(&mut self, x: f64, y: f64, text: &str) {
        let text = escape(text);
        self.add(format_args!(
            r#"<text transform="translate({x:.1} {y:.1}) rotate(-90)" class="soft" text-anchor="middle">{text}</text>"#
        ));
    }

    pub(super) fn line(&mut self, from: (f64, f64), to: (f64, f64), class: &str) {
        let ((x1, y1), (x2, y2)) = (from, to);
        self.add(format_args!(
            r#"<line x1="{x1:.1}" y1="{y1:.1}" x2="{x2:.1}" y2="{y2:.1}" class="{class}"/>"#
        ));
    }

    pub(super) fn rectangle(&mut self, x: f64, y: f64, width: f64, height: f64, class: &str, told: &str) {
        let told = escape(told);
        self.add(format_args!(
            r#"<rect x="{x:.1}" y="{y:.1}" width="{width:.1}" height="{height:.1}" class="{class}"><title>{told}</title></rect>"#
        ));
    }

    pub(super) fn circle(&mut self, x: f64, y: f64, radius: f64, class: &str, told: &str) {
        let told = escape(told);
        self.add(format_args!(
            r#"<circle cx="{x:.1}" cy="{y:.1}" r="{radius:.1}" class="{class}"><title>{told}</title></circle>"#
        ));
    }

    /// Lines through points; `told` is shown where a pointer rests on them.
    pub(super) fn path(&mut self, points: &[(f64, f64)], class: &str, told: &str) {
        let mut data = String::new();
        for (index, (x, y)) in points.iter().enumerate() {
            let command = if index == 0 { 'M' } else { 'L' };
            let _ = write!(data, "{command}{x:.1} {y:.1}");
        }
        let told = escape(told);
        self.add(format_args!(r#"<path d="{data}" class="{class}"><title>{told}</title></path>"#));
    }

    /// The whole chart: a file of its own, or a part of a page.
    pub(super) fn finish(self) -> String {
        let Self { id, title, description, height, body } = self;
        let (id, title, description) = (escape(&id), escape(&title), escape(&description));
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"chart\" viewBox=\"0 0 {WIDTH} {height}\" role=\"img\" \
             aria-labelledby=\"{id}-title {id}-description\">\n\
             <title id=\"{id}-title\">{title}</title>\n<desc id=\"{id}-description\">{description}</desc>\n\
             <style>{STYLE}</style>\n\
             <rect x=\"0\" y=\"0\" width=\"{WIDTH}\" height=\"{height}\" class=\"bg\"/>\n{body}</svg>\n"
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_means_nothing_to_the_reader_of_the_document() {
        assert_eq!(escape("a < b & \"c\" > 'd'\u{1}"), "a &lt; b &amp; &quot;c&quot; &gt; &#39;d&#39;");
        let mut canvas = Canvas::new("<id>", "<title>", "<what>", 10.0);
        canvas.text(0.0, 0.0, "", Anchor::Start, "<b>");
        canvas.text_upwards(0.0, 0.0, "<b>");
        canvas.path(&[(0.0, 0.0)], "", "<b>");
        canvas.circle(0.0, 0.0, 0.0, "", "<b>");
        canvas.rectangle(0.0, 0.0, 0.0, 0.0, "", "<b>");
        let svg = canvas.finish();
        for raw in ["<b>", "<id>", "<what>", "<<"] {
            assert!(!svg.contains(raw), "{raw}");
        }
        assert_eq!(svg.matches("&lt;b&gt;").count(), 5);
    }
}
