// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Courier} from "../src/L1/Courier.sol";
import {IVault} from "../src/interfaces/IVault.sol";
import "../src/libraries/Errors.sol";
import {Hashing} from "../src/libraries/Hashing.sol";
import {Predeploys} from "../src/libraries/Predeploys.sol";
import {OutputRootProof, Withdrawal, WithdrawalState} from "../src/libraries/Types.sol";
import {Bomb, GasEater, Hook, Hungry, Probe, Switch} from "./utils/Receivers.sol";
import {System} from "./utils/System.sol";
import "../src/dev/AwkwardTokens.sol";
import {Trie} from "./utils/Trie.sol";

contract VaultReleaseTest is System {
    PlainToken internal token;

    function setUp() public override {
        super.setUp();
        token = new PlainToken();
        fund(token, 1000);
    }

    function fund(PlainToken t, uint256 amount) internal {
        t.mint(alice, amount);
        address l2Token = vault.l2TokenAddress(address(t));
        vm.startPrank(alice, alice);
        t.approve(address(vault), amount);
        vault.depositERC20(address(t), l2Token, amount, 0, "");
        vm.stopPrank();
    }

    function state(Withdrawal memory w) internal view returns (WithdrawalState) {
        return vault.withdrawalState(Hashing.withdrawalHash(w));
    }

    function checkState(Withdrawal memory w, WithdrawalState expected) internal view {
        vm.assertEq(uint256(state(w)), uint256(expected));
    }

    function rejectRelease(Withdrawal memory w, uint64 id, OutputRootProof memory p, bytes[] memory proof, bytes memory reason)
        internal
    {
        vm.expectRevert(reason);
        vault.release(w, id, p, proof);
    }

    // --- the good cases ---

    function test_release_ETH_pays() public {
        Withdrawal memory w = ethWithdrawal(user("fresh"), 3 ether);
        (uint64 id, OutputRootProof memory p, bytes[] memory proof) = prepare(w);
        vm.expectEmit();
        emit IVault.WithdrawalReleased(Hashing.withdrawalHash(w), true);
        vault.release(w, id, p, proof);
        vm.assertEq(w.target.balance, 3 ether);
        vm.assertEq(vault.lockedETH(), GENESIS_ETH - 3 ether);
        vm.assertEq(address(vault).balance, GENESIS_ETH - 3 ether);
        checkState(w, WithdrawalState.Done);
    }

    function test_release_token_pays() public {
        Withdrawal memory w = tokenWithdrawal(address(token), bob, 400);
        (uint64 id, OutputRootProof memory p, bytes[] memory proof) = prepare(w);
        vm.expectEmit();
        emit IVault.ERC20WithdrawalFinalized(
            address(token), vault.l2TokenAddress(address(token)), alice, bob, 400, ""
        );
        vault.release(w, id, p, proof);
        vm.assertEq(token.balanceOf(bob), 400);
        vm.assertEq(vault.locked(address(token)), 600);
        checkState(w, WithdrawalState.Done);
    }

    function test_release_message_showsSender() public {
        Probe probe = new Probe();
        Withdrawal memory w = Withdrawal(1 << 240, alice, address(probe), 1 ether, 300_000, hex"cafe");
        release(w);
        vm.assertEq(probe.caller(), address(courier));
        vm.assertEq(probe.l2Sender(), alice);
        vm.assertEq(probe.value(), 1 ether);
        vm.assertEq(probe.input(), hex"cafe");
        vm.assertEq(courier.l2Sender(), address(0));
    }

    function testFuzz_release_anyProofDepth_pays(uint256 depth, uint256 nonce, bytes32 data) public {
        Withdrawal memory w = Withdrawal(nonce, alice, user("fresh"), 1, 50_000, abi.encode(data));
        OutputRootProof memory p;
        bytes[] memory proof;
        (p.messagePasserStorageRoot, proof) = Trie.prove(Hashing.withdrawalHash(w), bound(depth, 0, 12));
        uint64 id = makeFinal(Hashing.outputRoot(p));
        vault.release(w, id, p, proof);
        vm.assertEq(w.target.balance, 1);
    }

    // --- replays ---

    function test_release_twice_reverts() public {
        Withdrawal memory w = ethWithdrawal(bob, 1 ether);
        (uint64 id, OutputRootProof memory p, bytes[] memory proof) = prepare(w);
        vault.release(w, id, p, proof);
        bytes memory reason = abi.encodeWithSelector(AlreadyReleased.selector, Hashing.withdrawalHash(w));
        rejectRelease(w, id, p, proof, reason);
        // Nor under another claim.
        (id, p, proof) = prepare(w);
        rejectRelease(w, id, p, proof, reason);
    }

    function test_retry_done_reverts() public {
        Withdrawal memory w = ethWithdrawal(bob, 1 ether);
        release(w);
        vm.expectRevert(abi.encodeWithSelector(NotFailed.selector, Hashing.withdrawalHash(w)));
        vault.retry(w);
    }

    function test_retry_neverReleased_reverts() public {
        Withdrawal memory w = ethWithdrawal(bob, 1 ether);
        vm.expectRevert(abi.encodeWithSelector(NotFailed.selector, Hashing.withdrawalHash(w)));
        vault.retry(w);
    }

    function test_release_failed_retriesButNeverReleasesAgain() public {
        Switch receiver = new Switch();
        receiver.setRefuses(true);
        Withdrawal memory w = ethWithdrawal(address(receiver), 1 ether);
        bytes32 hash = Hashing.withdrawalHash(w);
        (uint64 id, OutputRootProof memory p, bytes[] memory proof) = prepare(w);
        vm.expectEmit();
        emit IVault.WithdrawalReleased(hash, false);
        vault.release(w, id, p, proof);
        checkState(w, WithdrawalState.Failed);
        vm.assertEq(vault.lockedETH(), GENESIS_ETH);
        vm.assertEq(address(vault).balance, GENESIS_ETH);
        vm.assertEq(address(courier).balance, 0);

        rejectRelease(w, id, p, proof, abi.encodeWithSelector(AlreadyReleased.selector, hash));

        vm.expectEmit();
        emit IVault.WithdrawalRetried(hash, false);
        vault.retry(w);
        checkState(w, WithdrawalState.Failed);

        receiver.setRefuses(false);
        vm.prank(bob);
        vault.retry(w);
        checkState(w, WithdrawalState.Done);
        vm.assertEq(address(receiver).balance, 1 ether);
        vm.assertEq(vault.lockedETH(), GENESIS_ETH - 1 ether);

        vm.expectRevert(abi.encodeWithSelector(NotFailed.selector, hash));
        vault.retry(w);
    }

    function test_retry_changedWithdrawal_reverts() public {
        Switch receiver = new Switch();
        receiver.setRefuses(true);
        Withdrawal memory w = ethWithdrawal(address(receiver), 1 ether);
        release(w);
        w.target = bob;
        vm.expectRevert(abi.encodeWithSelector(NotFailed.selector, Hashing.withdrawalHash(w)));
        vault.retry(w);
    }

    // --- proofs ---

    function test_release_claimNotFinal_reverts() public {
        Withdrawal memory w = ethWithdrawal(bob, 1 ether);
        (OutputRootProof memory p, bytes[] memory proof) = outputFor(w);
        uint64 id = propose(0, appendNext().index, Hashing.outputRoot(p));
        rejectRelease(w, id, p, proof, abi.encodeWithSelector(NotFinal.selector, id));
        rejectRelease(w, 9, p, proof, abi.encodeWithSelector(UnknownClaim.selector, 9));
    }

    function test_release_contestedClaim_reverts() public {
        Withdrawal memory w = ethWithdrawal(bob, 1 ether);
        (OutputRootProof memory p, bytes[] memory proof) = outputFor(w);
        uint64 batch = appendNext().index;
        uint64 id = propose(0, batch, Hashing.outputRoot(p));
        propose(0, batch, keccak256("rival"));
        vm.warp(block.timestamp + WINDOW);
        rejectRelease(w, id, p, proof, abi.encodeWithSelector(NotFinal.selector, id));
    }

    function test_release_wrongClaim_reverts() public {
        Withdrawal memory w = ethWithdrawal(bob, 1 ether);
        (, OutputRootProof memory p, bytes[] memory proof) = prepare(w);
        bytes memory reason =
            abi.encodeWithSelector(UnexpectedOutputRoot.selector, GENESIS_OUTPUT, Hashing.outputRoot(p));
        rejectRelease(w, 0, p, proof, reason);
    }

    function test_release_wrongPreimage_reverts() public {
        Withdrawal memory w = ethWithdrawal(bob, 1 ether);
        (uint64 id, OutputRootProof memory good, bytes[] memory proof) = prepare(w);
        for (uint256 i; i < 4; ++i) {
            OutputRootProof memory p = OutputRootProof(
                good.version, good.stateRoot, good.messagePasserStorageRoot, good.latestBlockhash
            );
            if (i == 0) p.version = bytes32(uint256(1));
            if (i == 1) p.stateRoot = 0;
            if (i == 2) p.messagePasserStorageRoot = 0;
            if (i == 3) p.latestBlockhash = 0;
            bytes memory reason = abi.encodeWithSelector(
                UnexpectedOutputRoot.selector, Hashing.outputRoot(good), Hashing.outputRoot(p)
            );
            rejectRelease(w, id, p, proof, reason);
        }
    }

    function test_release_anyFieldChanged_reverts() public {
        Withdrawal memory good = tokenWithdrawal(address(token), bob, 1);
        (uint64 id, OutputRootProof memory p, bytes[] memory proof) = prepare(good);
        for (uint256 i; i < 6; ++i) {
            Withdrawal memory w =
                Withdrawal(good.nonce, good.sender, good.target, good.value, good.gasLimit, good.data);
            if (i == 0) ++w.nonce;
            if (i == 1) w.sender = alice;
            if (i == 2) w.target = alice;
            if (i == 3) w.value = 1;
            if (i == 4) --w.gasLimit;
            if (i == 5) w.data = abi.encodeCall(vault.finalizeWithdrawal, (address(token), alice, bob, 1000, ""));
            rejectRelease(w, id, p, proof, abi.encodeWithSelector(InvalidProof.selector));
        }
    }

    function test_release_truncatedOrPaddedProof_reverts() public {
        Withdrawal memory w = ethWithdrawal(bob, 1 ether);
        (uint64 id, OutputRootProof memory p, bytes[] memory proof) = prepare(w);
        bytes memory reason = abi.encodeWithSelector(InvalidProof.selector);
        rejectRelease(w, id, p, new bytes[](0), reason);
        for (uint256 length = 1; length < proof.length; ++length) {
            bytes[] memory cut = new bytes[](length);
            for (uint256 i; i < length; ++i) {
                cut[i] = proof[i];
            }
            rejectRelease(w, id, p, cut, reason);
        }
        bytes[] memory longer = new bytes[](proof.length + 1);
        for (uint256 i; i < proof.length; ++i) {
            longer[i] = proof[i];
        }
        longer[proof.length] = proof[proof.length - 1];
        rejectRelease(w, id, p, longer, reason);
        // Without its root.
        bytes[] memory headless = new bytes[](proof.length - 1);
        for (uint256 i; i < headless.length; ++i) {
            headless[i] = proof[i + 1];
        }
        rejectRelease(w, id, p, headless, reason);
    }

    function testFuzz_release_flippedProofByte_reverts(uint256 node, uint256 position, uint8 flip) public {
        vm.assume(flip != 0);
        Withdrawal memory w = ethWithdrawal(bob, 1 ether);
        (uint64 id, OutputRootProof memory p, bytes[] memory proof) = prepare(w);
        bytes memory part = proof[node % proof.length];
        position %= part.length;
        part[position] = bytes1(uint8(part[position]) ^ flip);
        vm.expectRevert();
        vault.release(w, id, p, proof);
    }

    function checkSlotRejected(Withdrawal memory w, bytes32 slot, bytes memory value) internal {
        OutputRootProof memory p;
        bytes[] memory proof;
        (p.messagePasserStorageRoot, proof) = Trie.proveSlot(slot, value, 2);
        uint64 id = makeFinal(Hashing.outputRoot(p));
        rejectRelease(w, id, p, proof, abi.encodeWithSelector(InvalidProof.selector));
    }

    function test_release_otherSlotOrValue_reverts() public {
        Withdrawal memory w = ethWithdrawal(bob, 1 ether);
        bytes32 hash = Hashing.withdrawalHash(w);
        // The accumulator's mapping, the bare hash, and the right slot with another value.
        checkSlotRejected(w, keccak256(abi.encode(hash, uint256(2))), hex"01");
        checkSlotRejected(w, hash, hex"01");
        checkSlotRejected(w, Hashing.withdrawalSlot(hash), hex"02");
        checkSlotRejected(w, Hashing.withdrawalSlot(hash), hex"00");
    }

    function test_release_emptyTrie_reverts() public {
        Withdrawal memory w = ethWithdrawal(bob, 1 ether);
        OutputRootProof memory p;
        p.messagePasserStorageRoot = keccak256(hex"80");
        bytes[] memory proof = new bytes[](1);
        proof[0] = hex"80";
        uint64 id = makeFinal(Hashing.outputRoot(p));
        vm.expectRevert();
        vault.release(w, id, p, proof);
    }

    // --- what a call can reach ---

    function test_release_targetIsToken_cannotMoveVaultTokens() public {
        Withdrawal memory w = Withdrawal(
            1 << 240, alice, address(token), 0, 200_000, abi.encodeCall(token.transfer, (alice, 1000))
        );
        release(w);
        checkState(w, WithdrawalState.Failed);
        w.data = abi.encodeCall(token.transferFrom, (address(vault), alice, 1000));
        release(w);
        checkState(w, WithdrawalState.Failed);
        // An approval by the Courier is worth nothing: it owns nothing.
        w.data = abi.encodeCall(token.approve, (alice, 1000));
        release(w);
        checkState(w, WithdrawalState.Done);
        vm.assertEq(token.balanceOf(address(vault)), 1000);
        vm.assertEq(token.allowance(address(vault), alice), 0);
    }

    function test_finalizeWithdrawal_byStranger_reverts() public {
        vm.expectRevert(abi.encodeWithSelector(Unauthorized.selector, alice));
        vm.prank(alice);
        vault.finalizeWithdrawal(address(token), alice, alice, 1000, "");
        // The Courier itself, outside of a delivery.
        vm.expectRevert(abi.encodeWithSelector(UnexpectedL2Sender.selector, address(0)));
        vm.prank(address(courier));
        vault.finalizeWithdrawal(address(token), alice, alice, 1000, "");
    }

    function test_finalizeWithdrawal_spoofedL2Sender_fails() public {
        Withdrawal memory w = tokenWithdrawal(address(token), bob, 1000);
        w.sender = alice;
        release(w);
        checkState(w, WithdrawalState.Failed);
        w.sender = address(uint160(address(bridge)) + 1);
        release(w);
        checkState(w, WithdrawalState.Failed);
        vm.assertEq(token.balanceOf(bob), 0);
    }

    function test_finalizeWithdrawal_moreThanLocked_fails() public {
        token.mint(address(vault), 1);
        Withdrawal memory w = tokenWithdrawal(address(token), bob, 1001);
        release(w);
        checkState(w, WithdrawalState.Failed);
        vm.assertEq(vault.locked(address(token)), 1000);
    }

    function test_release_moreETHThanLocked_reverts() public {
        Withdrawal memory w = ethWithdrawal(bob, GENESIS_ETH + 1);
        (uint64 id, OutputRootProof memory p, bytes[] memory proof) = prepare(w);
        vm.deal(address(vault), GENESIS_ETH + 10);
        bytes memory reason =
            abi.encodeWithSelector(InsufficientLocked.selector, address(0), GENESIS_ETH, GENESIS_ETH + 1);
        rejectRelease(w, id, p, proof, reason);
    }

    function test_release_targetIsSystem_isHarmless() public {
        address[5] memory targets =
            [address(vault), address(courier), address(queue), address(inbox), address(settlement)];
        for (uint256 i; i < targets.length; ++i) {
            Withdrawal memory w = ethWithdrawal(targets[i], 1 ether);
            w.nonce += i;
            w.sender = alice;
            release(w);
            checkState(w, WithdrawalState.Failed);
        }
        vm.assertEq(vault.lockedETH(), GENESIS_ETH);
        vm.assertEq(address(vault).balance, GENESIS_ETH);
    }

    function test_release_targetIsCourier_cannotDeliver() public {
        bytes memory inner = abi.encodeCall(
            courier.deliver,
            (
                Predeploys.L2_BRIDGE,
                address(vault),
                0,
                abi.encodeCall(vault.finalizeWithdrawal, (address(token), alice, alice, 1000, ""))
            )
        );
        Withdrawal memory w = Withdrawal(1 << 240, alice, address(courier), 0, 300_000, inner);
        release(w);
        checkState(w, WithdrawalState.Failed);
    }

    function test_release_targetIsQueue_sendsAsAliasedCourier() public {
        bytes memory input = abi.encodeCall(queue.send, (bob, 0, 21_000, ""));
        Withdrawal memory w = Withdrawal(1 << 240, alice, address(queue), 1 ether, 300_000, input);
        (uint64 id, OutputRootProof memory p, bytes[] memory proof) = prepare(w);
        vm.recordLogs();
        vault.release(w, id, p, proof);
        Message memory m = messagesIn(vm.getRecordedLogs())[0];
        vm.assertTrue(m.from != aliasedVault());
        vm.assertEq(m.mint, 1 ether);
        vm.assertEq(vault.lockedETH(), GENESIS_ETH);
        vm.assertEq(address(vault).balance, GENESIS_ETH);
    }

    function test_release_depositInsideDelivery_succeeds() public {
        bytes memory input = abi.encodeCall(vault.depositETHTo, (bob, 0, ""));
        Withdrawal memory w = Withdrawal(1 << 240, alice, address(vault), 1 ether, 400_000, input);
        release(w);
        checkState(w, WithdrawalState.Done);
        vm.assertEq(vault.lockedETH(), GENESIS_ETH);
        vm.assertEq(address(vault).balance, GENESIS_ETH);
    }

    function test_deliver_notVault_reverts() public {
        vm.expectRevert(abi.encodeWithSelector(Unauthorized.selector, alice));
        vm.prank(alice);
        courier.deliver(alice, bob, 0, "");
        vm.expectRevert(ZeroAddress.selector);
        new Courier(address(0));
    }

    // --- re-entrancy ---

    function test_release_reenteredThroughReceiver_paysOnce() public {
        Hook hook = new Hook();
        Withdrawal memory w = ethWithdrawal(address(hook), 1 ether);
        w.gasLimit = 2_000_000;
        (uint64 id, OutputRootProof memory p, bytes[] memory proof) = prepare(w);
        hook.set(address(vault), abi.encodeCall(vault.release, (w, id, p, proof)));
        vault.release(w, id, p, proof);
        checkState(w, WithdrawalState.Done);
        vm.assertTrue(hook.called());
        vm.assertFalse(hook.succeeded());
        vm.assertEq(address(hook).balance, 1 ether);
    }

    function test_release_otherWithdrawalInsideDelivery_staysReleasable() public {
        Hook hook = new Hook();
        Withdrawal memory victim = tokenWithdrawal(address(token), bob, 10);
        (uint64 victimId, OutputRootProof memory victimP, bytes[] memory victimProof) = prepare(victim);
        Withdrawal memory w = ethWithdrawal(address(hook), 1 ether);
        w.gasLimit = 2_000_000;
        hook.set(address(vault), abi.encodeCall(vault.release, (victim, victimId, victimP, victimProof)));
        release(w);
        vm.assertTrue(hook.called());
        vm.assertEq(hook.result(), abi.encodeWithSelector(NestedRelease.selector));
        checkState(victim, WithdrawalState.None);
        vault.release(victim, victimId, victimP, victimProof);
        vm.assertEq(token.balanceOf(bob), 10);
    }

    function test_release_insideTokenDeposit_staysReleasable() public {
        HookToken odd = new HookToken();
        fund(odd, 1000);
        Withdrawal memory victim = tokenWithdrawal(address(odd), bob, 10);
        (uint64 id, OutputRootProof memory p, bytes[] memory proof) = prepare(victim);
        odd.setHook(address(vault), abi.encodeCall(vault.release, (victim, id, p, proof)));
        fund(odd, 5);
        vm.assertFalse(odd.hookSucceeded());
        checkState(victim, WithdrawalState.None);
        vault.release(victim, id, p, proof);
        vm.assertEq(odd.balanceOf(bob), 10);
    }

    function test_finalizeWithdrawal_reenteredThroughToken_paysOnce() public {
        HookToken odd = new HookToken();
        fund(odd, 1000);
        Withdrawal memory w = tokenWithdrawal(address(odd), bob, 400);
        w.gasLimit = 1_000_000;
        odd.setHook(address(vault), abi.encodeCall(vault.retry, (w)));
        release(w);
        vm.assertEq(odd.hook(), address(0));
        vm.assertFalse(odd.hookSucceeded());
        vm.assertEq(odd.balanceOf(bob), 400);
        vm.assertEq(vault.locked(address(odd)), 600);
    }

    // --- gas ---

    function test_release_returnDataBomb_costsLittle() public {
        Bomb bomb = new Bomb();
        Withdrawal memory w = ethWithdrawal(address(bomb), 1 ether);
        w.gasLimit = 5_000_000;
        release(w);
        checkState(w, WithdrawalState.Failed);
        bomb.disarm();
        vault.retry(w);
        checkState(w, WithdrawalState.Done);
    }

    function test_release_receiverEatsAllGas_isRecordedAsFailed() public {
        GasEater eater = new GasEater();
        Withdrawal memory w = ethWithdrawal(address(eater), 1 ether);
        (uint64 id, OutputRootProof memory p, bytes[] memory proof) = prepare(w);
        vault.release{gas: 1_000_000}(w, id, p, proof);
        checkState(w, WithdrawalState.Failed);
        vm.assertEq(vault.lockedETH(), GENESIS_ETH);
    }

    /// @dev What the target does with its gas makes no difference to what a relayer must send.
    function test_retry_leastGas_isTheSameForEveryReceiver() public {
        Switch receiver = new Switch();
        receiver.setRefuses(true);
        Withdrawal memory w = ethWithdrawal(address(receiver), 1 ether);
        w.gasLimit = 0;
        release(w);
        uint256 least = leastGas(w);
        vm.etch(address(receiver), address(new GasEater()).code);
        vm.assertEq(leastGas(w), least);
        vm.etch(address(receiver), address(new Bomb()).code);
        vm.assertEq(leastGas(w), least);
    }

    function leastGas(Withdrawal memory w) internal returns (uint256 gasLimit) {
        bytes memory input = abi.encodeCall(vault.retry, (w));
        bool success;
        for (gasLimit = 90_000; !success; gasLimit += 500) {
            (success,) = address(vault).call{gas: gasLimit}(input);
        }
        checkState(w, WithdrawalState.Failed);
    }

    /// @dev Whatever gas the relayer sends, either the release reverts or the target had all it asked for.
    /// forge-config: default.fuzz.runs = 512
    function testFuzz_release_starvedOfGas_neverFails(uint256 gasLimit) public {
        Hungry hungry = new Hungry();
        Withdrawal memory w = ethWithdrawal(address(hungry), 1 ether);
        w.gasLimit = 205_000;
        (uint64 id, OutputRootProof memory p, bytes[] memory proof) = prepare(w);
        bytes memory input = abi.encodeCall(vault.release, (w, id, p, proof));
        (bool success,) = address(vault).call{gas: bound(gasLimit, 50_000, 700_000)}(input);
        checkState(w, success ? WithdrawalState.Done : WithdrawalState.None);
    }

    /// forge-config: default.fuzz.runs = 512
    function testFuzz_retry_starvedOfGas_neverFails(uint256 gasLimit) public {
        Switch receiver = new Switch();
        receiver.setRefuses(true);
        Withdrawal memory w = ethWithdrawal(address(receiver), 1 ether);
        w.gasLimit = 205_000;
        release(w);
        vm.etch(address(receiver), address(new Hungry()).code);
        (bool success,) =
            address(vault).call{gas: bound(gasLimit, 50_000, 500_000)}(abi.encodeCall(vault.retry, (w)));
        checkState(w, success ? WithdrawalState.Done : WithdrawalState.Failed);
    }

    function test_release_gasLimitNeverMet_reverts() public {
        Withdrawal memory w = ethWithdrawal(bob, 1 ether);
        w.gasLimit = type(uint256).max;
        (uint64 id, OutputRootProof memory p, bytes[] memory proof) = prepare(w);
        rejectRelease(w, id, p, proof, abi.encodeWithSelector(InsufficientGas.selector));
    }

    // --- awkward tokens ---

    function test_release_blacklistedRecipient_failsThenRetries() public {
        BlacklistToken odd = new BlacklistToken();
        fund(odd, 1000);
        odd.setBlocked(bob, true);
        Withdrawal memory w = tokenWithdrawal(address(odd), bob, 1000);
        release(w);
        checkState(w, WithdrawalState.Failed);
        vm.assertEq(vault.locked(address(odd)), 1000);
        odd.setBlocked(bob, false);
        vault.retry(w);
        vm.assertEq(odd.balanceOf(bob), 1000);
        vm.assertEq(vault.locked(address(odd)), 0);
    }

    function test_release_tokenReturnsFalse_failsThenRetries() public {
        FalseToken odd = new FalseToken();
        fund(odd, 1000);
        odd.setRefuses(true);
        Withdrawal memory w = tokenWithdrawal(address(odd), bob, 1000);
        release(w);
        checkState(w, WithdrawalState.Failed);
        vm.assertEq(vault.locked(address(odd)), 1000);
        odd.setRefuses(false);
        vault.retry(w);
        vm.assertEq(odd.balanceOf(bob), 1000);
    }

    function test_release_feeOnTransfer_paysWhatIsLeft() public {
        FeeToken odd = new FeeToken();
        fund(odd, 1000);
        release(tokenWithdrawal(address(odd), bob, 990));
        vm.assertEq(odd.balanceOf(bob), 981);
        vm.assertEq(vault.locked(address(odd)), 0);
        vm.assertEq(odd.balanceOf(address(vault)), 0);
    }

    function test_release_noReturnToken_pays() public {
        NoReturnToken odd = new NoReturnToken();
        odd.mint(alice, 1000);
        address l2Token = vault.l2TokenAddress(address(odd));
        vm.startPrank(alice, alice);
        odd.approve(address(vault), 1000);
        vault.depositERC20(address(odd), l2Token, 1000, 0, "");
        vm.stopPrank();
        release(tokenWithdrawal(address(odd), bob, 1000));
        vm.assertEq(odd.balanceOf(bob), 1000);
    }
}
