// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IExodus} from "../src/interfaces/IExodus.sol";
import {AddressAlias} from "../src/libraries/AddressAlias.sol";
import "../src/libraries/Errors.sol";
import {Hashing} from "../src/libraries/Hashing.sol";
import {Predeploys} from "../src/libraries/Predeploys.sol";
import {OutputRootProof, QueuedMessage, Withdrawal} from "../src/libraries/Types.sol";
import {Vault} from "../src/L1/Vault.sol";
import {Caller} from "./utils/Receivers.sol";
import {StateTrie} from "./utils/StateTrie.sol";
import {System} from "./utils/System.sol";
import {Log} from "./utils/Test.sol";
import {PlainToken} from "./utils/Tokens.sol";

/// @notice An L2 whose state is built by hand, claimed, and left to the exodus.
abstract contract ExodusSystem is System {
    bytes32 internal constant NO_CODE = keccak256("");
    bytes32 internal constant NO_STORAGE = keccak256(hex"80");

    StateTrie internal state;
    StateTrie internal balances;
    StateTrie internal weth;
    StateTrie internal sent;
    StateTrie internal feeVault;
    PlainToken internal token;
    address internal l2Token;
    OutputRootProof internal p;

    function setUp() public virtual override {
        super.setUp();
        (state, balances, weth) = (new StateTrie(), new StateTrie(), new StateTrie());
        (sent, feeVault) = (new StateTrie(), new StateTrie());
        token = new PlainToken();
        l2Token = vault.l2TokenAddress(address(token));
        // So that no trie is a single leaf.
        sent.setSlot(keccak256("somebody's withdrawal"), 1);
        sent.setSlot(keccak256("somebody else's withdrawal"), 1);
        feeVault.setSlot(0, uint256(uint160(bob)));
        feeVault.setSlot(bytes32(uint256(1)), 7 << 248);
    }

    function balanceOf(StateTrie trie, address holder, uint256 amount) internal {
        trie.setSlot(Hashing.tokenBalanceSlot(holder), amount);
    }

    /// @dev Completes the state, claims it, makes it final.
    function settle() internal returns (uint64 claimId) {
        state.setAccount(l2Token, 0, balances.build(), keccak256("token"));
        state.setAccount(Predeploys.WETH, 0, weth.build(), keccak256("weth"));
        state.setAccount(Predeploys.SEQUENCER_FEE_VAULT, 5 ether, feeVault.build(), keccak256("fees"));
        p.messagePasserStorageRoot = sent.build();
        p.stateRoot = state.build();
        p.latestBlockhash = keccak256("the last block");
        claimId = makeFinal(Hashing.outputRoot(p));
    }

    function start() internal {
        vm.warp(vault.exodusOpensAt() + 1);
        vault.startExodus();
    }

    function deposit(address from, uint256 amount) internal {
        vm.deal(from, from.balance + amount);
        vm.prank(from, from);
        vault.depositETHTo{value: amount}(from, 0, "");
    }

    function depositToken(address from, uint256 amount) internal {
        token.mint(from, amount);
        vm.startPrank(from, from);
        token.approve(address(vault), amount);
        vault.depositERC20To(address(token), l2Token, from, amount, 0, "");
        vm.stopPrank();
    }

    function exitETH(address caller, address origin, address holder, address to) internal {
        bytes[] memory proof = state.proveAccount(holder);
        vm.prank(caller, origin);
        vault.exitETH(holder, to, p, proof);
    }

    function exitToken(address caller, address origin, address holder, address to) internal {
        bytes[] memory account = state.proveAccount(l2Token);
        bytes[] memory balance = balances.proveSlot(Hashing.tokenBalanceSlot(holder));
        vm.prank(caller, origin);
        vault.exitERC20(address(token), holder, to, p, account, balance, new bytes[](0));
    }
}

