//! A program: the image of an ELF file in memory, and its code.

use alloy_primitives::B256;

use crate::{
    CODE_BYTES,
    elf::{self, ElfError, Image},
    interpreter::SINK,
    isa::Instruction,
    state::{State, Status},
    tree::{Dirty, PAGE_BYTES, PageBytes, Tree},
};

/// A program, ready to run. Its code root is a constant of the contracts.
pub struct Program {
    entry: u64,
    memory: Tree,
    code: Tree,
    /// By address / 4, from 0 to the end of the last executable segment.
    pub(crate) instructions: Vec<Instruction>,
    /// Address and length of each executable segment.
    executable: Vec<(u64, u64)>,
    symbols: elf::Symbols,
}

impl std::fmt::Debug for Program {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let roots = (self.code.root(), self.memory.root());
        f.debug_struct("Program").field("entry", &self.entry).field("roots", &roots).finish_non_exhaustive()
    }
}

/// A word in an executable segment that is no instruction of RV64IM. The machine panics if it gets there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Undecodable {
    /// Its address.
    pub address: u64,
    /// The word.
    pub word: u32,
}

impl Program {
    /// Reads a static, bare, little-endian RV64 ELF file.
    ///
    /// Every `PT_LOAD` segment is in memory. Executable ones are the code, too; what the program writes there
    /// later changes memory only.
    pub fn from_elf(elf: &[u8]) -> Result<Self, ElfError> {
        let Image { entry, segments, symbols } = elf::read(elf)?;
        let executable: Vec<_> = segments.iter().filter(|segment| segment.executable).collect();
        let memory = tree(Tree::memory(), segments.iter().map(|segment| (segment.address, segment.bytes)));
        let code = tree(Tree::code(), executable.iter().map(|segment| (segment.address, segment.bytes)));
        let executable: Vec<_> =
            executable.into_iter().map(|segment| (segment.address, segment.length)).collect();
        let end = executable.iter().map(|(address, length)| address + length).max().unwrap_or(0);
        let mut instructions = vec![Instruction::default(); end.div_ceil(4) as usize];
        code.pages(&mut |number, bytes| {
            let first = number as usize * PAGE_BYTES / 4;
            let (words, _) = bytes.as_chunks::<4>();
            for (instruction, word) in instructions.iter_mut().skip(first).zip(words) {
                let decoded = Instruction::decode(u32::from_le_bytes(*word)).unwrap_or_default();
                *instruction = Instruction { rd: if decoded.rd == 0 { SINK } else { decoded.rd }, ..decoded };
            }
        });
        Ok(Self { entry, memory, code, instructions, executable, symbols })
    }

    /// Where it begins.
    pub const fn entry(&self) -> u64 {
        self.entry
    }

    /// Root of the code tree: what the contracts know of the program.
    pub fn code_root(&self) -> B256 {
        self.code.root()
    }

    /// The code leaf over `pc` and its 19 siblings, from the bottom up: 640 bytes. None beyond the code's addresses.
    pub fn code_proof(&self, pc: u64) -> Option<Vec<u8>> {
        (pc < CODE_BYTES).then(|| self.code.proof(pc))
    }

    /// The first state.
    pub fn initial_state(&self) -> State {
        let (pc, status) = (self.entry, Status::Running);
        State { memory_root: self.memory.root(), pc, step: 0, status, exit_code: 0, registers: [0; 31] }
    }

    /// Hash of the first state: what the contracts know of its memory and entry.
    pub fn initial_state_hash(&self) -> B256 {
        self.initial_state().hash()
    }

    /// The word at `pc` in the code; 0 where there is none.
    pub fn word(&self, pc: u64) -> u32 {
        let page = u32::try_from(pc / PAGE_BYTES as u64).ok().and_then(|page| self.code.page(page));
        let (words, _) = page.map_or(&[][..], |page| page).as_chunks::<4>();
        words.get(pc as usize % PAGE_BYTES / 4).map_or(0, |word| u32::from_le_bytes(*word))
    }

    /// The function that `pc` is in and how far it is from its begin, if the file has symbols.
    pub fn symbol_at(&self, pc: u64) -> Option<(String, u64)> {
        self.symbols.at(pc)
    }

    /// Every word of the executable segments that is no instruction of RV64IM.
    pub fn scan(&self) -> Vec<Undecodable> {
        let words = self.executable.iter().flat_map(|(address, length)| {
            (address / 4..(address + length).div_ceil(4)).map(|index| index * 4)
        });
        words
            .map(|address| Undecodable { address, word: self.word(address) })
            .filter(|found| Instruction::decode(found.word).is_none())
            .collect()
    }

    pub(crate) const fn memory(&self) -> &Tree {
        &self.memory
    }
}

/// A tree of what segments hold.
fn tree<'a>(mut tree: Tree, segments: impl Iterator<Item = (u64, &'a [u8])>) -> Tree {
    let mut pages = std::collections::BTreeMap::<u32, Box<PageBytes>>::new();
    for (address, bytes) in segments {
        let mut address = address as usize;
        let mut rest = bytes;
        while !rest.is_empty() {
            let (page, at) = (address / PAGE_BYTES, address % PAGE_BYTES);
            let (here, after) = rest.split_at(rest.len().min(PAGE_BYTES - at));
            let page = pages.entry(page as u32).or_insert_with(|| Box::new([0; PAGE_BYTES]));
            page[at..at + here.len()].copy_from_slice(here);
            address += here.len();
            rest = after;
        }
    }
    let dirty: Vec<Dirty<'_>> = pages.iter().map(|(number, bytes)| (*number, &**bytes)).collect();
    tree.update(&dirty);
    tree
}
