//! What is written: text, JSON, a page, charts.

use duplex_stake::{GasTable, Report, Run, Setting, SimulationOptions, Terms, Wei};

fn report(runs: u32) -> Report {
    let setting = Setting::new(GasTable::committed().unwrap(), Terms::default()).unwrap();
    Report::new(setting, SimulationOptions { days: 60, runs, seed: 1 }).unwrap()
}

/// Whether a text is well-formed as far as our own documents go: tags open and close in order, attributes are quoted
/// once each, and there is no bare `<` or `&`. Returns the names of all elements.
fn well_formed(text: &str) -> Vec<String> {
    let (mut open, mut names) = (Vec::<String>::new(), Vec::new());
    let mut rest = text;
    while let Some(start) = rest.find('<') {
        entities(&rest[..start]);
        let end = start + rest[start..].find('>').expect("a tag ends");
        let tag = &rest[start + 1..end];
        rest = &rest[end + 1..];
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop().as_deref(), Some(name), "closed in order");
            continue;
        }
        let (tag, empty) = tag.strip_suffix('/').map_or((tag, false), |tag| (tag, true));
        let (name, attributes) = tag.split_once(' ').unwrap_or((tag, ""));
        assert!(name.bytes().all(|byte| byte.is_ascii_alphanumeric()), "{name}");
        let mut seen = Vec::new();
        let mut attributes = attributes.trim();
        while !attributes.is_empty() {
            let (key, value) = attributes.split_once("=\"").expect("a quoted value");
            let (value, after) = value.split_once('"').expect("its end");
            assert!(!seen.contains(&key), "{key} twice");
            assert!(!value.contains('<'));
            entities(value);
            seen.push(key);
            attributes = after.trim_start();
        }
        names.push(name.to_owned());
        if !empty {
            open.push(name.to_owned());
        }
    }
    entities(rest);
    assert!(open.is_empty(), "{open:?} left open");
    names
}

fn entities(text: &str) {
    for part in text.split('&').skip(1) {
        let (name, _) = part.split_once(';').expect("an entity ends");
        assert!(["amp", "lt", "gt", "quot", "#39"].contains(&name), "{name}");
    }
    assert!(!text.contains('>'));
}

#[test]
fn the_check_of_form_finds_mistakes() {
    for bad in
        ["<a><b></a></b>", "<a", "<a x=\"1\" x=\"2\"/>", "a & b", "<a>", "<a x=1/>", "</a>", "<a x=\"<\"/>"]
    {
        assert!(std::panic::catch_unwind(|| well_formed(bad)).is_err(), "{bad}");
    }
    assert_eq!(well_formed("<a x=\"1\"><b/>t &amp; u</a>"), ["a", "b"]);
}

#[test]
fn charts_are_well_formed_titled_and_need_nothing_else() {
    let report = report(2);
    let charts = report.charts();
    let files: Vec<_> = charts.iter().map(|chart| chart.file).collect();
    assert_eq!(
        files,
        [
            "attack-cost.svg",
            "honest-capital.svg",
            "capital-for-value.svg",
            "simulation.svg",
            "simulation-money.svg"
        ]
    );
    for chart in charts {
        let names = well_formed(&chart.svg);
        assert_eq!(names[..4], ["svg", "title", "desc", "style"], "{}", chart.file);
        assert!(chart.svg.contains(r#"role="img""#) && chart.svg.contains("aria-labelledby"));
        assert!(chart.svg.contains("prefers-color-scheme:dark"));
        assert!(chart.svg.contains("ETH") || chart.svg.contains("per cent"), "units in {}", chart.file);
        assert!(!chart.svg.contains("NaN") && !chart.svg.contains("inf\""), "{}", chart.file);
        self_contained(&chart.svg);
        within(&chart.svg, chart.file);
    }
}

/// Every text starts within the picture and every line and bar stays in it.
fn within(svg: &str, file: &str) {
    let view = svg.split_once("viewBox=\"0 0 ").unwrap().1.split_once('"').unwrap().0;
    let (width, height) = view.split_once(' ').unwrap();
    let (width, height): (f64, f64) = (width.parse().unwrap(), height.parse().unwrap());
    for (names, most) in
        [([" x=\"", " x1=\"", " x2=\"", " cx=\""], width), ([" y=\"", " y1=\"", " y2=\"", " cy=\""], height)]
    {
        for name in names {
            for part in svg.split(name).skip(1) {
                let value: f64 = part.split_once('"').unwrap().0.parse().unwrap();
                assert!((0.0..=most).contains(&value), "{file}: {name}{value}");
            }
        }
    }
}

fn self_contained(text: &str) {
    for word in ["href", "src=", "url(", "@import", "<script", "@font-face"] {
        assert!(!text.contains(word), "{word}");
    }
    let links = text.matches("http").count();
    assert_eq!(links, text.matches("http://www.w3.org/2000/svg").count(), "no address but the name of SVG");
}

#[test]
fn the_page_has_everything_in_it() {
    let report = report(2);
    let page = report.html();
    self_contained(&page);
    let body = page.split_once("<body>").unwrap().1.split_once("</body>").unwrap().0;
    let names = well_formed(body);
    assert_eq!(names.iter().filter(|name| *name == "svg").count(), 5);
    assert_eq!(names.iter().filter(|name| *name == "h1").count(), 1);
    let mut ids: Vec<_> = page.split(" id=\"").skip(1).map(|part| part.split_once('"').unwrap().0).collect();
    let all = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), all, "ids are unique");
    assert!(page.contains("lang=\"en\"") && page.contains("NOT SAFE"));
}

