//! Steps in isolation: a state of one's choosing, executed by the interpreter and by the verifier.

use std::{collections::BTreeMap, sync::Arc};

use alloy_primitives::{B256, Bytes, keccak256};
use duplex_vm::{
    BLOB_BYTES, BadWitness, Kind, Machine, Parts, Preimages, Program, State, StepWitness, part, verify_step,
};

use crate::asm::{CODE, Segment, elf};

/// The statement's hash in all tests.
pub(crate) const STATEMENT: B256 = B256::repeat_byte(0x5a);

/// Preimages by kind and key. Also the parts that are known of them: all.
#[derive(Debug, Clone, Default)]
pub(crate) struct Store(pub(crate) BTreeMap<(Kind, B256), Bytes>);

impl Store {
    pub(crate) fn with_keccak(mut self, preimage: &[u8]) -> Self {
        self.0.insert((Kind::Keccak, keccak256(preimage)), preimage.to_vec().into());
        self
    }

    pub(crate) fn with_blob(mut self, key: B256, blob: Vec<u8>) -> Self {
        self.0.insert((Kind::Blob, key), blob.into());
        self
    }
}

impl Preimages for Store {
    fn get(&mut self, kind: Kind, key: &B256) -> Option<Bytes> {
        match kind {
            Kind::Statement => Some(STATEMENT.0.into()),
            _ => self.0.get(&(kind, *key)).cloned(),
        }
    }
}

impl Parts for Store {
    fn part(&self, kind: Kind, key: &B256, offset: u64) -> Option<(B256, u64)> {
        // As L1's oracle: nothing has to be loaded to know what is past a blob's end.
        if kind == Kind::Blob && offset >= BLOB_BYTES as u64 {
            return Some((B256::ZERO, BLOB_BYTES as u64));
        }
        let preimage = self.0.get(&(kind, *key))?;
        Some((part(preimage, offset), preimage.len() as u64))
    }
}

/// A machine about to execute `word` at `pc`, with these registers and memory.
#[derive(Debug, Clone)]
pub(crate) struct Setup {
    pub(crate) word: u32,
    pub(crate) pc: u64,
    pub(crate) registers: [u64; 32],
    pub(crate) data: Vec<(u64, Vec<u8>)>,
}

impl Setup {
    /// `word` at [`CODE`], and registers that all differ.
    pub(crate) fn new(word: u32) -> Self {
        let mut registers = [0; 32];
        for (number, register) in registers.iter_mut().enumerate().skip(1) {
            *register = 0x0101_0101_0101_0101 * number as u64;
        }
        Self { word, pc: CODE, registers, data: Vec::new() }
    }

    pub(crate) fn x(mut self, register: u32, value: u64) -> Self {
        self.registers[register as usize] = value;
        self
    }

    pub(crate) fn at(mut self, pc: u64) -> Self {
        self.pc = pc;
        self
    }

    pub(crate) fn data(mut self, address: u64, bytes: &[u8]) -> Self {
        self.data.push((address, bytes.to_vec()));
        self
    }

    /// The program: the word where `pc` is, if that is code, and something elsewhere.
    pub(crate) fn program(&self) -> Arc<Program> {
        let beyond = self.pc >= duplex_vm::CODE_BYTES;
        let mut segments = vec![Segment::code(if beyond { CODE } else { self.pc & !3 }, &[self.word])];
        segments.extend(self.data.iter().map(|(address, bytes)| Segment::data(*address, bytes)));
        Arc::new(Program::from_elf(&elf(segments[0].address, &segments)).unwrap())
    }

    pub(crate) fn machine(&self) -> Machine {
        let mut registers = [0; 31];
        registers.copy_from_slice(&self.registers[1..]);
        Machine::at(self.program(), self.pc, registers)
    }
}

/// One step by the interpreter.
#[derive(Debug, Clone)]
pub(crate) struct Executed {
    pub(crate) code_root: B256,
    pub(crate) before: State,
    pub(crate) witness: StepWitness,
    pub(crate) after: State,
}

impl Executed {
    pub(crate) fn verify(&self, parts: &impl Parts) -> Result<B256, BadWitness> {
        verify_step(&self.code_root, &STATEMENT, parts, &self.witness)
    }
}

/// Executes a step, and checks that the verifier comes to the same state from its proof.
pub(crate) fn execute(machine: &mut Machine, store: &Store) -> Executed {
    let code_root = machine.program().code_root();
    let before = machine.state();
    let witness = machine.witness();
    assert_eq!(keccak256(&witness.state), before.hash());
    machine.step(&mut store.clone()).unwrap();
    let executed = Executed { code_root, before, witness, after: machine.state() };
    assert_eq!(executed.verify(store), Ok(executed.after.hash()), "{:?}", executed.before);
    executed
}

/// [`execute`] of a setup without preimages.
pub(crate) fn step(setup: &Setup) -> Executed {
    execute(&mut setup.machine(), &Store::default())
}
