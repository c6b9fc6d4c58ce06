//! The state of a machine: what its hash commits to.

use alloy_primitives::{B256, keccak256};

/// Bytes of an encoded state.
pub const STATE_BYTES: usize = 305;

/// Whether a machine goes on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[repr(u8)]
pub enum Status {
    /// It does.
    #[default]
    Running = 0,
    /// The program ended itself by `exit`.
    Exited = 1,
    /// An instruction could not be executed.
    Panicked = 2,
}

/// A machine's state. Memory is a root only.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct State {
    /// Root of the memory tree.
    pub memory_root: B256,
    /// Address of the next instruction; a multiple of 4.
    pub pc: u64,
    /// Instructions executed.
    pub step: u64,
    /// Whether the machine goes on.
    pub status: Status,
    /// `a0` at exit; 0 otherwise.
    pub exit_code: u64,
    /// `x1` to `x31`.
    pub registers: [u64; 31],
}

/// Why bytes are not a state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StateError {
    /// Wrong length.
    #[error("a state has {STATE_BYTES} bytes, not {0}")]
    Length(usize),
    /// No such status.
    #[error("status {0} does not exist (0 running, 1 exited, 2 panicked)")]
    Status(u8),
    /// `pc` not a multiple of 4.
    #[error("pc {0:#x} is not a multiple of 4")]
    ProgramCounter(u64),
    /// An exit code before the exit.
    #[error("a machine with status {status} has no exit code, not {code}")]
    ExitCode {
        /// The status.
        status: u8,
        /// The code.
        code: u64,
    },
}

impl State {
    /// `memoryRoot ‖ pc ‖ step ‖ status ‖ exitCode ‖ x1 … x31`, numbers big-endian.
    pub fn encode(&self) -> [u8; STATE_BYTES] {
        let mut out = [0; STATE_BYTES];
        out[..32].copy_from_slice(self.memory_root.as_slice());
        out[32..40].copy_from_slice(&self.pc.to_be_bytes());
        out[40..48].copy_from_slice(&self.step.to_be_bytes());
        out[48] = self.status as u8;
        out[49..57].copy_from_slice(&self.exit_code.to_be_bytes());
        for (field, register) in out[57..].chunks_exact_mut(8).zip(self.registers) {
            field.copy_from_slice(&register.to_be_bytes());
        }
        out
    }

    /// The state that [`Self::encode`] gave.
    pub fn decode(bytes: &[u8]) -> Result<Self, StateError> {
        let bytes: &[u8; STATE_BYTES] = bytes.try_into().map_err(|_| StateError::Length(bytes.len()))?;
        let (numbers, _) = bytes[57..].as_chunks::<8>();
        let number = |at: usize| {
            let mut field = [0; 8];
            field.copy_from_slice(&bytes[at..at + 8]);
            u64::from_be_bytes(field)
        };
        let status = match bytes[48] {
            0 => Status::Running,
            1 => Status::Exited,
            2 => Status::Panicked,
            other => return Err(StateError::Status(other)),
        };
        let pc = number(32);
        if !pc.is_multiple_of(4) {
            return Err(StateError::ProgramCounter(pc));
        }
        let exit_code = number(49);
        if status != Status::Exited && exit_code != 0 {
            return Err(StateError::ExitCode { status: bytes[48], code: exit_code });
        }
        let mut registers = [0; 31];
        for (register, field) in registers.iter_mut().zip(numbers) {
            *register = u64::from_be_bytes(*field);
        }
        Ok(Self {
            memory_root: B256::from_slice(&bytes[..32]),
            pc,
            step: number(40),
            status,
            exit_code,
            registers,
        })
    }

    /// `keccak256` of the encoded state: a leaf of a history.
    pub fn hash(&self) -> B256 {
        keccak256(self.encode())
    }
}
