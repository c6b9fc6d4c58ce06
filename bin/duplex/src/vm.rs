//! `duplex vm run`.

use std::{collections::BTreeSet, path::PathBuf, process::ExitCode, sync::Arc, time::Instant};

use alloy_primitives::B256;
use clap::{Args, Subcommand};
use duplex_vm::{Instruction, MAX_STEPS, Machine, Program, State, Status, register_name, solidity::Contract};
use eyre::WrapErr;
use serde_json::json;

use crate::{args::OutputArgs, output};

/// Exit status if there is nothing to run.
const BAD_INPUT: u8 = 2;
/// As `timeout` ends when it is.
const OUT_OF_STEPS: u8 = 124;
/// As a shell says of a program that aborted.
const PANICKED: u8 = 134;
/// The contract comes to another state than the machine: "internal software error" in sysexits.h.
const DISAGREES: u8 = 70;

/// The proof machine.
#[derive(Debug, Subcommand)]
pub(crate) enum VmCommand {
    Run(RunArgs),
}

/// Run a program in the proof machine: a static, bare RV64IM ELF file.
///
/// Ends as the program does, with the low 8 bits of its exit code; with 134 if the machine panicked, 124 if
/// --max-steps were not enough, 70 if L1's contract disagrees, 2 if the file is no program for this machine. Programs
/// end by `ecall` with 93 in a7 and the exit code in a0 (docs/fault-proofs.md).
#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    /// The program.
    #[arg(value_name = "ELF")]
    elf: PathBuf,
    /// Give up after so many instructions; 2^36 is what a dispute allows.
    #[arg(long, value_name = "N", default_value_t = MAX_STEPS)]
    max_steps: u64,
    /// Execute so many of the steps in the bytecode of L1's contract, too, in this process, spread over the whole
    /// run, and compare the states.
    #[arg(long, value_name = "N", default_value_t = 0)]
    solidity: u64,
    #[command(flatten)]
    output: OutputArgs,
}

pub(crate) fn run(VmCommand::Run(args): VmCommand) -> ExitCode {
    match run_program(&args) {
        Ok(status) => ExitCode::from(status),
        Err(error) => {
            output::fail(&error);
            ExitCode::from(BAD_INPUT)
        }
    }
}

fn run_program(args: &RunArgs) -> eyre::Result<u8> {
    let name = args.elf.display().to_string();
    let file = std::fs::read(&args.elf).wrap_err_with(|| format!("cannot read {name}"))?;
    let program =
        Program::from_elf(&file).wrap_err_with(|| format!("{name} is no program for this machine"))?;
    let program = Arc::new(program);
    let mut machine = Machine::new(Arc::clone(&program));
    let start = Instant::now();
    machine.run(args.max_steps, &mut ())?;
    let seconds = start.elapsed().as_secs_f64();
    let state = machine.state();
    let replay = (args.solidity > 0).then(|| Replay::run(&program, state.step, args.solidity)).transpose()?;
    if args.output.json {
        print_json(&program, &state, seconds, replay.as_ref())?;
    } else {
        print(&machine, &state, seconds, replay.as_ref());
    }
    Ok(match (replay, state.status) {
        (Some(replay), _) if replay.differs.is_some() => DISAGREES,
        (_, Status::Exited) => state.exit_code as u8,
        (_, Status::Panicked) => PANICKED,
        (_, Status::Running) => OUT_OF_STEPS,
    })
}

/// What the contract made of some of the steps.
struct Replay {
    steps: u64,
    /// Kinds of instructions among them.
    kinds: BTreeSet<String>,
    most_gas: u64,
    /// The first step, by the number executed before it, at which the contract comes to something else: what.
    differs: Option<(u64, String)>,
}

