// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Disputes} from "../src/L1/Disputes.sol";
import {ClaimStatus, DisputeStatus} from "../src/libraries/Types.sol";
import {DisputeHandler} from "./utils/DisputeHandler.sol";
import {System} from "./utils/System.sol";

contract DisputesInvariantsTest is System {
    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    DisputeHandler internal handler;

    function setUp() public override {
        vm.deal(address(this), GENESIS_ETH);
        handler = new DisputeHandler{value: GENESIS_ETH}();
        handler.appendBlocks(3);
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    /// @dev What is named twice is called twice as often.
    function targetSelectors() external view returns (FuzzSelector[] memory targets) {
        bytes4[14] memory selectors = [
            handler.appendBlocks.selector,
            handler.proposeClaim.selector,
            handler.proposeClaim.selector,
            handler.challengeAny.selector,
            handler.challengeAny.selector,
            handler.defendAny.selector,
            handler.defendAny.selector,
            handler.moveAny.selector,
            handler.moveAny.selector,
            handler.moveAny.selector,
            handler.timeoutAny.selector,
            handler.settleAny.selector,
            handler.finalizeAny.selector,
            handler.pass.selector
        ];
        targets = new FuzzSelector[](1);
        targets[0].addr = address(handler);
        targets[0].selectors = new bytes4[](selectors.length);
        for (uint256 i; i < selectors.length; ++i) {
            targets[0].selectors[i] = selectors[i];
        }
    }

    /// @dev No truth is rejected and no lie final, as long as one honest account looks; and every bond is accounted for.
    function invariant_claimsAndBonds() public view {
        handler.checkClaims();
        (uint256 held, uint256 owed) = handler.booksOfSettlement();
        vm.assertEq(held, owed, "claims' bonds held and owed");
        (held, owed) = handler.booksOfDisputes();
        vm.assertEq(held, owed, "disputes' bonds held and owed");
    }

    function afterInvariant() public {
        handler.decideAll();
    }

    /// @dev What random calls come to seldom enough: a lie and a truth, each fought over to the last step.
    function test_handler_scenario_reachesTheLastStep() public {
        handler.proposeClaim(0, 0, 4 + (1 << 8));
        handler.proposeClaim(0, 0, 3);
        vm.assertFalse(handler.isTrue(1));
        vm.assertTrue(handler.isTrue(2));
        handler.challengeAny(2, 4 + (2 << 8));
        handler.beHonest();
        handler.defendAny(1);
        Disputes d = Disputes(handler.theDisputes());
        for (uint256 i; i < 40; ++i) {
            for (uint256 id; id < d.disputeCount(); ++id) {
                handler.moveAny(id, 77 + (i << 16));
            }
            handler.pass(1 hours - 1);
            invariant_claimsAndBonds();
        }
        vm.assertEq(d.disputeCount(), 2);
        for (uint64 id = 1; id <= 2; ++id) {
            vm.assertEq(uint256(d.disputeOf(id).stage), 3);
        }
        vm.assertEq(uint256(d.disputeOf(1).status), uint256(DisputeStatus.ChallengeLost));
        vm.assertEq(uint256(d.disputeOf(2).status), uint256(DisputeStatus.DefenceLost));
        handler.decideAll();
    }
}
