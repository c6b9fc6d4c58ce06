//! `duplex stake`.

use std::path::PathBuf;

use alloy_primitives::U256;
use clap::Args;
use duplex_l1::{Parameters, RelayerTerms};
use duplex_stake::{
    Bonds, GasTable, Multiple, RelayerReport, RelayerSetting, Report, Setting, SimulationOptions, Terms,
    Timing, Wei, YearlyRate, raised_bonds,
};
use eyre::WrapErr;

use crate::{args::OutputArgs, output};

/// Work out how much stake is enough: bonds, what attacks cost, and whether the value is safe.
///
/// From the gas that the game's moves take: the least bonds with which nobody honest is out of pocket, what each attack
/// costs both sides, how much the honest side must have at hand, and a simulated year of attacks. Nothing is sent and
/// nothing is read from a chain. docs/stake.md explains the numbers and the charts.
///
/// With --relayers: the same for relayers who vouch for messages (docs/bridge.md): what they can take together and what they
/// lose, what honest work earns, what silence costs.
#[derive(Debug, Args)]
pub(crate) struct StakeArgs {
    /// Look at so many relayers with stakes, instead of at claims and disputes.
    #[arg(long, value_name = "N", num_args = 0..=1, default_missing_value = "5")]
    relayers: Option<u32>,
    /// With --relayers: what each stakes.
    #[arg(long, value_name = "ETH", default_value = "10", requires = "relayers")]
    relayer_stake: Wei,
    /// With --relayers: messages a day.
    #[arg(long, value_name = "N", default_value_t = 1_000, requires = "relayers")]
    messages: u32,
    /// With --relayers: what a message is worth.
    #[arg(long, value_name = "ETH", default_value = "0.1", requires = "relayers")]
    message_value: Wei,
    /// With --relayers: what a message pays beyond the gas of its delivery, in percent of that.
    #[arg(long, value_name = "PERCENT", default_value_t = 50, requires = "relayers")]
    message_profit: u32,
    /// With --relayers: what running one costs a year, beside its stake.
    #[arg(long, value_name = "ETH", default_value = "1", requires = "relayers")]
    running: Wei,
    /// Value that a false claim could take: what the rollup holds on L1.
    #[arg(long, env = "DUPLEX_TVL", value_name = "ETH", default_value = "10000")]
    tvl: Wei,
    /// What the honest side has at hand for challenges, defences and their gas, all watchers together.
    #[arg(long, value_name = "ETH", default_value = "100")]
    budget: Wei,
    /// Watchers that challenge and defend, each on its own.
    #[arg(long, value_name = "N", default_value_t = 3)]
    watchers: u32,
    /// Chance that a watcher works at some time within a window; in the simulation, the share of hours in which it works.
    #[arg(long, value_name = "P", default_value_t = 0.99)]
    uptime: f64,
    /// Price of L1 gas in ordinary times.
    #[arg(long, value_name = "GWEI", default_value = "10", value_parser = Wei::from_gwei_text)]
    gas_price: Wei,
    /// How many times that price the bonds still cover.
    #[arg(long, value_name = "X", default_value = "5")]
    margin: Multiple,
    /// Seconds in which a claim can be challenged; a production deployment's unless given.
    #[arg(long, env = "DUPLEX_CHALLENGE_WINDOW", value_name = "SECS")]
    window: Option<u64>,
    /// Seconds after a challenge in which the claim can be defended; a production deployment's unless given.
    #[arg(long, value_name = "SECS")]
    defence_period: Option<u64>,
    /// Seconds that each side of a dispute has for all its moves; a production deployment's unless given.
    #[arg(long, value_name = "SECS")]
    clock: Option<u64>,
    /// Seconds between honest claims.
    #[arg(long, env = "DUPLEX_CLAIM_INTERVAL", value_name = "SECS", default_value_t = 3600)]
    claim_interval: u64,
    /// Seconds that the honest side takes for a move.
    #[arg(long, value_name = "SECS", default_value_t = 3600)]
    response: u64,
    /// What locked capital costs, in per cent a year.
    #[arg(long, value_name = "PERCENT", default_value = "5")]
    capital_cost: YearlyRate,
    /// Value on its way to L1 whose delay a challenge is to pay for.
    #[arg(long, value_name = "ETH", default_value = "0")]
    delayed: Wei,
    /// Claim bond to look at; the least that pays for honest work unless given.
    #[arg(long, value_name = "ETH")]
    claim_bond: Option<Wei>,
    /// Bond of challenges and defences to look at; the least that pays for honest work unless given.
    #[arg(long, value_name = "ETH")]
    dispute_bond: Option<Wei>,
    /// Simulated runs of each scenario; 0 for no simulation.
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u32).range(0..=1000))]
    runs: u32,
    /// Days of each run.
    #[arg(long, value_name = "DAYS", default_value_t = 365)]
    days: u32,
    /// From the same seed the simulation comes out the same.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Folder for the report as a page, the charts, and the simulated runs as a table.
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    #[command(flatten)]
    output: OutputArgs,
}

