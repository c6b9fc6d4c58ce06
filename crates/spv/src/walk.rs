//! From a trie's root to a key, by the nodes of a proof.
//!
//! The nodes come from strangers: whatever they are, the walk ends with a value, with nothing, or with
//! what is wrong. Form: Yellow Paper, appendices C and D.

use alloy_primitives::{B256, Bytes, keccak256};
use alloy_rlp::{Error, Header};
use alloy_trie::EMPTY_ROOT_HASH;

/// RLP of nothing: what stands for a child, or a trie, that is not there.
const NOTHING: &[u8] = &[0x80];

/// Nodes that prove nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum WalkError {
    /// A node does not belong there.
    #[error("node {0} does not have the hash that is said above it")]
    Hash(usize),
    /// Some bytes are no node.
    #[error("node {0} is no node of a trie: {1}")]
    Malformed(usize, Error),
    /// A proof that is cut off.
    #[error("the nodes end before the path does")]
    TooFew,
    /// A proof with something after it.
    #[error("more nodes follow after node {0}, where the path ends")]
    TooMany(usize),
}

/// A node, taken apart.
enum Node<'a> {
    /// RLP of each child.
    Branch(Vec<&'a [u8]>),
    /// A stretch of path, and the RLP of the child at its end.
    Extension(Vec<u8>, &'a [u8]),
    /// What is left of the path, and the value.
    Leaf(Vec<u8>, &'a [u8]),
}

/// Where a node leads.
enum Found<'a> {
    /// To the node of the next hash.
    Further,
    /// To the value, or to nothing.
    End(Option<&'a [u8]>),
}

/// The nibbles of a key.
pub(crate) fn nibbles(key: &[u8]) -> Vec<u8> {
    key.iter().flat_map(|byte| [byte >> 4, byte & 0xf]).collect()
}

/// The value under a path; `None` if the nodes show that there is none.
pub(crate) fn walk<'a>(root: B256, path: &[u8], proof: &'a [Bytes]) -> Result<Option<&'a [u8]>, WalkError> {
    if root == EMPTY_ROOT_HASH {
        return match proof {
            [] => Ok(None),
            [only] if &only[..] == NOTHING => Ok(None),
            _ => Err(WalkError::TooMany(0)),
        };
    }
    let (mut expected, mut rest, mut at) = (root, path, 0);
    loop {
        let bytes = proof.get(at).ok_or(WalkError::TooFew)?;
        if keccak256(bytes) != expected {
            return Err(WalkError::Hash(at));
        }
        let mut node = &bytes[..];
        // Until a child is named by its hash; shorter ones are within.
        let found = loop {
            let child = match decode(node).map_err(|error| WalkError::Malformed(at, error))? {
                Node::Branch(children) => match rest {
                    [nibble, after @ ..] => {
                        rest = after;
                        children[usize::from(*nibble)]
                    }
                    // No key is the beginning of another one.
                    [] => break Found::End(None),
                },
                Node::Extension(stretch, child) => match rest.strip_prefix(&stretch[..]) {
                    Some(after) => {
                        rest = after;
                        child
                    }
                    None => break Found::End(None),
                },
                Node::Leaf(end, value) => break Found::End((rest == end).then_some(value)),
            };
            if child == NOTHING {
                break Found::End(None);
            }
            if let [0xa0, hash @ ..] = child {
                expected = B256::from_slice(hash);
                break Found::Further;
            }
            // Some write it out again as a node of its own.
            if proof.get(at + 1).is_some_and(|next| next[..] == *child) {
                at += 1;
            }
            node = child;
        };
        match found {
            Found::Further => at += 1,
            Found::End(_) if at + 1 < proof.len() => return Err(WalkError::TooMany(at)),
            Found::End(value) => return Ok(value),
        }
    }
}

/// Takes a node apart, to the last byte.
fn decode(mut bytes: &[u8]) -> alloy_rlp::Result<Node<'_>> {
    let mut list = Header::decode_bytes(&mut bytes, true)?;
    if !bytes.is_empty() {
        return Err(Error::UnexpectedLength);
    }
    let mut items: [&[u8]; 17] = [&[]; 17];
    let mut count = 0;
    while !list.is_empty() {
        let slot = items.get_mut(count).ok_or(Error::UnexpectedLength)?;
        *slot = item(&mut list)?;
        count += 1;
    }
    match count {
        17 => {
            let (children, value) = items.split_at(16);
            if value != [NOTHING] {
                return Err(Error::Custom("a branch with a value"));
            }
            let children = children.iter().map(|child| reference(child));
            Ok(Node::Branch(children.collect::<alloy_rlp::Result<_>>()?))
        }
        2 => {
            let (path, child) = (string(items[0])?, items[1]);
            let all = nibbles(path);
            let (first, stretch) = all.split_first().ok_or(Error::Custom("an empty path"))?;
            let stretch = match (first & 1, stretch) {
                (0, [0, stretch @ ..]) | (1, stretch) => stretch.to_vec(),
                _ => return Err(Error::Custom("a path that is not packed as it should be")),
            };
            match first >> 1 {
                0 if stretch.is_empty() || child == NOTHING => {
                    Err(Error::Custom("an extension by nothing, or to nothing"))
                }
                0 => Ok(Node::Extension(stretch, reference(child)?)),
                1 => match string(child)? {
                    [] => Err(Error::Custom("a leaf without a value")),
                    value => Ok(Node::Leaf(stretch, value)),
                },
                _ => Err(Error::Custom("a path that is not packed as it should be")),
            }
        }
        _ => Err(Error::UnexpectedLength),
    }
}

/// The RLP of the next item of a list.
fn item<'a>(list: &mut &'a [u8]) -> alloy_rlp::Result<&'a [u8]> {
    let (start, mut rest) = (*list, *list);
    let payload = Header::decode(&mut rest)?.payload_length;
    *list = rest.get(payload..).ok_or(Error::InputTooShort)?;
    Ok(&start[..start.len() - list.len()])
}

/// The content of an item that is a string.
fn string(mut item: &[u8]) -> alloy_rlp::Result<&[u8]> {
    Header::decode_bytes(&mut item, false)
}

/// A child: nothing, a hash, or a list of less than 32 bytes.
fn reference(item: &[u8]) -> alloy_rlp::Result<&[u8]> {
    match item {
        [0x80] => Ok(item),
        [0xa0, hash @ ..] if hash.len() == 32 => Ok(item),
        [0xc0..=0xff, ..] if item.len() < 32 => Ok(item),
        _ => Err(Error::Custom("a child that is neither a hash nor a short node")),
    }
}
