// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Histories} from "./utils/Histories.sol";
import {moreVm} from "./utils/MoreVm.sol";
import {RiscvDisputeSystem} from "./utils/RiscvDisputeSystem.sol";

/// @notice Gas of whole transactions of a dispute, written to and compared with snapshots/Dispute.json, as
/// `GasSnapshotTest` does.
contract DisputeGasSnapshotTest is RiscvDisputeSystem {
    using Histories for bytes32[];

    /// @dev What each side may have to pay for from its first to its last move.
    uint256 internal constant MAX_SIDE = 1_500_000;

    uint256 internal challengers;
    uint256 internal defenders;

    function count(bool byChallenger, string memory name) internal {
        uint256 gas = vm.snapshotGasLastCall("Dispute", name);
        if (byChallenger) challengers += gas;
        else defenders += gas;
    }

    function stageName(string memory what, uint256 stage) internal pure returns (string memory) {
        return string.concat("stage ", vm.toString(stage), ", ", what);
    }

    function countStage(Play memory p, uint256 stage) internal {
        descend(p);
        count(true, stageName("descend, challenger", stage));
        descend(p);
        count(false, stageName("descend, defender", stage));
        descendToLeaf(p);
        count(true, stageName("descendToLeaf", stage));
    }

    /// @dev An honest challenger against a defence that parts from the truth with a store, the step with the longest
    /// proof.
    function test_gas_dispute() public {
        // What every challenge but the very first finds.
        (uint64 other, bytes32[] memory lie) = proposeLie(0, 2, 0);
        challengeFrom(alice, other, keccak256("x"));
        defendFrom(bob, 1, lie);

        (uint64 id, bytes32[] memory claimed) = proposeLie(0, 3, 40);
        bytes32[] memory honest = Histories.build(outputs(0, 3));
        challenge(id, honest.root());
        count(true, "challenge");
        Play memory p = Play(defend(2, claimed), id, honest, claimed);
        count(false, "defend");
        countStage(p, 0);
        judge(41, truth(40), claimed.leaf(40), 0);
        for (uint256 stage = 1; stage < 4; ++stage) {
            commitTruth(p);
            count(true, stageName("commit", stage));
            commitLie(p, stage == 3 ? 12 : 0);
            count(false, stageName("commitAndOpen", stage));
            countStage(p, stage);
        }
        prove(p);
        count(true, "prove, a store");
        vm.warp(block.timestamp + DEFENCE_PERIOD + 1);
        disputes.resolve(2);
        count(true, "resolve, won");
        vm.prank(challenger);
        disputes.withdrawCredit(challenger);
        count(true, "withdrawCredit");
        moreVm.snapshotValue("Dispute", "whole dispute, challenger", challengers);
        moreVm.snapshotValue("Dispute", "whole dispute, defender", defenders);
        vm.assertLe(challengers, MAX_SIDE);
        vm.assertLe(defenders, MAX_SIDE);
    }

    function test_gas_ends() public {
        (uint64 id, bytes32[] memory claimed) = proposeLie(0, 3, 40);
        challenge(id, keccak256("x"));
        challengeFrom(alice, id, keccak256("y"));
        challengeFrom(bob, id, keccak256("z"));
        defend(1, claimed);
        defendFrom(carol, 1, claimed);
        defendFrom(carol, 2, claimed);
        vm.warp(disputes.deadline(1) + 1);
        disputes.timeout(1);
        vm.snapshotGasLastCall("Dispute", "timeout, challenge lost");
        disputes.settle(2);
        vm.snapshotGasLastCall("Dispute", "settle, challenge lost");
        disputes.resolve(3);
        disputes.resolve(2);
        vm.snapshotGasLastCall("Dispute", "resolve, claim rejected");
        disputes.settle(3);
        vm.snapshotGasLastCall("Dispute", "settle, claim rejected");
    }

    function test_gas_rejectChildren() public {
        (uint64 id,) = proposeLie(0, 1, 0);
        propose(id, 2, keccak256("output"));
        propose(id + 1, 3, keccak256("output"));
        challenge(id, keccak256("x"));
        vm.warp(block.timestamp + DEFENCE_PERIOD + 1);
        disputes.resolve(1);
        uint64[] memory ids = new uint64[](2);
        (ids[0], ids[1]) = (id + 1, id + 2);
        settlement.rejectChildren(ids);
        vm.snapshotGasLastCall("Dispute", "rejectChildren, two");
    }
}
