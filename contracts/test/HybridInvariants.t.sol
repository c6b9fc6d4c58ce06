// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {HybridHandler} from "./utils/HybridHandler.sol";
import {System} from "./utils/System.sol";

contract HybridInvariantsTest is System {
    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    HybridHandler internal handler;

    function setUp() public override {
        vm.deal(address(this), GENESIS_ETH);
        handler = new HybridHandler{value: GENESIS_ETH}();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    /// @dev What is named twice is called twice as often.
    function targetSelectors() external view returns (FuzzSelector[] memory targets) {
        bytes4[14] memory selectors = [
            handler.claimAny.selector,
            handler.claimAny.selector,
            handler.claimAny.selector,
            handler.challengeAny.selector,
            handler.challengeAny.selector,
            handler.defendAny.selector,
            handler.descendAny.selector,
            handler.timeoutAny.selector,
            handler.settleAny.selector,
            handler.finalizeAny.selector,
            handler.proveAny.selector,
            handler.misuseProof.selector,
            handler.misuseRefute.selector,
            handler.pass.selector
        ];
        targets = new FuzzSelector[](1);
        targets[0].addr = address(handler);
        targets[0].selectors = new bytes4[](selectors.length);
        for (uint256 i; i < selectors.length; ++i) {
            targets[0].selectors[i] = selectors[i];
        }
    }

    /// @dev No lie is final and no truth rejected, once decided a claim stays so, and every bond is accounted for.
    function invariant_claimsProofsAndBonds() public {
        handler.checkClaims();
        (uint256 held, uint256 owed) = handler.booksOfSettlement();
        vm.assertEq(held, owed, "claims' bonds held and owed");
        (held, owed) = handler.booksOfDisputes();
        vm.assertEq(held, owed, "disputes' bonds held and owed");
    }

    function afterInvariant() public {
        handler.decideAll();
    }

    /// @dev What random calls seldom come to all at once: every kind of claim, challenged and defended, and then the proof.
    function test_handler_scenario_everyKind() public {
        for (uint256 kind; kind < 7; ++kind) {
            handler.claimAny(kind);
        }
        // What builds on the claims of the first batch, true and false.
        for (uint256 parent = 6; parent <= 7; ++parent) {
            handler.claimAny(7 + (parent << 16));
            handler.claimAny(7 + (1 << 8) + (parent << 16));
        }
        for (uint256 id = 1; id <= 11; ++id) {
            handler.challengeAny(id, id);
        }
        handler.beHonest();
        for (uint256 id; id < 20; ++id) {
            handler.defendAny(id);
            handler.descendAny(id);
        }
        handler.pass(6 hours - 1);
        invariant_claimsProofsAndBonds();
        handler.proveNow(5);
        vm.assertTrue(handler.isProved());
        invariant_claimsProofsAndBonds();
        handler.pass(6 hours - 1);
        handler.decideAll();
        invariant_claimsProofsAndBonds();
    }
}
