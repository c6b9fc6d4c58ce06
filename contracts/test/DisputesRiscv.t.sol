// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import "../src/libraries/Errors.sol";
import {ClaimStatus, DisputeStatus} from "../src/libraries/Types.sol";
import {RiscvDisputeSystem} from "./utils/RiscvDisputeSystem.sol";

/// @notice Whole disputes, decided by what L1 executes itself.
contract DisputesRiscvTest is RiscvDisputeSystem {
    /// @dev Every step of the program, and two after its end, whoever of the two is right about it.
    function test_riscv_everyStep_honestSideWins() public {
        for (uint256 side; side < 2; ++side) {
            Play memory p = playToSteps(side == 0);
            uint256 id = vm.snapshotState();
            for (uint256 step; step < program.length + 2; ++step) {
                Play memory copy = Play(p.id, p.claimId, p.challenger, p.defender);
                playStep(copy, side == 0, step);
                vm.revertToState(id);
            }
        }
    }

    function test_riscv_forgedWitness_decidesNothing() public {
        Play memory p = playToSteps(true);
        commitTruth(p);
        // A store: step 12.
        commitLie(p, 12);
        descendStage(p);
        bytes memory state = agreedState(p);
        (bytes memory c, bytes memory m) = witnessAt(0, 12);
        m[100] ^= 0x01;
        vm.expectRevert();
        disputes.prove(p.id, state, c, m);
        vm.expectRevert(abi.encodeWithSelector(InvalidMemoryProofLength.selector, 896, 0));
        disputes.prove(p.id, state, c, "");
        c[0] ^= 0x01;
        m[100] ^= 0x01;
        vm.expectRevert();
        disputes.prove(p.id, state, c, m);
        prove(p);
        vm.assertEq(uint256(disputeOf(p).status), uint256(DisputeStatus.DefenceLost));
        vm.warp(block.timestamp + DEFENCE_PERIOD + 1);
        disputes.resolve(1);
        vm.assertEq(uint256(settlement.claimStatus(p.claimId)), uint256(ClaimStatus.Rejected));
    }
}
