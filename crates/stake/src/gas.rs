//! What each move of the game costs in gas, as the contracts' tests measured it.

use serde::Serialize;
use serde_json::{Map, Value};

use crate::StakeError;

/// Stages of a dispute: blocks, strides, shorter strides, steps (docs/fault-proofs.md §3).
pub const STAGES: usize = 4;

/// Gas of whole L1 transactions, one for each move; of variants the dearest. Source: `contracts/snapshots`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct GasTable {
    /// Making a claim.
    pub propose: u64,
    /// Challenging one.
    pub challenge: u64,
    /// Defending one, which opens the root.
    pub defend: u64,
    /// The moves of each stage.
    pub stages: [StageGas; STAGES],
    /// Giving L1 the part of a preimage that the step reads.
    pub load: u64,
    /// Having L1 execute the step, which ends the dispute.
    pub prove: u64,
    /// Having L1 notice that a clock has run out, which ends the dispute too.
    pub timeout: u64,
    /// Having L1 settle a challenge.
    pub resolve: u64,
    /// Taking what was won, and bonds, out.
    pub withdraw: u64,
}

/// Gas of a stage's moves.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StageGas {
    /// The challenger's commitment to the stage's history; none in the first stage, whose is the challenge.
    pub commit: u64,
    /// The defender's, with the opening of its root; none in the first stage, whose is the defence.
    pub commit_and_open: u64,
    /// The challenger's opening of a node.
    pub challenger_descends: u64,
    /// The defender's.
    pub defender_descends: u64,
    /// The challenger's last opening.
    pub descend_to_leaf: u64,
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

const GAS: Source = Source {
    file: "contracts/snapshots/Gas.json",
    text: include_str!("../../../contracts/snapshots/Gas.json"),
};
const DISPUTE: Source = Source {
    file: "contracts/snapshots/Dispute.json",
    text: include_str!("../../../contracts/snapshots/Dispute.json"),
};
const RISCV: Source = Source {
    file: "contracts/snapshots/Riscv.json",
    text: include_str!("../../../contracts/snapshots/Riscv.json"),
};

impl GasTable {
    /// The table of this source tree.
    ///
    /// # Errors
    /// [`StakeError::MissingGas`], [`StakeError::NotSnapshot`]: a snapshot does not say what is needed.
    pub fn committed() -> Result<Self, StakeError> {
        Self::read(GAS, DISPUTE, RISCV)
    }

    fn read(gas: Source, dispute: Source, riscv: Source) -> Result<Self, StakeError> {
        let (gas, dispute, riscv) = (Snapshot::read(gas)?, Snapshot::read(dispute)?, Snapshot::read(riscv)?);
        let mut stages = [StageGas::default(); STAGES];
        for (number, stage) in stages.iter_mut().enumerate() {
            let of = |name| dispute.worst_of(&[&format!("stage {number}")], name);
            let descend = |side: &str| dispute.worst_of(&[&format!("stage {number}"), side], "descend");
            if number > 0 {
                stage.commit = of("commit")?;
                stage.commit_and_open = of("commitAndOpen")?;
            }
            stage.challenger_descends = descend("challenger")?;
            stage.defender_descends = descend("defender")?;
            stage.descend_to_leaf = of("descendToLeaf")?;
        }
        Ok(Self {
            propose: gas.worst("propose")?,
            challenge: dispute.worst("challenge")?,
            defend: dispute.worst("defend")?,
            stages,
            load: riscv.worst("loadKeccak")?.max(riscv.worst("loadBlob")?),
            prove: dispute.worst("prove")?,
            timeout: dispute.worst("timeout")?,
            resolve: dispute.worst("resolve")?,
            withdraw: dispute.worst("withdrawCredit")?,
        })
    }

    fn moves_of(&self, side: Side) -> u64 {
        self.moves().iter().filter(|next| next.side == side).map(|next| next.gas).sum()
    }

    /// Most gas that a challenger needs in one dispute, to the step; without what it needs whether there are disputes or
    /// not ([`Self::unanswered`]).
    pub fn challenger(&self) -> u64 {
        self.moves_of(Side::Challenger)
    }

    /// Most gas that a defender needs, from the defence until it has its bond back and its reward.
    pub fn defender(&self) -> u64 {
        self.defend + self.moves_of(Side::Defender) + self.timeout + self.withdraw
    }

    /// Gas of a challenge that nobody answers: to make it, to settle it, and to take what it brings.
    pub const fn unanswered(&self) -> u64 {
        self.challenge + self.resolve + self.withdraw
    }

    /// The turns of a dispute in order, from the one after `defend` to the step.
    pub fn moves(&self) -> Vec<Move> {
        let mut moves = Vec::new();
        for (number, stage) in self.stages.iter().enumerate() {
            let turn = |side, gas, reserved| Move { side, gas, reserved };
            if number > 0 {
                moves.push(turn(Side::Defender, stage.commit_and_open, true));
            }
            moves.push(turn(Side::Challenger, stage.challenger_descends, false));
            moves.push(turn(Side::Defender, stage.defender_descends, false));
            // It remains the challenger's turn at the leaf.
            moves.push(match self.stages.get(number + 1) {
                Some(next) => turn(Side::Challenger, stage.descend_to_leaf + next.commit, true),
                None => turn(Side::Challenger, stage.descend_to_leaf + self.load + self.prove, false),
            });
        }
        moves
    }
}

