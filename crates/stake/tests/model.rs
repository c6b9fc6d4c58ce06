//! What must hold whatever the gas, the prices and the periods are.

use duplex_stake::{
    Absence, Attack, Balance, Bonds, Drains, GasTable, Multiple, Pressure, Setting, StageGas, Terms, Timing,
    Verdict, Wei, YearlyRate, needed_capital, raised_bonds, required_bonds, secure_bonds,
};
use proptest::prelude::*;

const HOUR: u64 = 3600;
const DAY: u64 = 24 * HOUR;

fn amount() -> impl Strategy<Value = u64> {
    21_000u64..3_000_000
}

prop_compose! {
    fn stage()(gas in prop::array::uniform5(amount())) -> StageGas {
        let [commit, commit_and_open, challenger_descends, defender_descends, descend_to_leaf] = gas;
        StageGas { commit, commit_and_open, challenger_descends, defender_descends, descend_to_leaf }
    }
}

prop_compose! {
    fn gas()(stages in prop::array::uniform4(stage()), gas in prop::array::uniform8(amount())) -> GasTable {
        let [propose, challenge, defend, load, prove, timeout, resolve, withdraw] = gas;
        GasTable { propose, challenge, defend, stages, load, prove, timeout, resolve, withdraw }
    }
}

prop_compose! {
    fn terms()(
        price in 1u64..200,
        margin in 100u32..2000,
        window in 2 * HOUR..14 * DAY,
        defence in HOUR..7 * DAY,
        clock in HOUR..7 * DAY,
        rate in 0u32..2500,
        delayed in 0u64..100_000,
    ) -> Terms {
        Terms {
            gas_price: Wei::gwei(price),
            margin: Multiple(margin),
            timing: Timing { challenge_window: window, defence_period: defence, clock },
            capital_cost: YearlyRate(rate),
            delayed_value: Wei::ether(delayed),
        }
    }
}