impl Replay {
    fn run(program: &Arc<Program>, steps: u64, wanted: u64) -> eyre::Result<Self> {
        let (mut machine, mut contract) = (Machine::new(Arc::clone(program)), Contract::new());
        let code_root = program.code_root();
        let mut replay = Self { steps: 0, kinds: BTreeSet::new(), most_gas: 0, differs: None };
        for step in samples(steps, wanted) {
            machine.run(step, &mut ())?;
            let kind = machine.instruction().map_or("illegal".into(), |found| format!("{:?}", found.op));
            replay.kinds.insert(kind.to_lowercase());
            let witness = machine.witness();
            machine.step(&mut ())?;
            let next = machine.state().hash();
            replay.steps += 1;
            match contract.step(&code_root, &B256::ZERO, &witness) {
                Ok(executed) if executed.next == next => replay.most_gas = replay.most_gas.max(executed.gas),
                Ok(executed) => {
                    replay.differs = Some((step, format!("comes to {}, not {next}", executed.next)))
                }
                Err(refused) => replay.differs = Some((step, refused.to_string())),
            }
            if replay.differs.is_some() {
                break;
            }
        }
        Ok(replay)
    }
}

/// Some of the numbers below `end`, ascending: one at random from each of `wanted` equal parts; from the last part, the
/// last. The same each time.
fn samples(end: u64, wanted: u64) -> Vec<u64> {
    let wanted = wanted.min(end);
    let mut random = 0x9e37_79b9_7f4a_7c15u64;
    let begin = |part: u64| (u128::from(end) * u128::from(part) / u128::from(wanted)) as u64;
    let mut sample = |part: u64| {
        // Xorshift (Marsaglia).
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        begin(part) + random % (begin(part + 1) - begin(part))
    };
    (0..wanted).map(|part| if part + 1 == wanted { end - 1 } else { sample(part) }).collect()
}

fn status_word(state: &State) -> &'static str {
    match state.status {
        Status::Running => "running",
        Status::Exited => "exited",
        Status::Panicked => "panicked",
    }
}

fn print_json(program: &Program, state: &State, seconds: f64, replay: Option<&Replay>) -> eyre::Result<()> {
    let exit_code = (state.status == Status::Exited).then_some(state.exit_code);
    let solidity = replay.map(|replay| {
        let differs = replay.differs.as_ref().map(|(step, what)| json!({ "step": step, "what": what }));
        json!({
            "steps": replay.steps, "instructions": replay.kinds, "mostGas": replay.most_gas,
            "agrees": replay.differs.is_none(), "differs": differs,
        })
    });
    output::json(&json!({
        "status": status_word(state), "exitCode": exit_code, "steps": state.step, "pc": state.pc,
        "stateHash": state.hash(), "codeRoot": program.code_root(),
        "initialStateHash": program.initial_state_hash(), "seconds": seconds, "solidity": solidity,
    }))
}

fn print(machine: &Machine, state: &State, seconds: f64, replay: Option<&Replay>) {
    let line = |text: String| output::line(&text);
    let rate = state.step as f64 / seconds / 1e6;
    let ran = format!("{} steps in {seconds:.2} s ({rate:.0} million a second)", state.step);
    match state.status {
        Status::Exited => line(format!("exited with {} after {ran}", state.exit_code)),
        Status::Panicked => line(format!("panicked after {ran}")),
        Status::Running => line(format!("still running after {ran}")),
    }
    if state.status != Status::Exited {
        print_place(machine);
    }
    line(format!("  code root    {}", machine.program().code_root()));
    line(format!("  first state  {}", machine.program().initial_state_hash()));
    line(format!("  last state   {}", state.hash()));
    let Some(replay) = replay else { return };
    match &replay.differs {
        None => {
            line(format!("L1's contract agrees on all of {} steps", replay.steps));
            let kinds: Vec<_> = replay.kinds.iter().map(String::as_str).collect();
            line(format!("  instructions {}", kinds.join(" ")));
            line(format!("  most gas     {}", replay.most_gas));
        }
        Some((step, what)) => {
            line(format!(
                "L1's contract disagrees at step {step}, after {} that were right:",
                replay.steps - 1
            ));
            line(format!("  {what}"));
        }
    }
}