impl StakeArgs {
    fn setting(&self) -> eyre::Result<Setting> {
        let usual = Parameters::production();
        let terms = Terms {
            gas_price: self.gas_price,
            margin: self.margin,
            timing: Timing {
                challenge_window: self.window.unwrap_or(usual.challenge_window),
                defence_period: self.defence_period.unwrap_or(usual.defence_period),
                clock: self.clock.unwrap_or(usual.dispute_clock),
            },
            capital_cost: self.capital_cost,
            delayed_value: self.delayed,
        };
        let mut setting = Setting::new(GasTable::committed()?, terms)?;
        setting.value = self.tvl;
        setting.budget = self.budget;
        setting.watchers = self.watchers;
        setting.uptime = self.uptime;
        setting.response = self.response;
        setting.claim_interval = self.claim_interval;
        // What is not given follows from what is.
        let floor = Bonds {
            claim: self.claim_bond.unwrap_or_default(),
            dispute: self.dispute_bond.unwrap_or_default(),
        };
        let raised = raised_bonds(&setting.gas, &setting.terms, floor)?;
        setting.bonds = Bonds {
            claim: self.claim_bond.unwrap_or(raised.claim),
            dispute: self.dispute_bond.unwrap_or(raised.dispute),
        };
        Ok(setting)
    }
}

impl StakeArgs {
    fn relayer_setting(&self, relayers: u32) -> eyre::Result<RelayerSetting> {
        let usual = Parameters::production();
        let terms = RelayerTerms::new(U256::from(self.relayer_stake.0), &usual);
        Ok(RelayerSetting {
            relayers,
            stake: self.relayer_stake,
            l1_window: terms.l1_window,
            l2_window: terms.l2_window,
            watchers: self.watchers,
            uptime: self.uptime,
            messages: self.messages,
            value: self.message_value,
            fee_percent: self.message_profit,
            gas_price: self.gas_price,
            capital_cost: self.capital_cost,
            running: self.running,
            delivery_gas: RelayerSetting::committed_delivery_gas()?,
        })
    }
}

fn run_relayers(args: &StakeArgs, relayers: u32) -> eyre::Result<()> {
    let report = RelayerReport::new(args.relayer_setting(relayers)?, args.runs * 50, args.seed)?;
    if let Some(dir) = &args.out {
        let written =
            || format!("cannot write to {}: name a folder that can be written with --out", dir.display());
        std::fs::create_dir_all(dir).wrap_err_with(written)?;
        let write = |file: &str, text: &str| std::fs::write(dir.join(file), text).wrap_err_with(written);
        write("relayers.html", &report.html())?;
        write("relayers.json", &serde_json::to_string_pretty(&report)?)?;
        for chart in report.charts() {
            write(chart.file, &chart.svg)?;
        }
        output::note(&format!("wrote {}", dir.join("relayers.html").display()));
    }
    if args.output.json {
        return output::json(&report);
    }
    output::line(report.to_string().trim_end());
    Ok(())
}