prop_compose! {
    fn settings()(
        gas in gas(),
        terms in terms(),
        value in 1u64..1_000_000,
        budget in 0u64..1_000_000,
        watchers in 0u32..20,
        uptime in 0.0f64..=1.0,
        interval in 600u64..DAY,
        factors in (1u32..50, 1u32..50),
    ) -> Setting {
        let mut setting = Setting::new(gas, terms).unwrap();
        setting.value = Wei::ether(value);
        setting.budget = Wei::ether(budget);
        setting.watchers = watchers;
        setting.uptime = uptime;
        setting.claim_interval = interval;
        // Not below what is required.
        let floor = Bonds {
            claim: setting.bonds.claim.times(u128::from(factors.0)),
            dispute: setting.bonds.dispute.times(u128::from(factors.1)),
        };
        setting.bonds = raised_bonds(&gas, &terms, floor).unwrap();
        setting
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    /// The bonds hold what they are documented to hold, and are the least that do, to a gwei of each side.
    #[test]
    fn bonds_cover_what_they_say(gas in gas(), terms in terms()) {
        let bonds = required_bonds(&gas, &terms).unwrap();
        let play = terms.worst(gas.challenger().max(gas.defender()));
        let holding = |bond: Wei| terms.holding(bond.up_to_two_digits());
        let locked = holding(bonds.dispute);
        let delay = locked + holding(bonds.claim) + terms.holding(terms.delayed_value);
        prop_assert!(bonds.dispute_reward() >= play + delay);
        prop_assert!(bonds.challenger_reward() >= terms.worst(gas.unanswered() + gas.challenger()) + locked);
        prop_assert!(bonds.other_reward() >= terms.worst(gas.unanswered()) + locked);

        let less = Bonds { dispute: bonds.dispute - Wei::gwei(2), ..bonds };
        prop_assert!(less.dispute_reward() < play + delay);
        let less = Bonds { claim: bonds.claim - Wei::gwei(17), ..bonds };
        let first = less.challenger_reward() < terms.worst(gas.unanswered() + gas.challenger()) + locked;
        let second = less.other_reward() < terms.worst(gas.unanswered()) + locked;
        prop_assert!(first || second);

        // Neater ones do as well, and nothing is added to what is enough.
        let rounded = bonds.rounded();
        prop_assert!(rounded.claim >= bonds.claim && rounded.dispute >= bonds.dispute);
        prop_assert_eq!(raised_bonds(&gas, &terms, rounded).unwrap(), rounded);
        prop_assert_eq!(raised_bonds(&gas, &terms, bonds).unwrap(), bonds);
    }

    /// Dearer gas, a wider margin, dearer capital, longer periods and more delayed value never lower a bond.
    #[test]
    fn bonds_grow_with_every_cost(gas in gas(), terms in terms(), more in 1u64..100) {
        let bonds = required_bonds(&gas, &terms).unwrap();
        let grows = |changed: Terms| {
            let grown = required_bonds(&gas, &changed).unwrap();
            grown.claim >= bonds.claim && grown.dispute >= bonds.dispute
        };
        let dearer = Terms { gas_price: terms.gas_price + Wei::gwei(more), ..terms };
        let grown = required_bonds(&gas, &dearer).unwrap();
        prop_assert!(grown.claim > bonds.claim && grown.dispute > bonds.dispute);
        let hundredths = u32::try_from(more).unwrap();
        prop_assert!(grows(Terms { margin: Multiple(terms.margin.0 + hundredths), ..terms }), "margin");
        prop_assert!(grows(Terms { capital_cost: YearlyRate(terms.capital_cost.0 + hundredths), ..terms }), "rate");
        prop_assert!(grows(Terms { delayed_value: terms.delayed_value + Wei::ether(more), ..terms }), "value");
        let t = terms.timing;
        for timing in [
            Timing { challenge_window: t.challenge_window + more, ..t },
            Timing { defence_period: t.defence_period + more, ..t },
            Timing { clock: t.clock + more, ..t },
        ] {
            prop_assert!(grows(Terms { timing, ..terms }), "{timing:?}");
        }
    }

    /// With bonds that are not too low nobody honest pays, in any attack in which what the bonds assume is given. Where
    /// it is not, and somebody honest acted, the attacker loses more.
    #[test]
    fn the_honest_side_is_never_out_of_pocket(setting in settings()) {
        for attack in Attack::ALL {
            let outcome = attack.outcome(&setting);
            if outcome.assumed {
                prop_assert_eq!(outcome.honest.loss(), Wei::ZERO, "{:?}", outcome);
            } else if attack != Attack::Unchallenged {
                prop_assert!(outcome.attacker_loses >= outcome.honest.loss(), "{:?}", outcome);
            }
        }
    }

    /// A false claim costs its maker the least of what it can do about it: nothing, or win against it with any number of
    /// copies.
    #[test]
    fn the_least_loss_is_the_least(setting in settings()) {
        let (gas, terms, bonds) = (&setting.gas, &setting.terms, &setting.bonds);
        let alone = bonds.claim + terms.usual(gas.propose);
        let least = (0..=4u64).fold(alone, |least, copies| {
            let back = bonds.challenger_reward() + bonds.other_reward().times(u128::from(copies));
            let spent = gas.propose + gas.challenge * (copies + 1) + gas.resolve + gas.withdraw;
            least.min(bonds.claim - back + terms.usual(spent))
        });
        prop_assert_eq!(setting.least_loss(), least);
    }

    /// A dispute ends when both clocks have run out, however slow the honest side is.
    #[test]
    fn stalling_ends(setting in settings(), response in 1u64..30 * DAY) {
        let clock = setting.terms.timing.clock;
        let stalled = Setting { response, ..setting }.stalled();
        prop_assert!((clock + response.min(clock)..=2 * clock).contains(&stalled));
        prop_assert!(setting.terms.timing.defence_period + stalled <= setting.terms.timing.worst_challenge());
    }

    /// Whatever the bonds: rejecting one's own claim burns a quarter of its bond, losing to oneself half.
    #[test]
    fn fighting_oneself_costs(setting in settings(), claim in 1u128..10u128.pow(24), dispute in 1u128..10u128.pow(24)) {
        let setting = Setting { bonds: Bonds { claim: Wei(claim), dispute: Wei(dispute) }, ..setting };
        let alone = Attack::SelfChallenge.outcome(&setting);
        prop_assert!(alone.attacker_loses >= Wei(claim.div_ceil(4)));
        prop_assert!(setting.bonds.burnt_at_least() >= Wei(claim.div_ceil(4)));
        let delay = Attack::CrowdedDefence.outcome(&setting);
        prop_assert!(delay.attacker_loses >= Wei(dispute.div_ceil(2)));
    }

    /// What is said to be enough is, and one answer less is not.
    #[test]
    fn enough_is_enough_and_not_too_much(setting in settings()) {
        let with = |budget| Drains::of(&Setting { budget, ..setting });
        let drain = with(setting.budget).claims;
        prop_assert!(with(drain.needed).claims.lost > setting.value);
        prop_assert!(with(drain.needed - Wei(1)).claims.lost <= setting.value);

        let needed = with(setting.budget).defences.needed;
        let stakes = |budget| setting.bonds.dispute.times(with(budget).defences.answered + 1);
        prop_assert!(stakes(needed) > setting.value);
        if needed > setting.challenge_capital() {
            prop_assert!(stakes(needed - Wei(1)) <= setting.value);
        }

        let drains = with(setting.budget);
        prop_assert!(drains.claims_needed_with_reuse <= drains.claims.needed);
        prop_assert!(drains.claims_needed_with_reuse.times(u128::from(drains.rounds)) >= drains.claims.needed);
    }

    /// More money at hand never makes it worse, nor does a more valuable rollup make it better.
    #[test]
    fn more_capital_and_less_value_help(setting in settings(), more in 1u64..1000) {
        let safe = |setting: &Setting| Verdict::of(setting).unwrap().funds_safe;
        let richer = Setting { budget: setting.budget + Wei::ether(more), ..setting };
        prop_assert!(safe(&richer) >= safe(&setting));
        let larger = Setting { value: setting.value + Wei::ether(more), ..setting };
        prop_assert!(safe(&larger) <= safe(&setting));
        prop_assert!(needed_capital(&larger) >= needed_capital(&setting));
        let pressure = (Pressure::of(&setting).censorship(), Pressure::of(&richer).censorship());
        prop_assert!(pressure.1 >= pressure.0);
    }

    /// Bonds that are said to do, do, and are not below those that pay for honest work.
    #[test]
    fn secure_bonds_secure(setting in settings()) {
        if let Some(bonds) = secure_bonds(&setting) {
            prop_assert!(bonds.claim >= setting.bonds.claim && bonds.dispute >= setting.bonds.dispute);
            let secured = Setting { bonds, ..setting };
            prop_assert!(Drains::of(&secured).needed() <= setting.budget);
            let withstands = |name: &str| {
                let verdict = Verdict::of(&Setting { value: setting.value, ..secured }).unwrap();
                verdict.checks.iter().any(|check| check.name == name && check.passed)
            };
            prop_assert!(withstands("many false claims at once") && withstands("many defences at once"));
            prop_assert!(withstands("gas up to the price covered"));
        }
    }

    /// Where trying begins to pay, what is won on average is what is lost on average.
    #[test]
    fn trying_pays_where_the_chances_say(setting in settings(), uptime in 0.01f64..0.999, watchers in 1u32..4) {
        let setting = Setting { uptime, watchers, ..setting };
        let absence = Absence::of(&setting);
        let (from, loss) = (absence.pays_from.unwrap().as_ether(), setting.least_loss().as_ether());
        let (won, lost) = (absence.chance * from, (1.0 - absence.chance) * loss);
        prop_assert!((won - lost).abs() <= 1e-6 * lost + 1e-12, "{won} {lost}");
        let at = Setting { value: Wei::about_ether(from), ..setting };
        prop_assert!((Absence::of(&at).breaking_chance - absence.chance).abs() <= 1e-6);
    }

    /// More watchers, and better ones, make trying pay later.
    #[test]
    fn watchers_help(setting in settings()) {
        let from = |setting: &Setting| Absence::of(setting).pays_from.unwrap_or(Wei::MAX);
        let more = Setting { watchers: setting.watchers + 1, ..setting };
        prop_assert!(from(&more) >= from(&setting));
        let better = Setting { uptime: f64::midpoint(setting.uptime, 1.0), ..setting };
        prop_assert!(from(&better) >= from(&setting));
    }

    /// No other claim bond needs noticeably less capital altogether.
    #[test]
    fn the_balance_is_the_least(setting in settings(), percent in 20u32..500) {
        let total = |claim: Wei| {
            let changed = Setting { bonds: Bonds { claim, ..setting.bonds }, ..setting };
            claim.times(u128::from(setting.open_claims())) + Drains::of(&changed).claims.needed
        };
        let balance = Balance::of(&setting);
        let other = balance.claim_bond.share_up(u128::from(percent), 100).max(setting.bonds.claim);
        // The loss of a claim is a quarter of its bond and some gas, which the formula leaves out, and whole claims.
        let slack = setting.challenge_capital().times(2);
        prop_assert!(total(balance.claim_bond).share_up(85, 100) <= total(other) + slack);
    }
}

#[test]
fn without_watchers_or_money_nothing_is_safe() {
    let setting = Setting::new(GasTable::committed().unwrap(), Terms::default()).unwrap();
    for changed in [
        Setting { watchers: 0, ..setting },
        Setting { uptime: 0.0, ..setting },
        Setting { budget: Wei::ZERO, ..setting },
    ] {
        let verdict = Verdict::of(&changed).unwrap();
        assert!(!verdict.funds_safe);
        let failed: Vec<_> = verdict.checks.iter().filter(|check| !check.passed).collect();
        assert!(failed.iter().all(|check| !check.way_out.is_empty()));
    }
}

#[test]
fn a_small_value_with_much_capital_is_safe() {
    let mut setting = Setting::new(GasTable::committed().unwrap(), Terms::default()).unwrap();
    setting.value = Wei::ether(100);
    setting.budget = Wei::ether(10_000);
    let verdict = Verdict::of(&setting).unwrap();
    assert!(verdict.funds_safe, "{verdict:#?}");
}

#[test]
fn challenges_that_are_answered_must_be_lost_in_time() {
    let gas = GasTable::committed().unwrap();
    let with = |days: u64, clock: u64| {
        let timing = Timing { challenge_window: 7 * DAY, defence_period: days * DAY, clock: clock * DAY };
        let mut setting = Setting::new(gas, Terms { timing, ..Terms::default() }).unwrap();
        setting.bonds = Bonds { claim: Wei::ETHER, dispute: Wei::ETHER };
        setting.budget = Wei::ether(1000);
        (Drains::of(&setting), Verdict::of(&setting).unwrap().checks.into_iter().last().unwrap())
    };
    // Both finalise within 14 days at worst.
    let (long, check) = with(3, 2);
    assert!(long.lost_in_time && check.passed, "{check:?}");
    assert!(long.challenges.lost > long.challenges_gain);
    let (short, check) = with(1, 3);
    assert!(!short.lost_in_time && !check.passed, "{check:?}");
    assert!(short.challenges.lost < short.challenges_gain);
    assert!(check.way_out.contains("defence period"), "{}", check.way_out);
}

#[test]
fn what_makes_no_sense_is_named_with_the_way_out() {
    let setting = Setting::new(GasTable::committed().unwrap(), Terms::default()).unwrap();
    let cases = [
        (Setting { uptime: 1.5, ..setting }, "the uptime is 1.5"),
        (Setting { uptime: f64::NAN, ..setting }, "the uptime is NaN"),
        (Setting { value: Wei::ZERO, ..setting }, "the value secured is 0 ETH"),
        (Setting { watchers: 5000, ..setting }, "the number of watchers is 5000"),
        (Setting { response: 0, ..setting }, "the time for a move is no time"),
        (Setting { response: 30 * DAY, ..setting }, "the time for a move is 30 days"),
        (Setting { claim_interval: 0, ..setting }, "the time between claims"),
        (
            Setting { bonds: Bonds { claim: Wei::ZERO, ..setting.bonds }, ..setting },
            "the claim bond is 0 ETH",
        ),
    ];
    for (setting, words) in cases {
        let error = Verdict::of(&setting).unwrap_err().to_string();
        assert!(error.starts_with(words), "{error}");
        assert!(error.contains("must be") && error.contains(": "), "{error}");
    }
}
