// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Clones} from "@openzeppelin/contracts/proxy/Clones.sol";

import {Endpoint} from "../src/bridge/Endpoint.sol";
import {SiblingPort} from "../src/bridge/SiblingPort.sol";
import {SiblingToken} from "../src/bridge/SiblingToken.sol";
import {SiblingVerifier} from "../src/bridge/SiblingVerifier.sol";
import {IMessenger} from "../src/interfaces/IMessenger.sol";
import {ITokenPort} from "../src/interfaces/ITokenPort.sol";
import "../src/dev/AwkwardTokens.sol";
import "../src/libraries/Errors.sol";
import {Hashing} from "../src/libraries/Hashing.sol";
import {MessageProof} from "../src/libraries/MessageProof.sol";
import {ClaimStatus, DeliveryState, Message as Mail, OutputRootProof} from "../src/libraries/Types.sol";
import {Siblings} from "./utils/Siblings.sol";
import {StateTrie} from "./utils/StateTrie.sol";

/// @notice Remembers who called it from where.
contract Listener {
    address public sender;
    uint256 public count;

    function hear() external payable {
        (sender, count) = (IMessenger(msg.sender).sender(), count + 1);
    }
}

/// @notice Runs an errand of its creator's before it has code.
contract Unborn {
    bool public success;
    bytes public why;

    constructor() {
        (address target, bytes memory call) = SiblingsTest(msg.sender).errandOf();
        (success, why) = target.call(call);
    }
}