#[test]
fn the_text_has_its_parts_and_a_verdict_with_a_way_out() {
    let report = report(1);
    let text = report.to_string();
    for title in [
        "What is asked",
        "What each move costs",
        "Bonds",
        "What attacks cost",
        "Outspending the honest side",
        "Keeping the honest side away",
        "Simulated",
    ] {
        assert!(text.contains(&format!("\n{title}\n")) || text.starts_with(title), "{title}");
    }
    assert!(text.contains("NOT SAFE for 10,000 ETH with 100 ETH at hand, because"));
    assert!(text.contains("Way out:"));
    assert!(text.contains(&report.needed_capital.to_string()));
    assert!(text.lines().all(|line| line == line.trim_end()));
    let names: Vec<_> = text.lines().filter(|line| line.starts_with("  NO  ")).collect();
    assert!(!names.is_empty());
}

#[test]
fn enough_capital_is_said_to_be_safe() {
    let mut setting = Setting::new(GasTable::committed().unwrap(), Terms::default()).unwrap();
    setting.value = Wei::ether(10);
    setting.budget = Wei::ether(100_000);
    let simulation = SimulationOptions { runs: 0, ..SimulationOptions::default() };
    let report = Report::new(setting, simulation).unwrap();
    let text = report.to_string();
    assert!(text.contains("\nSAFE for 10 ETH with 100,000 ETH at hand, because"), "{text}");
    assert!(!text.contains("Simulated\n"));
    assert!(report.charts().len() == 3 && report.csv().lines().count() == 1);
    assert!(report.html().contains("SAFE for 10 ETH"));
}

#[test]
fn programs_read_the_same() {
    let report = report(1);
    let json: serde_json::Value = serde_json::from_str(&serde_json::to_string(&report).unwrap()).unwrap();
    let wei = |pointer: &str| -> u128 { json.pointer(pointer).unwrap().as_str().unwrap().parse().unwrap() };
    assert_eq!(wei("/requiredBonds/claim"), report.required_bonds.claim.0);
    assert_eq!(wei("/setting/bonds/dispute"), report.setting.bonds.dispute.0);
    assert_eq!(wei("/neededCapital"), report.needed_capital.0);
    assert_eq!(json.pointer("/verdict/fundsSafe").unwrap(), report.verdict.funds_safe);
    assert_eq!(json.pointer("/simulation").unwrap().as_array().unwrap().len(), report.simulation.len());
    assert_eq!(json.pointer("/attacks/0/attack").unwrap(), "unchallenged");
    assert!(json.get("runs").is_none(), "they are in the table");

    let csv = report.csv();
    assert_eq!(csv.lines().next(), Some(Run::CSV_HEADER));
    assert_eq!(csv.lines().count(), 1 + report.runs.len());
}
