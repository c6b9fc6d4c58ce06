//! `duplex stake`.

use std::path::PathBuf;

use clap::Args;
use duplex_l1::Parameters;
use duplex_stake::{GasTable, Multiple, Report, Setting, SimulationOptions, Terms, Timing, Wei, YearlyRate};
use eyre::WrapErr;

use crate::{args::OutputArgs, output};

/// Work out how much stake is enough: bonds, what attacks cost, and whether the value is safe.
///
/// From the gas that the game's moves take: the least bonds with which nobody honest is out of pocket, what each attack
/// costs both sides, how much the honest side must have at hand, and a simulated year of attacks. Nothing is sent and
/// nothing is read from a chain. docs/stake.md explains the numbers and the charts.
#[derive(Debug, Args)]
pub(crate) struct StakeArgs {
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
        setting.bonds.claim = self.claim_bond.unwrap_or(setting.bonds.claim);
        setting.bonds.dispute = self.dispute_bond.unwrap_or(setting.bonds.dispute);
        Ok(setting)
    }
}

pub(crate) fn run(args: &StakeArgs) -> eyre::Result<()> {
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
