//! The simulated year.

use duplex_stake::{
    Bonds, GasTable, Run, Scenario, Setting, SimulationOptions, StakeError, Summary, Terms, Timing, Wei,
    simulate,
};

const DAY: u64 = 86_400;

fn setting(defence_days: u64, clock_days: u64) -> Setting {
    let timing =
        Timing { challenge_window: 7 * DAY, defence_period: defence_days * DAY, clock: clock_days * DAY };
    let mut setting =
        Setting::new(GasTable::committed().unwrap(), Terms { timing, ..Terms::default() }).unwrap();
    setting.bonds = Bonds { claim: Wei::ether(2), dispute: Wei::ETHER };
    setting
}

fn run(setting: &Setting, days: u32, runs: u32, seed: u64) -> Vec<Run> {
    simulate(setting, SimulationOptions { days, runs, seed }).unwrap()
}

fn of(runs: &[Run], scenario: Scenario) -> Vec<&Run> {
    let found: Vec<_> = runs.iter().filter(|run| run.scenario == scenario).collect();
    assert!(!found.is_empty());
    found
}

#[test]
fn the_same_seed_gives_the_same_and_another_does_not() {
    let setting = setting(1, 3);
    let (first, again, other) =
        (run(&setting, 120, 2, 7), run(&setting, 120, 2, 7), run(&setting, 120, 2, 8));
    assert_eq!(first, again);
    assert_ne!(first, other);
    // More runs do not change those before.
    let more = run(&setting, 120, 3, 7);
    assert!(first.iter().all(|run| more.contains(run)));
}

#[test]
fn nothing_is_made_or_lost_but_what_is_burnt_and_paid_for_gas() {
    for (defence, clock) in [(1, 3), (3, 2)] {
        for run in run(&setting(defence, clock), 200, 3, 3) {
            let watchers = run.rewards - run.gas - run.bonds_lost;
            let sum = watchers + run.attackers - run.claims_lost + run.burnt + run.gas + run.attacker_gas;
            assert!(sum.abs() < 1e-6 * (1.0 + run.burnt + run.attackers.abs()), "{sum}: {run:?}");
            assert!((watchers - run.holding - run.watchers).abs() < 1e-9);
        }
    }
}

#[test]
fn without_attacks_nothing_happens() {
    for run in of(&run(&setting(1, 3), 120, 2, 1), Scenario::Calm) {
        assert_eq!((run.latest, run.challenges, run.false_claims, run.stolen), (0, 0, 0, None));
        assert!(!run.out_of_pocket() && run.watchers == 0.0 && run.burnt == 0.0);
    }
}

#[test]
fn watchers_that_work_keep_funds_safe_and_earn_from_lone_claims() {
    let mut setting = setting(3, 2);
    setting.uptime = 1.0;
    let runs = run(&setting, 365, 2, 5);
    for scenario in
        [Scenario::LoneClaims, Scenario::Copies, Scenario::Delay, Scenario::Spam, Scenario::GasStorm]
    {
        for run in of(&runs, scenario) {
            assert_eq!((run.stolen, run.honest_rejected), (None, 0), "{run:?}");
            assert!(!run.out_of_pocket(), "{run:?}");
            assert!(run.challenges > 0 && run.attackers < 0.0 && run.burnt > 0.0, "{run:?}");
        }
    }
    for run in of(&runs, Scenario::LoneClaims) {
        assert!(run.watchers > f64::from(run.false_claims) * 0.9, "{run:?}");
    }
}

#[test]
fn a_challenge_at_all_times_delays_by_no_more_than_the_rules_allow() {
    let setting = setting(1, 3);
    let bound = u32::try_from(setting.terms.timing.worst_challenge() / 3600).unwrap();
    for run in of(&run(&setting, 200, 3, 2), Scenario::Delay) {
        assert!(run.late() && run.latest <= bound, "{run:?}");
    }
}

#[test]
fn without_watchers_the_first_false_claim_is_final_after_its_window() {
    let mut setting = setting(1, 3);
    setting.watchers = 0;
    let runs = run(&setting, 365, 2, 1);
    for run in of(&runs, Scenario::LoneClaims) {
        assert!(run.stolen.is_some_and(|hour| hour >= 168), "{run:?}");
    }
    let summary = Summary::of(&runs);
    assert!(summary.iter().any(|s| s.scenario == Scenario::LoneClaims && s.stolen == 1.0));
}

#[test]
fn outspent_watchers_lose_true_claims_unless_challenges_are_lost_in_time() {
    let rejected = |setting: &Setting| {
        let runs = run(setting, 365, 4, 11);
        of(&runs, Scenario::Spam).iter().filter(|run| run.honest_rejected > 0).count()
    };
    assert!(rejected(&setting(1, 3)) > 0);
    assert_eq!(rejected(&setting(3, 2)), 0);
}

#[test]
fn a_wave_of_false_claims_beyond_the_capital_gets_through_and_one_below_it_does_not() {
    let poor = setting(1, 3);
    let runs = run(&poor, 365, 4, 11);
    assert!(of(&runs, Scenario::RichClaims).iter().any(|run| run.stolen.is_some()));
    assert!(of(&runs, Scenario::Claims).iter().all(|run| run.stolen.is_none()));
}

#[test]
fn periods_of_seconds_are_not_simulated() {
    let mut setting = setting(1, 3);
    setting.terms.timing.clock = 300;
    let error = simulate(&setting, SimulationOptions::default()).unwrap_err();
    assert!(matches!(error, StakeError::Range { .. }) && error.to_string().contains("--runs 0"), "{error}");
    let setting = self::setting(1, 3);
    let options = SimulationOptions { days: 0, ..SimulationOptions::default() };
    assert!(simulate(&setting, options).is_err());
}

#[test]
fn the_table_has_a_column_for_every_value() {
    let columns = Run::CSV_HEADER.split(',').count();
    for run in run(&setting(1, 3), 30, 1, 1) {
        assert_eq!(run.csv().split(',').count(), columns);
    }
}
