//! Nodes from their RLP.

use crate::node::{KEY_NIBBLES, Leaf, Link, Node, Reference, child_path};
use alloc::vec::Vec;
use alloy_primitives::B256;
use alloy_rlp::{EMPTY_LIST_CODE, EMPTY_STRING_CODE, Error, Header, Result};
use alloy_trie::Nibbles;

/// What a parent allows its child to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Expect {
    Any,
    /// Below an extension, there is nothing but a branch.
    Branch,
}

/// The node at `path`, with what is inlined in it, and the number of nodes that this makes.
/// Accepts only what a trie over 32-byte keys can contain, so that whoever walks the result can
/// rely on its shape.
pub(crate) fn decode(rlp: &[u8], path: &Nibbles, expect: Expect) -> Result<(Node, usize)> {
    let mut rest = rlp;
    let mut payload = Header::decode_bytes(&mut rest, true)?;
    if !rest.is_empty() {
        return Err(Error::UnexpectedLength);
    }
    let mut items = [&[][..]; 17];
    let mut count = 0;
    while !payload.is_empty() {
        let slot = items.get_mut(count).ok_or(Error::Custom("more than 17 items"))?;
        *slot = item(&mut payload)?;
        count += 1;
    }
    match count {
        17 => branch(&items, path),
        2 => short(items[0], items[1], path, expect),
        _ => Err(Error::Custom("neither 2 nor 17 items")),
    }
}

/// The next item with its header.
fn item<'a>(buf: &mut &'a [u8]) -> Result<&'a [u8]> {
    let start = *buf;
    let header = Header::decode(buf)?;
    *buf = &buf[header.payload_length..];
    Ok(&start[..start.len() - buf.len()])
}

fn branch(items: &[&[u8]; 17], path: &Nibbles) -> Result<(Node, usize)> {
    if path.len() >= KEY_NIBBLES {
        return Err(Error::Custom("branch below the length of a key"));
    }
    if *items[16] != [EMPTY_STRING_CODE] {
        return Err(Error::Custom("branch with a value"));
    }
    let (mut mask, mut links, mut nodes) = (0, Vec::with_capacity(16), 1);
    for (n, item) in (0..16).zip(items) {
        if **item == [EMPTY_STRING_CODE] {
            continue;
        }
        let (link, inlined) = child(item, &child_path(path, n), Expect::Any)?;
        mask |= 1 << n;
        links.push(link);
        nodes += inlined;
    }
    if links.len() < 2 {
        return Err(Error::Custom("branch with fewer than two children"));
    }
    Ok((Node::Branch { mask, links: links.into_boxed_slice() }, nodes))
}

/// A leaf or an extension: a path and what is at its end.
fn short(key: &[u8], end: &[u8], path: &Nibbles, expect: Expect) -> Result<(Node, usize)> {
    if expect == Expect::Branch {
        return Err(Error::Custom("extension without a branch"));
    }
    let key = Header::decode_bytes(&mut &*key, false)?;
    let (&first, tail) = key.split_first().ok_or(Error::Custom("empty path"))?;
    let odd = first & 0x10 != 0;
    if first & 0xc0 != 0 || (!odd && first & 0x0f != 0) {
        return Err(Error::Custom("bad path prefix"));
    }
    if path.len() + tail.len() * 2 + usize::from(odd) > KEY_NIBBLES {
        return Err(Error::Custom("path longer than a key"));
    }
    let mut segment = Nibbles::new();
    if odd {
        segment.push(first & 0x0f);
    }
    segment.extend(&Nibbles::unpack(tail));
    let full = path.join(&segment);
    if first & 0x20 != 0 {
        if full.len() != KEY_NIBBLES {
            return Err(Error::Custom("leaf above the length of a key"));
        }
        let value = Header::decode_bytes(&mut &*end, false)?;
        if value.is_empty() {
            return Err(Error::Custom("leaf without a value"));
        }
        let mut key = B256::ZERO;
        full.pack_to(key.as_mut_slice());
        Ok((Node::Leaf(Leaf::new(&key, value)), 1))
    } else {
        if segment.is_empty() || full.len() == KEY_NIBBLES {
            return Err(Error::Custom("extension of impossible length"));
        }
        let (child, inlined) = child(end, &full, Expect::Branch)?;
        Ok((Node::extension(segment, child), 1 + inlined))
    }
}

