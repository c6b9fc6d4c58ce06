//! What each move of the game costs in gas, as the contracts' tests measured it.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::StakeError;

/// Gas of whole L1 transactions, one for each move. Source: `contracts/snapshots`, worst measured variant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GasTable {
    /// Making a claim.
    pub propose: u64,
    /// Challenging one.
    pub challenge: u64,
    /// Defending one, which opens the root.
    pub defend: u64,
    /// Opening a node of one's own tree.
    pub descend: u64,
    /// The same, at the last level.
    pub descend_to_leaf: u64,
    /// Committing to the next stage's history.
    pub commit: u64,
    /// Having L1 execute the step.
    pub prove: u64,
    /// Giving L1 the part of a preimage that the step reads.
    pub load: u64,
    /// Having L1 settle a dispute or a challenge, or notice that a clock has run out.
    pub resolve: u64,
    /// Whether all of it was measured; otherwise the dispute's moves are estimates.
    pub measured: bool,
}

/// Whose turn it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Side {
    /// Who says that the claim is false.
    Challenger,
    /// Who says that it is true.
    Defender,
}

const GAS: &str = include_str!("../../../contracts/snapshots/Gas.json");
const DISPUTE: &str = include_str!(env!("STAKE_DISPUTE"));
const RISCV: &str = include_str!(env!("STAKE_RISCV"));

/// Stages of a dispute: blocks, strides, shorter strides, steps (docs/fault-proofs.md §3).
const STAGES: u64 = 4;

impl GasTable {
    /// The table of this source tree: the snapshots of the contracts, or estimates where they have none yet.
    ///
    /// # Errors
    /// [`StakeError::MissingGas`], [`StakeError::NotSnapshot`]: a snapshot does not say what is needed.
    pub fn committed() -> Result<Self, StakeError> {
        let measured = env!("STAKE_DISPUTE_MEASURED") == "true" && env!("STAKE_RISCV_MEASURED") == "true";
        Self::read(GAS, DISPUTE, RISCV, measured)
    }

    fn read(gas: &str, dispute: &str, riscv: &str, measured: bool) -> Result<Self, StakeError> {
        let gas = Snapshot::read("contracts/snapshots/Gas.json", gas)?;
        let dispute = Snapshot::read("contracts/snapshots/Dispute.json", dispute)?;
        let riscv = Snapshot::read("contracts/snapshots/Riscv.json", riscv)?;
        Ok(Self {
            propose: gas.worst("propose")?,
            challenge: dispute.worst("challenge")?,
            defend: dispute.worst("defend")?,
            descend: dispute.worst("descend")?,
            descend_to_leaf: dispute.worst("descendToLeaf")?,
            commit: dispute.worst("commit")?,
            prove: dispute.worst("prove")?,
            load: riscv.worst("loadKeccak")?.max(riscv.worst("loadBlob")?),
            resolve: dispute.worst("resolve")?,
            measured,
        })
    }

    /// Most gas that a challenger needs in one dispute, to the step and the end of it; without the challenge.
    pub const fn challenger(&self) -> u64 {
        STAGES * (self.descend + self.descend_to_leaf)
            + (STAGES - 1) * self.commit
            + self.load
            + self.prove
            + self.resolve
    }

    /// Most gas that a defender needs, from the defence to the end.
    pub const fn defender(&self) -> u64 {
        self.defend + STAGES * self.descend + (STAGES - 1) * self.commit + self.resolve
    }

    /// Gas of a challenge that nobody answers: to make it and to settle it.
    pub const fn unanswered(&self) -> u64 {
        self.challenge + self.resolve
    }

    /// The moves of a dispute in order, from the one after `defend` to the step.
    pub fn moves(&self) -> Vec<Move> {
        let mut moves = Vec::new();
        for stage in 0..STAGES {
            let last = stage + 1 == STAGES;
            let opens = |side| Move { side, gas: self.descend, reserved: false };
            moves.push(opens(Side::Challenger));
            moves.push(opens(Side::Defender));
            let then = if last { self.load + self.prove } else { self.commit };
            let gas = self.descend_to_leaf + then;
            moves.push(Move { side: Side::Challenger, gas, reserved: !last });
            if !last {
                moves.push(Move { side: Side::Defender, gas: self.commit, reserved: true });
            }
        }
        moves
    }
}

