//! The machine.

use std::sync::Arc;

use alloy_primitives::B256;

use crate::{
    CALL_EXIT, CALL_READ,
    interpreter::{self, Pause, Registers},
    isa::Instruction,
    memory::{self, Memory},
    preimages::{Cached, Kind, Missing, PartKey, Preimages, fetch, part},
    program::Program,
    state::{State, Status},
    tree::Tree,
    verify::StepWitness,
};

const A0: usize = 10;
const A4: usize = 14;
const A5: usize = 15;
const A7: usize = 17;

/// All of a machine but its memory.
#[derive(Clone, Default)]
pub(crate) struct Hart {
    pub(crate) pc: u64,
    pub(crate) step: u64,
    pub(crate) status: Status,
    pub(crate) exit_code: u64,
    pub(crate) registers: [u64; 31],
}

impl Hart {
    pub(crate) fn state(&self, memory_root: B256) -> State {
        let Self { pc, step, status, exit_code, registers } = *self;
        State { memory_root, pc, step, status, exit_code, registers }
    }
}

/// A machine at one moment, to be taken back to. Cheap to keep: pages that do not change are shared.
#[derive(Clone)]
pub struct Snapshot {
    pub(crate) program: Arc<Program>,
    pub(crate) hart: Hart,
    pub(crate) tree: Tree,
}

impl std::fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Snapshot").field("step", &self.hart.step).finish_non_exhaustive()
    }
}

impl Snapshot {
    /// Steps executed until then.
    pub const fn step(&self) -> u64 {
        self.hart.step
    }

    /// The state then.
    pub fn state(&self) -> State {
        self.hart.state(self.tree.root())
    }
}

/// A machine that runs a program.
pub struct Machine {
    program: Arc<Program>,
    pc: u64,
    step: u64,
    status: Status,
    exit_code: u64,
    registers: Box<Registers>,
    memory: Memory,
    /// The memory as of the last time it was hashed.
    tree: Tree,
    cache: Option<Cached>,
}

impl std::fmt::Debug for Machine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { pc, step, status, exit_code, .. } = self;
        f.debug_struct("Machine")
            .field("pc", pc)
            .field("step", step)
            .field("status", status)
            .field("exit_code", exit_code)
            .finish_non_exhaustive()
    }
}

impl Clone for Machine {
    /// A second machine in the same state. Copies the pages that are in use.
    fn clone(&self) -> Self {
        let mut other = Self::from(&Snapshot {
            program: Arc::clone(&self.program),
            hart: self.hart(),
            tree: self.tree.clone(),
        });
        other.memory.copy_written(&self.memory);
        other
    }
}

impl From<&Snapshot> for Machine {
    fn from(snapshot: &Snapshot) -> Self {
        let mut machine = Self {
            program: Arc::clone(&snapshot.program),
            pc: 0,
            step: 0,
            status: Status::Running,
            exit_code: 0,
            registers: Box::new([0; 256]),
            memory: Memory::new(&snapshot.tree),
            tree: snapshot.tree.clone(),
            cache: None,
        };
        machine.set_hart(&snapshot.hart);
        machine
    }
}

impl Machine {
    /// A machine in the program's first state.
    pub fn new(program: Arc<Program>) -> Self {
        let entry = program.entry();
        Self::at(program, entry, [0; 31])
    }

    /// A machine with the program's memory, at an address and with registers (`x1` to `x31`) of the caller's choosing: to
    /// try single instructions. `pc` is a multiple of 4.
    pub fn at(program: Arc<Program>, pc: u64, registers: [u64; 31]) -> Self {
        let (hart, tree) = (Hart { pc: pc & !3, registers, ..Hart::default() }, program.memory().clone());
        Self::from(&Snapshot { program, hart, tree })
    }

    /// Runs until `until_step` steps have been executed in all, or the program has stopped.
    pub fn run(&mut self, until_step: u64, preimages: &mut impl Preimages) -> Result<(), Missing> {
        while self.status == Status::Running && self.step < until_step {
            let left = until_step - self.step;
            let code = &self.program.instructions;
            let (pause, left) =
                interpreter::run(code, &mut self.registers, &mut self.pc, &mut self.memory, left);
            self.step = until_step - left;
            match pause {
                Pause::Done => {}
                Pause::Panic => self.panic(),
                Pause::Call => self.call(preimages)?,
            }
        }
        Ok(())
    }

    /// Executes one step; nothing if the program has stopped.
    pub fn step(&mut self, preimages: &mut impl Preimages) -> Result<(), Missing> {
        self.run(self.step.saturating_add(1), preimages)
    }

    fn panic(&mut self) {
        self.status = Status::Panicked;
        self.step += 1;
    }

    fn call(&mut self, preimages: &mut impl Preimages) -> Result<(), Missing> {
        match self.registers[A7] {
            CALL_EXIT => {
                self.status = Status::Exited;
                self.exit_code = self.registers[A0];
            }
            CALL_READ => {
                let Some(PartKey { kind, key, offset }) = self.read_arguments() else {
                    self.panic();
                    return Ok(());
                };
                let preimage = fetch(&mut self.cache, preimages, kind, &key, self.step)?;
                let (data, length) = (part(preimage, offset), preimage.len());
                let (limbs, _) = data.as_chunks::<8>();
                for (register, limb) in self.registers[A0..].iter_mut().zip(limbs) {
                    *register = u64::from_le_bytes(*limb);
                }
                self.registers[A4] = length as u64;
                self.pc += 4;
            }
            _ => {
                self.panic();
                return Ok(());
            }
        }
        self.step += 1;
        Ok(())
    }

