//! Reading ELF files: static, bare, 64-bit little-endian RISC-V.
//!
//! Source: System V ABI, "Object Files"; RISC-V ELF psABI. The program's hash is fixed in contracts, so whatever is not
//! plain is refused instead of guessed.

use rustc_demangle::demangle;

use crate::{CODE_BYTES, MEMORY_BYTES};

/// Why a file is no program for this machine.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ElfError {
    /// No ELF file.
    #[error("this is no ELF file")]
    NotElf,
    /// Another form of ELF.
    #[error("{what} is {found}, not {expected}")]
    Unfit {
        /// The field.
        what: &'static str,
        /// What it says.
        found: u64,
        /// What it should say.
        expected: &'static str,
    },
    /// Dynamically linked.
    #[error("it needs a dynamic linker; link it statically (-static, no PIE)")]
    Dynamic,
    /// Cut off.
    #[error("the file ends within {0}")]
    Truncated(&'static str),
    /// Nothing to run.
    #[error("no segment is executable")]
    NoCode,
    /// A segment out of reach.
    #[error("the segment at {address:#x} with {length:#x} bytes is beyond {limit:#x}{}",
        if *.executable { ", where code must end" } else { "" })]
    OutOfReach {
        /// Its address.
        address: u64,
        /// Its length in memory.
        length: u64,
        /// The first address out of reach.
        limit: u64,
        /// It is executable.
        executable: bool,
    },
    /// More bytes in the file than in memory.
    #[error("the segment at {address:#x} has {file:#x} bytes in the file and {length:#x} in memory")]
    FileSize {
        /// Its address.
        address: u64,
        /// Its length in the file.
        file: u64,
        /// Its length in memory.
        length: u64,
    },
    /// Two segments share bytes.
    #[error("the segments at {0:#x} and {1:#x} overlap")]
    Overlap(u64, u64),
    /// The entry is no place to begin.
    #[error("the entry {0:#x} is not in an executable segment, or not a multiple of 4")]
    Entry(u64),
}

/// What is in a file.
pub(crate) struct Image<'a> {
    pub(crate) entry: u64,
    /// By address.
    pub(crate) segments: Vec<Segment<'a>>,
    pub(crate) symbols: Symbols,
}

/// A loaded segment.
pub(crate) struct Segment<'a> {
    pub(crate) address: u64,
    /// Bytes in memory; those that `bytes` lacks are zero.
    pub(crate) length: u64,
    pub(crate) bytes: &'a [u8],
    pub(crate) executable: bool,
}

const PT_LOAD: u64 = 1;
const PT_DYNAMIC: u64 = 2;
const PT_INTERP: u64 = 3;
const PF_X: u64 = 1;
const PROGRAM_HEADER_BYTES: usize = 56;
const SECTION_HEADER_BYTES: usize = 64;
const SHT_SYMTAB: u64 = 2;
const SYMBOL_BYTES: usize = 24;

/// The little-endian number of `N` bytes at an offset.
fn number<const N: usize>(bytes: &[u8], at: usize) -> Option<u64> {
    let field = bytes.get(at..)?.first_chunk::<N>()?;
    Some(field.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
}

pub(crate) fn read(elf: &[u8]) -> Result<Image<'_>, ElfError> {
    if !elf.starts_with(b"\x7fELF") {
        return Err(ElfError::NotElf);
    }
    let header = |truncated: Option<u64>| truncated.ok_or(ElfError::Truncated("its header"));
    let expect = |what, found: Option<u64>, value: u64, expected| match header(found)? {
        found if found == value => Ok(()),
        found => Err(ElfError::Unfit { what, found, expected }),
    };
    expect("the class", number::<1>(elf, 4), 2, "2 (64 bits)")?;
    expect("the byte order", number::<1>(elf, 5), 1, "1 (little-endian)")?;
    expect("the machine", number::<2>(elf, 18), 243, "243 (RISC-V)")?;
    expect("the file's type", number::<2>(elf, 16), 2, "2 (executable; link without PIE)")?;
    expect("the size of a program header", number::<2>(elf, 54), PROGRAM_HEADER_BYTES as u64, "56")?;
    let entry = header(number::<8>(elf, 24))?;
    let segments = segments(elf)?;
    let begins = |segment: &Segment<'_>| {
        segment.executable && (segment.address..segment.address + segment.length).contains(&entry)
    };
    if !segments.iter().any(|segment| segment.executable) {
        return Err(ElfError::NoCode);
    }
    if !entry.is_multiple_of(4) || !segments.iter().any(begins) {
        return Err(ElfError::Entry(entry));
    }
    Ok(Image { entry, segments, symbols: Symbols::read(elf).unwrap_or_default() })
}

