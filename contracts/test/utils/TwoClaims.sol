// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ChallengeStatus, ClaimStatus, DisputeStatus} from "../../src/libraries/Types.sol";
import {DisputeSystem} from "./DisputeSystem.sol";
import {Histories} from "./Histories.sol";

/// @notice A lie and a truth about the same blocks, and what one does with them.
abstract contract TwoClaims is DisputeSystem {
    using Histories for bytes32[];

    /// @dev Claim 1 is a lie about its second block, claim 2 is true; both cover blocks 1 to 5.
    uint64 internal constant LIE = 1;
    uint64 internal constant TRUE = 2;

    function lieNodes() internal pure returns (bytes32[] memory leaves) {
        leaves = trueNodes(5);
        leaves = Histories.build(lieFrom(cut(leaves, 5), 1));
    }

    function trueNodes(uint256 count) internal pure returns (bytes32[] memory leaves) {
        leaves = new bytes32[](count);
        for (uint256 i; i < count; ++i) {
            leaves[i] = truth(i + 1);
        }
        return Histories.build(leaves);
    }

    function cut(bytes32[] memory nodes, uint256 count) internal pure returns (bytes32[] memory leaves) {
        leaves = new bytes32[](count);
        for (uint256 i; i < count; ++i) {
            leaves[i] = nodes.leaf(i);
        }
    }

    function setUp() public virtual override {
        super.setUp();
        proposeLie(0, 2, 1);
        proposeTruth(0, 2);
    }

    function challengeLie() internal returns (uint64) {
        return challenge(LIE, trueNodes(5).root());
    }

    function challengeTruth() internal returns (uint64) {
        return challenge(TRUE, lieNodes().root());
    }

    /// @dev The side in turn lets its clock run out: after a defence the challenger's.
    function stall(uint64 id) internal {
        vm.warp(disputes.deadline(id) + 1);
        disputes.timeout(id);
    }

    function defencePassed(uint64 challengeId) internal {
        uint256 over = uint256(disputes.challengeOf(challengeId).openedAt) + DEFENCE_PERIOD + 1;
        if (block.timestamp < over) vm.warp(over);
    }

    function assertChallenge(uint64 id, ChallengeStatus status) internal view {
        vm.assertEq(uint256(disputes.challengeOf(id).status), uint256(status));
    }

    function assertDispute(uint64 id, DisputeStatus status) internal view {
        vm.assertEq(uint256(disputes.disputeOf(id).status), uint256(status));
    }

    function assertClaim(uint64 id, ClaimStatus status) internal view {
        vm.assertEq(uint256(settlement.claimStatus(id)), uint256(status));
    }
}
