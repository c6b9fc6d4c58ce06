// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Disputes} from "../src/L1/Disputes.sol";
import {IDisputes} from "../src/interfaces/IDisputes.sol";
import {ISettlement} from "../src/interfaces/ISettlement.sol";
import "../src/libraries/Errors.sol";
import {
    Challenge,
    ChallengeStatus,
    ClaimStatus,
    Dispute,
    DisputeStatus,
    Move
} from "../src/libraries/Types.sol";
import {Histories} from "./utils/Histories.sol";
import {TwoClaims} from "./utils/TwoClaims.sol";

/// @notice How challenges and defences begin, and how challenges are won.
contract DisputesTest is TwoClaims {
    using Histories for bytes32[];

    // --- construction ---

    function create(
        address settlement_,
        bytes32 code,
        bytes32 state,
        bytes32 config,
        uint256 bond,
        uint64 period
    ) internal returns (Disputes) {
        return create(
            settlement_, address(oracle), address(machine), code, state, config, bond, period, CLOCK
        );
    }

    function create(
        address settlement_,
        address oracle_,
        address stepper_,
        bytes32 code,
        bytes32 state,
        bytes32 config,
        uint256 bond,
        uint64 period,
        uint64 clock
    ) internal returns (Disputes) {
        // Wherever it will be, the Settlement knows.
        address next = vm.computeCreateAddress(address(this), vm.getNonce(address(this)));
        vm.mockCall(address(settlement), abi.encodeCall(settlement.disputes, ()), abi.encode(next));
        return new Disputes(settlement_, oracle_, stepper_, code, state, config, bond, period, clock);
    }

    function refuse() internal {
        vm.expectRevert(InvalidParameter.selector);
    }

    function test_constructor_badParameters_revert() public {
        (address s, address o, address m) = (address(settlement), address(oracle), address(machine));
        bytes32 x = keccak256("x");
        vm.expectRevert(InvalidParameter.selector);
        new Disputes(s, o, m, x, x, x, 1, 1, 1);
        refuse();
        create(s, alice, m, x, x, x, 1, 1, 1);
        refuse();
        create(s, o, alice, x, x, x, 1, 1, 1);
        refuse();
        create(s, 0, x, x, 1, 1);
        refuse();
        create(s, x, 0, x, 1, 1);
        refuse();
        create(s, x, x, 0, 1, 1);
        refuse();
        create(s, x, x, x, 0, 1);
        refuse();
        create(s, x, x, x, 1, 0);
        refuse();
        create(s, o, m, x, x, x, 1, 1, 0);
        vm.expectRevert();
        create(s, o, m, x, x, x, 1, 1, type(uint64).max / 2);
        vm.assertEq(create(s, o, m, x, x, x, 1, 7, 100).maxDuration(), 208);
    }

    function test_constructor_parameters_areReadable() public view {
        vm.assertEq(disputes.settlement(), address(settlement));
        vm.assertEq(disputes.inbox(), address(inbox));
        vm.assertEq(disputes.oracle(), address(oracle));
        vm.assertEq(disputes.stepper(), address(machine));
        vm.assertEq(disputes.codeRoot(), CODE_ROOT);
        vm.assertEq(disputes.startState(), startState());
        vm.assertEq(disputes.configHash(), CONFIG_HASH);
        vm.assertEq(disputes.bond(), DISPUTE_BOND);
        vm.assertEq(disputes.defencePeriod(), DEFENCE_PERIOD);
        vm.assertEq(disputes.clock(), CLOCK);
        vm.assertEq(disputes.maxDuration(), DEFENCE_PERIOD + 2 * CLOCK + 1);
    }

    // --- challenge ---

    function test_challenge_valid_storesAndEmits() public {
        bytes32 root = trueNodes(5).root();
        vm.expectEmit();
        emit IDisputes.ChallengeOpened(1, LIE, challenger, root);
        vm.assertEq(challengeLie(), 1);
        Challenge memory c = disputes.challengeOf(1);
        vm.assertEq(c.challenger, challenger);
        vm.assertEq(uint256(c.status), uint256(ChallengeStatus.Open));
        vm.assertEq(c.openDisputes, 0);
        vm.assertEq(c.claimId, LIE);
        vm.assertEq(c.openedAt, block.timestamp);
        vm.assertEq(c.outputsRoot, root);
        vm.assertEq(settlement.claim(LIE).openChallenges, 1);
        vm.assertEq(address(disputes).balance, DISPUTE_BOND);
        vm.assertEq(disputes.challengeCount(), 1);
    }

    function refuseChallenge(uint64 id, bytes32 claimHash, bytes32 root, bytes memory reason) internal {
        vm.expectRevert(reason);
        vm.prank(challenger);
        disputes.challenge{value: DISPUTE_BOND}(id, claimHash, root);
    }

    function test_challenge_wrongBond_reverts() public {
        bytes32 claimHash = settlement.claimHash(LIE);
        for (uint256 i; i < 3; ++i) {
            uint256 value = i == 0 ? 0 : i == 1 ? DISPUTE_BOND - 1 : DISPUTE_BOND + 1;
            vm.expectRevert(abi.encodeWithSelector(WrongBond.selector, DISPUTE_BOND, value));
            vm.prank(challenger);
            disputes.challenge{value: value}(LIE, claimHash, keccak256("x"));
        }
    }

    function test_challenge_anotherClaim_reverts() public {
        bytes32 actual = settlement.claimHash(LIE);
        bytes32 meant = settlement.claimHash(TRUE);
        refuseChallenge(
            LIE, meant, trueNodes(5).root(), abi.encodeWithSelector(UnexpectedClaim.selector, actual, meant)
        );
    }

    /// @dev Who challenged or defended a claim on one parent, in blocks that L1 takes back, has said nothing of the
    /// same words under the same number on another: there they are about other blocks.
    function test_attack_reorgPutsTheClaimOnAnotherParent_nobodyIsBound() public {
        appendBlocks(3);
        uint64 newest = inbox.batchCount() - 1;
        bytes32[] memory leaves = outputs(TRUE, newest);
        bytes32 ours = Histories.build(leaves).root();
        leaves[leaves.length - 1] = keccak256("x");
        bytes32[] memory theirs = Histories.build(leaves);
        uint256 before = vm.snapshotState();
        (uint64 id,) = proposeLeaves(TRUE, newest, leaves);
        bytes32 meant = settlement.claimHash(id);
        uint64 challengeId = challenge(id, ours);
        vm.revertToState(before);

        (uint64 again,) = proposeLeaves(LIE, newest, leaves);
        vm.assertEq(again, id);
        bytes32 actual = settlement.claimHash(id);
        vm.assertTrue(actual != meant);
        refuseChallenge(id, meant, ours, abi.encodeWithSelector(UnexpectedClaim.selector, actual, meant));
        vm.assertEq(challenge(id, ours), challengeId);
        refuseDefence(
            challengeId,
            DISPUTE_BOND,
            meant,
            theirs,
            abi.encodeWithSelector(UnexpectedClaim.selector, actual, meant)
        );
        vm.assertEq(disputes.disputeCount(), 0);
    }

    /// @dev Whatever a claim's truth depends on changes its hash.
    function test_claimHash_everyPart_isBound() public {
        appendBlocks(1);
        uint64 newest = inbox.batchCount() - 1;
        bytes32 root = settlement.claim(TRUE).blockOutputsRoot;
        bytes32 first = settlement.claimHash(TRUE);
        vm.assertEq(
            first,
            keccak256(
                abi.encode(GENESIS_OUTPUT, uint64(0), uint64(2), inbox.batchHash(2), root, truth(5))
            )
        );
        // Its history, its last batch, its parent.
        bytes32[5] memory hashes;
        hashes[0] = first;
        hashes[1] = settlement.claimHash(LIE);
        (uint64 id,) = proposeTruth(0, newest);
        hashes[2] = settlement.claimHash(id);
        bytes32[] memory leaves = outputs(TRUE, newest);
        (id,) = proposeLeaves(TRUE, newest, leaves);
        hashes[3] = settlement.claimHash(id);
        (id,) = proposeLeaves(LIE, newest, leaves);
        hashes[4] = settlement.claimHash(id);
        for (uint256 i; i < 5; ++i) {
            for (uint256 k; k < i; ++k) {
                vm.assertTrue(hashes[i] != hashes[k]);
            }
        }
        vm.expectRevert(abi.encodeWithSelector(UnknownClaim.selector, id + 1));
        settlement.claimHash(id + 1);
    }

    function test_challenge_claimsOwnHistory_reverts() public {
        bytes32 history = settlement.claim(LIE).blockOutputsRoot;
        bytes32 claimHash = settlement.claimHash(LIE);
        refuseChallenge(LIE, claimHash, history, abi.encodeWithSelector(SameHistory.selector, history));
    }

    function test_challenge_notPending_reverts() public {
        bytes32 x = keccak256("x");
        refuseChallenge(9, x, x, abi.encodeWithSelector(UnknownClaim.selector, 9));
        refuseChallenge(0, x, x, abi.encodeWithSelector(AlreadyFinal.selector, 0));
        challengeLie();
        defencePassed(1);
        disputes.resolve(1);
        refuseChallenge(LIE, x, x, abi.encodeWithSelector(AlreadyRejected.selector, LIE));
    }

    function test_challenge_window_boundaries() public {
        uint256 end = block.timestamp + WINDOW;
        vm.warp(end - 1);
        challengeTruth();
        vm.warp(end);
        bytes32 claimHash = settlement.claimHash(TRUE);
        refuseChallenge(TRUE, claimHash, keccak256("x"), abi.encodeWithSelector(WindowOver.selector, end));
        // The first one still holds it up.
        vm.expectRevert(abi.encodeWithSelector(ChallengesOpen.selector, 1));
        settlement.finalize(TRUE);
    }

    function test_challenge_againAfterLosing_costsAnotherBond() public {
        challengeTruth();
        defend(1, trueNodes(5));
        stall(1);
        assertChallenge(1, ChallengeStatus.Lost);
        challengeTruth();
        vm.assertEq(settlement.claim(TRUE).openChallenges, 1);
        defend(2, trueNodes(5));
        stall(2);
        vm.assertEq(disputes.burnt(), 2 * (DISPUTE_BOND / 2));
    }

    // --- defend ---

    function test_defend_valid_storesAndEmits() public {
        challengeTruth();
        bytes32[] memory nodes = trueNodes(5);
        vm.warp(block.timestamp + 5);
        vm.expectEmit();
        emit IDisputes.DisputeOpened(1, 1, defender, nodes.opened(1));
        vm.assertEq(defend(1, nodes), 1);
        Dispute memory d = disputes.disputeOf(1);
        vm.assertEq(d.challengeId, 1);
        vm.assertEq(d.defender, defender);
        vm.assertEq(uint256(d.status), uint256(DisputeStatus.Open));
        vm.assertEq(d.stage, 0);
        vm.assertEq(uint256(d.next), uint256(Move.ChallengerDescends));
        vm.assertEq(d.turnStart, block.timestamp);
        vm.assertEq(d.challengerTime + d.defenderTime, 0);
        vm.assertEq(d.position, 1);
        vm.assertEq(d.challengerNode, lieNodes().root());
        vm.assertEq(d.defenderNode, nodes.root());
        vm.assertEq(d.challengerHistory, lieNodes().root());
        vm.assertEq(d.agreed | d.statement, 0);
        vm.assertEq(disputes.challengeOf(1).openDisputes, 1);
        vm.assertEq(disputes.disputeCount(), 1);
        vm.assertEq(disputes.deadline(1), block.timestamp + CLOCK);
        vm.assertEq(address(disputes).balance, 2 * DISPUTE_BOND);
    }

    function refuseDefence(
        uint64 id,
        uint256 value,
        bytes32 claimHash,
        bytes32[] memory nodes,
        bytes memory reason
    ) internal {
        vm.expectRevert(reason);
        vm.prank(defender);
        disputes.defend{value: value}(id, claimHash, nodes.opened(1));
    }

    function refuseDefence(uint64 id, bytes memory reason) internal {
        refuseDefence(id, DISPUTE_BOND, settlement.claimHash(TRUE), trueNodes(5), reason);
    }

    function test_defend_badArguments_revert() public {
        challengeTruth();
        bytes32 claimHash = settlement.claimHash(TRUE);
        bytes32[] memory nodes = trueNodes(5);
        for (uint256 i; i < 3; ++i) {
            uint256 value = i == 0 ? 0 : i == 1 ? DISPUTE_BOND - 1 : DISPUTE_BOND + 1;
            refuseDefence(
                1, value, claimHash, nodes, abi.encodeWithSelector(WrongBond.selector, DISPUTE_BOND, value)
            );
        }
        refuseDefence(0, abi.encodeWithSelector(UnknownChallenge.selector, 0));
        refuseDefence(2, abi.encodeWithSelector(UnknownChallenge.selector, 2));
        bytes32 x = keccak256("x");
        refuseDefence(
            1, DISPUTE_BOND, x, nodes, abi.encodeWithSelector(UnexpectedClaim.selector, claimHash, x)
        );
        // What is opened must be under the claim's root: it can be known only by whoever knows the claim.
        bytes32[] memory lies = lieNodes();
        refuseDefence(
            1,
            DISPUTE_BOND,
            claimHash,
            lies,
            abi.encodeWithSelector(UnexpectedNode.selector, nodes.root(), lies.root())
        );
    }

    function test_defend_period_boundaries() public {
        challengeTruth();
        uint256 until = block.timestamp + DEFENCE_PERIOD;
        vm.warp(until);
        defend(1, trueNodes(5));
        vm.warp(until + 1);
        refuseDefence(1, abi.encodeWithSelector(DefenceOver.selector, until));
    }

    function test_defend_ended_reverts() public {
        // Lost, won, and with a claim that another challenge rejected.
        challengeTruth();
        defend(1, trueNodes(5));
        stall(1);
        refuseDefence(1, abi.encodeWithSelector(ChallengeEnded.selector, 1));
        challengeLie();
        defencePassed(2);
        challengeLie();
        disputes.resolve(2);
        refuseDefence(2, abi.encodeWithSelector(ChallengeEnded.selector, 2));
        refuseDefence(3, abi.encodeWithSelector(AlreadyRejected.selector, LIE));
        disputes.resolve(3);
        refuseDefence(3, abi.encodeWithSelector(ChallengeEnded.selector, 3));
    }

    // --- resolve ---

    function test_resolve_undefended_period_boundaries() public {
        challengeLie();
        uint256 until = block.timestamp + DEFENCE_PERIOD;
        vm.warp(until);
        vm.expectRevert(abi.encodeWithSelector(DefenceOpen.selector, until));
        disputes.resolve(1);
        vm.warp(until + 1);
        vm.expectEmit();
        emit IDisputes.ChallengeClosed(1, LIE, ChallengeStatus.Won);
        vm.expectEmit();
        emit ISettlement.ClaimRejected(LIE, challenger, false);
        vm.prank(alice);
        disputes.resolve(1);
        assertClaim(LIE, ClaimStatus.Rejected);
        assertChallenge(1, ChallengeStatus.Won);
        vm.assertEq(disputes.credit(challenger), DISPUTE_BOND);
        vm.assertEq(settlement.credit(challenger), BOND / 2);
        vm.assertEq(disputes.burnt(), 0);
        vm.assertEq(settlement.burnt(), BOND / 2);
    }

    function test_resolve_ended_reverts() public {
        vm.expectRevert(abi.encodeWithSelector(UnknownChallenge.selector, 1));
        disputes.resolve(1);
        challengeLie();
        defencePassed(1);
        disputes.resolve(1);
        vm.expectRevert(abi.encodeWithSelector(ChallengeEnded.selector, 1));
        disputes.resolve(1);
        challengeTruth();
        defend(2, trueNodes(5));
        stall(1);
        vm.expectRevert(abi.encodeWithSelector(ChallengeEnded.selector, 2));
        disputes.resolve(2);
        vm.assertEq(disputes.credit(challenger), DISPUTE_BOND);
    }

    function test_resolve_everyDefenceMustBeLost() public {
        challengeLie();
        bytes32[] memory claimed = lieNodes();
        bytes32[] memory honest = trueNodes(5);
        defend(1, claimed);
        defend(1, claimed);
        vm.warp(block.timestamp + DEFENCE_PERIOD);
        defendFrom(carol, 1, claimed);
        // It answers two of them; in time there are three to be decided.
        for (uint64 i = 2; i <= 3; ++i) {
            descend(Play(i, LIE, honest, claimed));
        }
        vm.warp(disputes.deadline(3) + 1);
        for (uint64 left = 3; left != 1; --left) {
            vm.expectRevert(abi.encodeWithSelector(DisputesOpen.selector, left));
            disputes.resolve(1);
            disputes.timeout(left);
            assertDispute(left, DisputeStatus.DefenceLost);
        }
        // The challenger has been busy elsewhere for too long.
        vm.expectRevert(abi.encodeWithSelector(DisputesOpen.selector, 1));
        disputes.resolve(1);
        disputes.timeout(1);
        assertChallenge(1, ChallengeStatus.Lost);
        assertClaim(LIE, ClaimStatus.Pending);
        vm.assertEq(disputes.credit(defender), DISPUTE_BOND + DISPUTE_BOND / 2);
    }

    function test_resolve_allDefencesLost_rejects() public {
        challengeLie();
        bytes32[] memory claimed = lieNodes();
        bytes32[] memory honest = trueNodes(5);
        for (uint64 i = 1; i <= 3; ++i) {
            defend(1, claimed);
            descend(Play(i, LIE, honest, claimed));
        }
        vm.warp(disputes.deadline(1) + 1);
        for (uint64 i = 1; i <= 3; ++i) {
            disputes.timeout(i);
        }
        disputes.resolve(1);
        assertClaim(LIE, ClaimStatus.Rejected);
        // Own bond, and half of each defence's.
        vm.assertEq(disputes.credit(challenger), DISPUTE_BOND + 3 * (DISPUTE_BOND / 2));
        vm.assertEq(disputes.burnt(), 3 * (DISPUTE_BOND / 2));
        vm.assertEq(address(disputes).balance, disputes.credit(challenger) + disputes.burnt());
    }

    function test_resolve_claimRejectedByAnother_givesBackAndCompensates() public {
        challengeLie();
        address[5] memory slower = [alice, bob, carol, defender, challenger];
        for (uint256 i; i < 5; ++i) {
            challengeFrom(slower[i], LIE, keccak256(abi.encode(i)));
        }
        defencePassed(1);
        disputes.resolve(1);
        for (uint64 i = 0; i < 5; ++i) {
            uint256 before = settlement.credit(slower[i]);
            uint256 bonds = disputes.credit(slower[i]);
            vm.expectEmit();
            emit IDisputes.ChallengeClosed(i + 2, LIE, ChallengeStatus.Moot);
            disputes.resolve(i + 2);
            vm.assertEq(disputes.credit(slower[i]) - bonds, DISPUTE_BOND);
            vm.assertEq(settlement.credit(slower[i]) - before, i < 4 ? BOND / 16 : 0);
        }
        vm.expectRevert(abi.encodeWithSelector(ChallengeEnded.selector, 6));
        disputes.resolve(6);
        vm.assertEq(settlement.burnt(), BOND / 4);
    }

    function test_resolve_claimFellWithParent_givesBackOnly() public {
        (uint64 child,) = proposeLie(LIE, 3, 0);
        challengeFrom(alice, child, keccak256("x"));
        challengeLie();
        defencePassed(2);
        disputes.resolve(2);
        // The child is not rejected yet, so its challenge goes on.
        uint64[] memory ids = new uint64[](1);
        ids[0] = child;
        settlement.rejectChildren(ids);
        disputes.resolve(1);
        assertChallenge(1, ChallengeStatus.Moot);
        vm.assertEq(disputes.credit(alice), DISPUTE_BOND);
        vm.assertEq(settlement.credit(alice), 0);
        vm.assertEq(settlement.credit(challenger), 2 * (BOND / 2));
    }
}
