//! Safe or not, and because of what.

use serde::Serialize;

use crate::{
    Absence, Drains, Pressure, Setting, StakeError, Wei,
    amount::{digits, span, whole},
    raised_bonds, secure_bonds,
};

/// Something that a rollup is to withstand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Check {
    /// What is to be withstood, in a few words.
    pub name: &'static str,
    /// Whether it is.
    pub passed: bool,
    /// Whether funds depend on it; otherwise finality or somebody's bond.
    pub funds: bool,
    /// The numbers.
    pub because: String,
    /// What would make it hold; empty if it does.
    pub way_out: String,
}

/// Whether a setting is safe.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Verdict {
    /// Whether funds are.
    pub funds_safe: bool,
    /// Whether, beyond that, finality is only late, and nobody honest loses a bond or money.
    pub all_well: bool,
    /// Everything that was looked at.
    pub checks: Vec<Check>,
}

impl Verdict {
    /// Looks at everything.
    ///
    /// # Errors
    /// [`StakeError`] if the setting makes no sense.
    pub fn of(setting: &Setting) -> Result<Self, StakeError> {
        setting.check()?;
        let drains = Drains::of(setting);
        let checks = vec![
            costs(setting)?,
            first_move(setting),
            claims(setting, &drains),
            defences(setting, &drains),
            absence(setting),
            censorship(setting),
            challenges(setting, &drains),
        ];
        let safe = |check: &Check| check.passed || !check.funds;
        Ok(Self {
            funds_safe: checks.iter().all(safe),
            all_well: checks.iter().all(|check| check.passed),
            checks,
        })
    }
}

fn check(
    name: &'static str,
    funds: bool,
    passed: bool,
    because: String,
    way_out: impl FnOnce() -> String,
) -> Check {
    Check { name, passed, funds, because, way_out: if passed { String::new() } else { way_out() } }
}

fn costs(setting: &Setting) -> Result<Check, StakeError> {
    let bonds = setting.bonds;
    let least = raised_bonds(&setting.gas, &setting.terms, bonds)?;
    Ok(check(
        "gas up to the price covered",
        false,
        bonds == least,
        format!(
            "with gas at {} the winner of a dispute gets {}, of {} at least that it must be; for a claim {}, of {}",
            setting.terms.worst_price(),
            bonds.dispute_reward(),
            least.dispute_reward(),
            bonds.challenger_reward(),
            least.challenger_reward()
        ),
        || {
            let needed = least.rounded();
            format!("deploy with bonds of {} and {}", needed.claim, needed.dispute)
        },
    ))
}

fn first_move(setting: &Setting) -> Check {
    let needed = setting.challenge_capital();
    check(
        "one false claim",
        true,
        setting.budget >= needed && setting.watchers > 0,
        format!(
            "a challenge, played to the end, takes {needed}; {} watchers have {}",
            setting.watchers, setting.budget
        ),
        || format!("have at least one watcher, and {needed} at hand"),
    )
}

/// What bonds would do, or that none would.
fn bonds_that_do(setting: &Setting) -> String {
    secure_bonds(setting).map_or_else(
        || "; with this budget no bonds would do".to_owned(),
        |bonds| {
            format!(
                "; or deploy with a claim bond of {} and a dispute bond of {}, which locks {} in open claims",
                bonds.claim,
                bonds.dispute,
                bonds.claim.times(u128::from(setting.open_claims()))
            )
        },
    )
}

fn claims(setting: &Setting, drains: &Drains) -> Check {
    let drain = &drains.claims;
    let passed = setting.budget >= drain.needed;
    let because = format!(
        "{} answers {} false claims at once; one more takes the attacker {} at hand, of which at least {} is lost, for {}",
        setting.budget,
        whole(drain.answered),
        drain.capital,
        drain.lost,
        setting.value
    );
    check("many false claims at once", true, passed, because, || {
        format!("have {} at hand{}", drain.needed, bonds_that_do(setting))
    })
}

fn defences(setting: &Setting, drains: &Drains) -> Check {
    let drain = &drains.defences;
    let passed = setting.budget >= drain.needed;
    let because = format!(
        "the budget has gas against {} defences of one claim; one more puts {} at stake (all of it lost if there is \
         more gas after all, otherwise only {}), for {}",
        whole(drain.answered),
        drain.capital,
        drain.lost,
        setting.value
    );
    check("many defences at once", true, passed, because, || {
        format!("have {} at hand{}", drain.needed, bonds_that_do(setting))
    })
}

fn absence(setting: &Setting) -> Check {
    let absence = Absence::of(setting);
    let from =
        absence.pays_from.map_or_else(|| "never pays".to_owned(), |from| format!("pays from {from} on"));
    check(
        "absent watchers",
        true,
        absence.pays_from.is_none_or(|from| setting.value < from),
        format!(
            "all {} watchers are away for a whole window with a chance of {}; so trying {from}",
            setting.watchers,
            digits(absence.chance)
        ),
        || {
            let (mut more, mut found) = (*setting, None);
            while more.watchers < 100 && found.is_none() {
                more.watchers += 1;
                let from = Absence::of(&more).pays_from;
                found = from.is_none_or(|from| more.value < from).then_some(more.watchers);
            }
            found.map_or_else(
                || format!("make that chance less than {}", digits(absence.breaking_chance)),
                |watchers| format!("have {watchers} watchers that do not fail together"),
            )
        },
    )
}

fn censorship(setting: &Setting) -> Check {
    let pressure = Pressure::of(setting);
    let slack = pressure.slack_to_challenge.min(pressure.slack_in_dispute);
    let cost = pressure.censorship();
    check(
        "censorship on L1",
        true,
        slack > 0 && cost > setting.value,
        format!(
            "the honest side must be kept away for {}: {} to outbid its budget in every block, {} to drive up the gas \
             price",
            span(slack),
            pressure.bribe,
            pressure.price_out
        ),
        || "take a longer clock and window, answer faster, or have more to bid with".to_owned(),
    )
}

fn challenges(setting: &Setting, drains: &Drains) -> Check {
    let drain = &drains.challenges;
    let because = format!(
        "the budget answers {} challenges at once; one more takes {} at hand, of which {} is lost, and brings {}: the claim's \
         bond but for what is burnt, half of those of claims on it{}",
        whole(drain.answered),
        drain.capital,
        drain.lost,
        drains.challenges_gain,
        if drains.lost_in_time { "" } else { ", and half of those of its defences" }
    );
    let passed = setting.budget >= drain.needed.max(setting.defence_capital());
    check("many challenges of true claims at once", false, passed, because, || {
        let longer = span(setting.stalled() + setting.response);
        if drains.lost_in_time {
            return format!("have {} at hand, or make fewer claims", drain.needed);
        }
        format!(
            "deploy with a defence period longer than {longer}, or a shorter clock, so that challenges that are answered are \
             lost before one that is not can win"
        )
    })
}

/// The least honest capital with which funds are safe from being outspent.
pub fn needed_capital(setting: &Setting) -> Wei {
    Drains::of(setting).needed().max(setting.challenge_capital())
}
