// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {L1Handler} from "./utils/L1Handler.sol";
import {System} from "./utils/System.sol";

contract L1InvariantsTest is System {
    struct FuzzSelector {
        address addr;
        bytes4[] selectors;
    }

    L1Handler internal handler;

    function setUp() public override {
        vm.deal(address(this), GENESIS_ETH);
        handler = new L1Handler{value: GENESIS_ETH}();
    }

    function targetContracts() external view returns (address[] memory targets) {
        targets = new address[](1);
        targets[0] = address(handler);
    }

    /// @dev What is named twice is called twice as often.
    function targetSelectors() external view returns (FuzzSelector[] memory targets) {
        bytes4[19] memory selectors = [
            handler.depositETH.selector,
            handler.depositToken.selector,
            handler.send.selector,
            handler.transferOnL2.selector,
            handler.withdrawOnL2.selector,
            handler.append.selector,
            handler.append.selector,
            handler.appendByAnyone.selector,
            handler.proposeNext.selector,
            handler.challengeNewest.selector,
            handler.finalizeNext.selector,
            handler.finalizeNext.selector,
            handler.setRefuses.selector,
            handler.release.selector,
            handler.retry.selector,
            handler.startExodus.selector,
            handler.exit.selector,
            handler.refund.selector,
            handler.tryAgain.selector
        ];
        targets = new FuzzSelector[](1);
        targets[0].addr = address(handler);
        targets[0].selectors = new bytes4[](selectors.length);
        for (uint256 i; i < selectors.length; ++i) {
            targets[0].selectors[i] = selectors[i];
        }
    }

    /// @dev What came in is there or was paid, and the books know it.
    function invariant_books() public view {
        (uint256 came, uint256 locked, uint256 held, uint256 paid) = handler.booksOfETH();
        vm.assertEq(locked, held, "ETH locked and held");
        vm.assertEq(came, held + paid, "ETH in and out");
        (came, locked, held, paid) = handler.booksOfToken();
        vm.assertEq(locked, held, "tokens locked and held");
        vm.assertEq(came, held + paid, "tokens in and out");
        (held, locked) = handler.bonds();
        vm.assertEq(held, locked, "bonds held and owed");
        (held, locked) = handler.disputeBonds();
        vm.assertEq(held, locked, "bonds of disputes held and owed");
    }

    /// @dev Whatever happened before: everybody gets everything.
    function afterInvariant() public {
        handler.everybodyLeaves();
    }

    function test_handler_scenario_coversEveryPath() public {
        handler.depositETH(1, 3, 5 ether);
        handler.depositToken(2, 4, 700);
        handler.send(4, 1, 3 ether);
        handler.append(3, true, 0);
        handler.transferOnL2(0, 3, 9 ether);
        handler.setRefuses(true);
        handler.withdrawOnL2(0, 4 ether, false);
        handler.withdrawOnL2(4, 300, true);
        handler.append(0, false, 0);
        handler.proposeNext(1);
        handler.challengeNewest(keccak256("lie"));
        handler.finalizeNext(false);
        handler.finalizeNext(true);
        handler.release(0);
        handler.retry(0);
        handler.depositETH(4, 0, 2 ether);
        handler.appendByAnyone(0, true);
        handler.depositToken(4, 4, 50);
        handler.send(0, 1, 1 ether);
        handler.tryAgain(0, 0);
        handler.startExodus(0);
        vm.assertTrue(handler.started());
        handler.release(1);
        handler.setRefuses(false);
        handler.retry(0);
        handler.exit(0, false);
        handler.exit(3, false);
        handler.exit(4, true);
        handler.tryAgain(1, 3);
        handler.refund(0);
        handler.tryAgain(0, 4);
        invariant_books();
        handler.everybodyLeaves();
        (, uint256 locked,, uint256 paid) = handler.booksOfETH();
        vm.assertEq(locked, 0);
        vm.assertEq(paid, GENESIS_ETH + 11 ether + 2);
    }
}
