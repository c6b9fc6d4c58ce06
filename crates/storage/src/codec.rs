//! Keys and values as bytes. Every decoder returns `None` for bytes it did not write.

use alloy_primitives::{B256, KECCAK256_EMPTY, U256};
use alloy_trie::Nibbles;
use duplex_trie::{NodeKey, StateAccount};

/// Hashed address and block.
pub(crate) type AccountKey = [u8; 40];
/// Hashed address, hashed slot and block.
pub(crate) type SlotKey = [u8; 72];

pub(crate) fn account_key(hashed: &B256, block: u64) -> AccountKey {
    let mut key = [0; 40];
    key[..32].copy_from_slice(hashed.as_slice());
    key[32..].copy_from_slice(&block.to_be_bytes());
    key
}

pub(crate) fn slot_key(owner: &B256, slot: &B256, block: u64) -> SlotKey {
    let mut key = [0; 72];
    key[..32].copy_from_slice(owner.as_slice());
    key[32..64].copy_from_slice(slot.as_slice());
    key[64..].copy_from_slice(&block.to_be_bytes());
    key
}

/// The block at the end of a versioned key.
pub(crate) fn version_of(key: &[u8]) -> u64 {
    key.last_chunk().map_or(0, |block| u64::from_be_bytes(*block))
}

/// A node's place (and block) without an allocation: the trie (a zero byte, or a one and the
/// owner), the number of nibbles, the nibbles packed, the block. Keys sort by trie, depth, path
/// and block, and no key is a prefix of another.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct NodeBytes {
    bytes: [u8; Self::MAX],
    len: u8,
}

impl NodeBytes {
    const MAX: usize = 1 + 32 + 1 + 32 + 8;

    /// The place alone.
    pub(crate) fn place(key: &NodeKey) -> Self {
        let mut this = Self { bytes: [0; Self::MAX], len: 0 };
        match &key.owner {
            None => this.push(&[0]),
            Some(owner) => {
                this.push(&[1]);
                this.push(owner.as_slice());
            }
        }
        this.push(&[key.path.len() as u8]);
        this.push(&key.path.pack());
        this
    }

    /// The place at a block.
    pub(crate) fn at(mut self, block: u64) -> Self {
        self.push(&block.to_be_bytes());
        self
    }

    fn push(&mut self, part: &[u8]) {
        let start = usize::from(self.len);
        self.bytes[start..start + part.len()].copy_from_slice(part);
        self.len += part.len() as u8;
    }

    pub(crate) fn as_slice(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

impl PartialOrd for NodeBytes {
    fn partial_cmp(&self, other: &Self) -> Option<core::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for NodeBytes {
    fn cmp(&self, other: &Self) -> core::cmp::Ordering {
        self.as_slice().cmp(other.as_slice())
    }
}

/// The inverse of [`NodeBytes::place`].
pub(crate) fn decode_place(bytes: &[u8]) -> Option<NodeKey> {
    let mut input = Input(bytes);
    let owner = match input.byte()? {
        0 => None,
        1 => Some(input.hash()?),
        _ => return None,
    };
    let nibbles = usize::from(input.byte()?);
    if nibbles > 64 || input.0.len() != nibbles.div_ceil(2) {
        return None;
    }
    let mut path = Nibbles::unpack(input.0);
    path.truncate(nibbles);
    Some(NodeKey { owner, path })
}

/// Appends an account: nothing if there is none, else the nonce (7 bits a byte, low first), the
/// length and bytes of the balance, and the code hash unless it is the empty one. At most 75 bytes.
pub(crate) fn put_account(out: &mut Vec<u8>, account: Option<&StateAccount>) {
    let Some(account) = account else { return };
    let mut nonce = account.nonce;
    while nonce >= 0x80 {
        out.push(nonce as u8 | 0x80);
        nonce >>= 7;
    }
    out.push(nonce as u8);
    out.push(account.balance.byte_len() as u8);
    put_number(out, account.balance);
    if account.code_hash != KECCAK256_EMPTY {
        out.extend_from_slice(account.code_hash.as_slice());
    }
}

/// The inverse of [`put_account`]; the outer `None` is for malformed bytes.
pub(crate) fn get_account(bytes: &[u8]) -> Option<Option<StateAccount>> {
    if bytes.is_empty() {
        return Some(None);
    }
    let mut input = Input(bytes);
    let (mut nonce, mut shift) = (0u64, 0);
    loop {
        let byte = input.byte()?;
        if shift > 63 || (shift == 63 && byte > 1) {
            return None;
        }
        nonce |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            break;
        }
        shift += 7;
    }
    let length = usize::from(input.byte()?);
    let balance = get_number(input.take(length)?)?;
    let code_hash = if input.0.is_empty() { KECCAK256_EMPTY } else { input.hash()? };
    input.0.is_empty().then_some(Some(StateAccount { nonce, balance, code_hash }))
}

/// Appends a number without leading zeros; zero is empty.
pub(crate) fn put_number(out: &mut Vec<u8>, number: U256) {
    let bytes = number.to_be_bytes::<32>();
    out.extend_from_slice(&bytes[32 - number.byte_len()..]);
}

/// The inverse of [`put_number`].
pub(crate) fn get_number(bytes: &[u8]) -> Option<U256> {
    (bytes.len() <= 32 && bytes.first() != Some(&0)).then(|| U256::from_be_slice(bytes))
}

/// Bytes that are consumed from the front.
pub(crate) struct Input<'a>(pub(crate) &'a [u8]);

impl<'a> Input<'a> {
    pub(crate) fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (head, tail) = self.0.split_at_checked(length)?;
        self.0 = tail;
        Some(head)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (head, tail) = self.0.split_first_chunk()?;
        self.0 = tail;
        Some(*head)
    }

    pub(crate) fn byte(&mut self) -> Option<u8> {
        self.array().map(|[byte]| byte)
    }

    pub(crate) fn u32(&mut self) -> Option<u32> {
        self.array().map(u32::from_be_bytes)
    }

    pub(crate) fn hash(&mut self) -> Option<B256> {
        self.array().map(B256::new)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn accounts_round_trip(nonce: u64, balance: [u8; 32], shift in 0usize..256, code: Option<[u8; 32]>) {
            let account = StateAccount {
                nonce,
                balance: U256::from_be_bytes(balance) >> shift,
                code_hash: code.map_or(KECCAK256_EMPTY, B256::new),
            };
            let mut bytes = Vec::new();
            put_account(&mut bytes, Some(&account));
            prop_assert!(bytes.len() <= 75);
            prop_assert_eq!(get_account(&bytes), Some(Some(account)));
        }

        #[test]
        fn places_round_trip(owner: Option<[u8; 32]>, path in prop::collection::vec(0u8..16, 0..=64)) {
            let key = NodeKey { owner: owner.map(B256::new), path: Nibbles::from_nibbles(path) };
            prop_assert_eq!(decode_place(NodeBytes::place(&key).as_slice()), Some(key));
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes: Vec<u8>) {
            let _ = (get_account(&bytes), get_number(&bytes), decode_place(&bytes));
        }
    }
}
