//! Witnesses as sets of preimages.

use alloy_primitives::{B256, Bytes, keccak256};
use alloy_trie::Nibbles;
use duplex_trie::{NodeKey, NodeSource, Recorder, Witness};

#[test]
fn witness_answers_by_hash_whatever_the_path() {
    let preimages = [Bytes::from_static(b"one"), Bytes::from_static(b"two")];
    let witness: Witness = preimages.iter().cloned().chain(preimages.iter().cloned()).collect();
    assert_eq!(witness.len(), 2);
    assert!(!witness.is_empty());
    let key = NodeKey { owner: Some(B256::ZERO), path: Nibbles::from_nibbles([1, 2]) };
    for preimage in &preimages {
        assert_eq!(witness.node(&key, &keccak256(preimage)).unwrap().as_ref(), Some(preimage));
    }
    assert_eq!(witness.node(&key, &B256::ZERO).unwrap(), None);
    assert!(witness.iter().is_sorted());
    assert_eq!(witness.clone().into_preimages().collect::<Witness>(), witness);
    assert_eq!(key.to_string(), format!("the storage trie of {} at 0x12", B256::ZERO));
}

#[test]
fn recorder_keeps_what_was_found() {
    let mut source = Witness::new();
    let hash = source.insert(Bytes::from_static(b"found"));
    source.insert(Bytes::from_static(b"not asked for"));
    let recorder = Recorder::new(&source);
    let key = NodeKey { owner: None, path: Nibbles::new() };
    assert!(recorder.node(&key, &hash).unwrap().is_some());
    assert!(recorder.node(&key, &B256::ZERO).unwrap().is_none());
    assert_eq!(recorder.source().len(), 2);
    assert_eq!(recorder.witness(), [Bytes::from_static(b"found")].into_iter().collect());
    assert_eq!(recorder.into_witness().len(), 1);
}