/// Where a machine stands that has not exited: the place, the instruction, and what it works on.
fn print_place(machine: &Machine) {
    let (pc, word) = (machine.pc(), machine.program().word(machine.pc()));
    let symbol = machine.program().symbol_at(pc);
    let symbol = symbol.map_or(String::new(), |(name, distance)| format!(" in {name} + {distance:#x}"));
    let decoded = Instruction::decode(word);
    let instruction = decoded.map_or("no instruction".into(), |found| found.to_string());
    output::line(&format!("  at           {pc:#x}{symbol}: {word:08x} {instruction}"));
    let all = machine.registers();
    let used = decoded.map_or([0; 2], |found| [found.rs1, found.rs2]);
    let mut used: Vec<u8> = used.into_iter().filter(|register| *register != 0).collect();
    used.dedup();
    for register in used {
        output::line(&format!("  {:<12} {:#x}", register_name(register), all[usize::from(register)]));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file with this code at 0x1_0000.
    fn elf(words: &[u32]) -> tempfile::NamedTempFile {
        let length = 4 * words.len() as u64;
        let mut bytes = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\xf3\0\x01\0\0\0".to_vec();
        let numbers = |bytes: &mut Vec<u8>, numbers: &[u64]| {
            bytes.extend(numbers.iter().flat_map(|number| number.to_le_bytes()));
        };
        numbers(&mut bytes, &[0x1_0000, 64, 0, 0x0038_0040_0000_0000, 0x0000_0000_0040_0001]);
        numbers(&mut bytes, &[0x0000_0005_0000_0001, 120, 0x1_0000, 0x1_0000, length, length, 4]);
        bytes.extend(words.iter().flat_map(|word| word.to_le_bytes()));
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        file
    }

    fn run_file(path: &std::path::Path, solidity: u64, json: bool) -> eyre::Result<u8> {
        run_program(&RunArgs { elf: path.into(), max_steps: 1000, solidity, output: OutputArgs { json } })
    }

    #[test]
    fn it_ends_as_the_program_does() {
        // addi a7, zero, 93; addi a0, zero, code; sd a0, 0(sp); ecall
        let exits = |code: u32| [0x05d0_0893, code << 20 | 0x0513, 0x00a1_3023, 0x73];
        for (code, status) in [(0, 0), (3, 3), (255, 255), (256, 0)] {
            assert_eq!(run_file(elf(&exits(code)).path(), 10, code == 3).unwrap(), status);
        }
        // ebreak; then a jump to itself.
        assert_eq!(run_file(elf(&[0x0010_0073]).path(), 1, false).unwrap(), PANICKED);
        assert_eq!(run_file(elf(&[0x6f]).path(), 7, true).unwrap(), OUT_OF_STEPS);
    }

    #[test]
    fn what_cannot_be_run_is_named() {
        let fails = |path: &std::path::Path| format!("{:#}", run_file(path, 0, false).unwrap_err());
        assert!(fails("nowhere.elf".as_ref()).starts_with("cannot read nowhere.elf"));
        let text = tempfile::NamedTempFile::new().unwrap();
        assert!(fails(text.path()).ends_with("is no program for this machine: this is no ELF file"));
        // lui a7, 2; ecall: reads the statement.
        let error = fails(elf(&[0x0000_28b7, 0x73]).path());
        assert!(error.starts_with("step 1 reads the statement preimage"), "{error}");
        let command = VmCommand::Run(RunArgs {
            elf: "nowhere.elf".into(),
            max_steps: 1,
            solidity: 0,
            output: OutputArgs { json: false },
        });
        assert_eq!(run(command), ExitCode::from(BAD_INPUT));
    }

    #[test]
    fn samples_are_spread_over_the_run() {
        assert!(samples(0, 5).is_empty() && samples(5, 0).is_empty());
        assert_eq!(samples(3, 100), [0, 1, 2]);
        for (end, wanted) in [(1, 1), (1000, 10), (1 << 36, 1000), (u64::MAX, 7)] {
            let found = samples(end, wanted);
            assert_eq!((found.len() as u64, found.last()), (wanted, Some(&(end - 1))));
            assert!(found.is_sorted_by(|a, b| a < b));
            let part = u128::from(end) / u128::from(wanted);
            assert!((0..).zip(&found).all(|(i, step)| u128::from(*step).abs_diff(i * part) <= part + 1000));
        }
    }
}
