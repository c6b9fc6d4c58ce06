//! Blocks in files: a line each for `header`, `body` and `receipts`, as RLP in hexadecimal.
//!
//! The form is that in which Ethereum's history network tests its blocks. A body is a list of
//! transactions, uncles and (since Shanghai) withdrawals; receipts are without blooms, each a list that
//! begins with its type, as in eth/69 (EIP-7642).

use std::{
    fs::File,
    io::{BufRead, BufReader, Read},
    path::Path,
};

use alloy_primitives::{Bytes, Log, hex};
use alloy_rlp::{Decodable, Error, Header as Rlp};
use duplex_primitives::Header;
use flate2::read::GzDecoder;

use crate::{
    block::Block,
    error::FileError,
    receipt::{Outcome, Receipt},
};

/// Characters that a file may have, unpacked: several times what the longest blocks have.
const MOST: u64 = 64 << 20;
/// Transactions or receipts that a block may have: more than ten times what gas allows for.
const MOST_ITEMS: usize = 1 << 16;

/// Reads a file of a block, also one that was packed with gzip.
///
/// # Errors
/// If it is not one, or its parts are not of one block.
pub fn read_block(path: &Path) -> Result<Block, FileError> {
    let mut file = BufReader::new(File::open(path)?);
    let packed = file.fill_buf()?.starts_with(&[0x1f, 0x8b]);
    let reader: &mut dyn Read = if packed { &mut GzDecoder::new(file) } else { &mut file };
    let mut text = String::new();
    reader.take(MOST + 1).read_to_string(&mut text)?;
    if text.len() as u64 > MOST {
        return Err(FileError::TooLong { most: MOST });
    }
    parse_block(&text)
}

/// Reads the text of such a file.
fn parse_block(text: &str) -> Result<Block, FileError> {
    let header = part(text, "header", Header::decode)?;
    let transactions = part(text, "body", |buf| {
        let mut body = Rlp::decode_bytes(buf, true)?;
        items(Rlp::decode_bytes(&mut body, true)?, transaction)
    })?;
    let receipts = part(text, "receipts", |buf| {
        items(Rlp::decode_bytes(buf, true)?, |buf| receipt(buf).map(|receipt| receipt.encode()))
    })?;
    Ok(Block::new(header, transactions, receipts)?)
}

fn part<T>(
    text: &str,
    name: &'static str,
    decode: impl FnOnce(&mut &[u8]) -> alloy_rlp::Result<T>,
) -> Result<T, FileError> {
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    let value = value.ok_or(FileError::Missing(name))?.trim().trim_matches(['"', '\'']);
    let bytes = hex::decode(value).map_err(|error| FileError::Hex { part: name, error })?;
    let mut rest = &bytes[..];
    let decoded = decode(&mut rest).and_then(|decoded| match rest {
        [] => Ok(decoded),
        _ => Err(Error::UnexpectedLength),
    });
    decoded.map_err(|error| FileError::Rlp { part: name, error })
}

fn items<T>(
    mut list: &[u8],
    mut decode: impl FnMut(&mut &[u8]) -> alloy_rlp::Result<T>,
) -> alloy_rlp::Result<Vec<T>> {
    let mut items = Vec::new();
    while !list.is_empty() {
        if items.len() == MOST_ITEMS {
            return Err(Error::Custom("more items than a block can have"));
        }
        items.push(decode(&mut list)?);
    }
    Ok(items)
}

/// A legacy transaction is a list, any other a string.
fn transaction(buf: &mut &[u8]) -> alloy_rlp::Result<Bytes> {
    let start = *buf;
    let header = Rlp::decode(buf)?;
    let payload = buf.get(..header.payload_length).ok_or(Error::InputTooShort)?;
    *buf = &buf[header.payload_length..];
    let raw = if header.list { &start[..start.len() - buf.len()] } else { payload };
    Ok(Bytes::copy_from_slice(raw))
}

fn receipt(buf: &mut &[u8]) -> alloy_rlp::Result<Receipt> {
    let mut fields = Rlp::decode_bytes(buf, true)?;
    let tx_type = u8::decode(&mut fields)?;
    let outcome = Outcome::decode(&mut fields)?;
    let gas = u64::decode(&mut fields)?;
    let logs = Vec::<Log>::decode(&mut fields)?;
    match fields {
        [] => Ok(Receipt::new(tx_type, outcome, gas, logs)),
        _ => Err(Error::UnexpectedLength),
    }
}
