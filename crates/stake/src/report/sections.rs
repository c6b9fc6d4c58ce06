//! What is told, in which order; how it looks is decided elsewhere.

use super::Report;
use crate::{
    StageGas, Wei,
    amount::{digits, span, whole},
};

/// A part with a heading.
#[derive(Debug)]
pub(crate) struct Section {
    pub(crate) title: &'static str,
    pub(crate) blocks: Vec<Block>,
}

#[derive(Debug)]
pub(crate) enum Block {
    Text(String),
    /// Columns after the first are numbers.
    Table(Vec<&'static str>, Vec<Vec<String>>),
    /// A chart, by its file; only where charts can be shown.
    Chart(&'static str),
}

pub(super) fn sections(report: &Report) -> Vec<Section> {
    let mut sections = vec![
        asked(report),
        moves(report),
        bonds(report),
        attacks(report),
        outspent(report),
        kept_away(report),
    ];
    if !report.simulation.is_empty() {
        sections.push(simulated(report));
    }
    sections
}

fn table(head: &[&'static str], rows: impl IntoIterator<Item = Vec<String>>) -> Block {
    Block::Table(head.to_vec(), rows.into_iter().collect())
}

fn asked(report: &Report) -> Section {
    let s = &report.setting;
    let (terms, timing) = (&s.terms, &s.terms.timing);
    let rows = [
        ("value secured", s.value.to_string()),
        ("honest side at hand", s.budget.to_string()),
        ("watchers", format!("{}, each working within a window with a chance of {}", s.watchers, s.uptime)),
        ("gas", format!("{} usually, up to {} covered", terms.gas_price, terms.worst_price())),
        ("cost of capital", format!("{} a year", terms.capital_cost)),
        ("challenge window", span(timing.challenge_window)),
        ("defence period", span(timing.defence_period)),
        ("clock of each side", span(timing.clock)),
        (
            "finality",
            format!(
                "{} without challenges, {} at worst",
                span(timing.challenge_window),
                span(timing.worst_finality())
            ),
        ),
    ];
    let rows = rows.map(|(name, value)| vec![name.to_owned(), value]);
    Section { title: "What is asked", blocks: vec![table(&["", ""], rows)] }
}

fn moves(report: &Report) -> Section {
    let (gas, terms) = (&report.setting.gas, &report.setting.terms);
    let row = |name: &str, amount: u64| {
        vec![name.to_owned(), whole(amount), terms.usual(amount).to_string(), terms.worst(amount).to_string()]
    };
    let dearest = |of: fn(&StageGas) -> u64| gas.stages.iter().map(of).max().unwrap_or_default();
    let rows = [
        row("propose a claim", gas.propose),
        row("challenge", gas.challenge),
        row("defend", gas.defend),
        row("descend *", dearest(|stage| stage.challenger_descends.max(stage.defender_descends))),
        row("descend to the leaf *", dearest(|stage| stage.descend_to_leaf)),
        row("commit *", dearest(|stage| stage.commit.max(stage.commit_and_open))),
        row("load what the step reads *", gas.load),
        row("prove the step", gas.prove),
        row("end by the clock", gas.timeout),
        row("settle a challenge", gas.resolve),
        row("take what was won", gas.withdraw),
        row("a challenge that nobody answers", gas.unanswered()),
        row("and for each defence, at most", gas.challenger()),
        row("a defence, at most", gas.defender()),
    ];
    let text = "As measured by the contracts' tests; * of several the dearest.";
    Section {
        title: "What each move costs",
        blocks: vec![table(&["move", "gas", "usually", "covered"], rows), Block::Text(text.into())],
    }
}

fn bonds(report: &Report) -> Section {
    let (used, least) = (report.setting.bonds, report.required_bonds);
    let rows = [
        vec!["claim".into(), least.claim.to_string(), used.claim.to_string()],
        vec!["challenge, defence".into(), least.dispute.to_string(), used.dispute.to_string()],
    ];
    let text = format!(
        "The winner of a dispute gets half of the loser's bond: {}. Whoever rejects a claim gets half of its bond, {}; \
         each of the first four others {}; at least {} is burnt. So nobody honest is out of pocket up to the gas price \
         covered, the cost of locked bonds included.",
        used.dispute_reward(),
        used.challenger_reward(),
        used.other_reward(),
        used.burnt_at_least()
    );
    Section {
        title: "Bonds",
        blocks: vec![table(&["bond", "pays for honest work", "looked at here"], rows), Block::Text(text)],
    }
}

fn attacks(report: &Report) -> Section {
    let rows = report.attacks.iter().map(|outcome| {
        vec![
            outcome.title.to_owned(),
            outcome.attacker_loses.to_string(),
            outcome.attacker_capital.to_string(),
            outcome.honest.to_string(),
            outcome.honest_capital.to_string(),
            if outcome.delay == 0 { "-".into() } else { span(outcome.delay) },
        ]
    });
    let head = ["attack", "attacker loses", "and needs", "honest side", "and needs", "finality later by"];
    let delay = report.attacks.iter().find(|outcome| outcome.attack == crate::Attack::CrowdedDefence);
    let text = delay.map_or_else(String::new, |outcome| {
        let day = outcome.attacker_loses.share_up(86_400, u128::from(outcome.delay.max(1)));
        let year = report.setting.terms.capital_cost.of(report.setting.value, 86_400);
        format!(
            "The attacker's numbers are the least it loses, with gas at the usual price; the honest side's are with gas at \
             the price covered. Holding finality up costs {day} a day at least; all {} held up for a day cost their owners \
             {year}.",
            report.setting.value
        )
    });
    Section {
        title: "What attacks cost",
        blocks: vec![table(&head, rows), Block::Text(text), Block::Chart("attack-cost.svg")],
    }
}

fn outspent(report: &Report) -> Section {
    let drains = &report.drains;
    let row = |name: &str, drain: &crate::Drain| {
        vec![
            name.to_owned(),
            drain.honest_each.to_string(),
            whole(drain.answered),
            drain.capital.to_string(),
            drain.lost.to_string(),
            if drain.needed == Wei::MAX { "nothing is".into() } else { drain.needed.to_string() },
        ]
    };
    let rows = [
        row("false claims (funds)", &drains.claims),
        row("defences of one (funds)", &drains.defences),
        row("challenges of a true one", &drains.challenges),
    ];
    let head =
        ["one more of", "honest, each", "answered", "attacker needs", "surely loses", "enough to have"];
    let text = format!(
        "Enough to have: for false claims, what makes the attacker surely lose more than {}; for defences, what makes it \
         stake more than that; for challenges, what makes it lose more than the {} that it can gain. Capital comes back in \
         time to be used {} within a window: with that, {} are enough against false claims.",
        report.setting.value,
        drains.challenges_gain,
        if drains.rounds == 1 { "once".into() } else { format!("{} times", drains.rounds) },
        drains.claims_needed_with_reuse
    );
    let balance = &report.balance;
    let choice = format!(
        "The claim bond that needs least capital altogether for {} is about {}: {} locked in the {} claims that are open at \
         a time, and {} with challengers.",
        report.setting.value,
        balance.claim_bond.up_to_two_digits(),
        balance.proposers,
        report.setting.open_claims(),
        balance.challengers
    );
    Section {
        title: "Outspending the honest side",
        blocks: vec![
            table(&head, rows),
            Block::Text(text),
            Block::Text(choice),
            Block::Chart("honest-capital.svg"),
            Block::Chart("capital-for-value.svg"),
        ],
    }
}

fn kept_away(report: &Report) -> Section {
    let (absence, pressure) = (&report.absence, &report.pressure);
    let from = absence.pays_from.map_or_else(
        || "trying never pays".to_owned(),
        |from| format!("trying pays from {from} of value on"),
    );
    let rows = [
        vec!["nobody looks within a window".into(), format!("chance {}", digits(absence.chance)), from],
        vec![
            "kept from challenging".into(),
            format!("survived for {}", span(pressure.slack_to_challenge)),
            String::new(),
        ],
        vec![
            "kept from moving in a dispute".into(),
            format!("survived for {}", span(pressure.slack_in_dispute)),
            String::new(),
        ],
        vec![
            "filling every L1 block that long".into(),
            pressure.fill_at_price.to_string(),
            "if the price did not rise".into(),
        ],
        vec![
            "driving up the gas price".into(),
            pressure.price_out.to_string(),
            format!("to {}, all that the budget can pay", per_gas(pressure.affordable_price)),
        ],
        vec!["outbidding it in every block".into(), pressure.bribe.to_string(), "the budget in each".into()],
        vec![
            "gas price at which winning loses".into(),
            per_gas(pressure.losing_price),
            format!("{} is covered", per_gas(report.setting.terms.worst_price())),
        ],
    ];
    Section { title: "Keeping the honest side away", blocks: vec![table(&["", "", ""], rows)] }
}

fn simulated(report: &Report) -> Section {
    let percent = |share: f64| format!("{:.0} %", share * 100.0);
    let rows = report.simulation.iter().map(|s| {
        let [least, middle, most] = s.honest.map(digits);
        vec![
            s.scenario.title().to_owned(),
            percent(s.late),
            percent(s.out_of_pocket),
            percent(s.rejected),
            percent(s.stolen),
            least,
            middle,
            most,
            format!("{} h", s.latest),
        ]
    });
    let head = [
        "scenario",
        "late",
        "out of pocket",
        "rejected",
        "funds at risk",
        "honest ETH, least",
        "middle",
        "most",
        "latest",
    ];
    let runs = report.simulation.first().map_or(0, |s| s.runs);
    let text = format!(
        "{runs} runs of {} days of each. Late: finality more than a day later than without attacks. Rejected: an honest \
         claim was, with those that build on it. A run ends when funds are at risk.",
        report.simulated_days
    );
    Section {
        title: "Simulated",
        blocks: vec![
            table(&head, rows),
            Block::Text(text),
            Block::Chart("simulation.svg"),
            Block::Chart("simulation-money.svg"),
        ],
    }
}

fn per_gas(price: Wei) -> String {
    format!("{} gwei", digits(price.as_ether() * 1e9))
}
