//! The folder of one proof: the bundle, and every artefact on the way. What is there is complete, so a proof goes on where it was.
//!
//! Proofs of segments are brought together in a tree: two or four segments by a leaf, up to three leaves by a node of layer 2, and
//! so on until there is one, which is made smaller once more. A node needs nothing but those below it, so what one process,
//! or one machine, makes can be used by any other.

use std::{
    fmt,
    path::{Path, PathBuf},
    str::FromStr,
};

use alloy_primitives::{Address, B256, Bytes};
use duplex_program::{Bundle, RangeStatement, host::holds, range_output};
use eyre::{bail, eyre};
use openvm_continuations::{RootSC, SC};
use openvm_stark_backend::proof::Proof;
use openvm_verify_stark_host::VmStarkProof;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use snark_verifier_sdk::Snark;

use crate::{
    files,
    keys::{Keys, Pins},
};

/// The most segments below a leaf, and nodes below any other node.
pub(crate) const LEAF: usize = openvm_sdk::config::MAX_NUM_CHILDREN_LEAF;
const INNER: usize = openvm_sdk::config::MAX_NUM_CHILDREN_INTERNAL;

/// How the execution is cut.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Segments {
    /// Instructions of the whole execution.
    pub(crate) instructions: u64,
    /// What the program makes public.
    pub(crate) public: B256,
    /// How many a leaf of the tree brings together: a leaf takes memory for each.
    pub(crate) leaf: usize,
    /// Each one's first instruction, their number, and the heights of its tables.
    pub(crate) segments: Vec<(u64, u64, Vec<u32>)>,
}

impl Segments {
    pub(crate) fn tree(&self) -> Tree {
        Tree::over(self.segments.len(), self.leaf)
    }
}

/// A proof for L1, and what it is of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct L1Proof {
    pub(crate) parameters: String,
    pub(crate) config_hash: B256,
    pub(crate) parent_output: B256,
    pub(crate) first_batch: B256,
    pub(crate) last_batch: B256,
    pub(crate) output: B256,
    /// Who has what L1 pays for it.
    pub(crate) prover: Address,
    /// Hash of the six above.
    pub(crate) statement: B256,
    #[serde(flatten)]
    pub(crate) pins: Pins,
    /// What `ValidityVerifier.verify` takes.
    pub(crate) proof: Bytes,
}

impl L1Proof {
    pub(crate) fn new(keys: &Keys, statement: &RangeStatement, proof: Vec<u8>) -> eyre::Result<Self> {
        Ok(Self {
            parameters: keys.parameters().to_string(),
            config_hash: statement.configHash,
            parent_output: statement.parentOutput,
            first_batch: statement.firstBatch,
            last_batch: statement.lastBatch,
            output: statement.output,
            prover: statement.prover,
            statement: statement.hash(),
            pins: keys.pins()?,
            proof: proof.into(),
        })
    }
}

/// The folder.
#[derive(Debug, Clone)]
pub(crate) struct Job {
    folder: PathBuf,
}

impl Job {
    /// The folder of a proof of this bundle, made if it is not there.
    ///
    /// # Errors
    /// If it is of another bundle, or if the bundle's statement is not true: there would be no proof of it.
    pub(crate) fn create(folder: &Path, bundle: &Bytes) -> eyre::Result<Self> {
        let job = Self { folder: folder.to_owned() };
        let path = job.file("bundle");
        if path.exists() {
            if files::read(&path)? != bundle[..] {
                bail!("{} is of another bundle: choose another folder", folder.display());
            }
            return Ok(job);
        }
        let decoded = Bundle::decode(bundle, holds)?;
        let statement = *decoded.statement();
        let output = range_output(&decoded, &statement).map_err(|error| eyre!("{error}"))?;
        if output != statement.output {
            bail!(
                "the statement is not true: the batches give the output root {output}, not {}",
                statement.output
            );
        }
        files::make_folder(folder)?;
        files::write(&path, bundle)?;
        Ok(job)
    }

    /// A folder that is there.
    pub(crate) fn open(folder: &Path) -> eyre::Result<Self> {
        let job = Self { folder: folder.to_owned() };
        if !job.file("bundle").exists() {
            bail!("{} is no folder of a proof: it has no bundle", folder.display());
        }
        Ok(job)
    }