contract ExodusTest is ExodusSystem {
    address internal carol = address(0xCA401);

    /// @dev Alice has ETH, WETH and tokens; bob ETH.
    function prepareState() internal returns (uint64 claimId) {
        deposit(alice, 30 ether);
        deposit(bob, 10 ether);
        depositToken(alice, 500);
        state.setAccount(alice, 20 ether, NO_STORAGE, NO_CODE);
        state.setAccount(bob, 10 ether, NO_STORAGE, NO_CODE);
        balanceOf(balances, alice, 500);
        balanceOf(balances, carol, 0x1234567890);
        balanceOf(weth, alice, 4 ether);
        balanceOf(weth, bob, 1 ether);
        claimId = settle();
    }

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

    // --- tokens ---

    function test_exitERC20_holder_isPaidOnce() public {
        prepareState();
        start();
        exitToken(alice, alice, alice, carol);
        vm.assertEq(token.balanceOf(carol), 500);
        vm.assertEq(vault.locked(address(token)), 0);
        bytes[] memory account = state.proveAccount(l2Token);
        bytes[] memory balance = balances.proveSlot(Hashing.tokenBalanceSlot(alice));
        vm.expectRevert(abi.encodeWithSelector(AlreadyExited.selector, l2Token, alice));
        vm.prank(alice, alice);
        vault.exitERC20(address(token), alice, carol, p, account, balance, new bytes[](0));
    }

    function test_exitERC20_anotherTokensProof_reverts() public {
        PlainToken other = new PlainToken();
        prepareState();
        start();
        bytes[] memory account = state.proveAccount(l2Token);
        bytes[] memory balance = balances.proveSlot(Hashing.tokenBalanceSlot(alice));
        vm.startPrank(alice, alice);
        vm.expectRevert();
        vault.exitERC20(address(other), alice, alice, p, account, balance, new bytes[](0));
        // Somebody else's balance.
        balance = balances.proveSlot(Hashing.tokenBalanceSlot(carol));
        vm.expectRevert(InvalidProof.selector);
        vault.exitERC20(address(token), alice, alice, p, account, balance, new bytes[](0));
        vm.stopPrank();
    }

    /// @dev What L2 says that L1 never locked cannot be had.
    function test_exitERC20_moreThanLocked_reverts() public {
        prepareState();
        start();
        bytes[] memory account = state.proveAccount(l2Token);
        bytes[] memory balance = balances.proveSlot(Hashing.tokenBalanceSlot(carol));
        vm.expectRevert(
            abi.encodeWithSelector(InsufficientLocked.selector, address(token), 500, 0x1234567890)
        );
        vm.prank(carol, carol);
        vault.exitERC20(address(token), carol, carol, p, account, balance, new bytes[](0));
    }

    function test_exitERC20_contract_needsHolderProof() public {
        Caller wallet = new Caller();
        depositToken(bob, 70);
        balanceOf(balances, address(wallet), 70);
        state.setAccount(address(wallet), 0, NO_STORAGE, address(wallet).codehash);
        prepareState();
        start();
        bytes[] memory account = state.proveAccount(l2Token);
        bytes[] memory balance = balances.proveSlot(Hashing.tokenBalanceSlot(address(wallet)));
        bytes[] memory holder = state.proveAccount(address(wallet));
        bytes[] memory others = state.proveAccount(alice);
        vm.startPrank(address(wallet), bob);
        vm.expectRevert(InvalidProof.selector);
        vault.exitERC20(address(token), address(wallet), carol, p, account, balance, new bytes[](0));
        vm.expectRevert(InvalidProof.selector);
        vault.exitERC20(address(token), address(wallet), carol, p, account, balance, others);
        vault.exitERC20(address(token), address(wallet), carol, p, account, balance, holder);
        vm.stopPrank();
        vm.assertEq(token.balanceOf(carol), 70);
    }

    function test_exitWETH_holder_isPaidInETH() public {
        prepareState();
        start();
        bytes[] memory account = state.proveAccount(Predeploys.WETH);
        bytes[] memory balance = weth.proveSlot(Hashing.tokenBalanceSlot(alice));
        vm.startPrank(alice, alice);
        vault.exitWETH(alice, carol, p, account, balance, new bytes[](0));
        vm.expectRevert(abi.encodeWithSelector(AlreadyExited.selector, Predeploys.WETH, alice));
        vault.exitWETH(alice, carol, p, account, balance, new bytes[](0));
        vm.stopPrank();
        vm.assertEq(carol.balance, 4 ether);
    }

    function test_exitFees_goToTheirRecipientOnce() public {
        prepareState();
        start();
        bytes[] memory account = state.proveAccount(Predeploys.SEQUENCER_FEE_VAULT);
        bytes[] memory slot = feeVault.proveSlot(0);
        uint256 before = bob.balance;
        vm.startPrank(carol, carol);
        vm.expectRevert(abi.encodeWithSelector(NotAFeeVault.selector, Predeploys.MESSAGE_PASSER));
        vault.exitFees(Predeploys.MESSAGE_PASSER, p, account, slot);
        vault.exitFees(Predeploys.SEQUENCER_FEE_VAULT, p, account, slot);
        vm.expectRevert(
            abi.encodeWithSelector(AlreadyExited.selector, address(0), Predeploys.SEQUENCER_FEE_VAULT)
        );
        vault.exitFees(Predeploys.SEQUENCER_FEE_VAULT, p, account, slot);
        vm.stopPrank();
        vm.assertEq(bob.balance - before, 5 ether);
    }

    // --- refunds ---

    function queued(Log[] memory logs, uint256 i) internal view returns (QueuedMessage memory) {
        Message memory m = messagesIn(logs)[i];
        return QueuedMessage(m.from, m.target, m.mint, m.value, m.gasLimit, m.data);
    }

    function test_refund_everyKindOfMessage_onceToItsSender() public {
        prepareState();
        Caller caller = new Caller();
        vm.deal(address(caller), 1 ether);
        vm.recordLogs();
        deposit(alice, 7 ether);
        depositToken(alice, 40);
        vm.deal(bob, 2 ether);
        vm.prank(bob, bob);
        queue.send{value: 2 ether}(carol, 1 ether, 100_000, "");
        vm.prank(address(caller), bob);
        queue.send{value: 1 ether}(carol, 0, 100_000, "");
        Log[] memory logs = vm.getRecordedLogs();
        start();

        uint64 index = 3;
        for (uint256 i; i < 4; ++i) {
            QueuedMessage memory m = queued(logs, i);
            address owner = i < 2 ? alice : i == 2 ? bob : address(caller);
            vm.expectRevert(
                abi.encodeWithSelector(
                    NotTheHolder.selector, i < 2 ? alice : i == 2 ? bob : m.from, sequencer
                )
            );
            vm.prank(sequencer, sequencer);
            vault.refund(index, m, sequencer);
            vm.prank(owner, i == 3 ? bob : owner);
            vault.refund(index, m, carol);
            vm.assertTrue(vault.isRefunded(index));
            vm.expectRevert(abi.encodeWithSelector(AlreadyRefunded.selector, index));
            vm.prank(owner, i == 3 ? bob : owner);
            vault.refund(index, m, carol);
            ++index;
        }
        vm.assertEq(carol.balance, 10 ether);
        vm.assertEq(token.balanceOf(carol), 40);
    }

    function test_refund_consumedOrForged_reverts() public {
        vm.recordLogs();
        deposit(alice, 7 ether);
        QueuedMessage memory m = queued(vm.getRecordedLogs(), 0);
        prepareState();
        vm.recordLogs();
        deposit(alice, 3 ether);
        QueuedMessage memory later = queued(vm.getRecordedLogs(), 0);
        start();
        vm.startPrank(alice, alice);
        vm.expectRevert(abi.encodeWithSelector(MessageConsumed.selector, 0));
        vault.refund(0, m, alice);
        vm.expectRevert(abi.encodeWithSelector(UnexpectedMessage.selector, 4));
        vault.refund(4, m, alice);
        later.mint = 4 ether;
        vm.expectRevert(abi.encodeWithSelector(UnexpectedMessage.selector, 4));
        vault.refund(4, later, alice);
        vm.expectRevert(abi.encodeWithSelector(UnknownMessage.selector, 5));
        vault.refund(5, later, alice);
        vm.stopPrank();
    }

    function test_refund_nothing_reverts() public {
        prepareState();
        vm.recordLogs();
        vm.prank(alice, alice);
        queue.send(bob, 0, 100_000, "");
        QueuedMessage memory m = queued(vm.getRecordedLogs(), 0);
        start();
        vm.expectRevert(ZeroAmount.selector);
        vm.prank(alice, alice);
        vault.refund(3, m, alice);
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