pub(crate) fn run(args: &StakeArgs) -> eyre::Result<()> {
    if let Some(relayers) = args.relayers {
        return run_relayers(args, relayers);
    }
    let setting = args.setting()?;
    // The simulation takes seconds, so what makes no sense is said before it.
    setting.check()?;
    let simulation = SimulationOptions { days: args.days, runs: args.runs, seed: args.seed };
    let report = Report::new(setting, simulation)?;
    if let Some(dir) = &args.out {
        let written =
            || format!("cannot write to {}: name a folder that can be written with --out", dir.display());
        std::fs::create_dir_all(dir).wrap_err_with(written)?;
        let write = |file: &str, text: &str| std::fs::write(dir.join(file), text).wrap_err_with(written);
        write("stake.html", &report.html())?;
        write("stake.json", &serde_json::to_string_pretty(&report)?)?;
        for chart in report.charts() {
            write(chart.file, &chart.svg)?;
        }
        if !report.runs.is_empty() {
            write("simulation.csv", &report.csv())?;
        }
        output::note(&format!("wrote {}", dir.join("stake.html").display()));
    }
    if args.output.json {
        return output::json(&report);
    }
    output::line(report.to_string().trim_end());
    Ok(())
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Cli {
        #[command(flatten)]
        stake: StakeArgs,
    }

    fn parse(args: &[&str]) -> Result<StakeArgs, String> {
        let args = ["stake"].iter().chain(args);
        Cli::try_parse_from(args).map(|cli| cli.stake).map_err(|error| error.to_string())
    }

    /// What is wrong with arguments, on reading them or after.
    fn wrong(args: &[&str]) -> String {
        match parse(args) {
            Err(error) => error,
            Ok(args) => run(&args).unwrap_err().to_string(),
        }
    }

    #[test]
    fn what_is_not_given_is_as_a_deployment_has_it() {
        let setting = parse(&[]).unwrap().setting().unwrap();
        let usual = Parameters::production();
        let timing = setting.terms.timing;
        assert_eq!(timing.challenge_window, usual.challenge_window);
        assert_eq!(timing.defence_period, usual.defence_period);
        assert_eq!(timing.clock, usual.dispute_clock);
        assert_eq!(raised_bonds(&setting.gas, &setting.terms, setting.bonds).unwrap(), setting.bonds);
    }

    #[test]
    fn a_given_claim_bond_raises_the_other_one() {
        let plain = parse(&[]).unwrap().setting().unwrap();
        let setting = parse(&["--claim-bond", "500"]).unwrap().setting().unwrap();
        assert_eq!(setting.bonds.claim, Wei::ether(500));
        assert!(setting.bonds.dispute > plain.bonds.dispute);
        let setting = parse(&["--claim-bond", "2", "--dispute-bond", "0.01"]).unwrap().setting().unwrap();
        assert_eq!(setting.bonds, Bonds { claim: Wei::ether(2), dispute: "0.01".parse().unwrap() });
    }

    #[test]
    fn errors_name_the_value_and_the_way_out() {
        let cases = [
            (vec!["--tvl", "lots"], "--tvl", "\"lots\" is not an amount of ETH: write a number"),
            (vec!["--tvl", "0"], "the value secured is 0 ETH", "must be above 0"),
            (vec!["--gas-price=-3"], "-3", "--gas-price"),
            (vec!["--gas-price", "0"], "the gas price is 0 ETH", "above 0"),
            (vec!["--margin", "0.5"], "the margin is 0.5", "from 1 to 1000"),
            (vec!["--uptime", "99"], "the uptime is 99", "write 99 % as 0.99"),
            (vec!["--window", "0"], "the challenge window is no time", "in seconds"),
            (vec!["--watchers=-1"], "-1", "--watchers"),
            (
                vec!["--response", "604800"],
                "the time for a move is 7 days",
                "shorter than the challenge window",
            ),
            (vec!["--clock", "60"], "is 1 minute", "--runs 0"),
            (vec!["--claim-bond", "0"], "the claim bond is 0 ETH", "leave it out"),
            (vec!["--relayers", "3"], "the number of relayers is 3", "from 4 to 32"),
            (vec!["--relayers", "--relayer-stake", "0"], "the stake is 0 ETH", "above 0 ETH"),
            (vec!["--messages", "3"], "--relayers", "required"),
        ];
        for (args, value, way_out) in cases {
            let error = wrong(&args);
            assert!(error.contains(value) && error.contains(way_out), "{args:?}: {error}");
        }
    }

    #[test]
    fn a_folder_gets_the_page_the_charts_and_the_tables() {
        let dir = tempfile::tempdir().unwrap();
        let out = dir.path().join("a/b");
        let path = out.to_str().unwrap();
        run(&parse(&["--runs", "1", "--days", "30", "--out", path]).unwrap()).unwrap();
        for file in ["stake.html", "stake.json", "simulation.csv", "attack-cost.svg", "simulation.svg"] {
            assert!(std::fs::metadata(out.join(file)).unwrap().len() > 500, "{file}");
        }
        run(&parse(&["--relayers", "7", "--runs", "1", "--out", path]).unwrap()).unwrap();
        for file in ["relayers.html", "relayers.json", "relayers-collusion.svg", "relayers-stake.svg"] {
            assert!(std::fs::metadata(out.join(file)).unwrap().len() > 500, "{file}");
        }
        let file = out.join("stake.html").join("c");
        let error = wrong(&["--runs", "0", "--out", file.to_str().unwrap()]);
        assert!(error.contains("--out"), "{error}");
    }
}
