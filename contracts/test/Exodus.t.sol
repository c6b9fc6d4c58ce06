// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IExodus} from "../src/interfaces/IExodus.sol";
import {AddressAlias} from "../src/libraries/AddressAlias.sol";
import "../src/libraries/Errors.sol";
import {Hashing} from "../src/libraries/Hashing.sol";
import {Predeploys} from "../src/libraries/Predeploys.sol";
import {OutputRootProof, QueuedMessage, Withdrawal, WithdrawalState} from "../src/libraries/Types.sol";
import {Vault} from "../src/L1/Vault.sol";
import {ExodusSystem} from "./utils/ExodusSystem.sol";
import {Caller, Switch} from "./utils/Receivers.sol";

contract ExodusTest is ExodusSystem {
    // --- starting ---

    function test_start_tooEarly_reverts() public {
        prepareState();
        uint256 opensAt = settlement.lastFinalizedAt() + EXODUS_DELAY;
        vm.assertEq(vault.exodusOpensAt(), opensAt);
        vm.warp(opensAt);
        vm.expectRevert(abi.encodeWithSelector(ExodusTooEarly.selector, opensAt));
        vault.startExodus();
        vm.warp(opensAt + 1);
        vault.startExodus();
        (bool started, uint64 claimId, bytes32 root, uint64 messages) = vault.exodus();
        vm.assertTrue(started);
        vm.assertEq(claimId, 1);
        vm.assertEq(root, Hashing.outputRoot(p));
        vm.assertEq(messages, 3);
    }

    function test_start_claimFinalMeanwhile_movesTheTime() public {
        prepareState();
        vm.warp(vault.exodusOpensAt() - WINDOW + 1);
        makeFinal(keccak256("newer"));
        uint256 opensAt = vault.exodusOpensAt();
        vm.assertTrue(opensAt > block.timestamp);
        vm.expectRevert(abi.encodeWithSelector(ExodusTooEarly.selector, opensAt));
        vault.startExodus();
    }

    function test_start_twice_reverts() public {
        prepareState();
        start();
        vm.expectRevert(InExodus.selector);
        vault.startExodus();
    }

    function test_start_genesisOnly_fixesGenesis() public {
        deposit(alice, 1 ether);
        start();
        (, uint64 claimId, bytes32 root, uint64 messages) = vault.exodus();
        vm.assertEq(claimId, 0);
        vm.assertEq(root, GENESIS_OUTPUT);
        vm.assertEq(messages, 0);
    }

    /// @dev A claim that becomes final just before, in the same block, keeps the exodus away; just after, it is
    /// too late.
    function test_start_raceWithFinalize_whoeverIsFirst() public {
        uint64 claimId = prepareState();
        uint64 next = propose(claimId, appendNext().index, keccak256("newer"));
        vm.warp(vault.exodusOpensAt() + 1);
        uint256 snapshot = vm.snapshotState();
        settlement.finalize(next);
        vm.expectRevert(abi.encodeWithSelector(ExodusTooEarly.selector, block.timestamp + EXODUS_DELAY));
        vault.startExodus();

        vm.revertToState(snapshot);
        vault.startExodus();
        settlement.finalize(next);
        (, uint64 fixedClaim, bytes32 root,) = vault.exodus();
        vm.assertEq(fixedClaim, claimId);
        vm.assertEq(root, Hashing.outputRoot(p));
        exitETH(alice, alice, alice, carol);
        vm.assertEq(carol.balance, 20 ether);
    }

    /// @dev A claim on older batches that becomes final later is no progress: it neither delays the exodus nor is
    /// it what the exodus pays by.
    function test_start_olderRangeFinalLater_isNoProgress() public {
        uint64 batch = appendNext().index;
        uint64 late = propose(0, batch, keccak256("an older state"));
        vm.warp(block.timestamp + WINDOW);
        uint64 claimId = prepareState();
        uint256 opensAt = vault.exodusOpensAt();
        vm.warp(block.timestamp + 1);
        settlement.finalize(late);
        vm.assertEq(vault.exodusOpensAt(), opensAt);
        start();
        (, uint64 fixedClaim,,) = vault.exodus();
        vm.assertEq(fixedClaim, claimId);
        Withdrawal memory w = ethWithdrawal(carol, 1);
        (OutputRootProof memory q, bytes[] memory proof) = outputFor(w);
        vm.expectRevert(abi.encodeWithSelector(NotTheExodusClaim.selector, claimId, late));
        vault.release(w, late, q, proof);
    }

    // --- doors that close ---

    function test_deposits_inExodus_revert() public {
        prepareState();
        start();
        vm.startPrank(alice, alice);
        vm.expectRevert(InExodus.selector);
        vault.depositETH{value: 1}(0, "");
        vm.expectRevert(InExodus.selector);
        vault.depositETHTo{value: 1}(bob, 0, "");
        (bool success,) = address(vault).call{value: 1}("");
        vm.assertFalse(success);
        vm.expectRevert(InExodus.selector);
        vault.depositERC20To(address(token), l2Token, alice, 1, 0, "");
        vm.expectRevert(InExodus.selector);
        vault.depositERC20(address(token), l2Token, 1, 0, "");
        vm.expectRevert(InExodus.selector);
        queue.send{value: 1}(bob, 1, 100_000, "");
        queue.send(bob, 0, 100_000, "");
        vm.stopPrank();
    }

    function test_exits_beforeExodus_revert() public {
        prepareState();
        bytes[] memory proof = state.proveAccount(alice);
        vm.startPrank(alice, alice);
        vm.expectRevert(NotInExodus.selector);
        vault.exitETH(alice, alice, p, proof);
        vm.expectRevert(NotInExodus.selector);
        vault.exitERC20(address(token), alice, alice, p, proof, proof, proof);
        vm.expectRevert(NotInExodus.selector);
        vault.exitWETH(alice, alice, p, proof, proof, proof);
        vm.expectRevert(NotInExodus.selector);
        vault.exitFees(Predeploys.BASE_FEE_VAULT, p, proof, proof);
        vm.expectRevert(NotInExodus.selector);
        vault.refund(0, QueuedMessage(alice, bob, 0, 0, 0, ""), alice);
        vm.stopPrank();
    }

    /// @dev A withdrawal burnt before the root is paid; one that only a later claim contains is not: its funds are
    /// in the balances that exits pay.
    function test_release_inExodus_onlyAgainstItsRoot() public {
        Withdrawal memory w = ethWithdrawal(carol, 2 ether);
        sent.setSlot(Hashing.withdrawalSlot(Hashing.withdrawalHash(w)), 1);
        uint64 claimId = prepareState();
        Withdrawal memory later = ethWithdrawal(carol, 3 ether);
        later.nonce += 1;
        (OutputRootProof memory q, bytes[] memory laterProof) = outputFor(later);
        uint64 batch = appendNext().index;
        uint64 laterClaim = propose(claimId, batch, Hashing.outputRoot(q));
        start();
        settlement.finalize(laterClaim);
        vm.expectRevert(abi.encodeWithSelector(NotTheExodusClaim.selector, claimId, laterClaim));
        vault.release(later, laterClaim, q, laterProof);
        vm.expectRevert(abi.encodeWithSelector(NotTheExodusClaim.selector, claimId, 0));
        vault.release(later, 0, q, laterProof);

        bytes[] memory proof = sent.proveSlot(Hashing.withdrawalSlot(Hashing.withdrawalHash(w)));
        vault.release(w, claimId, p, proof);
        vm.assertEq(carol.balance, 2 ether);
        vm.expectRevert(abi.encodeWithSelector(AlreadyReleased.selector, Hashing.withdrawalHash(w)));
        vault.release(w, claimId, p, proof);
    }

    /// @dev What was released before and failed is the recipient's still.
    function test_retry_inExodus_goesOn() public {
        Switch recipient = new Switch();
        recipient.setRefuses(true);
        Withdrawal memory w = ethWithdrawal(address(recipient), 2 ether);
        Withdrawal memory unreleased = ethWithdrawal(address(recipient), 3 ether);
        unreleased.nonce += 1;
        sent.setSlot(Hashing.withdrawalSlot(Hashing.withdrawalHash(w)), 1);
        sent.setSlot(Hashing.withdrawalSlot(Hashing.withdrawalHash(unreleased)), 1);
        uint64 claimId = prepareState();
        bytes[] memory proof = sent.proveSlot(Hashing.withdrawalSlot(Hashing.withdrawalHash(w)));
        vault.release(w, claimId, p, proof);
        uint256 locked = vault.lockedETH();
        start();
        proof = sent.proveSlot(Hashing.withdrawalSlot(Hashing.withdrawalHash(unreleased)));
        vault.release(unreleased, claimId, p, proof);
        vm.assertEq(vault.lockedETH(), locked);
        recipient.setRefuses(false);
        vault.retry(w);
        vault.retry(unreleased);
        vm.assertEq(address(recipient).balance, 5 ether);
        vm.assertEq(vault.lockedETH(), locked - 5 ether);
        vm.expectRevert(abi.encodeWithSelector(NotFailed.selector, Hashing.withdrawalHash(w)));
        vault.retry(w);
    }

    /// @dev What a withdrawal calls may start the exodus and leave within it. Its books are closed by then.
    function test_release_thatStartsAndExits_paysBothOnce() public {
        Chain chain = new Chain(vault);
        deposit(bob, 5 ether);
        state.setAccount(address(chain), 5 ether, NO_STORAGE, address(chain).codehash);
        Withdrawal memory w = ethWithdrawal(address(chain), 2 ether);
        w.gasLimit = 3_000_000;
        sent.setSlot(Hashing.withdrawalSlot(Hashing.withdrawalHash(w)), 1);
        uint64 claimId = prepareState();
        chain.prepare(p, state.proveAccount(address(chain)));
        uint256 locked = vault.lockedETH();
        vm.warp(vault.exodusOpensAt() + 1);
        bytes[] memory proof = sent.proveSlot(Hashing.withdrawalSlot(Hashing.withdrawalHash(w)));
        vault.release(w, claimId, p, proof);
        vm.assertEq(uint256(vault.withdrawalState(Hashing.withdrawalHash(w))), uint256(WithdrawalState.Done));
        vm.assertEq(address(chain).balance, 7 ether);
        vm.assertEq(vault.lockedETH(), locked - 7 ether);
        vm.assertEq(address(vault).balance, locked - 7 ether);
    }

    // --- ETH ---

    function test_exitETH_holder_isPaidOnce() public {
        prepareState();
        start();
        uint256 locked = vault.lockedETH();
        bytes[] memory proof = state.proveAccount(alice);
        vm.expectEmit();
        emit IExodus.Exited(address(0), address(0), alice, carol, 20 ether);
        vm.prank(alice, alice);
        vault.exitETH(alice, carol, p, proof);
        vm.assertEq(carol.balance, 20 ether);
        vm.assertEq(vault.lockedETH(), locked - 20 ether);
        vm.assertTrue(vault.hasExited(address(0), alice));
        vm.expectRevert(abi.encodeWithSelector(AlreadyExited.selector, address(0), alice));
        vm.prank(alice, alice);
        vault.exitETH(alice, carol, p, proof);
    }

    function test_exitETH_somebodyElse_reverts() public {
        prepareState();
        start();
        bytes[] memory proof = state.proveAccount(alice);
        vm.expectRevert(abi.encodeWithSelector(NotTheHolder.selector, alice, bob));
        vm.prank(bob, bob);
        vault.exitETH(alice, bob, p, proof);
        // Signing the transaction is not being the caller.
        Caller caller = new Caller();
        vm.prank(alice, alice);
        (bool success,) = address(vault).call(abi.encodeCall(vault.exitETH, (bob, alice, p, proof)));
        vm.assertFalse(success);
        vm.expectRevert(abi.encodeWithSelector(NotTheHolder.selector, alice, address(caller)));
        vm.prank(address(caller), alice);
        vault.exitETH(alice, address(caller), p, proof);
    }

    function test_exitETH_delegatedAccount_isPaid() public {
        prepareState();
        start();
        vm.etch(alice, abi.encodePacked(hex"ef0100", address(this)));
        exitETH(alice, bob, alice, carol);
        vm.assertEq(carol.balance, 20 ether);
    }

    function test_exitETH_alias_goesToItsContract() public {
        Caller caller = new Caller();
        address onL2 = AddressAlias.toL2(address(caller));
        deposit(bob, 3 ether);
        state.setAccount(onL2, 3 ether, NO_STORAGE, NO_CODE);
        prepareState();
        start();
        bytes[] memory proof = state.proveAccount(onL2);
        vm.expectRevert(abi.encodeWithSelector(NotTheHolder.selector, onL2, bob));
        vm.prank(bob, bob);
        vault.exitETH(onL2, bob, p, proof);
        vm.prank(address(caller), bob);
        vault.exitETH(onL2, carol, p, proof);
        vm.assertEq(carol.balance, 3 ether);
    }

    function test_exitETH_contract_needsItsTwin() public {
        Caller wallet = new Caller();
        deposit(bob, 6 ether);
        state.setAccount(address(wallet), 3 ether, NO_STORAGE, address(wallet).codehash);
        address pool = address(0x9001);
        state.setAccount(pool, 3 ether, NO_STORAGE, keccak256("a pool"));
        prepareState();
        start();
        exitETH(address(wallet), bob, address(wallet), carol);
        vm.assertEq(carol.balance, 3 ether);

        // Its deployer puts something else at its address on L1.
        bytes[] memory proof = state.proveAccount(pool);
        vm.etch(pool, hex"6001");
        vm.expectRevert(abi.encodeWithSelector(OtherCode.selector, keccak256("a pool"), pool.codehash));
        vm.prank(pool, bob);
        vault.exitETH(pool, bob, p, proof);
        // And in its constructor there is no code at all.
        vm.etch(pool, "");
        vm.expectRevert(abi.encodeWithSelector(OtherCode.selector, keccak256("a pool"), pool.codehash));
        vm.prank(pool, bob);
        vault.exitETH(pool, bob, p, proof);
    }

    /// @dev A contract under construction has the code hash of an account without code.
    function test_exitETH_constructorAtAKeylessAddress_reverts() public {
        address ghost = address(0x6057);
        deposit(bob, 1 ether);
        state.setAccount(ghost, 1 ether, NO_STORAGE, NO_CODE);
        prepareState();
        start();
        bytes[] memory proof = state.proveAccount(ghost);
        vm.deal(ghost, 1);
        vm.expectRevert(abi.encodeWithSelector(OtherCode.selector, NO_CODE, ghost.codehash));
        vm.prank(ghost, bob);
        vault.exitETH(ghost, bob, p, proof);
    }

    function test_exitETH_badProofs_revert() public {
        prepareState();
        start();
        bytes[] memory proof = state.proveAccount(bob);
        vm.startPrank(alice, alice);
        vm.expectRevert(InvalidProof.selector);
        vault.exitETH(alice, alice, p, proof);
        vm.expectRevert(InvalidProof.selector);
        vault.exitETH(alice, alice, p, new bytes[](0));
        proof = state.proveAccount(alice);
        bytes[] memory shorter = new bytes[](proof.length - 1);
        for (uint256 i; i < shorter.length; ++i) {
            shorter[i] = proof[i];
        }
        vm.expectRevert(InvalidProof.selector);
        vault.exitETH(alice, alice, p, shorter);
        proof[proof.length - 1][40] ^= 0x01;
        vm.expectRevert(InvalidProof.selector);
        vault.exitETH(alice, alice, p, proof);
        // A slot's leaf is no account.
        OutputRootProof memory q = p;
        q.stateRoot = balances.root();
        bytes32 found = Hashing.outputRoot(q);
        bytes[] memory slot = balances.proveSlot(Hashing.tokenBalanceSlot(alice));
        vm.expectRevert(abi.encodeWithSelector(UnexpectedOutputRoot.selector, Hashing.outputRoot(p), found));
        vault.exitETH(alice, alice, q, slot);
        vm.stopPrank();
    }

    function test_exitETH_absentAccount_reverts() public {
        prepareState();
        start();
        bytes[] memory proof = state.proveAccount(carol);
        vm.expectRevert();
        vm.prank(carol, carol);
        vault.exitETH(carol, carol, p, proof);
    }

    function test_exitETH_nothing_reverts() public {
        state.setAccount(carol, 0, NO_STORAGE, NO_CODE);
        prepareState();
        start();
        bytes[] memory proof = state.proveAccount(carol);
        vm.expectRevert(ZeroAmount.selector);
        vm.prank(carol, carol);
        vault.exitETH(carol, carol, p, proof);
    }

    function test_exitETH_olderRoot_reverts() public {
        prepareState();
        OutputRootProof memory older = p;
        bytes[] memory proof = state.proveAccount(alice);
        makeFinal(keccak256("a newer state, where alice has nothing"));
        start();
        bytes32 expected = keccak256("a newer state, where alice has nothing");
        vm.expectRevert(
            abi.encodeWithSelector(UnexpectedOutputRoot.selector, expected, Hashing.outputRoot(older))
        );
        vm.prank(alice, alice);
        vault.exitETH(alice, alice, older, proof);
    }

    function test_exitETH_refusedByRecipient_canNameAnother() public {
        prepareState();
        start();
        bytes[] memory proof = state.proveAccount(alice);
        vm.expectRevert(abi.encodeWithSelector(TransferFailed.selector, address(token)));
        vm.prank(alice, alice);
        vault.exitETH(alice, address(token), p, proof);
        vm.expectRevert(ZeroAddress.selector);
        vm.prank(alice, alice);
        vault.exitETH(alice, address(0), p, proof);
        exitETH(alice, alice, alice, carol);
        vm.assertEq(carol.balance, 20 ether);
    }

    function test_exitETH_reentered_paysOnce() public {
        Again again = new Again(vault);
        deposit(bob, 2 ether);
        state.setAccount(address(again), 2 ether, NO_STORAGE, address(again).codehash);
        prepareState();
        start();
        again.run(p, state.proveAccount(address(again)));
        vm.assertTrue(again.tried());
        vm.assertEq(address(again).balance, 2 ether);
    }

    /// @dev The caller's code on L1 is that of an alias, whether it is deployed yet or not.
    function test_exitETH_aliasUnderConstruction_isPaid() public {
        address here = vm.computeCreateAddress(address(this), vm.getNonce(address(this)) + 1);
        address onL2 = AddressAlias.toL2(here);
        deposit(bob, 3 ether);
        state.setAccount(onL2, 3 ether, NO_STORAGE, NO_CODE);
        prepareState();
        start();
        bytes[] memory proof = state.proveAccount(onL2);
        while (vm.computeCreateAddress(address(this), vm.getNonce(address(this))) != here) new Caller();
        new LeavesInConstructor(vault, onL2, carol, p, proof);
        vm.assertEq(carol.balance, 3 ether);
    }

    /// @dev A real constructor at the address of an account that has a balance on L2.
    function test_exitETH_realConstructor_isNoTwin() public {
        address here = vm.computeCreateAddress(address(this), vm.getNonce(address(this)) + 1);
        deposit(bob, 3 ether);
        state.setAccount(here, 3 ether, NO_STORAGE, NO_CODE);
        prepareState();
        start();
        bytes[] memory proof = state.proveAccount(here);
        while (vm.computeCreateAddress(address(this), vm.getNonce(address(this))) != here) new Caller();
        vm.expectRevert(abi.encodeWithSelector(OtherCode.selector, NO_CODE, NO_CODE));
        new LeavesInConstructor(vault, here, carol, p, proof);
    }

    /// @dev A delegation on L2 is not code on L1, and need not be: the key decides.
    function test_exitETH_delegatedOnL2_isPaid() public {
        address dave = user("dave");
        deposit(bob, 3 ether);
        bytes memory delegation = abi.encodePacked(hex"ef0100", address(this));
        state.setAccount(dave, 3 ether, keccak256("its storage"), keccak256(delegation));
        prepareState();
        start();
        exitETH(dave, dave, dave, carol);
        vm.assertEq(carol.balance, 3 ether);
    }

    /// @dev Where L2 keeps what already left, and everything else at fixed addresses, belongs to nobody on L1.
    function test_exitETH_predeploys_reverts() public {
        state.setAccount(Predeploys.MESSAGE_PASSER, 50 ether, keccak256("sent"), keccak256("passer"));
        prepareState();
        start();
        address[4] memory places =
            [Predeploys.MESSAGE_PASSER, Predeploys.WETH, Predeploys.SEQUENCER_FEE_VAULT, aliasedVault()];
        for (uint256 i; i < places.length; ++i) {
            bytes[] memory proof = state.proveAccount(i == 3 ? alice : places[i]);
            vm.expectRevert();
            vm.prank(alice, alice);
            vault.exitETH(places[i], alice, p, proof);
        }
    }

    function test_exitETH_malformedLeaf_reverts() public {
        bytes[4] memory leaves = [
            bytes(hex"c20102"), // two fields
            bytes(hex"c50102030405"), // five
            bytes(hex"01"), // no list
            abi.encodePacked(hex"f844", hex"01", hex"02", hex"a0", bytes32(0), hex"a0", bytes31(0)) // cut off
        ];
        for (uint256 i; i < leaves.length; ++i) {
            state.set(keccak256(abi.encodePacked(address(uint160(0x100 + i)))), leaves[i]);
        }
        prepareState();
        start();
        for (uint256 i; i < leaves.length; ++i) {
            address holder = address(uint160(0x100 + i));
            bytes[] memory proof = state.proveAccount(holder);
            vm.expectRevert();
            vm.prank(holder, holder);
            vault.exitETH(holder, alice, p, proof);
        }
    }

    /// @dev Not one bit of a proof can be another.
    function testFuzz_exitETH_flippedBit_reverts(uint256 node, uint256 position, uint8 bit) public {
        prepareState();
        start();
        bytes[] memory proof = state.proveAccount(alice);
        node %= proof.length;
        position %= proof[node].length;
        proof[node][position] ^= bytes1(uint8(1) << (bit % 8));
        vm.expectRevert();
        vm.prank(alice, alice);
        vault.exitETH(alice, alice, p, proof);
    }

    function testFuzz_exitETH_stranger_reverts(address stranger, address origin) public {
        vm.assume(stranger != alice && stranger != address(vm) && AddressAlias.toL2(stranger) != alice);
        prepareState();
        start();
        bytes[] memory proof = state.proveAccount(alice);
        vm.expectRevert(abi.encodeWithSelector(NotTheHolder.selector, alice, stranger));
        vm.prank(stranger, origin);
        vault.exitETH(alice, stranger, p, proof);
    }
}