/// @notice From one L2 to another by what L1 knows of both.
contract SiblingsTest is Siblings {
    /// @dev A deadline within a year.
    uint64 internal constant LATE = 1_800_000_000 + 360 days;

    Listener internal listener = new Listener();
    PlainToken internal token;

    /// @dev What an {Unborn} does.
    bytes private errand;

    function errandOf() external view returns (address, bytes memory) {
        return (address(portA), errand);
    }

    function setUp() public override {
        super.setUp();
        token = new PlainToken();
        give(address(token));
    }

    /// @dev Gives alice tokens, and the port of A leave to take them.
    function give(address token_) internal {
        PlainToken(token_).mint(alice, 1000);
        vm.prank(alice);
        (bool success,) =
            token_.call(abi.encodeWithSignature("approve(address,uint256)", address(portA), type(uint256).max));
        vm.assertTrue(success);
    }

    function hello() internal returns (Mail memory) {
        return sendTo(endA, address(listener), NEVER, abi.encodeCall(listener.hear, ()));
    }

    function assertRefused(Mail memory m, SiblingVerifier.Proof memory p, bytes4 why) internal {
        onChain(B);
        (bool success, bytes memory result) =
            address(endB).call(abi.encodeCall(endB.deliver, (m, abi.encode(p), address(0))));
        onChain(L1);
        vm.assertFalse(success);
        vm.assertEq(bytes32(bytes4(result)), bytes32(why));
        vm.assertEq(uint256(endB.delivery(idAt(endA, m))), 0);
    }

    // --- messages ---

    function test_message_arrives() public {
        Mail memory m = hello();
        bring(endA, m);
        vm.assertEq(listener.sender(), alice);
        m = sendTo(endB, address(listener), NEVER, abi.encodeCall(listener.hear, ()));
        bring(endB, m);
        vm.assertEq(listener.count(), 2);
        bytes memory proof = abi.encode(proofOf(endB, m));
        onChain(A);
        vm.expectRevert(abi.encodeWithSelector(AlreadyDelivered.selector, idAt(endB, m)));
        endA.deliver(m, proof, address(0));
    }

    function test_ETH_isRefused() public {
        vm.assertFalse(endA.carriesETH());
        vm.assertTrue(up.carriesETH());
        vm.assertTrue(down.carriesETH());
        onChain(A);
        vm.expectRevert(NoETHHere.selector);
        endA.send{value: 1}(bob, 0, NEVER, 0, "");
        vm.expectRevert(NoETHHere.selector);
        endA.send{value: 1}(bob, 0, NEVER, 1, "");
    }

    function test_constructor_zero_reverts() public {
        vm.expectRevert(ZeroAddress.selector);
        new SiblingVerifier(address(0), address(settlement));
        vm.expectRevert(ZeroAddress.selector);
        new SiblingVerifier(address(vault), address(0));
    }

    /// @dev Replay: to another chain, another end, and the way back.
    function test_otherLanes_refuse() public {
        Mail memory m = hello();
        bytes memory proof = abi.encode(proofOf(endA, m));
        onChain(A);
        vm.expectRevert(abi.encodeWithSelector(UnexpectedChain.selector, B, A));
        endA.deliver(m, proof, address(0));
        onChain(L2);
        vm.expectRevert(abi.encodeWithSelector(UnexpectedChain.selector, uint64(L1), A));
        down.deliver(m, proof, address(0));
        // A second lane between the same two chains.
        onChain(B);
        Endpoint second = new Endpoint(address(endA), A, address(light), address(1), address(0));
        vm.expectRevert(InvalidProof.selector);
        second.deliver(m, proof, address(0));
        onChain(L1);
    }

    // --- what a proof must show ---

    function test_claimNotFinal_isRefused() public {
        Mail memory m = hello();
        (MessageProof.Evidence memory e, bytes32 stateRoot) = slotEvidence(endA, m);
        OutputRootProof memory output = OutputRootProof(0, stateRoot, keccak256("passer"), keccak256("block"));
        uint64 parent = settlement.lastFinalClaim();
        uint64 claimId = propose(parent, appendNext().index, Hashing.outputRoot(output));
        assertRefused(m, proofBy(claimId, output, e), NotFinal.selector);
        vm.warp(block.timestamp + WINDOW);
        settlement.finalize(claimId);
        SiblingVerifier.Proof memory p = proofBy(claimId, output, e);
        bytes memory proof = abi.encode(p);
        onChain(B);
        endB.deliver(m, proof, address(0));
        vm.assertEq(listener.count(), 1);
    }

    /// @dev A false claim of the same content, rejected, or one that never was.
    function test_otherClaims_areRefused() public {
        Mail memory m = hello();
        SiblingVerifier.Proof memory p = proofOf(endA, m);
        uint64 right = p.claimId;
        p.claimId = right + 1;
        assertRefused(m, p, InvalidProof.selector);
        p.claimId = 0;
        assertRefused(m, p, InvalidProof.selector);
        // The status of one claim, the root of another.
        uint256 first = claimSlot(0);
        p = proofBy(right, p.output, p.evidence);
        SiblingVerifier.Proof memory genesis = proofBy(0, p.output, p.evidence);
        p.statusNodes = genesis.statusNodes;
        assertRefused(m, p, InvalidProof.selector);
        assertRefused(m, genesis, UnexpectedOutputRoot.selector);
        vm.assertEq(uint256(vm.load(address(settlement), bytes32(first + 3))), uint256(GENESIS_OUTPUT));
    }

    function test_otherRoot_isRefused() public {
        Mail memory m = hello();
        SiblingVerifier.Proof memory p = proofOf(endA, m);
        p.output.stateRoot = keccak256("state");
        assertRefused(m, p, UnexpectedOutputRoot.selector);
    }

    function test_blockThatIsNoAnchor_isRefused() public {
        Mail memory m = hello();
        SiblingVerifier.Proof memory p = proofOf(endA, m);
        ++p.anchor;
        assertRefused(m, p, UnknownBlock.selector);
        --p.anchor;
        p.header[p.header.length - 1] = 0x81;
        assertRefused(m, p, UnknownBlock.selector);
    }

    /// @dev Another contract's account for each that is read.
    function test_otherAccounts_areRefused() public {
        Mail memory m = hello();
        SiblingVerifier.Proof memory p = proofOf(endA, m);
        bytes[] memory vaultNodes = p.vaultNodes;
        p.vaultNodes = p.settlementNodes;
        assertRefused(m, p, InvalidProof.selector);
        p.vaultNodes = vaultNodes;
        p.settlementNodes = vaultNodes;
        assertRefused(m, p, InvalidProof.selector);
    }

    function test_anythingMissing_isRefused() public {
        Mail memory m = hello();
        SiblingVerifier.Proof memory p = proofOf(endA, m);
        bytes[] memory none = new bytes[](0);
        bytes[] memory kept = p.vaultNodes;
        p.vaultNodes = none;
        assertRefused(m, p, InvalidProof.selector);
        (p.vaultNodes, kept, p.exodusNodes) = (kept, p.exodusNodes, none);
        assertRefused(m, p, InvalidProof.selector);
        (p.exodusNodes, kept, p.settlementNodes) = (kept, p.settlementNodes, none);
        assertRefused(m, p, InvalidProof.selector);
        (p.settlementNodes, kept, p.statusNodes) = (kept, p.statusNodes, none);
        assertRefused(m, p, InvalidProof.selector);
        (p.statusNodes, kept, p.outputNodes) = (kept, p.outputNodes, none);
        assertRefused(m, p, InvalidProof.selector);
        p.outputNodes = kept;
        p.evidence.slotNodes = none;
        assertRefused(m, p, InvalidProof.selector);
    }

    function test_messageThatWasNotSent_isRefused() public {
        Mail memory m = hello();
        SiblingVerifier.Proof memory p = proofOf(endA, m);
        m.sender = bob;
        assertRefused(m, p, InvalidProof.selector);
        m.sender = alice;
        ++m.gasLimit;
        assertRefused(m, p, InvalidProof.selector);
        // Nor is anything paid, whatever the other chain says.
        m.value = 1;
        assertRefused(m, p, NoETHHere.selector);
        (m.value, m.relayFee) = (0, 1);
        assertRefused(m, p, NoETHHere.selector);
    }

    // --- exodus of the other ---

    /// @dev What became final after the exodus is worth nothing on L1: whoever sends it has left there already.
    function test_exodus_laterClaims_areRefused() public {
        bytes32 before = keccak256("state");
        finalState(before, keccak256("block"));
        Mail memory m = hello();
        (MessageProof.Evidence memory e, bytes32 stateRoot) = slotEvidence(endA, m);
        OutputRootProof memory output = OutputRootProof(0, stateRoot, keccak256("passer"), keccak256("block"));
        uint64 claimId = propose(settlement.lastFinalClaim(), appendNext().index, Hashing.outputRoot(output));
        vm.warp(vault.exodusOpensAt() + 1);
        vault.startExodus();
        settlement.finalize(claimId);
        vm.assertTrue(settlement.isFinal(claimId));
        assertRefused(m, proofBy(claimId, output, e), UnexpectedOutputRoot.selector);
    }

    /// @dev What the exodus' root has is delivered, whatever claim a proof names.
    function test_exodus_itsOwnRoot_isTaken() public {
        Mail memory m = hello();
        SiblingVerifier.Proof memory p = proofOf(endA, m);
        vm.warp(vault.exodusOpensAt() + 1);
        vault.startExodus();
        p = proofBy(p.claimId, p.output, p.evidence);
        bytes[] memory kept = p.rootNodes;
        p.rootNodes = new bytes[](0);
        assertRefused(m, p, InvalidProof.selector);
        p.rootNodes = kept;
        bytes memory proof = abi.encode(p);
        onChain(B);
        endB.deliver(m, proof, address(0));
        vm.assertEq(listener.count(), 1);
    }

    // --- tokens ---

    function cross(SiblingPort from, address token_, address to, uint256 amount, uint64 deadline, address sender)
        internal
        returns (Mail memory)
    {
        onChain(from == portA ? A : B);
        vm.recordLogs();
        vm.prank(sender);
        from.send(token_, to, amount, 0, deadline);
        onChain(L1);
        return lastSent();
    }

    function counterpart(address token_) internal view returns (SiblingToken) {
        return SiblingToken(portB.tokenAddress(token_));
    }

    function assertTokens(address token_, uint256 onTheWay) internal view {
        SiblingToken there = counterpart(token_);
        uint256 supply = address(there).code.length == 0 ? 0 : there.totalSupply();
        vm.assertEq(portA.locked(token_), supply + onTheWay);
    }

    function toBob(address token_, uint256 amount) internal {
        bring(endA, cross(portA, token_, bob, amount, LATE, alice));
    }

    function test_token_thereAndBack() public {
        toBob(address(token), 100);
        SiblingToken there = counterpart(address(token));
        vm.assertEq(there.balanceOf(bob), 100);
        vm.assertEq(there.name(), "Plain Token of 42424");
        vm.assertEq(there.symbol(), "PLAIN.42424");
        vm.assertEq(uint256(there.decimals()), 6);
        vm.assertEq(there.home(), address(token));
        toBob(address(token), 100);
        assertTokens(address(token), 0);
        Mail memory m = cross(portB, address(there), alice, 150, LATE, bob);
        assertTokens(address(token), 150);
        bring(endB, m);
        vm.assertEq(token.balanceOf(alice), 950);
        assertTokens(address(token), 0);
    }

    /// @dev One and the same address is another token on each chain.
    function test_tokensOfBothChains_areApart() public {
        toBob(address(token), 100);
        vm.prank(alice);
        token.approve(address(portB), 100);
        bring(endB, cross(portB, address(token), bob, 50, LATE, alice));
        vm.assertEq(SiblingToken(portA.tokenAddress(address(token))).balanceOf(bob), 50);
        vm.assertEq(portA.locked(address(token)), 100);
        vm.assertEq(portB.locked(address(token)), 50);
        // What came from there goes back there, and no further.
        SiblingToken fromA = counterpart(address(token));
        bring(endB, cross(portB, address(fromA), bob, 100, LATE, bob));
        vm.assertEq(token.balanceOf(bob), 100);
        vm.assertEq(portB.locked(address(fromA)), 0);
    }

    function test_strangers_areRefused() public {
        toBob(address(token), 100);
        SiblingToken there = counterpart(address(token));
        bytes memory refused = abi.encodeWithSelector(Unauthorized.selector, alice);
        vm.startPrank(alice);
        vm.expectRevert(refused);
        there.mint(alice, 1);
        vm.expectRevert(refused);
        there.burn(bob, 1);
        vm.expectRevert(refused);
        there.initialize(address(1), "", "", 0);
        vm.expectRevert(refused);
        portB.mint(address(token), alice, alice, 1, "", "", 0);
        vm.expectRevert(refused);
        portA.release(address(token), alice, alice, 1);
        vm.stopPrank();
        vm.startPrank(address(portB));
        vm.expectRevert(AlreadyInitialized.selector);
        there.initialize(address(1), "", "", 0);
        SiblingToken code = SiblingToken(portB.tokenCode());
        vm.expectRevert(AlreadyInitialized.selector);
        code.initialize(address(1), "", "", 0);
        SiblingToken fresh = SiblingToken(Clones.clone(address(code)));
        vm.expectRevert(ZeroAddress.selector);
        fresh.initialize(address(0), "", "", 0);
        vm.stopPrank();
        // A message of her own that says what the port's would.
        bytes memory minting =
            abi.encodeCall(ITokenPort.mint, (address(token), alice, alice, 100, "", "", uint8(0)));
        Mail memory m = sendTo(endA, address(portB), LATE, minting);
        bring(endA, m);
        vm.assertEq(uint256(endB.delivery(idAt(endA, m))), uint256(DeliveryState.Failed));
        vm.assertEq(there.balanceOf(alice), 0);
    }

    /// @dev More than is kept of it cannot be released, whatever the other chain says.
    function test_release_ofMoreThanIsLocked_fails() public {
        toBob(address(token), 100);
        token.mint(address(portA), 1000);
        // As if the other chain were broken.
        SiblingToken there = counterpart(address(token));
        vm.prank(address(portB));
        there.mint(bob, 50);
        Mail memory m = cross(portB, address(there), bob, 150, LATE, bob);
        bring(endB, m);
        vm.assertEq(uint256(endA.delivery(idAt(endB, m))), uint256(DeliveryState.Failed));
    }

    function test_awkwardTokens() public {
        FeeToken fee = new FeeToken();
        give(address(fee));
        toBob(address(fee), 100);
        vm.assertEq(counterpart(address(fee)).balanceOf(bob), 99);
        NoReturnToken silent = new NoReturnToken();
        give(address(silent));
        toBob(address(silent), 100);
        bring(endB, cross(portB, address(counterpart(address(silent))), bob, 100, LATE, bob));
        vm.assertEq(silent.balanceOf(bob), 100);
        HookToken hooked = new HookToken();
        give(address(hooked));
        hooked.setHook(address(portA), abi.encodeCall(portA.send, (address(hooked), bob, 1, 0, LATE)));
        toBob(address(hooked), 100);
        vm.assertFalse(hooked.hookSucceeded());
        HugeNameToken huge = new HugeNameToken();
        give(address(huge));
        toBob(address(huge), 100);
        vm.assertEq(bytes(counterpart(address(huge)).symbol()).length, 64 + 6);
    }

    /// @dev Tokens that never arrived, and such as could not be paid out, go back; of the rest nothing is paid twice.
    function test_givenUp_comesBack() public {
        Mail memory m = cross(portA, address(token), bob, 100, uint64(block.timestamp + 1), alice);
        vm.warp(block.timestamp + 2);
        onChain(B);
        vm.recordLogs();
        endB.expire(m);
        Mail memory back = lastSent();
        onChain(A);
        vm.expectRevert(abi.encodeWithSelector(NotRefunded.selector, idAt(endA, m)));
        portA.takeBack(m, alice);
        bring(endB, back);
        onChain(A);
        vm.expectRevert(abi.encodeWithSelector(AlreadyReclaimed.selector, idAt(endA, m)));
        portA.takeBack(m, alice);
        onChain(L1);
        vm.assertEq(token.balanceOf(alice), 1000);
        assertTokens(address(token), 0);

        BlacklistToken listed = new BlacklistToken();
        give(address(listed));
        toBob(address(listed), 100);
        listed.setBlocked(alice, true);
        SiblingToken there = counterpart(address(listed));
        m = cross(portB, address(there), alice, 100, uint64(block.timestamp + 30 days), bob);
        bring(endB, m);
        vm.assertEq(uint256(endA.delivery(idAt(endB, m))), uint256(DeliveryState.Failed));
        vm.warp(uint256(m.deadline) + 1 days + 1);
        onChain(A);
        vm.recordLogs();
        endA.expire(m);
        back = lastSent();
        onChain(L1);
        bring(endA, back);
        vm.assertEq(there.balanceOf(bob), 100);
        assertTokens(address(listed), 0);
    }

    // --- when the other one ends ---

    /// @dev The last state of B: what its Endpoint says of a message, and balances of a counterpart.
    function lastState(Mail memory m, address token_, address holder)
        internal
        returns (StateTrie state, StateTrie states, StateTrie balances)
    {
        bytes32 slot = Hashing.deliverySlot(idAt(endA, m));
        uint256 value = uint256(vm.load(address(endB), slot));
        states = filled();
        if (value != 0) states.setSlot(slot, value);
        states.setSlot(Hashing.accumulatorSlot(1), 7);
        bytes32 balance = Hashing.tokenBalanceSlot(holder);
        balances = filled();
        value = uint256(vm.load(address(counterpart(token_)), balance));
        if (value != 0) balances.setSlot(balance, value);
        state = new StateTrie();
        state.setAccount(address(endB), 0, states.build(), keccak256("code"));
        state.setAccount(address(counterpart(token_)), 0, balances.build(), keccak256("code"));
        state.setAccount(holder, 1, keccak256("storage"), keccak256("holder's code"));
        for (uint160 i = 1; i < 40; ++i) {
            state.setAccount(address(i), i, keccak256(abi.encode(i)), keccak256("other code"));
        }
        state.build();
    }

    function filled() private returns (StateTrie trie) {
        trie = new StateTrie();
        for (uint256 i; i < 20; ++i) {
            trie.setSlot(keccak256(abi.encode("slot", i)), uint256(keccak256(abi.encode(i))));
        }
    }

    /// @dev The other chain goes into exodus with this state, and A is told.
    function ends(StateTrie state) internal returns (bytes memory proof) {
        (uint64 claimId, OutputRootProof memory output) = finalState(state.root(), keccak256("block"));
        MessageProof.Evidence memory none;
        proof = abi.encode(proofBy(claimId, output, none));
        onChain(A);
        vm.expectRevert(NotInExodus.selector);
        endA.endPeer(proof);
        onChain(L1);
        vm.warp(vault.exodusOpensAt() + 1);
        vault.startExodus();
        proof = abi.encode(proofBy(claimId, output, none));
        onChain(A);
        endA.endPeer(proof);
        vm.assertEq(endA.peerLastState(), state.root());
    }

    function test_end_whatWasOnItsWay_comesBack() public {
        toBob(address(token), 50);
        Mail memory m = cross(portA, address(token), bob, 100, LATE, alice);
        (StateTrie state, StateTrie part,) = lastState(m, address(token), bob);
        bytes[] memory account = state.proveAccount(address(endB));
        bytes[] memory slot = part.proveSlot(Hashing.deliverySlot(idAt(endA, m)));
        OutputRootProof memory p;
        onChain(A);
        vm.expectRevert(NotInExodus.selector);
        endA.reclaim(m, p, account, slot);
        onChain(L1);
        ends(state);
        // Nothing goes there any more.
        vm.prank(alice);
        vm.expectRevert(InExodus.selector);
        portA.send(address(token), bob, 1, 0, LATE);
        vm.expectRevert(InvalidProof.selector);
        endA.reclaim(m, p, account, new bytes[](0));
        endA.reclaim(m, p, account, slot);
        vm.assertEq(token.balanceOf(alice), 950);
        vm.assertEq(portA.locked(address(token)), 50);
        vm.expectRevert(abi.encodeWithSelector(AlreadyReclaimed.selector, idAt(endA, m)));
        endA.reclaim(m, p, account, slot);
    }

    /// @dev It ended before a claim had what joins the two.
    function test_end_beforeTheJoin_comesBack() public {
        Mail memory m = cross(portA, address(token), bob, 100, LATE, alice);
        StateTrie state = new StateTrie();
        for (uint160 i = 1; i < 40; ++i) {
            state.setAccount(address(i), i, keccak256(abi.encode(i)), keccak256("other code"));
        }
        state.build();
        bytes[] memory absent = state.proveAccount(address(endB));
        bytes[] memory none = new bytes[](0);
        ends(state);
        OutputRootProof memory p;
        vm.expectRevert(InvalidProof.selector);
        endA.reclaim(m, p, none, none);
        endA.reclaim(m, p, absent, none);
        vm.assertEq(token.balanceOf(alice), 1000);
        vm.assertEq(portA.locked(address(token)), 0);
        // Nor can anybody leave a bond that nothing brings back.
        vm.expectRevert(InExodus.selector);
        endA.reserve{value: 0.001 ether}(keccak256("id"));
    }

    function test_end_whatArrived_doesNotComeBack() public {
        Mail memory m = cross(portA, address(token), bob, 100, LATE, alice);
        bring(endA, m);
        (StateTrie state, StateTrie part,) = lastState(m, address(token), bob);
        bytes[] memory slot = part.proveSlot(Hashing.deliverySlot(idAt(endA, m)));
        ends(state);
        OutputRootProof memory p;
        bytes[] memory account = state.proveAccount(address(endB));
        vm.expectRevert(abi.encodeWithSelector(AlreadyDelivered.selector, idAt(endA, m)));
        endA.reclaim(m, p, account, slot);
    }

    function test_end_holdersArePaid_once() public {
        Mail memory m = cross(portA, address(token), bob, 100, LATE, alice);
        bring(endA, m);
        (StateTrie state,, StateTrie part) = lastState(m, address(token), bob);
        bytes[] memory account = state.proveAccount(address(counterpart(address(token))));
        bytes[] memory slot = part.proveSlot(Hashing.tokenBalanceSlot(bob));
        bytes[] memory none = new bytes[](0);
        onChain(A);
        vm.prank(bob, bob);
        vm.expectRevert(NotInExodus.selector);
        portA.exit(address(token), bob, account, slot, none);
        onChain(L1);
        ends(state);
        // Somebody else's proof is of somebody else's balance.
        vm.prank(alice, alice);
        vm.expectRevert(InvalidProof.selector);
        portA.exit(address(token), alice, account, slot, none);
        vm.prank(bob, bob);
        vm.expectRevert(InvalidProof.selector);
        portA.exit(address(listener), bob, account, slot, none);
        vm.prank(bob, bob);
        vm.expectRevert(ZeroAddress.selector);
        portA.exit(address(token), address(0), account, slot, none);
        vm.prank(bob, bob);
        portA.exit(address(token), relayer, account, slot, none);
        vm.assertEq(token.balanceOf(relayer), 100);
        vm.assertEq(portA.locked(address(token)), 0);
        vm.prank(bob, bob);
        vm.expectRevert(abi.encodeWithSelector(AlreadyExited.selector, address(token), bob));
        portA.exit(address(token), bob, account, slot, none);
    }

    /// @dev A contract at the holder's address here may be another one than there.
    function test_end_contracts_needTheSameCode() public {
        Mail memory m = cross(portA, address(token), address(listener), 100, LATE, alice);
        bring(endA, m);
        (StateTrie state,, StateTrie part) = lastState(m, address(token), address(listener));
        state.setAccount(address(listener), 1, keccak256("storage"), keccak256("holder's code"));
        state.build();
        ends(state);
        bytes[] memory account = state.proveAccount(address(counterpart(address(token))));
        bytes[] memory slot = part.proveSlot(Hashing.tokenBalanceSlot(address(listener)));
        bytes[] memory holder = state.proveAccount(address(listener));
        vm.prank(address(listener));
        vm.expectRevert(
            abi.encodeWithSelector(
                OtherCode.selector, keccak256("holder's code"), address(listener).codehash
            )
        );
        portA.exit(address(token), alice, account, slot, holder);
    }

    /// @dev Who is being created has no code, as an address that had no code there: they are not the same for that.
    function test_end_contracts_underConstruction_areRefused() public {
        bytes32 code = keccak256(type(Unborn).creationCode);
        bytes32 made = keccak256(abi.encodePacked(hex"ff", address(this), bytes32(0), code));
        address unborn = address(uint160(uint256(made)));
        Mail memory m = cross(portA, address(token), unborn, 100, LATE, alice);
        bring(endA, m);
        (StateTrie state,, StateTrie part) = lastState(m, address(token), unborn);
        state.setAccount(unborn, 1, keccak256("storage"), keccak256(""));
        state.build();
        ends(state);
        bytes[] memory account = state.proveAccount(address(counterpart(address(token))));
        bytes[] memory slot = part.proveSlot(Hashing.tokenBalanceSlot(unborn));
        bytes[] memory holder = state.proveAccount(unborn);
        errand = abi.encodeCall(portA.exit, (address(token), alice, account, slot, holder));
        Unborn born = new Unborn{salt: 0}();
        vm.assertEq(address(born), unborn);
        vm.assertFalse(born.success());
        vm.assertEq(born.why(), abi.encodeWithSelector(OtherCode.selector, keccak256(""), keccak256("")));
    }

    /// @dev The last state is believed about who holds how much, but no more is paid than was locked.
    function test_end_holdersOfMoreThanIsLocked_areRefused() public {
        Mail memory m = cross(portA, address(token), bob, 100, LATE, alice);
        bring(endA, m);
        token.mint(address(portA), 1000);
        SiblingToken there = counterpart(address(token));
        vm.prank(address(portB));
        there.mint(bob, 50);
        (StateTrie state,, StateTrie part) = lastState(m, address(token), bob);
        ends(state);
        bytes[] memory account = state.proveAccount(address(there));
        bytes[] memory slot = part.proveSlot(Hashing.tokenBalanceSlot(bob));
        vm.prank(bob, bob);
        vm.expectRevert(abi.encodeWithSelector(InsufficientLocked.selector, address(token), 100, 150));
        portA.exit(address(token), bob, account, slot, new bytes[](0));
    }

    function test_end_contracts_withTheSameCode_arePaid() public {
        Mail memory m = cross(portA, address(token), address(listener), 100, LATE, alice);
        bring(endA, m);
        (StateTrie state,, StateTrie part) = lastState(m, address(token), address(listener));
        state.setAccount(address(listener), 1, keccak256("storage"), address(listener).codehash);
        state.build();
        ends(state);
        bytes[] memory account = state.proveAccount(address(counterpart(address(token))));
        bytes[] memory slot = part.proveSlot(Hashing.tokenBalanceSlot(address(listener)));
        bytes[] memory holder = state.proveAccount(address(listener));
        vm.prank(address(listener));
        portA.exit(address(token), alice, account, slot, holder);
        vm.assertEq(token.balanceOf(alice), 1000);
    }

    /// @dev What the other one sent arrives after its deadline, if its last state has it; nothing is given up any more.
    function test_end_deadlinesNoLongerCount() public {
        Mail memory m = sendTo(
            endB, address(listener), uint64(block.timestamp + 1), abi.encodeCall(listener.hear, ())
        );
        (MessageProof.Evidence memory e, bytes32 stateRoot) = slotEvidence(endB, m);
        (uint64 claimId, OutputRootProof memory output) = finalState(stateRoot, keccak256("block"));
        vm.warp(vault.exodusOpensAt() + 1);
        vault.startExodus();
        bytes memory proof = abi.encode(proofBy(claimId, output, e));
        onChain(A);
        vm.expectRevert(abi.encodeWithSelector(DeadlineOver.selector, m.deadline));
        endA.deliver(m, proof, address(0));
        endA.endPeer(proof);
        vm.expectRevert(InExodus.selector);
        endA.expire(m);
        endA.deliver(m, proof, address(0));
        vm.assertEq(listener.count(), 1);
    }

    /// @dev What was given up before anyone noticed, and whose refund never got there, is as it was.
    function test_end_whatWasGivenUp_isRevived() public {
        Mail memory m = sendTo(
            endB, address(listener), uint64(block.timestamp + 1), abi.encodeCall(listener.hear, ())
        );
        (MessageProof.Evidence memory e, bytes32 stateRoot) = slotEvidence(endB, m);
        (uint64 claimId, OutputRootProof memory output) = finalState(stateRoot, keccak256("block"));
        vm.warp(vault.exodusOpensAt() + 1);
        vault.startExodus();
        onChain(A);
        vm.recordLogs();
        endA.expire(m);
        Mail memory refund = lastSent();
        bytes memory proof = abi.encode(proofBy(claimId, output, e));
        endA.endPeer(proof);
        (StateTrie state, StateTrie part) = stateAt(endB, m.nonce);
        vm.assertEq(state.root(), stateRoot);
        endA.reclaim(
            refund,
            output,
            state.proveAccount(address(endB)),
            part.proveSlot(Hashing.deliverySlot(idAt(endA, refund)))
        );
        endA.deliver(m, proof, address(0));
        vm.assertEq(listener.count(), 1);
    }

    /// @dev Between L1 and L2 there is no such end: L1's exodus is known otherwise, and L2 outlives none.
    function test_end_ofLayers_isRefused() public {
        vm.expectRevert();
        up.endPeer("");
        vm.expectRevert();
        down.endPeer("");
    }
}
