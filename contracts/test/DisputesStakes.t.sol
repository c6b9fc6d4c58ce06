// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ICredits} from "../src/interfaces/ICredits.sol";
import {IDisputes} from "../src/interfaces/IDisputes.sol";
import "../src/libraries/Errors.sol";
import {ChallengeStatus, ClaimStatus, DisputeStatus} from "../src/libraries/Types.sol";
import {Histories} from "./utils/Histories.sol";
import {Hook, Switch} from "./utils/Receivers.sol";
import {TwoClaims} from "./utils/TwoClaims.sol";

/// @notice How disputes end that others have decided, what liars lose, and how long they can make it last.
contract DisputesStakesTest is TwoClaims {
    using Histories for bytes32[];

    // --- settle ---

    function test_settle_undecided_reverts() public {
        vm.expectRevert(abi.encodeWithSelector(UnknownDispute.selector, 1));
        disputes.settle(1);
        challengeTruth();
        defend(1, trueNodes(5));
        vm.expectRevert(abi.encodeWithSelector(NotDecided.selector, 1));
        disputes.settle(1);
        vm.warp(block.timestamp + 2 * CLOCK);
        vm.expectRevert(abi.encodeWithSelector(NotDecided.selector, 1));
        disputes.settle(1);
    }

    function test_settle_challengeLostElsewhere_givesBack() public {
        challengeTruth();
        defend(1, trueNodes(5));
        defendFrom(carol, 1, trueNodes(5));
        vm.warp(disputes.deadline(1) + 1);
        disputes.timeout(2);
        vm.expectEmit();
        emit IDisputes.DisputeClosed(1, 1, DisputeStatus.Moot);
        disputes.settle(1);
        assertDispute(1, DisputeStatus.Moot);
        assertDispute(2, DisputeStatus.ChallengeLost);
        vm.assertEq(disputes.credit(defender), DISPUTE_BOND);
        vm.assertEq(disputes.credit(carol), DISPUTE_BOND + DISPUTE_BOND / 2);
        vm.assertEq(disputes.burnt(), DISPUTE_BOND / 2);
        vm.assertEq(disputes.challengeOf(1).openDisputes, 0);
        for (uint64 i = 1; i <= 2; ++i) {
            vm.expectRevert(abi.encodeWithSelector(DisputeEnded.selector, i));
            disputes.settle(i);
        }
        vm.warp(block.timestamp + WINDOW);
        settlement.finalize(TRUE);
    }

    function test_settle_claimRejectedElsewhere_defenceIsLost() public {
        challengeLie();
        defencePassed(1);
        challengeFrom(alice, LIE, keccak256("x"));
        defend(2, lieNodes());
        defend(2, lieNodes());
        disputes.resolve(1);
        // Before and after the challenge itself is settled.
        vm.expectEmit();
        emit IDisputes.DisputeClosed(1, 2, DisputeStatus.DefenceLost);
        disputes.settle(1);
        disputes.resolve(2);
        disputes.settle(2);
        vm.assertEq(disputes.credit(alice), DISPUTE_BOND + 2 * (DISPUTE_BOND / 2));
        vm.assertEq(disputes.credit(defender), 0);
        vm.assertEq(disputes.burnt(), 2 * (DISPUTE_BOND / 2));
        vm.assertEq(disputes.challengeOf(2).openDisputes, 0);
    }

    /// @dev The challenger's clock may be over: the claim was false after all.
    function test_end_claimRejectedElsewhere_challengeCannotBeLost() public {
        challengeLie();
        challengeFrom(alice, LIE, trueNodes(4).root());
        defend(2, lieNodes());
        vm.warp(disputes.deadline(1) + 1);
        disputes.resolve(1);
        vm.expectRevert(abi.encodeWithSelector(AlreadyRejected.selector, LIE));
        disputes.timeout(1);
        disputes.settle(1);
        assertDispute(1, DisputeStatus.DefenceLost);
        disputes.resolve(2);
        assertChallenge(2, ChallengeStatus.Moot);
    }

    function test_end_claimRejectedElsewhere_defenceCanBeLost() public {
        challengeLie();
        challengeFrom(alice, LIE, trueNodes(5).root());
        defend(2, lieNodes());
        descend(Play(1, LIE, trueNodes(5), lieNodes()));
        vm.warp(disputes.deadline(1) + 1);
        disputes.resolve(1);
        disputes.timeout(1);
        assertDispute(1, DisputeStatus.DefenceLost);
        vm.assertEq(disputes.credit(alice), DISPUTE_BOND / 2);
        disputes.resolve(2);
        assertChallenge(2, ChallengeStatus.Moot);
        vm.assertEq(disputes.credit(alice), DISPUTE_BOND + DISPUTE_BOND / 2);
        vm.assertEq(disputes.challengeOf(2).openDisputes, 0);
    }

    function test_end_lostChallenge_laterRejection_defendersKeepTheirs() public {
        // A false challenge of a false claim is lost; then a true one wins.
        challengeFrom(alice, LIE, keccak256("garbage"));
        defend(1, lieNodes());
        defend(1, lieNodes());
        stall(1);
        challengeLie();
        defencePassed(2);
        disputes.resolve(2);
        assertClaim(LIE, ClaimStatus.Rejected);
        disputes.settle(2);
        assertDispute(2, DisputeStatus.Moot);
        vm.assertEq(disputes.credit(defender), 2 * DISPUTE_BOND + DISPUTE_BOND / 2);
    }

    // --- who could gain ---

    /// @dev Whoever proposes a lie, challenges it and its challenge's slots with accounts of its own loses a quarter of
    /// the bond; the honest challenger who came too late loses nothing.
    function test_economy_challengingOneself_costsAQuarter() public {
        for (uint256 i; i < 5; ++i) {
            challengeFrom(carol, LIE, keccak256(abi.encode(i)));
        }
        challengeLie();
        defencePassed(6);
        for (uint64 i = 1; i <= 6; ++i) {
            disputes.resolve(i);
        }
        uint256 back = settlement.credit(carol) + settlement.credit(proposer);
        vm.assertEq(BOND - back, BOND / 4);
        vm.assertEq(disputes.credit(carol), 5 * DISPUTE_BOND);
        vm.assertEq(disputes.credit(challenger), DISPUTE_BOND);
    }

    /// @dev A hundred challenges of a true claim: none wins, each costs its author half a bond at least, also if a
    /// friend of his is the defender who wins; and the claim is final no later than after the longest delay.
    function test_economy_hundredChallenges_claimIsFinalInTime() public {
        uint256 createdAt = block.timestamp;
        bytes32[] memory nodes = trueNodes(5);
        vm.warp(createdAt + WINDOW - 1);
        vm.deal(carol, 100 ether);
        vm.deal(defender, 100 * DISPUTE_BOND);
        for (uint64 i = 1; i <= 100; ++i) {
            challengeFrom(carol, TRUE, keccak256(abi.encode(i)));
            // Every other one is defended by the challenger, too, and given up to that defence.
            if (i % 2 == 0) defendFrom(carol, i, nodes);
        }
        vm.warp(block.timestamp + DEFENCE_PERIOD);
        uint64[] memory mine = new uint64[](100);
        for (uint64 i = 1; i <= 100; ++i) {
            mine[i - 1] = defend(i, nodes);
        }
        vm.warp(disputes.deadline(mine[0]) + 1);
        for (uint64 i = 1; i <= 50; ++i) {
            disputes.timeout(i);
        }
        for (uint64 i = 1; i <= 100; ++i) {
            if (i % 2 == 0) disputes.settle(mine[i - 1]);
            else disputes.timeout(mine[i - 1]);
        }
        vm.assertLe(block.timestamp, createdAt + settlement.maxDelay());
        settlement.finalize(TRUE);
        vm.assertEq(settlement.credit(proposer), BOND);
        // Bonds are back, and half the bond of those challenges that the attacker did not give to himself.
        vm.assertEq(disputes.credit(defender), 100 * DISPUTE_BOND + 50 * (DISPUTE_BOND / 2));
        vm.assertEq(disputes.burnt(), 100 * (DISPUTE_BOND / 2));
        vm.assertEq(150 * DISPUTE_BOND - disputes.credit(carol), 75 * DISPUTE_BOND);
        vm.assertEq(
            address(disputes).balance, disputes.credit(carol) + disputes.credit(defender) + disputes.burnt()
        );
    }

    /// @dev The longest delay there can be: the last second in every place. Only `maxDelay` bounds it, and it does.
    function test_delay_lastSecondEverywhere_isBounded() public {
        uint256 createdAt = block.timestamp;
        bytes32[] memory nodes = trueNodes(5);
        vm.warp(createdAt + WINDOW - 1);
        Play memory p = Play(1, TRUE, lieNodes(), nodes);
        challengeTruth();
        vm.warp(block.timestamp + DEFENCE_PERIOD);
        defend(1, nodes);
        // The challenger takes all of its time for its first move; the defender all for its, and it is over.
        vm.warp(disputes.deadline(1));
        descend(p);
        vm.warp(disputes.deadline(1));
        descend(p);
        vm.expectRevert(abi.encodeWithSelector(ClockRunning.selector, block.timestamp));
        disputes.timeout(1);
        vm.expectRevert(abi.encodeWithSelector(ChallengesOpen.selector, 1));
        settlement.finalize(TRUE);
        vm.warp(block.timestamp + 1);
        disputes.timeout(1);
        settlement.finalize(TRUE);
        vm.assertEq(block.timestamp, createdAt + settlement.maxDelay() - 1);
        vm.assertEq(block.timestamp, disputes.challengeOf(1).openedAt + disputes.maxDuration());
    }

    /// @dev 200 lies on top of each other fall with the first, in pages that fit transactions.
    function test_rejectChildren_chainOf200_fallsInPages() public {
        for (uint256 i; i < 200; ++i) {
            appendNext();
        }
        (uint64 parent,) = proposeLie(0, 4, 0);
        uint64 first = parent;
        for (uint64 i = 1; i <= 200; ++i) {
            vm.deal(proposer, BOND);
            parent = propose(parent, 4 + i, keccak256(abi.encode(i)));
        }
        bytes32[] memory honest = Histories.build(outputs(0, 4));
        uint64 id = challenge(first, honest.root());
        defencePassed(id);
        disputes.resolve(id);
        // The last of them is as far from final as the first, whether anybody pages or not.
        vm.warp(block.timestamp + WINDOW);
        vm.expectRevert(abi.encodeWithSelector(ParentNotFinal.selector, parent - 1));
        settlement.finalize(parent);
        for (uint64 page; page < 2; ++page) {
            uint64[] memory ids = new uint64[](100);
            for (uint64 i; i < 100; ++i) {
                ids[i] = first + 1 + 100 * page + i;
            }
            uint256 gas = gasleft();
            settlement.rejectChildren(ids);
            vm.assertLe(gas - gasleft(), 8_000_000);
        }
        for (uint64 i = first; i <= parent; ++i) {
            assertClaim(i, ClaimStatus.Rejected);
        }
        vm.assertEq(settlement.credit(challenger), 201 * (BOND / 2));
        vm.assertEq(settlement.lastFinalClaim(), 0);
        // And the truth goes on beside them.
        settlement.finalize(TRUE);
    }

    // --- credit ---

    function test_withdrawCredit_reentered_paysOnce() public {
        Hook hook = new Hook();
        vm.deal(address(hook), DISPUTE_BOND);
        challengeFrom(address(hook), LIE, trueNodes(5).root());
        challengeFrom(alice, LIE, trueNodes(5).root());
        defencePassed(1);
        disputes.resolve(1);
        disputes.resolve(2);
        hook.set(address(disputes), abi.encodeCall(disputes.withdrawCredit, (address(hook))));
        vm.prank(address(hook));
        vm.expectEmit();
        emit ICredits.CreditWithdrawn(address(hook), address(hook), DISPUTE_BOND);
        disputes.withdrawCredit(address(hook));
        vm.assertTrue(hook.called());
        vm.assertFalse(hook.succeeded());
        vm.assertEq(address(hook).balance, DISPUTE_BOND);
        vm.assertEq(address(disputes).balance, DISPUTE_BOND);
    }

    function test_withdrawCredit_refused_stopsNobodyElse() public {
        Switch receiver = new Switch();
        receiver.setRefuses(true);
        vm.deal(address(receiver), DISPUTE_BOND);
        challengeFrom(address(receiver), LIE, trueNodes(5).root());
        defencePassed(1);
        disputes.resolve(1);
        assertClaim(LIE, ClaimStatus.Rejected);
        vm.startPrank(address(receiver));
        vm.expectRevert(abi.encodeWithSelector(TransferFailed.selector, address(receiver)));
        disputes.withdrawCredit(address(receiver));
        disputes.withdrawCredit(alice);
        vm.expectRevert(NothingToWithdraw.selector);
        disputes.withdrawCredit(alice);
        vm.stopPrank();
    }

    // --- several calls in one ---

    function test_multicall_value_cannotBeUsedTwice() public {
        bytes32 claimHash = settlement.claimHash(LIE);
        bytes[] memory calls = new bytes[](2);
        calls[0] = abi.encodeCall(disputes.challenge, (LIE, claimHash, keccak256("x")));
        calls[1] = abi.encodeCall(disputes.challenge, (LIE, claimHash, keccak256("y")));
        vm.startPrank(challenger);
        (bool success,) =
            address(disputes).call{value: DISPUTE_BOND}(abi.encodeCall(disputes.multicall, (calls)));
        vm.assertFalse(success);
        vm.expectRevert(abi.encodeWithSelector(WrongBond.selector, DISPUTE_BOND, 0));
        disputes.multicall(calls);
        vm.stopPrank();
    }

    function test_receive_plainTransfer_reverts() public {
        vm.prank(alice);
        (bool success,) = address(disputes).call{value: 1}("");
        vm.assertFalse(success);
    }
}