/// A file that `forge`'s gas snapshots write.
#[derive(Clone, Copy)]
struct Source {
    file: &'static str,
    text: &'static str,
}

struct Snapshot {
    file: &'static str,
    gas: Vec<(String, u64)>,
}

impl Snapshot {
    fn read(source: Source) -> Result<Self, StakeError> {
        let file = source.file;
        let wrong = |reason: String| StakeError::NotSnapshot { file, reason };
        let entries: Map<String, Value> =
            serde_json::from_str(source.text).map_err(|error| wrong(error.to_string()))?;
        let mut gas = Vec::new();
        for (name, value) in entries {
            let amount = value.as_u64().or_else(|| value.as_str()?.parse().ok());
            let amount = amount.ok_or_else(|| wrong(format!("{name:?} is {value}")))?;
            gas.push((name, amount));
        }
        Ok(Self { file, gas })
    }

    fn worst(&self, name: &str) -> Result<u64, StakeError> {
        self.worst_of(&[], name)
    }

    /// The most gas of what has all these among the parts of its name, which commas separate.
    fn worst_of(&self, within: &[&str], name: &str) -> Result<u64, StakeError> {
        let has = |key: &str, wanted: &str| key.split(',').any(|part| part.trim() == wanted);
        let all = |key: &str| has(key, name) && within.iter().all(|wanted| has(key, wanted));
        let amounts = self.gas.iter().filter(|(key, _)| all(key)).map(|(_, gas)| *gas);
        amounts.max().ok_or_else(|| StakeError::MissingGas {
            file: self.file,
            name: within.iter().chain(&[name]).copied().collect::<Vec<_>>().join(", "),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_committed_snapshots_have_every_move() {
        let table = GasTable::committed().unwrap();
        let all = [table.propose, table.challenge, table.defend, table.load, table.prove];
        assert!(all.iter().all(|gas| *gas > 21_000), "{table:?}");
        assert!([table.timeout, table.resolve, table.withdraw].iter().all(|gas| *gas > 21_000), "{table:?}");
        assert!(table.moves().iter().all(|next| next.gas > 21_000), "{table:?}");
    }

    #[test]
    fn the_sides_are_those_that_the_contracts_measured() {
        let table = GasTable::committed().unwrap();
        let dispute = Snapshot::read(DISPUTE).unwrap();
        let whole = |side: &str| dispute.worst_of(&["whole dispute"], side).unwrap();
        // What a whole game took there, but for the load, which it did not need.
        let challenger = table.unanswered() + table.challenger() - table.load;
        assert_eq!(challenger, whole("challenger"));
        assert_eq!(table.defender() - table.timeout - table.withdraw, whole("defender"));
    }

    #[test]
    fn a_snapshot_without_a_move_is_refused_by_name() {
        let entries: Map<String, Value> = serde_json::from_str(DISPUTE.text).unwrap();
        for name in [
            "challenge",
            "defend",
            "descend",
            "descendToLeaf",
            "commit",
            "commitAndOpen",
            "prove",
            "timeout",
            "resolve",
            "withdrawCredit",
        ] {
            let mut less = entries.clone();
            less.retain(|key, _| key.split(',').all(|part| part.trim() != name));
            assert!(less.len() < entries.len(), "{name}");
            let text: &'static str = serde_json::to_string(&less).unwrap().leak();
            let error = GasTable::read(GAS, Source { text, ..DISPUTE }, RISCV).unwrap_err();
            assert!(
                error.to_string().starts_with("contracts/snapshots/Dispute.json has no gas of"),
                "{error}"
            );
            assert!(error.to_string().contains(name), "{error}");
        }
    }

    #[test]
    fn of_variants_the_worst_counts_and_other_moves_do_not() {
        let text = r#"{"descend": "10", "stage 1, descend": 30, "descendToLeaf": "90", "x descend": "70"}"#;
        let snapshot = Snapshot::read(Source { file: "a", text }).unwrap();
        assert_eq!(snapshot.worst("descend"), Ok(30));
        assert_eq!(snapshot.worst_of(&["stage 1"], "descend"), Ok(30));
        assert!(snapshot.worst_of(&["stage 2"], "descend").is_err());
        assert!(Snapshot::read(Source { file: "a", text: r#"{"descend": "ten"}"# }).is_err());
        assert!(Snapshot::read(Source { file: "a", text: "[]" }).is_err());
    }

    #[test]
    fn the_sides_take_turns_and_the_challenger_has_the_last() {
        let moves = GasTable::committed().unwrap().moves();
        assert_eq!(moves.len(), 4 * STAGES - 1);
        assert!(moves.windows(2).all(|pair| pair[0].side != pair[1].side));
        assert_eq!(moves.first().map(|next| next.side), Some(Side::Challenger));
        assert_eq!(moves.last().map(|next| next.side), Some(Side::Challenger));
        assert_eq!(moves.iter().filter(|next| next.reserved).count(), 2 * (STAGES - 1));
    }
}