/// @notice Tries to be paid again while it is paid.
contract Again {
    Vault internal immutable vault;
    bytes internal input;
    bool public tried;

    constructor(Vault vault_) {
        vault = vault_;
    }

    function run(OutputRootProof calldata p, bytes[] calldata proof) external {
        input = abi.encodeCall(vault.exitETH, (address(this), address(this), p, proof));
        vault.exitETH(address(this), address(this), p, proof);
    }

    receive() external payable {
        tried = true;
        (bool success,) = address(vault).call(input);
        require(!success, "paid again");
    }
}

/// @notice A wallet whose ETH arrives: it starts the exodus and leaves at once.
contract Chain {
    Vault internal immutable vault;
    bytes internal input;

    constructor(Vault vault_) {
        vault = vault_;
    }

    function prepare(OutputRootProof calldata p, bytes[] calldata proof) external {
        input = abi.encodeCall(vault.exitETH, (address(this), address(this), p, proof));
    }

    receive() external payable {
        if (msg.sender == address(vault)) return;
        vault.startExodus();
        (bool success,) = address(vault).call(input);
        require(success, "no exit");
    }
}

/// @notice Asks in its constructor, where it has no code.
contract LeavesInConstructor {
    constructor(Vault vault, address holder, address to, OutputRootProof memory p, bytes[] memory proof) {
        vault.exitETH(holder, to, p, proof);
    }
}
