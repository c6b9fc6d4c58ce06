//! Long values, cut into pieces that fill a page each.
//!
//! The engine rounds a long value up to a power of two and can only read it whole; pieces waste
//! at most part of one page, and a few bytes can be read out of the middle.

use crate::error::{Error, Result};
use alloy_primitives::Bytes;
use redb::{ReadOnlyTable, ReadableTable, Table, TableDefinition};

/// Pieces by block and position.
pub(crate) type StreamTable = TableDefinition<'static, (u64, u32), &'static [u8]>;
/// A stream table as a snapshot sees it.
pub(crate) type StreamRead = ReadOnlyTable<(u64, u32), &'static [u8]>;
/// A stream table as the writer sees it.
pub(crate) type StreamWrite<'t> = Table<'t, (u64, u32), &'static [u8]>;

/// What fits in a 32 KiB page beside the engine's own fields.
const PIECE: usize = 32 * 1024 - 64;

pub(crate) fn put(table: &mut StreamWrite<'_>, number: u64, bytes: &[u8]) -> Result<()> {
    if bytes.is_empty() {
        table.insert((number, 0), bytes)?;
    }
    for (index, piece) in bytes.chunks(PIECE).enumerate() {
        table.insert((number, index as u32), piece)?;
    }
    Ok(())
}

pub(crate) fn get(table: &StreamRead, number: u64) -> Result<Option<Bytes>> {
    let mut pieces = table.range((number, 0)..=(number, u32::MAX))?;
    let Some(first) = pieces.next() else { return Ok(None) };
    let mut bytes = first?.1.value().to_vec();
    for piece in pieces {
        bytes.extend_from_slice(piece?.1.value());
    }
    Ok(Some(bytes.into()))
}

/// `length` bytes from `offset`; `None` if the stream ends before.
pub(crate) fn slice(table: &StreamRead, number: u64, offset: u32, length: u32) -> Result<Option<Bytes>> {
    let (mut at, mut left) = (offset as usize, length as usize);
    let mut bytes = Vec::with_capacity(left.min(PIECE));
    while left > 0 {
        let Some(piece) = table.get((number, (at / PIECE) as u32))? else { return Ok(None) };
        let start = at % PIECE;
        let end = piece.value().len().min(start + left);
        let Some(part) = piece.value().get(start..end).filter(|part| !part.is_empty()) else {
            return Ok(None);
        };
        bytes.extend_from_slice(part);
        at += part.len();
        left -= part.len();
    }
    Ok(Some(bytes.into()))
}

pub(crate) fn remove(table: &mut StreamWrite<'_>, number: u64) -> Result<()> {
    let pieces = table
        .range((number, 0)..=(number, u32::MAX))?
        .map(|piece| piece.map(|(key, _)| key.value().1))
        .collect::<Result<Vec<_>, _>>()?;
    for piece in pieces {
        table.remove((number, piece))?;
    }
    Ok(())
}

/// The stream, or an error that names what is missing.
pub(crate) fn expect(table: &StreamRead, name: &'static str, number: u64) -> Result<Bytes> {
    get(table, number)?.ok_or_else(|| Error::corrupt(name, format!("nothing for block {number}")))
}