    /// SHA-256 of the bundle and of where its execution is cut: proofs of nodes are of no other.
    pub(crate) fn cut_digest(&self) -> eyre::Result<B256> {
        let both = [files::digest(&self.bundle_path())?, files::digest(&self.segments_path())?];
        Ok(B256::from_slice(&Sha256::digest(both.concat())))
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    fn file(&self, name: impl AsRef<Path>) -> PathBuf {
        self.folder.join(name)
    }

    pub(crate) fn bundle_path(&self) -> PathBuf {
        self.file("bundle")
    }

    pub(crate) fn bundle(&self) -> eyre::Result<Bytes> {
        Ok(files::read(&self.bundle_path())?.into())
    }

    pub(crate) fn statement(&self) -> eyre::Result<RangeStatement> {
        // Blobs were looked at when the bundle was taken.
        Ok(*Bundle::decode(&self.bundle()?, |_| true)?.statement())
    }

    pub(crate) fn segments_path(&self) -> PathBuf {
        self.file("segments.json")
    }

    pub(crate) fn segments(&self) -> eyre::Result<Segments> {
        files::read_json(&self.segments_path())
    }

    /// Where the proof of a node is; layer 0 has the segments.
    pub(crate) fn node_path(&self, node: Node) -> PathBuf {
        self.file(format!("layer-{:02}-{:05}.proof", node.layer, node.index))
    }

    pub(crate) fn has(&self, node: Node) -> bool {
        self.node_path(node).exists()
    }

    pub(crate) fn node(&self, node: Node) -> eyre::Result<Proof<SC>> {
        files::decode(&self.node_path(node))
    }

    /// Whether a node is there with all that comes with it: the last segment brings the public value.
    pub(crate) fn is_made(&self, tree: &Tree, node: Node) -> bool {
        self.has(node) && (tree.segments().last() != Some(node) || self.public_path().exists())
    }

    /// Where it is said who else made a node.
    fn maker_path(&self, node: Node) -> PathBuf {
        self.file(format!("layer-{:02}-{:05}.by", node.layer, node.index))
    }

    /// Keeps a node that somebody else made, and that it was they.
    pub(crate) fn take_from(&self, node: Node, prover: &str, proof: &[u8]) -> eyre::Result<()> {
        // In this order: nothing of theirs is ever taken for ours.
        files::write(&self.maker_path(node), prover.as_bytes())?;
        files::write(&self.node_path(node), proof)
    }

    /// Keeps the proof of the public value, which comes with the last segment.
    pub(crate) fn take_public_from(&self, last: Node, prover: &str, proof: &[u8]) -> eyre::Result<()> {
        files::write(&self.maker_path(last), prover.as_bytes())?;
        files::write(&self.public_path(), proof)
    }

    /// Whether somebody else made a node.
    pub(crate) fn is_others(&self, node: Node) -> bool {
        self.maker_path(node).exists()
    }

    /// Removes a node, if it is there.
    pub(crate) fn remove(&self, node: Node) -> eyre::Result<()> {
        for path in [self.node_path(node), self.maker_path(node)] {
            match std::fs::remove_file(&path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                    return Err(eyre!("{}: {error}", path.display()));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Where it is shown that the public value is what the memory ends with.
    pub(crate) fn public_path(&self) -> PathBuf {
        self.file("public.proof")
    }

    pub(crate) fn stark_path(&self) -> PathBuf {
        self.file("batch.stark")
    }

    pub(crate) fn stark(&self) -> eyre::Result<VmStarkProof> {
        files::decode(&self.stark_path())
    }

    fn own(&self, keys: &Keys, name: &str) -> PathBuf {
        self.file(format!("{}-{name}", keys.parameters()))
    }

    pub(crate) fn root_path(&self, keys: &Keys) -> PathBuf {
        self.own(keys, "root.proof")
    }

    pub(crate) fn root(&self, keys: &Keys) -> eyre::Result<Proof<RootSC>> {
        files::read_object(&self.root_path(keys))
    }

    pub(crate) fn snark_path(&self, keys: &Keys) -> PathBuf {
        self.own(keys, "snark.json")
    }

    pub(crate) fn snark(&self, keys: &Keys) -> eyre::Result<Snark> {
        files::read_json(&self.snark_path(keys))
    }

    pub(crate) fn l1_path(&self, keys: &Keys) -> PathBuf {
        self.own(keys, "proof.json")
    }
}

/// A proof in the tree. As text it is `layer.index`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub(crate) struct Node {
    /// 0 for segments.
    pub(crate) layer: usize,
    pub(crate) index: usize,
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.layer, self.index)
    }
}

impl FromStr for Node {
    type Err = eyre::Report;