    /// The arguments of a read, if they are allowed.
    fn read_arguments(&self) -> Option<PartKey> {
        let mut key = B256::ZERO;
        for (limb, register) in key.chunks_exact_mut(8).zip(&self.registers[A0..]) {
            limb.copy_from_slice(&register.to_le_bytes());
        }
        let offset = self.registers[A5];
        let kind = Kind::from_number(self.registers[A4])?;
        offset.is_multiple_of(32).then_some(PartKey { kind, key, offset })
    }

    /// The part of a preimage that the next step reads. `PreimageOracle` needs it before L1 can execute that step, unless
    /// it is of the statement.
    pub fn next_read(&self) -> Option<PartKey> {
        let is_read = self.status == Status::Running
            && self.instruction()?.op == crate::Op::Ecall
            && self.registers[A7] == CALL_READ;
        is_read.then(|| self.read_arguments())?
    }

    /// The program.
    pub const fn program(&self) -> &Arc<Program> {
        &self.program
    }

    /// Whether the machine goes on.
    pub const fn status(&self) -> Status {
        self.status
    }

    /// What the program exited with, once it has.
    pub fn exit_code(&self) -> Option<u64> {
        (self.status == Status::Exited).then_some(self.exit_code)
    }

    /// Address of the next instruction.
    pub const fn pc(&self) -> u64 {
        self.pc
    }

    /// Steps executed.
    pub const fn steps(&self) -> u64 {
        self.step
    }

    /// `x0` to `x31`.
    pub fn registers(&self) -> [u64; 32] {
        let mut registers = [0; 32];
        registers.copy_from_slice(&self.registers[..32]);
        registers
    }

    /// The next instruction; none if the machine has stopped or would panic for want of one.
    pub fn instruction(&self) -> Option<Instruction> {
        if self.status != Status::Running {
            return None;
        }
        Instruction::decode(self.program.word(self.pc))
    }

    /// Copies memory from `address` on; zeros beyond the end.
    pub fn read_memory(&self, address: u64, out: &mut [u8]) {
        for (address, byte) in (address..).zip(out) {
            *byte = self.memory.load::<1>(address).map_or(0, |[byte]| byte);
        }
    }

    /// The state. Hashes what was written since the last time.
    pub fn state(&mut self) -> State {
        self.sync();
        self.hart().state(self.tree.root())
    }

    /// The proof of the next step, as L1 takes it.
    pub fn witness(&mut self) -> StepWitness {
        let state = self.state().encode().to_vec();
        if self.status != Status::Running {
            return StepWitness { state, ..StepWitness::default() };
        }
        let code = self.program.code_proof(self.pc).unwrap_or_default();
        let memory = self.next_access().map_or_else(Vec::new, |address| self.tree.proof(address));
        StepWitness { state, code, memory }
    }

    /// The address that the next step loads from or stores to, if it does and does not panic.
    pub fn next_access(&self) -> Option<u64> {
        let instruction = self.instruction()?;
        let base = self.registers[usize::from(instruction.rs1)];
        let address = base.wrapping_add(instruction.imm as u64);
        let fits = match instruction.access()? {
            1 => memory::fits::<1>(address),
            2 => memory::fits::<2>(address),
            4 => memory::fits::<4>(address),
            _ => memory::fits::<8>(address),
        };
        fits.then_some(address)
    }

    /// What is needed to come back here.
    pub fn snapshot(&mut self) -> Snapshot {
        self.sync();
        Snapshot { program: Arc::clone(&self.program), hart: self.hart(), tree: self.tree.clone() }
    }

    /// Goes to where a snapshot was taken, of any machine. Copies only pages that differ.
    pub fn restore(&mut self, snapshot: &Snapshot) {
        if !Arc::ptr_eq(&self.program, &snapshot.program) {
            *self = Self::from(snapshot);
            return;
        }
        self.memory.restore(&self.tree, &snapshot.tree);
        self.tree = snapshot.tree.clone();
        self.set_hart(&snapshot.hart);
    }

    fn sync(&mut self) {
        self.memory.sync(&mut self.tree);
    }

    pub(crate) fn hart(&self) -> Hart {
        let mut registers = [0; 31];
        registers.copy_from_slice(&self.registers[1..32]);
        let Self { pc, step, status, exit_code, .. } = *self;
        Hart { pc, step, status, exit_code, registers }
    }

    fn set_hart(&mut self, hart: &Hart) {
        (self.pc, self.step, self.status, self.exit_code) = (hart.pc, hart.step, hart.status, hart.exit_code);
        self.registers[1..32].copy_from_slice(&hart.registers);
    }

    pub(crate) const fn memory_mut(&mut self) -> &mut Memory {
        &mut self.memory
    }

    pub(crate) const fn tree_mut(&mut self) -> &mut Tree {
        &mut self.tree
    }
}