/// What one side does while it is its turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Move {
    /// Whose turn it is.
    pub side: Side,
    /// Gas of its transactions.
    pub gas: u64,
    /// Whether it commits to something, which only the owner of the bond may do.
    pub reserved: bool,
}

/// A file that `forge`'s gas snapshots write.
struct Snapshot {
    file: &'static str,
    gas: Vec<(String, u64)>,
}

impl Snapshot {
    fn read(file: &'static str, text: &str) -> Result<Self, StakeError> {
        let wrong = |reason: String| StakeError::NotSnapshot { file, reason };
        let entries: Map<String, Value> = serde_json::from_str(text).map_err(|e| wrong(e.to_string()))?;
        let mut gas = Vec::new();
        for (name, value) in entries {
            let amount = value.as_u64().or_else(|| value.as_str()?.parse().ok());
            let amount = amount.ok_or_else(|| wrong(format!("{name:?} is {value}")))?;
            gas.push((name, amount));
        }
        Ok(Self { file, gas })
    }

    /// The most gas of what is called `name`, or `name, …` or `name …` in words of its own.
    fn worst(&self, name: &'static str) -> Result<u64, StakeError> {
        let variant = |key: &str| {
            key.strip_prefix(name).is_some_and(|rest| rest.is_empty() || rest.starts_with([',', ' ', '(']))
        };
        let amounts = self.gas.iter().filter(|(key, _)| variant(key)).map(|(_, gas)| *gas);
        amounts.max().ok_or(StakeError::MissingGas { file: self.file, name })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_snapshots_have_every_move() {
        let table = GasTable::committed().unwrap();
        let all = [table.propose, table.challenge, table.defend, table.descend, table.descend_to_leaf];
        assert!(all.iter().all(|gas| *gas > 21_000));
        let all = [table.commit, table.prove, table.load, table.resolve];
        assert!(all.iter().all(|gas| *gas > 21_000));
    }

    #[test]
    fn a_snapshot_without_a_move_is_refused_by_name() {
        let dispute: Map<String, Value> = serde_json::from_str(DISPUTE).unwrap();
        for name in ["challenge", "defend", "descend", "descendToLeaf", "commit", "prove", "resolve"] {
            let mut less = dispute.clone();
            less.retain(|key, _| key.split([',', ' ', '(']).next() != Some(name));
            let text = serde_json::to_string(&less).unwrap();
            let error = GasTable::read(GAS, &text, RISCV, false).unwrap_err();
            assert_eq!(
                error,
                StakeError::MissingGas { file: "contracts/snapshots/Dispute.json", name },
                "{error}"
            );
        }
    }

    #[test]
    fn of_variants_the_worst_counts_and_other_moves_do_not() {
        let text = r#"{"descend": "10", "descend, last": 30, "descendToLeaf": "90", "x descend": "70"}"#;
        assert_eq!(Snapshot::read("a", text).unwrap().worst("descend"), Ok(30));
        assert!(Snapshot::read("a", r#"{"descend": "ten"}"#).is_err());
        assert!(Snapshot::read("a", "[]").is_err());
    }

    #[test]
    fn the_moves_add_up_to_the_sides() {
        let table = GasTable::committed().unwrap();
        let moves = table.moves();
        let sum = |side| moves.iter().filter(|m| m.side == side).map(|m| m.gas).sum::<u64>();
        assert_eq!(sum(Side::Challenger) + table.resolve, table.challenger());
        assert_eq!(sum(Side::Defender) + table.defend + table.resolve, table.defender());
        assert_eq!(moves.first().map(|m| m.side), Some(Side::Challenger));
        assert_eq!(moves.last().map(|m| m.side), Some(Side::Challenger));
        assert!(moves.windows(2).all(|pair| pair[0].side != pair[1].side), "in turn");
    }
}
