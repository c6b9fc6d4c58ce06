//! Histories, as the contracts compute them.

use alloy_primitives::{B256, keccak256};
use duplex_primitives::tree::{HISTORY_DEPTH, Tree, root_from};
use serde_json::Value;

const VECTORS: &str = include_str!("../../../../contracts/test/history-vectors.json");

fn word(value: &Value) -> B256 {
    value.as_str().unwrap().parse().unwrap()
}

fn words(value: &Value) -> Vec<B256> {
    value.as_array().unwrap().iter().map(word).collect()
}

#[test]
fn histories_are_those_of_the_contracts() {
    let vectors: Value = serde_json::from_str(VECTORS).unwrap();
    let histories = vectors["histories"].as_array().unwrap();
    assert!(histories.len() > 4);
    for vector in histories {
        let leaves = (1..=vector["leaves"].as_u64().unwrap()).map(|i| keccak256(i.to_be_bytes())).collect();
        let tree = Tree::new(HISTORY_DEPTH, leaves);
        let (index, root) = (vector["index"].as_u64().unwrap(), word(&vector["root"]));
        assert_eq!(tree.root(), root);
        assert_eq!(tree.leaf(index), word(&vector["leaf"]));
        assert_eq!(tree.proof(index), words(&vector["siblings"]));
        assert_eq!(root_from(tree.leaf(index), index, &tree.proof(index)), root);
        assert_eq!(tree.opened(8, index >> 4).to_vec(), words(&vector["openedAtDepth8"]));
    }
}