    fn from_str(text: &str) -> eyre::Result<Self> {
        let parsed = text
            .split_once('.')
            .and_then(|(layer, index)| Some(Self { layer: layer.parse().ok()?, index: index.parse().ok()? }));
        parsed.ok_or_else(|| eyre!("{text:?} is no node of a tree: LAYER.INDEX"))
    }
}

/// The tree over a number of segments.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Tree {
    /// How many nodes each layer has.
    layers: Vec<usize>,
    leaf: usize,
}

impl Tree {
    pub(crate) fn over(segments: usize, leaf: usize) -> Self {
        // A leaf, a node over leaves, one over those: each is a circuit of its own, so there is at least one of each.
        let mut layers = vec![segments, segments.div_ceil(leaf)];
        while layers.len() < 4 || layers[layers.len() - 1] > 1 {
            layers.push(layers[layers.len() - 1].div_ceil(INNER));
        }
        // Once more, since that makes it smaller.
        layers.push(1);
        Self { layers, leaf }
    }

    /// All above the segments, those below first.
    pub(crate) fn inner(&self) -> impl Iterator<Item = Node> {
        let layers = self.layers.iter().copied().enumerate().skip(1);
        layers.flat_map(|(layer, nodes)| (0..nodes).map(move |index| Node { layer, index }))
    }

    pub(crate) fn segments(&self) -> impl Iterator<Item = Node> + use<> {
        (0..self.layers[0]).map(|index| Node { layer: 0, index })
    }

    /// What a node is made of.
    pub(crate) fn below(&self, node: Node) -> impl Iterator<Item = Node> + use<> {
        let width = if node.layer == 1 { self.leaf } else { INNER };
        let layer = node.layer - 1;
        let end = self.layers[layer].min((node.index + 1) * width);
        (node.index * width..end).map(move |index| Node { layer, index })
    }

    pub(crate) fn top(&self) -> Node {
        Node { layer: self.layers.len() - 1, index: 0 }
    }

    pub(crate) fn nodes(&self) -> usize {
        self.layers.iter().sum()
    }

    /// What can be made of what is there: segments, and nodes above of which all is there that is below them.
    pub(crate) fn ready(&self, has: impl Fn(Node) -> bool) -> Vec<Node> {
        let ready = |node: &Node| !has(*node) && (node.layer == 0 || self.below(*node).all(&has));
        self.segments().chain(self.inner()).filter(ready).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_node_is_below_one_other() {
        for (segments, leaf) in
            [1, 2, 4, 5, 12, 13, 37, 400].into_iter().flat_map(|s| [(s, 1), (s, 2), (s, 4)])
        {
            let tree = Tree::over(segments, leaf);
            let mut below: Vec<Node> = tree.inner().flat_map(|node| tree.below(node)).collect();
            let all: Vec<Node> = tree.segments().chain(tree.inner()).collect();
            assert_eq!(all.len(), tree.nodes());
            below.sort();
            assert_eq!(below, all[..all.len() - 1], "{segments} segments by {leaf}");
            assert_eq!(all.last(), Some(&tree.top()));
        }
    }

    #[test]
    fn what_is_ready_has_all_below_it_and_in_the_end_all_is_made() {
        let tree = Tree::over(13, 4);
        let mut made = std::collections::BTreeSet::new();
        while let Some(node) = tree.ready(|node| made.contains(&node)).pop() {
            assert!(node.layer == 0 || tree.below(node).all(|child| made.contains(&child)));
            assert!(made.insert(node), "each is made once");
            assert_eq!(node.to_string().parse::<Node>().unwrap(), node);
        }
        assert_eq!(made.len(), tree.nodes());
        assert!(["", "1", "1.", "a.1", "1.2.3", "-1.0"].iter().all(|text| text.parse::<Node>().is_err()));
    }

    #[test]
    fn the_least_tree_has_each_circuit_once_and_is_made_smaller() {
        assert_eq!(Tree::over(1, 4).layers, [1, 1, 1, 1, 1]);
        assert_eq!(Tree::over(5, 4).layers, [5, 2, 1, 1, 1]);
        assert_eq!(Tree::over(5, 2).layers, [5, 3, 1, 1, 1]);
        assert_eq!(Tree::over(40, 4).layers, [40, 10, 4, 2, 1, 1]);
    }
}