/// All that is loaded, by address.
fn segments(elf: &[u8]) -> Result<Vec<Segment<'_>>, ElfError> {
    let cut = || ElfError::Truncated("its program headers");
    let offset = number::<8>(elf, 32).ok_or_else(cut)?;
    let count = number::<2>(elf, 56).ok_or_else(cut)? as usize;
    let table = usize::try_from(offset)
        .ok()
        .and_then(|offset| elf.get(offset..)?.get(..count * PROGRAM_HEADER_BYTES))
        .ok_or_else(cut)?;
    let mut segments = Vec::new();
    for entry in table.chunks_exact(PROGRAM_HEADER_BYTES) {
        let field = |at| number::<8>(entry, at).ok_or_else(cut);
        let half = |at| number::<4>(entry, at).ok_or_else(cut);
        match half(0)? {
            PT_DYNAMIC | PT_INTERP => return Err(ElfError::Dynamic),
            PT_LOAD => {}
            _ => continue,
        }
        let executable = half(4)? & PF_X != 0;
        let (offset, address, file, length) = (field(8)?, field(16)?, field(32)?, field(40)?);
        if length == 0 {
            continue;
        }
        let limit = if executable { CODE_BYTES } else { MEMORY_BYTES };
        if address.checked_add(length).is_none_or(|end| end > limit) {
            return Err(ElfError::OutOfReach { address, length, limit, executable });
        }
        if file > length {
            return Err(ElfError::FileSize { address, file, length });
        }
        let bytes = usize::try_from(offset)
            .ok()
            .and_then(|offset| elf.get(offset..)?.get(..usize::try_from(file).ok()?))
            .ok_or(ElfError::Truncated("a segment"))?;
        segments.push(Segment { address, length, bytes, executable });
    }
    segments.sort_by_key(|segment| segment.address);
    for pair in segments.windows(2) {
        if let [a, b] = pair
            && a.address + a.length > b.address
        {
            return Err(ElfError::Overlap(a.address, b.address));
        }
    }
    Ok(segments)
}

/// Names of functions and labels, for people.
#[derive(Debug, Default)]
pub(crate) struct Symbols {
    /// Address, size (0 if not known), name as it is in the file; by address.
    by_address: Vec<(u64, u64, String)>,
}

impl Symbols {
    /// None if there is no symbol table, or none that can be read: names change nothing of what the program is.
    fn read(elf: &[u8]) -> Option<Self> {
        let slice = |offset: u64, length: u64| {
            elf.get(usize::try_from(offset).ok()?..)?.get(..usize::try_from(length).ok()?)
        };
        let offset = number::<8>(elf, 40)?;
        let (size, count) = (number::<2>(elf, 58)?, number::<2>(elf, 60)?);
        if size != SECTION_HEADER_BYTES as u64 {
            return None;
        }
        let sections = slice(offset, size * count)?;
        let section = |index: usize| sections.get(index * SECTION_HEADER_BYTES..);
        let content = |section: &[u8]| slice(number::<8>(section, 24)?, number::<8>(section, 32)?);
        let table = (0..count as usize)
            .filter_map(section)
            .find(|section| number::<4>(section, 4) == Some(SHT_SYMTAB))?;
        let names = content(section(number::<4>(table, 40)? as usize)?)?;
        let mut by_address = Vec::new();
        for symbol in content(table)?.chunks_exact(SYMBOL_BYTES) {
            let name = names.get(number::<4>(symbol, 0)? as usize..).and_then(|name| {
                let end = name.iter().position(|byte| *byte == 0)?;
                std::str::from_utf8(&name[..end]).ok()
            });
            // Functions, and labels without a type; `$x` and `.L` labels are the assembler's.
            let (kind, section) = (number::<1>(symbol, 4)? & 15, number::<2>(symbol, 6)?);
            if let Some(name) = name
                && matches!(kind, 0 | 2)
                && section != 0
                && section < 0xff00
                && !name.is_empty()
                && !name.starts_with(['$', '.'])
            {
                by_address.push((number::<8>(symbol, 8)?, number::<8>(symbol, 16)?, name.to_owned()));
            }
        }
        // Of several names at one address the one with a size counts.
        by_address.sort_by_key(|(address, size, _)| (*address, *size));
        Some(Self { by_address })
    }

    pub(crate) fn at(&self, address: u64) -> Option<(String, u64)> {
        let next = self.by_address.partition_point(|(start, ..)| *start <= address);
        let (start, size, name) = self.by_address.get(next.checked_sub(1)?)?;
        let distance = address - start;
        (*size == 0 || distance < *size).then(|| (format!("{:#}", demangle(name)), distance))
    }
}
