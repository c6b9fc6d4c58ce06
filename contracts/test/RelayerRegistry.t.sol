// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {RelayerRegistry} from "../src/L1/RelayerRegistry.sol";
import {IAttestationVerifier} from "../src/interfaces/IAttestationVerifier.sol";
import "../src/libraries/Errors.sol";
import {Hashing} from "../src/libraries/Hashing.sol";
import {Attestation, Message as Mail, OutputRootProof} from "../src/libraries/Types.sol";
import {Relayers} from "./utils/Relayers.sol";

/// @notice Stakes: who loses them, who cannot, and where they go.
contract RelayerRegistryTest is Relayers {
    function stakeOf(address account) internal view returns (uint128 amount) {
        (amount,,,) = registry.relayer(account);
    }

    /// @dev What is in the registry is stakes, credits and open summonses.
    function owed() internal view returns (uint256 sum) {
        for (uint256 i; i < 5; ++i) {
            sum += stakeOf(member(i)) + registry.credit(member(i));
        }
        sum += registry.credit(address(this)) + registry.credit(copier);
    }

    function slashL1(Attestation memory a, uint256 signers) internal {
        bytes memory signatures = signAll(signers, a);
        vm.recordLogs();
        registry.slashByL1(a, signatures);
        tellL2();
    }

    // --- joining and leaving ---

    function test_join_tellsBothLayers() public view {
        address[] memory list = registry.members();
        vm.assertEq(list.length, 5);
        for (uint256 i; i < 5; ++i) {
            vm.assertEq(list[i], member(i));
            vm.assertEq(stakeOf(member(i)), STAKE);
        }
        (bytes32 hash, uint128 limit, uint64 until, uint8 threshold) = onL1.set(5);
        (bytes32 hash2, uint128 limit2, uint64 until2, uint8 threshold2) = atL2.set(5);
        vm.assertEq(hash, keccak256(abi.encode(list)));
        vm.assertEq(threshold, 4);
        vm.assertEq(limit, LIMIT);
        vm.assertEq(until, type(uint64).max);
        vm.assertTrue(hash == hash2 && limit == limit2 && until == until2 && threshold == threshold2);
    }

    function test_join_wrongStake_isRefused() public {
        vm.deal(copier, 100 ether);
        vm.expectRevert(abi.encodeWithSelector(WrongStake.selector, STAKE, STAKE - 1));
        vm.prank(copier);
        registry.join{value: STAKE - 1}();
        vm.expectRevert(abi.encodeWithSelector(WrongStake.selector, STAKE, STAKE + 1));
        vm.prank(copier);
        registry.join{value: STAKE + 1}();
    }

    function test_join_twice_isRefused() public {
        vm.deal(member(0), 100 ether);
        vm.expectRevert(abi.encodeWithSelector(AlreadyMember.selector, member(0)));
        vm.prank(member(0));
        registry.join{value: STAKE}();
        resignAs(member(0));
        vm.expectRevert(abi.encodeWithSelector(AlreadyMember.selector, member(0)));
        vm.prank(member(0));
        registry.join{value: STAKE}();
    }

    function test_join_whenFull_isRefused() public {
        for (uint256 i = 5; i < 32; ++i) {
            keys.push(uint256(keccak256(abi.encode("relayer", i))));
            joinAs(member(i));
        }
        vm.deal(copier, 100 ether);
        vm.expectRevert(abi.encodeWithSelector(SetFull.selector, 32));
        vm.prank(copier);
        registry.join{value: STAKE}();
        // All of them can sign, within what a transaction may cost.
        Mail memory m = plain(up);
        assertDelivered(m, attested(m, type(uint32).max));
    }

    function testFuzz_threshold_isMoreThanTwoThirds(uint8 count) public view {
        uint256 threshold = registry.thresholdOf(bound(count, 0, 32));
        uint256 n = bound(count, 0, 32);
        if (n < 4) vm.assertEq(threshold, 0);
        else vm.assertTrue(3 * threshold > 2 * n && 3 * (threshold - 1) <= 2 * n);
    }

    function test_resign_staysLiable_thenWithdraws() public {
        resignAs(member(2));
        address[] memory list = registry.members();
        vm.assertEq(list.length, 4);
        vm.assertEq(list[2], member(4));
        vm.expectRevert(abi.encodeWithSelector(NotAMember.selector, member(2)));
        vm.prank(member(2));
        registry.resign();
        vm.warp(block.timestamp + UNBONDING);
        vm.expectRevert(abi.encodeWithSelector(StakeBonded.selector, block.timestamp));
        vm.prank(member(2));
        registry.withdrawStake();
        vm.warp(block.timestamp + 1);
        vm.prank(member(2));
        registry.withdrawStake();
        vm.assertEq(registry.credit(member(2)), STAKE);
        vm.expectRevert(abi.encodeWithSelector(NotAMember.selector, member(2)));
        vm.prank(member(2));
        registry.withdrawStake();
        // And can come again.
        joinAs(member(2));
        vm.assertEq(registry.members().length, 5);
    }

    function test_withdraw_byMembersAndStrangers_isRefused() public {
        vm.expectRevert(abi.encodeWithSelector(NotAMember.selector, member(0)));
        vm.prank(member(0));
        registry.withdrawStake();
        vm.expectRevert(abi.encodeWithSelector(NotAMember.selector, copier));
        vm.prank(copier);
        registry.withdrawStake();
    }

    function test_tooFew_nobodyVouches() public {
        resignAs(member(0));
        resignAs(member(1));
        vm.warp(block.timestamp + OVERLAP + 1);
        Mail memory m = plain(up);
        assertRefused(m, attested(m, 7), InvalidSet.selector);
        assertDelivered(m, bytes.concat(hex"00", proveDown(m)));
    }

    // --- fraud about L1 ---

    function test_slash_beyondTheEnd() public {
        (, Attestation memory a) = forged(plain(up));
        uint256 backing = vault.lockedETH();
        slashL1(a, 0x0f);
        vm.assertEq(registry.members().length, 1);
        vm.assertEq(registry.credit(address(this)), 4 ether);
        vm.assertEq(vault.lockedETH() - backing, 36 ether);
        vm.assertEq(address(vault).balance, vault.lockedETH());
        vm.assertEq(address(registry).balance, owed());
        for (uint256 i; i < 4; ++i) {
            vm.assertEq(stakeOf(member(i)), 0);
        }
        vm.assertEq(stakeOf(member(4)), STAKE);
    }

    function test_slash_anotherValue() public {
        Attestation memory a = truth(plain(up));
        plain(up);
        a.accumulator ^= bytes32(uint256(1));
        slashL1(a, 0x01);
        vm.assertEq(stakeOf(member(0)), 0);
    }

    function testFuzz_slash_theTruth_isRefused(uint64 time) public {
        Attestation memory a = truth(plain(up));
        plain(up);
        a.time = time;
        bytes memory signatures = signAll(0x1f, a);
        vm.expectRevert(NotContradicted.selector);
        registry.slashByL1(a, signatures);
    }

    function test_slash_ofAnotherLane_isRefused() public {
        (, Attestation memory a) = forged(plain(up));
        a.chainId = 1;
        bytes memory signatures = signAll(0x0f, a);
        vm.expectRevert(abi.encodeWithSelector(UnexpectedChain.selector, L1, 1));
        registry.slashByL1(a, signatures);
        a.chainId = L1;
        a.endpoint = address(down);
        signatures = signAll(0x0f, a);
        vm.expectRevert(abi.encodeWithSelector(Unauthorized.selector, address(down)));
        registry.slashByL1(a, signatures);
    }

    /// @dev Old sets do not count any more, at once: the liars could go on with them.
    function test_slash_endsOlderSets() public {
        Mail memory m = plain(up);
        Mail memory back = plain(down);
        bytes memory proof = attested(m, 0x1e);
        bytes memory backProof = attested(back, 0x1e);
        (, Attestation memory a) = forged(m);
        slashL1(a, 0x01);
        assertRefused(m, proof, InvalidSet.selector);
        assertRefused(back, backProof, InvalidSet.selector);
        // Four are left.
        assertDelivered(m, attested(m, 0x0e));
        assertDelivered(back, attested(back, 0x07));
    }

    function test_slash_twice_isRefused() public {
        (, Attestation memory a) = forged(plain(up));
        bytes memory signatures = signAll(0x01, a);
        slashL1(a, 0x01);
        vm.expectRevert(NothingToSlash.selector);
        registry.slashByL1(a, signatures);
    }

    function test_slash_strangersSignatures_isRefused() public {
        (, Attestation memory a) = forged(plain(up));
        bytes memory signatures = sign(uint256(keccak256("stranger")), a);
        vm.expectRevert(NothingToSlash.selector);
        registry.slashByL1(a, signatures);
        vm.expectRevert(NothingToSlash.selector);
        registry.slashByL1(a, "");
        vm.expectRevert(abi.encodeWithSelector(InvalidSignature.selector, 0));
        registry.slashByL1(a, hex"00");
        vm.expectRevert(abi.encodeWithSelector(InvalidSignature.selector, 0));
        registry.slashByL1(a, new bytes(64));
    }

    /// @dev Who reports one first does not save the others.
    function test_slash_oneFirst_thenAll() public {
        (, Attestation memory a) = forged(plain(up));
        bytes memory all = signAll(0x0f, a);
        slashL1(a, 0x01);
        vm.recordLogs();
        registry.slashByL1(a, all);
        tellL2();
        vm.assertEq(registry.credit(address(this)), 4 ether);
    }

    /// @dev A relayer that reports itself has a tenth back, no more.
    function test_slash_self() public {
        (, Attestation memory a) = forged(plain(up));
        bytes memory signatures = signAll(0x0f, a);
        vm.prank(member(0));
        registry.slashByL1(a, signatures);
        vm.assertEq(registry.credit(member(0)), 4 ether);
        vm.assertEq(stakeOf(member(0)), 0);
    }

    function test_slash_thenUnbond() public {
        (, Attestation memory a) = forged(plain(up));
        slashL1(a, 0x01);
        vm.warp(block.timestamp + UNBONDING + 1);
        vm.prank(member(0));
        registry.withdrawStake();
        vm.assertEq(registry.credit(member(0)), 0);
    }

    function test_unbonding_isSlashed() public {
        (, Attestation memory a) = forged(plain(up));
        bytes memory signatures = signAll(0x01, a);
        resignAs(member(0));
        vm.warp(block.timestamp + UNBONDING);
        vm.recordLogs();
        registry.slashByL1(a, signatures);
        tellL2();
        vm.assertEq(stakeOf(member(0)), 0);
        vm.assertEq(registry.members().length, 4);
    }

    /// @dev Colluding as much as they can, the four who must sign take less than they lose.
    function test_collusion_costsMoreThanItTakes() public {
        Mail memory m = sendFrom(up, bob, 0, 50_000, NEVER, 0, "");
        (Mail memory f, Attestation memory a) = forged(m);
        f.value = LIMIT;
        a.accumulator = keccak256(abi.encode(up.accumulator(m.nonce), idOf(up, f)));
        uint256 before = bob.balance;
        assertDelivered(f, encode(proofOf(f, a, 0x0f)));
        vm.warp(block.timestamp + L2_WINDOW);
        vm.recordLogs();
        registry.refresh();
        tellL2();
        Mail memory f2 = f;
        f2.nonce += 1;
        Attestation memory b = truth(m);
        b.nonce = f2.nonce;
        b.accumulator = keccak256(abi.encode(a.accumulator, idOf(up, f2)));
        IAttestationVerifier.Proof memory p = proofOf(m, b, 0x0f);
        p.previous = a.accumulator;
        assertDelivered(f2, encode(p));
        uint256 taken = bob.balance - before;
        vm.assertEq(taken, 2 * LIMIT);
        bytes memory signatures = signAll(0x0f, a);
        vm.prank(member(0));
        registry.slashByL1(a, signatures);
        // As much again can go the other way; and they report themselves.
        uint256 lost = 4 * uint256(STAKE) - registry.credit(member(0));
        vm.assertTrue(lost * 100 >= 2 * taken * 125);
        // And the books are whole again, for all that was taken.
        vm.assertTrue(vault.lockedETH() >= minted());
    }

    /// @dev L1 drops a block that relayers believed in: what they brought to L2 by it stays there if its anchors stay. Then
    /// their stake backs it.
    function test_reorganisedL1_isCoveredByStake() public {
        uint256 id = vm.snapshotState();
        Mail memory m = sendFrom(up, bob, LIMIT, 50_000, NEVER, 0, "");
        Attestation memory a = truth(m);
        bytes memory proof = encode(proofOf(m, a, 0x0f));
        bytes memory signatures = signAll(0x0f, a);
        // L1 without the message, L2 with it.
        vm.revertToState(id);
        assertDelivered(m, proof);
        vm.assertEq(up.accumulator(m.nonce), 0);
        uint256 short = minted() - vault.lockedETH();
        vm.assertEq(short, LIMIT);
        // Even if another message has taken its place by then.
        plain(up);
        registry.slashByL1(a, signatures);
        vm.assertTrue(vault.lockedETH() >= minted() + 1.01 ether + short);
    }

    // --- fraud about L2 ---

    function slashL2(Attestation memory a, uint256 signers, bytes4 why) internal {
        (uint64 claimId, OutputRootProof memory p, bytes[] memory accountNodes, bytes[] memory slotNodes) =
            finalAccumulator(a.nonce);
        bytes memory signatures = signAll(signers, a);
        if (why != bytes4(0)) vm.expectRevert(why);
        registry.slashByL2(a, signatures, claimId, p, accountNodes, slotNodes);
    }

    function test_slashL2_neverSent() public {
        (, Attestation memory a) = forged(plain(down));
        vm.warp(block.timestamp + 1);
        slashL2(a, 0x0f, 0);
        vm.assertEq(registry.members().length, 1);
        vm.assertEq(registry.credit(address(this)), 4 ether);
        vm.assertEq(address(registry).balance, owed());
    }

    function test_slashL2_anotherValue() public {
        Attestation memory a = truth(plain(down));
        a.accumulator ^= bytes32(uint256(1));
        vm.warp(block.timestamp + 1);
        slashL2(a, 0x10, 0);
        vm.assertEq(stakeOf(member(4)), 0);
    }

    function test_slashL2_theTruth_isRefused() public {
        Attestation memory a = truth(plain(down));
        vm.warp(block.timestamp + 1);
        slashL2(a, 0x0f, NotContradicted.selector);
    }

    /// @dev What was sent after a claim's last block is not in it, and need not be: nor within the same second.
    function test_slashL2_byAnEarlierState_isRefused() public {
        (, Attestation memory a) = forged(plain(down));
        uint256 id = vm.snapshotState();
        // A claim's last block has the time at which its batch was appended.
        a.time = uint64(block.timestamp);
        slashL2(a, 0x0f, NotContradicted.selector);
        vm.revertToState(id);
        a.time = uint64(block.timestamp) - 1;
        slashL2(a, 0x0f, 0);
    }

    function test_slashL2_byAnExodus_whateverTheTime() public {
        (, Attestation memory a) = forged(plain(down));
        a.time = type(uint64).max;
        (uint64 claimId, OutputRootProof memory p, bytes[] memory accountNodes, bytes[] memory slotNodes) =
            finalAccumulator(a.nonce);
        bytes memory signatures = signAll(0x0f, a);
        vm.expectRevert(NotContradicted.selector);
        registry.slashByL2(a, signatures, claimId, p, accountNodes, slotNodes);
        vm.warp(block.timestamp + EXODUS_DELAY + 1);
        vault.startExodus();
        registry.slashByL2(a, signatures, claimId, p, accountNodes, slotNodes);
        vm.assertEq(registry.credit(address(this)), 4 ether);
    }

    function test_slashL2_byOtherStates_isRefused() public {
        (, Attestation memory a) = forged(plain(down));
        (uint64 claimId, OutputRootProof memory p, bytes[] memory accountNodes, bytes[] memory slotNodes) =
            finalAccumulator(a.nonce);
        bytes memory signatures = signAll(0x0f, a);
        vm.expectRevert();
        registry.slashByL2(a, signatures, claimId + 1, p, accountNodes, slotNodes);
        // A state that no claim has, whatever is proved in it.
        OutputRootProof memory other = OutputRootProof(p.version, p.stateRoot, keccak256("other"), p.latestBlockhash);
        vm.expectRevert(
            abi.encodeWithSelector(
                UnexpectedOutputRoot.selector, Hashing.outputRoot(p), Hashing.outputRoot(other)
            )
        );
        registry.slashByL2(a, signatures, claimId, other, accountNodes, slotNodes);
        p.stateRoot ^= bytes32(uint256(1));
        vm.expectRevert();
        registry.slashByL2(a, signatures, claimId, p, accountNodes, slotNodes);
        p.stateRoot ^= bytes32(uint256(1));
        vm.expectRevert();
        registry.slashByL2(a, signatures, claimId, p, new bytes[](0), slotNodes);
        a.endpoint = address(up);
        vm.expectRevert(abi.encodeWithSelector(Unauthorized.selector, address(up)));
        registry.slashByL2(a, signatures, claimId, p, accountNodes, slotNodes);
        a.chainId = L1;
        vm.expectRevert(abi.encodeWithSelector(UnexpectedChain.selector, L2, L1));
        registry.slashByL2(a, signatures, claimId, p, accountNodes, slotNodes);
    }

    /// @dev A key that is there in the state is not shown to be absent by a proof that is cut off.
    function test_slashL2_truncatedProof_isRefused() public {
        Attestation memory a = truth(plain(down));
        (uint64 claimId, OutputRootProof memory p, bytes[] memory accountNodes, bytes[] memory slotNodes) =
            finalAccumulator(a.nonce);
        bytes memory signatures = signAll(0x0f, a);
        for (uint256 length; length < slotNodes.length; ++length) {
            bytes[] memory cut = new bytes[](length);
            for (uint256 i; i < length; ++i) {
                cut[i] = slotNodes[i];
            }
            vm.expectRevert();
            registry.slashByL2(a, signatures, claimId, p, accountNodes, cut);
        }
    }

    // --- two words ---

    function test_slashByTwo() public {
        Attestation memory a = truth(plain(down));
        Attestation memory b = truth(plain(down));
        b.nonce = a.nonce;
        (bytes memory first, bytes memory second) = (sign(keys[1], a), sign(keys[1], b));
        vm.recordLogs();
        registry.slashByTwo(a, b, first, second);
        tellL2();
        vm.assertEq(stakeOf(member(1)), 0);
        vm.assertEq(registry.credit(address(this)), 1 ether);
        vm.expectRevert(NothingToSlash.selector);
        registry.slashByTwo(a, b, first, second);
    }

    function test_slashByTwo_ofDifferentPlacesOrPeople_isRefused() public {
        Attestation memory a = truth(plain(down));
        Attestation memory b = truth(plain(down));
        (bytes memory first, bytes memory second) = (sign(keys[1], a), sign(keys[1], b));
        vm.expectRevert(NotContradicted.selector);
        registry.slashByTwo(a, b, first, second);
        vm.expectRevert(NotContradicted.selector);
        registry.slashByTwo(a, a, first, first);
        // The same said at two times is no contradiction.
        b = a;
        b = Attestation(a.chainId, a.endpoint, a.nonce, a.accumulator, a.time + 1);
        second = sign(keys[1], b);
        vm.expectRevert(NotContradicted.selector);
        registry.slashByTwo(a, b, first, second);
        b.accumulator ^= bytes32(uint256(1));
        second = sign(keys[2], b);
        vm.expectRevert(NotContradicted.selector);
        registry.slashByTwo(a, b, first, second);
        b.chainId += 1;
        second = sign(keys[1], b);
        vm.expectRevert(NotContradicted.selector);
        registry.slashByTwo(a, b, first, second);
        b.chainId -= 1;
        b.endpoint = address(up);
        second = sign(keys[1], b);
        vm.expectRevert(NotContradicted.selector);
        registry.slashByTwo(a, b, first, second);
    }

    // --- sloth ---

    function test_summons_answered() public {
        vm.warp(block.timestamp + 1);
        Mail memory m = plain(up);
        registry.summon{value: 0.01 ether}(m.nonce);
        Attestation memory a = truth(m);
        registry.answer(m.nonce, signAll(0x1f, a));
        for (uint256 i; i < 5; ++i) {
            vm.assertEq(registry.credit(member(i)), 0.002 ether);
        }
        // Again gives nothing more, and nobody is absent.
        registry.answer(m.nonce, signAll(0x1f, a));
        vm.warp(block.timestamp + ANSWER + 1);
        for (uint256 i; i < 5; ++i) {
            vm.assertEq(registry.credit(member(i)), 0.002 ether);
            vm.expectRevert(abi.encodeWithSelector(NotAbsent.selector, member(i)));
            registry.reportAbsent(m.nonce, member(i));
        }
        vm.assertEq(address(registry).balance, owed());
    }

    function test_summons_absent_losesRewardsFirst_thenStake() public {
        vm.warp(block.timestamp + 1);
        Mail memory first = plain(up);
        registry.summon{value: 0.01 ether}(first.nonce);
        registry.answer(first.nonce, signAll(0x1f, truth(first)));
        Mail memory m = plain(up);
        vm.warp(block.timestamp + 1);
        registry.summon{value: 0.01 ether}(m.nonce);
        bytes memory late = signAll(0x10, truth(m));
        registry.answer(m.nonce, signAll(0x0f, truth(m)));
        vm.expectRevert(abi.encodeWithSelector(AnswerPeriodOpen.selector, block.timestamp + ANSWER));
        registry.reportAbsent(m.nonce, member(4));
        vm.warp(block.timestamp + ANSWER + 1);
        uint256 backing = vault.lockedETH();
        registry.reportAbsent(m.nonce, member(4));
        // 2 % of the stake: first what it had earned.
        vm.assertEq(registry.credit(member(4)), 0);
        vm.assertEq(stakeOf(member(4)), STAKE - 0.2 ether + 0.002 ether);
        vm.assertEq(registry.credit(address(this)), 0.1 ether + 0.002 ether);
        vm.assertEq(vault.lockedETH() - backing, 0.1 ether);
        vm.assertEq(address(registry).balance, owed());
        vm.expectRevert(abi.encodeWithSelector(NotAbsent.selector, member(4)));
        registry.reportAbsent(m.nonce, member(4));
        // It is too late to answer.
        vm.expectRevert(abi.encodeWithSelector(NotSummoned.selector, m.nonce));
        registry.answer(m.nonce, late);
    }

    /// @dev Who is absent time and again is put out before its stake covers less than the limit says.
    function test_summons_absentTooOften_isPutOut() public {
        uint256 times;
        while (registry.members().length == 5) {
            vm.warp(block.timestamp + 1);
            Mail memory m = plain(up);
            vm.warp(block.timestamp + 1);
            registry.summon{value: 0.01 ether}(m.nonce);
            registry.answer(m.nonce, signAll(0x0f, truth(m)));
            vm.warp(block.timestamp + ANSWER + 1);
            vm.assertGe(stakeOf(member(4)), uint256(STAKE) * 9 / 10);
            vm.recordLogs();
            registry.reportAbsent(m.nonce, member(4));
            tellL2();
            ++times;
        }
        vm.assertEq(times, 6);
        vm.warp(block.timestamp + UNBONDING + 1);
        vm.prank(member(4));
        registry.withdrawStake();
        // Not more than a tenth of it was lost.
        vm.assertEq(registry.credit(member(4)), STAKE - 1 ether);
    }

    /// @dev Those who are about to be slashed cannot have their stakes paid out to a friend before, by not answering it.
    function test_summons_takeNoMoreThanATenth() public {
        Mail[] memory mails = new Mail[](30);
        for (uint256 i; i < mails.length; ++i) {
            mails[i] = plain(up);
        }
        vm.warp(block.timestamp + 1);
        for (uint256 i; i < mails.length; ++i) {
            registry.summon{value: 0.01 ether}(mails[i].nonce);
        }
        vm.warp(block.timestamp + ANSWER + 1);
        for (uint256 i; i < mails.length; ++i) {
            for (uint256 k; k < 4; ++k) {
                // Who is out already is nobody's place taker: the fifth stays.
                registry.reportAbsent(mails[i].nonce, member(k));
            }
        }
        address[] memory list = registry.members();
        vm.assertEq(list.length, 1);
        vm.assertEq(list[0], member(4));
        for (uint256 k; k < 4; ++k) {
            vm.assertEq(stakeOf(member(k)), 9 ether);
        }
        (, Attestation memory a) = forged(mails[29]);
        bytes memory signatures = "";
        for (uint256 k; k < 4; ++k) {
            signatures = bytes.concat(signatures, sign(keys[k], a));
        }
        uint256 before = vault.lockedETH();
        registry.slashByL1(a, signatures);
        vm.assertEq(vault.lockedETH() - before, 32.4 ether);
    }

    /// @dev Who leaves in the second of a summons is not counted, so it cannot answer for a share either.
    function test_summons_inTheSecondOfLeaving() public {
        Mail memory m = plain(up);
        vm.warp(block.timestamp + 1);
        resignAs(member(4));
        registry.summon{value: 0.01 ether}(m.nonce);
        Attestation memory a = truth(m);
        registry.answer(m.nonce, bytes.concat(signAll(0x0f, a), sign(keys[4], a)));
        vm.assertEq(registry.credit(member(4)), 0);
        for (uint256 i; i < 4; ++i) {
            vm.assertEq(registry.credit(member(i)), 0.0025 ether);
        }
        vm.assertEq(address(registry).balance, owed());
    }

    function test_summons_onlySoManyAtATime() public {
        for (uint256 i; i < 33; ++i) {
            plain(up);
        }
        uint256 start = block.timestamp;
        for (uint64 i = 1; i <= 32; ++i) {
            registry.summon{value: 0.01 ether}(i);
        }
        vm.expectRevert(abi.encodeWithSelector(TooManySummonses.selector, start + ANSWER));
        registry.summon{value: 0.01 ether}(33);
        vm.warp(start + ANSWER + 1);
        registry.summon{value: 0.01 ether}(33);
    }

    /// @dev An answer is good for a delivery: it says what the time of the summons says, whoever signs.
    function test_summons_answersOfAnotherTime_areNone() public {
        Mail memory m = plain(up);
        vm.warp(block.timestamp + 1);
        registry.summon{value: 0.01 ether}(m.nonce);
        Attestation memory a = truth(m);
        a.time = type(uint64).max;
        registry.answer(m.nonce, signAll(0x1f, a));
        vm.assertEq(registry.credit(member(0)), 0);
        registry.answer(m.nonce, signAll(0x1f, truth(m)));
        assertDelivered(m, encode(proofOf(m, truth(m), 0x0f)));
    }

    function test_refresh_tellsTheSameSetAgain() public {
        uint64 before = registry.setId();
        Mail memory m = plain(up);
        uint256 until = block.timestamp + OVERLAP;
        vm.warp(until);
        // Not at will: fees are shared by sets, and L2's gas is paid for by few.
        vm.expectRevert(abi.encodeWithSelector(SetFresh.selector, until));
        registry.refresh();
        vm.warp(until + 1);
        bytes memory old = attested(m, 0x0f);
        vm.recordLogs();
        registry.refresh();
        tellL2();
        vm.assertEq(registry.setId(), before + 1);
        (bytes32 hash,,, uint8 threshold) = atL2.set(before + 1);
        (bytes32 was,,, uint8 thresholdBefore) = atL2.set(before);
        vm.assertTrue(hash == was && threshold == thresholdBefore);
        assertDelivered(m, old);
    }

    function test_summons_falseAnswers_areNone() public {
        vm.warp(block.timestamp + 1);
        Mail memory m = plain(up);
        vm.warp(block.timestamp + 1);
        registry.summon{value: 0.01 ether}(m.nonce);
        Attestation memory a = truth(m);
        a.accumulator ^= bytes32(uint256(1));
        registry.answer(m.nonce, signAll(0x1f, a));
        for (uint256 i; i < 5; ++i) {
            vm.assertEq(registry.credit(member(i)), 0);
            vm.assertFalse(registry.isSettled(m.nonce, member(i)));
        }
    }

    function test_summons_wrongOnes_areRefused() public {
        Mail memory m = plain(up);
        vm.expectRevert(abi.encodeWithSelector(UnknownMessage.selector, m.nonce + 1));
        registry.summon{value: 0.01 ether}(m.nonce + 1);
        vm.expectRevert(abi.encodeWithSelector(UnknownMessage.selector, 0));
        registry.summon{value: 0.01 ether}(0);
        vm.expectRevert(abi.encodeWithSelector(WrongValue.selector, 0.01 ether, 1));
        registry.summon{value: 1}(m.nonce);
        registry.summon{value: 0.01 ether}(m.nonce);
        vm.expectRevert(abi.encodeWithSelector(AlreadySummoned.selector, m.nonce));
        registry.summon{value: 0.01 ether}(m.nonce);
        vm.expectRevert(abi.encodeWithSelector(NotSummoned.selector, 77));
        registry.reportAbsent(77, member(0));
        vm.expectRevert(abi.encodeWithSelector(NotSummoned.selector, 77));
        registry.answer(77, "");
    }

    /// @dev Who joined after the summons, or in its second, or left before it, is not meant.
    function test_summons_isForMembersOfItsTime() public {
        resignAs(member(1));
        vm.warp(block.timestamp + 1);
        Mail memory m = plain(up);
        keys.push(uint256(keccak256("late")));
        joinAs(member(5));
        registry.summon{value: 0.01 ether}(m.nonce);
        keys.push(uint256(keccak256("later")));
        vm.warp(block.timestamp + 1);
        joinAs(member(6));
        resignAs(member(0));
        vm.warp(block.timestamp + ANSWER + 1);
        for (uint256 i = 1; i < 7; i += i == 1 ? 4 : 1) {
            vm.expectRevert(abi.encodeWithSelector(NotAbsent.selector, member(i)));
            registry.reportAbsent(m.nonce, member(i));
        }
        // Leaving in the face of it does not help.
        registry.reportAbsent(m.nonce, member(0));
        vm.assertEq(stakeOf(member(0)), STAKE - 0.2 ether);
    }

    function test_summons_withoutMembers_isRefused() public {
        for (uint256 i; i < 5; ++i) {
            resignAs(member(i));
        }
        Mail memory m = plain(up);
        uint64 setId = registry.setId();
        vm.expectRevert(abi.encodeWithSelector(InvalidSet.selector, setId));
        registry.summon{value: 0.01 ether}(m.nonce);
    }

    function test_slashed_isNotAwaited() public {
        vm.warp(block.timestamp + 1);
        Mail memory m = plain(up);
        registry.summon{value: 0.01 ether}(m.nonce);
        (, Attestation memory a) = forged(m);
        slashL1(a, 0x01);
        vm.warp(block.timestamp + ANSWER + 1);
        vm.expectRevert(abi.encodeWithSelector(NotAbsent.selector, member(0)));
        registry.reportAbsent(m.nonce, member(0));
    }

    function test_construction_withoutParts_isRefused() public {
        address a = address(1);
        for (uint256 i; i < 5; ++i) {
            address[5] memory parts = [a, a, a, a, a];
            parts[i] = address(0);
            vm.expectRevert(ZeroAddress.selector);
            new RelayerRegistry(parts[0], parts[1], parts[2], parts[3], parts[4], L2, 1, 2, 1, 1);
        }
        vm.expectRevert(InvalidParameter.selector);
        new RelayerRegistry(a, a, a, a, a, L2, 0, 2, 1, 1);
        vm.expectRevert(InvalidParameter.selector);
        new RelayerRegistry(a, a, a, a, a, L2, 1, 1, 1, 1);
        vm.expectRevert(InvalidParameter.selector);
        new RelayerRegistry(a, a, a, a, a, L2, 1, 2, 0, 1);
        vm.expectRevert(InvalidParameter.selector);
        new RelayerRegistry(a, a, a, a, a, L2, 1, 2, 1, 0);
    }

    function test_cover_addsToWhatIsLocked() public {
        uint256 before = vault.lockedETH();
        vault.cover{value: 1 ether}();
        vm.assertEq(vault.lockedETH() - before, 1 ether);
        vm.assertEq(address(vault).balance, vault.lockedETH());
    }
}