/// The link that a parent's RLP makes to its child, and how many nodes are inlined in it.
fn child(item: &[u8], path: &Nibbles, expect: Expect) -> Result<(Link, usize)> {
    match *item {
        [code, ref hash @ ..] if code == EMPTY_STRING_CODE + 32 => {
            Ok((Link::stub(&B256::from_slice(hash)), 0))
        }
        [code, ..] if code >= EMPTY_LIST_CODE && item.len() < 32 => {
            let (node, nodes) = decode(item, path, expect)?;
            let reference = Reference::inline(item);
            Ok((Link { node, stamp: 0, reference, stored: false }, nodes))
        }
        _ => Err(Error::Custom("child is neither a hash nor a short node")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;
    use proptest::prelude::*;

    fn list(items: &[&[u8]]) -> Vec<u8> {
        let mut out = Vec::new();
        Header { list: true, payload_length: items.iter().map(|i| i.len()).sum() }.encode(&mut out);
        items.iter().for_each(|i| out.extend_from_slice(i));
        out
    }

    fn path(len: usize) -> Nibbles {
        Nibbles::from_nibbles(vec![0xa; len])
    }

    fn reject(rlp: &[u8], depth: usize, why: &'static str) {
        match decode(rlp, &path(depth), Expect::Any) {
            Err(Error::Custom(said)) => assert_eq!(said, why),
            Err(other) => panic!("{why}: {other}"),
            Ok(_) => panic!("accepted, though {why}"),
        }
    }

    #[test]
    fn shapes_that_no_trie_has_are_rejected() {
        reject(&list(&[]), 0, "neither 2 nor 17 items");
        reject(&list(&[&[0x80][..]; 18]), 0, "more than 17 items");
        reject(&list(&[&[0x80][..]; 17]), 0, "branch with fewer than two children");
        reject(&list(&[&[0x80][..]; 17]), 64, "branch below the length of a key");
        let mut items = [&[0x80][..]; 17];
        items[16] = &[1];
        reject(&list(&items), 0, "branch with a value");
        reject(&list(&[&[0x80], &[1]]), 0, "empty path");
        reject(&list(&[&[0x40], &[1]]), 64, "bad path prefix");
        reject(&list(&[&[0x21], &[1]]), 64, "bad path prefix");
        reject(&list(&[&[0x31], &[1]]), 64, "path longer than a key");
        reject(&list(&[&[0x20], &[1]]), 62, "leaf above the length of a key");
        reject(&list(&[&[0x20], &[0x80]]), 64, "leaf without a value");
        reject(&list(&[&[0x00], &[1]]), 0, "extension of impossible length");
        reject(&list(&[&[0x11], &[1]]), 63, "extension of impossible length");
        reject(&list(&[&[0x11], &[1]]), 0, "child is neither a hash nor a short node");
        let leaf = list(&[&[0x20], &[1]]);
        reject(&list(&[&[0x11], &leaf]), 62, "extension without a branch");
        assert!(decode(&leaf, &path(64), Expect::Any).is_ok());
        let trailing = [leaf, vec![0]].concat();
        assert!(decode(&trailing, &path(64), Expect::Any).is_err());
        assert!(decode(&[EMPTY_STRING_CODE], &path(0), Expect::Any).is_err());
    }

    /// RLP-like trees: far likelier than plain bytes to get past the first checks.
    fn rlp_item() -> impl Strategy<Value = Vec<u8>> {
        let string = prop_oneof![
            Just(vec![0x80]),
            prop::array::uniform32(any::<u8>()).prop_map(alloy_rlp::encode),
            prop::collection::vec(any::<u8>(), 0..34).prop_map(|bytes| alloy_rlp::encode(bytes.as_slice())),
        ];
        string.prop_recursive(3, 40, 17, |inner| {
            let sizes = prop_oneof![Just(2usize), Just(17), 0..20usize];
            sizes
                .prop_flat_map(move |n| prop::collection::vec(inner.clone(), n))
                .prop_map(|items| list(&items.iter().map(Vec::as_slice).collect::<Vec<_>>()))
        })
    }

    proptest! {
        #[test]
        fn random_bytes_never_panic(
            bytes in prop::collection::vec(any::<u8>(), 0..600), depth in 0..=64usize,
        ) {
            let _ = decode(&bytes, &path(depth), Expect::Any);
        }

        #[test]
        fn what_decodes_encodes_to_the_same_bytes(rlp in rlp_item(), depth in 0..=64usize) {
            if let Ok((node, _)) = decode(&rlp, &path(depth), Expect::Any) {
                prop_assert_eq!(node.rlp(depth).to_vec(), rlp);
            }
        }
    }
}
