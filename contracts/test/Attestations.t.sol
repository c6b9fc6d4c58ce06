// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {AttestationVerifier} from "../src/bridge/AttestationVerifier.sol";
import {IAttestationVerifier} from "../src/interfaces/IAttestationVerifier.sol";
import {Attesting} from "../src/libraries/Attesting.sol";
import {PlainToken} from "../src/dev/AwkwardTokens.sol";
import "../src/libraries/Errors.sol";
import {Attestation, DeliveryState, Message as Mail} from "../src/libraries/Types.sol";
import {Relayers} from "./utils/Relayers.sol";
import {Log} from "./utils/Test.sol";

/// @notice What relayers can bring about by signing, and what nobody can.
contract AttestationsTest is Relayers {
    uint256 private constant FOUR = 0x0f;
    uint256 private constant N = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141;

    // --- what is taken ---

    function test_fourOfFive_bothWays() public {
        Mail memory m = plain(up);
        assertDelivered(m, attested(m, FOUR));
        Mail memory back = plain(down);
        assertDelivered(back, attested(back, FOUR));
        vm.assertEq(bob.balance, 1002 ether);
        // Half of each fee is for who brought it, half for who signed.
        vm.assertEq(relayer.balance, 10.01 ether);
        // The signers' is still on its way.
        assertBooks(0.01 ether);
        onL1.shareFees(registry.setId(), registry.members(), FOUR);
        assertBooks(0.005 ether);
        onChain(L2);
        atL2.shareFees(registry.setId(), registry.members(), FOUR);
        onChain(L1);
        assertBooks(0);
    }

    function test_allFive() public {
        Mail memory m = plain(up);
        assertDelivered(m, attested(m, 0x1f));
    }

    function test_proved_byAnyone_whatRelayersDoNotVouchFor() public {
        Mail memory m = plain(up);
        bytes memory proof = bytes.concat(hex"00", proveDown(m));
        assertDelivered(m, proof);
        Mail memory back = plain(down);
        proof = bytes.concat(hex"00", proveUp(back));
        assertDelivered(back, proof);
        // Who proves has the whole fee.
        vm.assertEq(relayer.balance, 10.02 ether);
        assertBooks(0);
    }

    /// @dev One attestation is for all that was sent before.
    function testFuzz_laterAttestation(uint8 count, uint8 which) public {
        uint256 total = bound(count, 1, 8);
        Mail[] memory mails = new Mail[](total);
        for (uint256 i; i < total; ++i) {
            mails[i] = sendFrom(up, bob, 0.1 ether, 50_000, NEVER, 0.01 ether, "");
        }
        uint256 chosen = bound(which, 0, total - 1);
        IAttestationVerifier.Proof memory p = proofOf(mails[chosen], truth(mails[total - 1]), FOUR);
        p.later = new bytes32[](total - 1 - chosen);
        for (uint256 i; i < p.later.length; ++i) {
            p.later[i] = idOf(up, mails[chosen + 1 + i]);
        }
        if (p.later.length != 0) {
            // Not of another place.
            p.nonce -= 1;
            assertRefused(mails[chosen], encode(p), InvalidProof.selector);
            p.nonce += 1;
            (bytes32 kept, bytes32 none) = (p.later[0], 0);
            p.later[0] = none;
            assertRefused(mails[chosen], encode(p), InvalidSignature.selector);
            p.later[0] = kept;
        }
        assertDelivered(mails[chosen], encode(p));
    }

    // --- who signs ---

    function test_threshold_oneLess_isRefused() public {
        Mail memory m = plain(up);
        assertRefused(m, attested(m, 0x07), TooFewSignatures.selector);
        assertRefused(m, attested(m, 0), TooFewSignatures.selector);
        m = plain(down);
        assertRefused(m, attested(m, 0x19), TooFewSignatures.selector);
    }

    function test_duplicateSigner_isRefused() public {
        Mail memory m = plain(up);
        IAttestationVerifier.Proof memory p = proofOf(m, truth(m), FOUR);
        bytes memory one = sign(keys[0], truth(m));
        p.signatures = bytes.concat(one, one, one, one);
        assertRefused(m, encode(p), InvalidSignature.selector);
    }

    function test_unorderedSigners_areRefused() public {
        Mail memory m = plain(up);
        IAttestationVerifier.Proof memory p = proofOf(m, truth(m), FOUR);
        Attestation memory a = truth(m);
        p.signatures = bytes.concat(sign(keys[1], a), sign(keys[0], a), sign(keys[2], a), sign(keys[3], a));
        assertRefused(m, encode(p), InvalidSignature.selector);
    }

    function test_nonMember_isRefused() public {
        Mail memory m = plain(up);
        IAttestationVerifier.Proof memory p = proofOf(m, truth(m), FOUR);
        p.signatures = bytes.concat(signAll(0x07, truth(m)), sign(uint256(keccak256("stranger")), truth(m)));
        assertRefused(m, encode(p), InvalidSignature.selector);
        // Nor can they be named.
        keys[3] = uint256(keccak256("stranger"));
        p.members[3] = vm.addr(keys[3]);
        assertRefused(m, encode(p), UnexpectedMembers.selector);
        p.members = new address[](0);
        assertRefused(m, encode(p), UnexpectedMembers.selector);
    }

    function test_signerBeyondTheMembers_isRefused() public {
        Mail memory m = plain(up);
        IAttestationVerifier.Proof memory p = proofOf(m, truth(m), FOUR);
        p.signers |= 1 << 5;
        assertRefused(m, encode(p), InvalidSignature.selector);
        p.signers = FOUR | 1 << 255;
        assertRefused(m, encode(p), InvalidSignature.selector);
    }

    function test_missingOrExtraSignatures_areRefused() public {
        Mail memory m = plain(up);
        IAttestationVerifier.Proof memory p = proofOf(m, truth(m), FOUR);
        p.signatures = signAll(0x07, truth(m));
        assertRefused(m, encode(p), InvalidSignature.selector);
        p.signatures = signAll(0x1f, truth(m));
        assertRefused(m, encode(p), InvalidSignature.selector);
        p.signatures = bytes.concat(signAll(FOUR, truth(m)), hex"00");
        assertRefused(m, encode(p), InvalidSignature.selector);
    }

    /// @dev The other of the two values of s recovers the same signer, with the other parity.
    function test_highS_isRefused() public {
        Mail memory m = plain(up);
        IAttestationVerifier.Proof memory p = proofOf(m, truth(m), FOUR);
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(keys[0], Attesting.digest(registry.domain(), truth(m)));
        uint256 high = N - uint256(s);
        // EIP-2098 has no room for all of them: those that fit are refused.
        bytes32 vs = bytes32(high & ~uint256(1 << 255) | uint256(28 - v) << 255);
        p.signatures = bytes.concat(r, vs, signAll(0x0e, truth(m)));
        assertRefused(m, encode(p), InvalidSignature.selector);
    }

    function test_zeroRecovery_isRefused() public {
        Mail memory m = plain(up);
        IAttestationVerifier.Proof memory p = proofOf(m, truth(m), FOUR);
        p.signatures = bytes.concat(new bytes(64), signAll(0x0e, truth(m)));
        assertRefused(m, encode(p), InvalidSignature.selector);
        p.signatures = new bytes(256);
        assertRefused(m, encode(p), InvalidSignature.selector);
    }

    // --- what they sign ---

    /// @dev Of another lane, chain, contract, nonce, content: other bytes.
    function testFuzz_otherAttestation_isRefused(uint8 field, uint256 change) public {
        Mail memory m = plain(up);
        Attestation memory a = truth(m);
        change = bound(change, 1, type(uint64).max);
        uint256 which = bound(field, 0, 4);
        if (which == 0) a.chainId ^= uint64(change);
        if (which == 1) a.endpoint = address(uint160(a.endpoint) ^ uint160(change));
        if (which == 2) a.nonce ^= uint64(change);
        if (which == 3) a.accumulator ^= bytes32(change);
        if (which == 4) a.time ^= uint64(change);
        IAttestationVerifier.Proof memory p = proofOf(m, truth(m), FOUR);
        p.signatures = signAll(FOUR, a);
        assertRefused(m, encode(p), InvalidSignature.selector);
    }

    function testFuzz_otherDomain_isRefused(bytes32 domain) public {
        vm.assume(domain != registry.domain());
        Mail memory m = plain(up);
        IAttestationVerifier.Proof memory p = proofOf(m, truth(m), FOUR);
        p.signatures = "";
        for (uint256 i; i < 4; ++i) {
            p.signatures = bytes.concat(p.signatures, signDigest(keys[i], Attesting.digest(domain, truth(m))));
        }
        assertRefused(m, encode(p), InvalidSignature.selector);
    }

    /// @dev What EIP-712 says, spelled out.
    function test_digest_isEIP712() public view {
        bytes32 typehash = keccak256(
            "Attestation(uint64 chainId,address endpoint,uint64 nonce,bytes32 accumulator,uint64 time)"
        );
        bytes32 domainHash =
            keccak256("EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)");
        bytes32 domain = keccak256(
            abi.encode(
                domainHash, keccak256("Duplex Relayers"), keccak256("1"), uint256(L1), address(registry)
            )
        );
        vm.assertEq(registry.domain(), domain);
        vm.assertEq(onL1.domain(), domain);
        vm.assertEq(atL2.domain(), domain);
        Attestation memory a = Attestation(1, address(2), 3, bytes32(uint256(4)), 5);
        bytes32 content = keccak256(abi.encode(typehash, 1, address(2), 3, bytes32(uint256(4)), 5));
        vm.assertEq(Attesting.digest(domain, a), keccak256(abi.encodePacked(hex"1901", domain, content)));
    }

    /// @dev A message of the one direction is none of the other.
    function test_otherDirection_isRefused() public {
        Mail memory m = plain(up);
        bytes memory proof = attested(m, FOUR);
        vm.expectRevert(abi.encodeWithSelector(UnexpectedChain.selector, L2, L1));
        up.deliver(m, proof, address(0));
    }

    function test_again_isRefused() public {
        Mail memory m = plain(up);
        assertDelivered(m, attested(m, FOUR));
        assertRefused(m, attested(m, 0x1e), AlreadyDelivered.selector);
    }

    /// @dev What nobody sent is delivered if enough lie: that is what the stake is for.
    function test_forged_isDelivered_ifFourLie() public {
        (Mail memory f, Attestation memory a) = forged(plain(up));
        IAttestationVerifier.Proof memory p = proofOf(f, a, FOUR);
        assertDelivered(f, encode(p));
        // Less the signers' part of the fee: minted out of nothing, since 1.01 are on their way.
        vm.assertEq(minted() - GENESIS_ETH, 1.005 ether);
    }

    function test_timeAhead_isRefused() public {
        Mail memory m = plain(down);
        Attestation memory a = truth(m);
        a.time = uint64(block.timestamp) + DRIFT + 1;
        assertRefused(m, encode(proofOf(m, a, FOUR)), TimeAhead.selector);
        a.time -= 1;
        assertDelivered(m, encode(proofOf(m, a, FOUR)));
    }

    function test_proof_ofNoKind_isRefused() public {
        Mail memory m = plain(up);
        assertRefused(m, "", InvalidProof.selector);
        bytes memory proof = attested(m, FOUR);
        proof[0] = 0x02;
        assertRefused(m, proof, InvalidProof.selector);
        (bool success,) = tryDeliver(m, hex"01");
        vm.assertFalse(success);
        (success,) = tryDeliver(m, hex"00");
        vm.assertFalse(success);
    }

    function testFuzz_anyBytes(bytes calldata noise) public {
        Mail memory m = plain(up);
        (bool success,) = tryDeliver(m, noise);
        vm.assertFalse(success);
        (success,) = tryDeliver(m, bytes.concat(hex"01", noise));
        vm.assertFalse(success);
    }

    /// @dev Else anybody could use up what may be vouched for.
    function test_verify_byOthers_isRefused() public {
        Mail memory m = plain(down);
        bytes32 id = idOf(down, m);
        bytes memory proof = attested(m, FOUR);
        vm.expectRevert(abi.encodeWithSelector(Unauthorized.selector, address(this)));
        onL1.verify(m, id, proof);
        proof = bytes.concat(hex"00", proveUp(m));
        vm.expectRevert(abi.encodeWithSelector(Unauthorized.selector, address(this)));
        onL1.verify(m, id, proof);
    }

    // --- tokens ---

    /// @dev What tokens are worth, the limit cannot know: relayers' word moves none, either way.
    function test_tokens_takeAProof() public {
        PlainToken token = new PlainToken();
        token.mint(alice, 100);
        vm.startPrank(alice);
        token.approve(address(vault), 100);
        vm.recordLogs();
        port.send(address(token), alice, 100, 0, uint64(block.timestamp + 300 days));
        vm.stopPrank();
        Mail memory m = lastSent();
        assertRefused(m, attested(m, 0x1f), OnlyByProof.selector);
        assertDelivered(m, bytes.concat(hex"00", proveDown(m)));
        address l2Token = vault.l2TokenAddress(address(token));
        onChain(L2);
        vm.recordLogs();
        vm.prank(alice);
        l2Port.send(l2Token, alice, 40, 0, uint64(block.timestamp + 300 days));
        m = lastSent();
        onChain(L1);
        assertRefused(m, attested(m, 0x1f), OnlyByProof.selector);
        assertDelivered(m, bytes.concat(hex"00", proveUp(m)));
        vm.assertEq(token.balanceOf(alice), 40);
    }

    // --- refunds ---

    /// @dev A refund carries no value and pays one: four liars could else have any message paid back that was delivered.
    function test_refund_takesAProof() public {
        Mail memory m = sendFrom(up, bob, 3 ether, 50_000, uint64(block.timestamp + 1), 0.01 ether, "");
        vm.warp(block.timestamp + 2);
        vm.recordLogs();
        onChain(L2);
        down.expire(m);
        Mail memory refund = lastSent();
        onChain(L1);
        assertRefused(refund, attested(refund, 0x1f), OnlyByProof.selector);
        uint256 before = alice.balance;
        assertDelivered(refund, bytes.concat(hex"00", proveUp(refund)));
        vm.assertEq(alice.balance - before, 3.01 ether);
        assertBooks(0);
    }

    // --- how much ---

    function test_limit_isKept_atOnce() public {
        Mail memory m = sendFrom(up, bob, LIMIT - 0.01 ether, 50_000, NEVER, 0.01 ether, "");
        Mail memory more = sendFrom(up, bob, 0, 50_000, NEVER, 1 wei, "");
        Mail memory free = sendFrom(up, bob, 0, 50_000, NEVER, 0, "");
        assertDelivered(m, attested(m, FOUR));
        assertRefused(more, attested(more, FOUR), OverLimit.selector);
        assertDelivered(free, attested(free, FOUR));
        (uint256 amount, uint256 limit) = atL2.available();
        vm.assertEq(amount, 0);
        vm.assertEq(limit, LIMIT);
        // The other lane has its own.
        (amount,) = onL1.available();
        vm.assertEq(amount, LIMIT);
    }

    function test_limit_countsTheFee_andRefusesMore() public {
        Mail memory m = sendFrom(up, bob, LIMIT - 0.01 ether + 1, 50_000, NEVER, 0.01 ether, "");
        assertRefused(m, attested(m, FOUR), OverLimit.selector);
        assertDelivered(m, bytes.concat(hex"00", proveDown(m)));
        m = sendFrom(down, bob, LIMIT + 1, 50_000, NEVER, 0, "");
        assertRefused(m, attested(m, FOUR), OverLimit.selector);
        assertDelivered(m, bytes.concat(hex"00", proveUp(m)));
    }

    function test_limit_comesBack_withinTheWindow() public {
        Mail memory m = sendFrom(up, bob, LIMIT, 50_000, NEVER, 0, "");
        assertDelivered(m, attested(m, FOUR));
        Mail memory half = sendFrom(up, bob, LIMIT / 2, 50_000, NEVER, 0, "");
        Mail memory next = sendFrom(up, bob, LIMIT, 50_000, NEVER, 0, "");
        vm.warp(block.timestamp + L2_WINDOW / 2 - 1);
        assertRefused(half, attested(half, FOUR), OverLimit.selector);
        vm.warp(block.timestamp + 1);
        assertDelivered(half, attested(half, FOUR));
        vm.warp(block.timestamp + L2_WINDOW);
        vm.recordLogs();
        registry.refresh();
        tellL2();
        assertDelivered(next, attested(next, FOUR));
    }

    /// @dev Within any window no more than twice the limit passes, whatever is tried.
    function testFuzz_limit_perWindow(uint256[12] calldata amounts, uint256[12] calldata pauses) public {
        uint256 start = block.timestamp;
        uint256 passed;
        for (uint256 i; i < amounts.length; ++i) {
            uint256 amount = bound(amounts[i], 0, LIMIT);
            Mail memory m = sendFrom(up, bob, amount, 50_000, NEVER, 0, "");
            vm.warp(block.timestamp + bound(pauses[i], 0, L2_WINDOW / 6));
            if (block.timestamp > start + L2_WINDOW) (start, passed) = (block.timestamp, 0);
            // Sets change meanwhile: no other one of these may vouch for more.
            if (block.timestamp > uint256(onL1.toldAt()) + OVERLAP) {
                vm.recordLogs();
                registry.refresh();
                tellL2();
            }
            (bool success, bytes memory result) = tryDeliver(m, attested(m, FOUR));
            if (success) passed += amount;
            else vm.assertEq(bytes32(bytes4(result)), bytes32(OverLimit.selector));
            vm.assertLe(passed, 2 * LIMIT);
        }
    }

    // --- L1's court ---

    function test_exodus_endsFastWithdrawals() public {
        Mail memory m = plain(down);
        bytes memory proof = attested(m, FOUR);
        vm.warp(block.timestamp + EXODUS_DELAY + 1);
        vault.startExodus();
        assertRefused(m, proof, InExodus.selector);
    }

    /// @dev A false attestation could not be shown in time while nothing becomes final.
    function test_finality_mustNotStall() public {
        Mail memory m = plain(down);
        vm.warp(settlement.lastFinalizedAt() + L1_WINDOW);
        assertDelivered(m, attested(m, FOUR));
        Mail memory next = plain(down);
        vm.warp(block.timestamp + 1);
        assertRefused(next, attested(next, FOUR), FinalityStalled.selector);
        // L2 does not depend on it.
        vm.recordLogs();
        registry.refresh();
        tellL2();
        Mail memory other = plain(up);
        assertDelivered(other, attested(other, FOUR));
        makeFinal(keccak256("state"));
        assertDelivered(next, attested(next, FOUR));
    }

    /// @dev Else a sequencer that shows its blocks to nobody could let liars' limit come back as often as it likes.
    function test_L2_believesNobody_ofWhomL1SaysNothing() public {
        Mail memory m = plain(up);
        vm.warp(uint256(atL2.toldAt()) + L2_WINDOW);
        assertDelivered(m, attested(m, FOUR));
        m = plain(up);
        vm.warp(block.timestamp + 1);
        assertRefused(m, attested(m, FOUR), SetOutdated.selector);
        assertDelivered(m, bytes.concat(hex"00", proveDown(m)));
        m = plain(up);
        vm.recordLogs();
        registry.refresh();
        tellL2();
        assertDelivered(m, attested(m, FOUR));
    }

    /// @dev However its proof is written: what shows a lie is in the event.
    function test_evidence_isInTheEvent() public {
        Mail memory m = plain(up);
        plain(up);
        Attestation memory a = truth(m);
        vm.recordLogs();
        assertDelivered(m, attested(m, 0x1d));
        Log[] memory logs = vm.getRecordedLogs();
        uint256 found;
        for (uint256 i; i < logs.length; ++i) {
            if (logs[i].topics[0] != IAttestationVerifier.Vouched.selector) continue;
            ++found;
            vm.assertEq(logs[i].emitter, address(atL2));
            vm.assertEq(
                logs[i].data,
                abi.encode(registry.setId(), a.nonce, a.time, 0x1d, a.accumulator, signAll(0x1d, a))
            );
        }
        vm.assertEq(found, 1);
    }

    // --- sets ---

    function test_tell_byOthers_isRefused() public {
        vm.expectRevert(abi.encodeWithSelector(Unauthorized.selector, address(this)));
        onL1.tell(99, 0, 1, 1, 0);
        onChain(L2);
        vm.expectRevert(abi.encodeWithSelector(Unauthorized.selector, address(this)));
        atL2.tell(99, 0, 1, 1, 0);
        // Not even by the registry's own address there.
        vm.expectRevert(abi.encodeWithSelector(Unauthorized.selector, address(registry)));
        vm.prank(address(registry));
        atL2.tell(99, 0, 1, 1, 0);
    }

    function test_tell_outOfOrder_isRefused() public {
        uint64 newest = onL1.newestSet();
        vm.expectRevert(abi.encodeWithSelector(StaleSet.selector, newest, newest));
        vm.prank(address(registry));
        onL1.tell(newest, 0, 1, 1, 0);
    }

    function test_setThatNobodyTold_isRefused() public {
        Mail memory m = plain(up);
        IAttestationVerifier.Proof memory p = proofOf(m, truth(m), FOUR);
        p.setId = 99;
        assertRefused(m, encode(p), InvalidSet.selector);
        p.setId = 0;
        assertRefused(m, encode(p), InvalidSet.selector);
        // The first had too few members for any threshold.
        p.setId = 1;
        p.members = new address[](1);
        p.members[0] = member(0);
        p.signers = 1;
        p.signatures = signAll(1, truth(m));
        assertRefused(m, encode(p), InvalidSet.selector);
    }

    /// @dev The members of one set are not those of another, whatever number is said.
    function test_setIds_areNotConfused() public {
        Mail memory m = plain(up);
        IAttestationVerifier.Proof memory p = proofOf(m, truth(m), FOUR);
        p.setId = 4;
        assertRefused(m, encode(p), UnexpectedMembers.selector);
    }

    function test_rotation_overlaps() public {
        Mail memory m = plain(up);
        Mail memory next = plain(up);
        bytes memory byOld = attested(m, 0x1e);
        bytes memory late = attested(next, 0x1e);
        resignAs(member(0));
        vm.warp(block.timestamp + OVERLAP);
        assertDelivered(m, byOld);
        vm.warp(block.timestamp + 1);
        assertRefused(next, late, InvalidSet.selector);
        // The member that left does not count in the new set; of four, three must sign.
        assertRefused(next, attested(next, 0x03), TooFewSignatures.selector);
        assertDelivered(next, attested(next, 0x07));
    }

    function test_rotatedSigner_isRefused() public {
        Mail memory m = plain(up);
        bytes memory left = sign(keys[4], truth(m));
        resignAs(member(4));
        IAttestationVerifier.Proof memory p = proofOf(m, truth(m), 0x07);
        p.signatures = bytes.concat(signAll(0x03, truth(m)), left);
        assertRefused(m, encode(p), InvalidSignature.selector);
    }

    // --- fees ---

    function test_fees_areShared_amongWhoSigned() public {
        Mail memory m = plain(up);
        assertDelivered(m, attested(m, 0x1d));
        address[] memory list = registry.members();
        uint64 setId = registry.setId();
        vm.assertEq(atL2.earned(setId, 0x1d), 0.005 ether);
        vm.assertEq(address(atL2).balance, 0);
        vm.expectRevert(NothingToWithdraw.selector);
        atL2.shareFees(setId, list, 0x0f);
        atL2.shareFees(setId, list, 0x1d);
        vm.expectRevert(NothingToWithdraw.selector);
        atL2.shareFees(setId, list, 0x1d);
        vm.assertEq(atL2.credit(member(1)), 0);
        for (uint256 i; i < 5; ++i) {
            if (i == 1) continue;
            uint256 before = member(i).balance;
            vm.prank(member(i));
            atL2.withdrawCredit(member(i));
            vm.assertEq(member(i).balance - before, 0.00125 ether);
        }
    }

    function test_fees_areNotSharedAmongOthers() public {
        Mail memory m = plain(up);
        assertDelivered(m, attested(m, FOUR));
        address[] memory list = registry.members();
        uint64 setId = registry.setId();
        list[0] = copier;
        vm.expectRevert(UnexpectedMembers.selector);
        atL2.shareFees(setId, list, FOUR);
    }

    function test_collect_byOthers_isRefused() public {
        vm.expectRevert(abi.encodeWithSelector(Unauthorized.selector, address(this)));
        up.collect(1);
        onChain(L2);
        vm.expectRevert(abi.encodeWithSelector(Unauthorized.selector, address(this)));
        down.collect(1);
    }

    function test_ETH_byStrangers_isRefused() public {
        vm.deal(address(this), 1 ether);
        (bool success,) = address(atL2).call{value: 1}("");
        vm.assertFalse(success);
    }

    /// @dev A copy of the delivery takes no fee that was reserved; the signers' part nobody can take.
    function test_fee_copied() public {
        Mail memory m = plain(up);
        bytes memory proof = attested(m, FOUR);
        bytes32 id = idOf(up, m);
        onChain(L2);
        vm.prank(relayer);
        down.reserve{value: 0.001 ether}(id);
        vm.prank(copier);
        down.deliver(m, proof, address(0));
        onChain(L1);
        vm.assertEq(copier.balance, 10 ether);
        vm.assertEq(relayer.balance, 10.005 ether);
        vm.assertEq(atL2.earned(registry.setId(), FOUR), 0.005 ether);
    }

    function test_failedCall_stillPaysThem() public {
        Mail memory m = sendFrom(up, address(l1Block), 1 ether, 50_000, NEVER, 0.01 ether, "");
        assertDelivered(m, attested(m, FOUR));
        vm.assertEq(uint256(down.delivery(idOf(up, m))), uint256(DeliveryState.Failed));
        vm.assertEq(atL2.earned(registry.setId(), FOUR), 0.005 ether);
    }

    function test_construction_withoutParts_isRefused() public {
        address a = address(1);
        vm.expectRevert(ZeroAddress.selector);
        new AttestationVerifier(address(0), a, a, 0, 1, 1);
        vm.expectRevert(ZeroAddress.selector);
        new AttestationVerifier(a, address(0), a, 0, 1, 1);
        vm.expectRevert(ZeroAddress.selector);
        new AttestationVerifier(a, a, address(0), 0, 1, 1);
        vm.expectRevert(InvalidParameter.selector);
        new AttestationVerifier(a, a, a, 0, 0, 1);
    }
}
