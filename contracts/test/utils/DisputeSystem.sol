// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {BatchHeader, Challenge, Claim, Commitment, Dispute, Move} from "../../src/libraries/Types.sol";
import {Histories} from "./Histories.sol";
import {System} from "./System.sol";
import {ToyMachine} from "./ToyMachine.sol";

/// @notice Claims, challenges and the moves of disputes about a chain whose truth is known: the output root of block
/// `n` is `truth(n)`, and the machine exits with 0 on those statements that say so.
abstract contract DisputeSystem is System {
    using Histories for bytes32[];

    /// @dev A dispute, and what only its players know: all nodes of both histories of the present stage.
    struct Play {
        uint64 id;
        uint64 claimId;
        bytes32[] challenger;
        bytes32[] defender;
    }

    address internal challenger = user("challenger");
    address internal defender = user("defender");
    address internal carol = user("carol");
    ToyMachine internal machine;

    /// @dev Batches of 1, 4, 295 and 1000 blocks.
    function setUp() public virtual override {
        super.setUp();
        setUpMachine();
        appendBlocks(1);
        appendBlocks(4);
        appendBlocks(295);
        appendBlocks(1000);
        vm.deal(challenger, 1000 ether);
        vm.deal(defender, 1000 ether);
        vm.deal(carol, 1000 ether);
    }

    // --- the machine ---

    function deployStepper() internal virtual override returns (address) {
        return address(new ToyMachine());
    }

    function startState() internal view virtual override returns (bytes32) {
        return keccak256(new bytes(305));
    }

    function setUpMachine() internal virtual {
        machine = ToyMachine(disputes.stepper());
        machine.setOracle(address(oracle));
    }

    /// @dev Runs the machine on a statement.
    /// @param end Steps after which it stops, where that can be chosen.
    function run(bytes32 statement, bytes memory, bool holds, uint64 end) internal virtual {
        // What does not hold ends in a refusal or in a panic.
        uint8 status = holds || end % 3 != 0 ? 1 : 2;
        machine.set(statement, ToyMachine.Run(end, status, status == 1 && !holds ? 1 : 0));
    }

    function stateAt(bytes32 statement, uint64 steps) internal view virtual returns (bytes memory) {
        return machine.stateAt(statement, steps);
    }

    /// @dev Hashes of 4096 states, `width` steps apart.
    function statesFrom(bytes32 statement, uint64 first, uint64 width)
        internal
        view
        virtual
        returns (bytes32[] memory)
    {
        return machine.history(statement, first, width);
    }

    /// @dev What the step that follows has to be given besides the state.
    function witnessAt(bytes32 statement, uint64 steps)
        internal
        view
        virtual
        returns (bytes memory code, bytes memory mem)
    {
        if (machine.stateAt(statement, steps)[48] == 0) return ("code", "mem");
    }

    function appendBlocks(uint64 blocks) internal {
        vm.roll(block.number + 1);
        BatchHeader memory header = nextHeader("batch");
        header.lastBlock = header.firstBlock + blocks - 1;
        append(header, "batch");
    }

    // --- truth ---

    function truth(uint256 blockNumber) internal pure virtual returns (bytes32) {
        return blockNumber == 0 ? GENESIS_OUTPUT : keccak256(abi.encode("block", blockNumber));
    }

    /// @dev The true outputs of the blocks that a claim on this parent up to this batch covers.
    function outputs(uint64 parentId, uint64 lastBatch) internal view returns (bytes32[] memory leaves) {
        uint64 before = inbox.batchLastBlock(settlement.claim(parentId).lastBatch);
        leaves = new bytes32[](inbox.batchLastBlock(lastBatch) - before);
        for (uint256 i; i < leaves.length; ++i) {
            leaves[i] = truth(before + 1 + i);
        }
    }

    /// @dev Has the machine find, after `end` steps, that the statement about this block holds, or that it does not.
    function judge(uint64 blockNumber, bytes32 parentOutput, bytes32 output, uint64 end)
        internal
        returns (bytes32 statement)
    {
        bytes32 hash = inbox.batchHash(batchOf(blockNumber));
        bytes memory preimage = abi.encode(parentOutput, output, hash, blockNumber, CONFIG_HASH);
        statement = keccak256(preimage);
        run(statement, preimage, parentOutput == truth(blockNumber - 1) && output == truth(blockNumber), end);
    }

    function batchOf(uint64 blockNumber) internal view returns (uint64 batch) {
        uint64 count = inbox.batchCount();
        while (batch < count && inbox.batchLastBlock(batch) < blockNumber) ++batch;
        // Past the end there is none.
        if (batch == count) return 0;
    }

    // --- claims and challenges ---

    function proposeLeaves(uint64 parentId, uint64 lastBatch, bytes32[] memory leaves)
        internal
        returns (uint64 id, bytes32[] memory nodes)
    {
        uint64 before = inbox.batchLastBlock(settlement.claim(parentId).lastBatch);
        uint256 lastLeaf = inbox.batchLastBlock(lastBatch) - before - 1;
        nodes = Histories.build(leaves);
        id = proposeHistory(parentId, lastBatch, nodes.root(), nodes.leaf(lastLeaf), nodes.proof(lastLeaf));
    }

    function proposeTruth(uint64 parentId, uint64 lastBatch) internal returns (uint64, bytes32[] memory) {
        return proposeLeaves(parentId, lastBatch, outputs(parentId, lastBatch));
    }

    /// @dev A claim that is wrong from block `first + index` on.
    function proposeLie(uint64 parentId, uint64 lastBatch, uint256 index)
        internal
        returns (uint64, bytes32[] memory)
    {
        return proposeLeaves(parentId, lastBatch, lieFrom(outputs(parentId, lastBatch), index));
    }

    function lieFrom(bytes32[] memory leaves, uint256 index) internal pure returns (bytes32[] memory) {
        for (uint256 i = index; i < leaves.length; ++i) {
            leaves[i] = keccak256(abi.encode("lie", leaves[i]));
        }
        return leaves;
    }

    function challenge(uint64 claimId, bytes32 outputsRoot) internal returns (uint64) {
        return challengeFrom(challenger, claimId, outputsRoot);
    }

    function challengeFrom(address sender, uint64 claimId, bytes32 outputsRoot) internal returns (uint64) {
        bytes32 claimHash = settlement.claimHash(claimId);
        vm.prank(sender);
        return disputes.challenge{value: DISPUTE_BOND}(claimId, claimHash, outputsRoot);
    }

    function defend(uint64 challengeId, bytes32[] memory claimNodes) internal returns (uint64) {
        return defendFrom(defender, challengeId, claimNodes);
    }

    function defendFrom(address sender, uint64 challengeId, bytes32[] memory claimNodes)
        internal
        returns (uint64)
    {
        bytes32 claimHash = settlement.claimHash(disputes.challengeOf(challengeId).claimId);
        vm.prank(sender);
        return disputes.defend{value: DISPUTE_BOND}(challengeId, claimHash, claimNodes.opened(1));
    }

    /// @dev A challenge and a defence against it.
    function start(uint64 claimId, bytes32[] memory challengerNodes, bytes32[] memory claimNodes)
        internal
        returns (Play memory p)
    {
        uint64 challengeId = challenge(claimId, challengerNodes.root());
        return Play(defend(challengeId, claimNodes), claimId, challengerNodes, claimNodes);
    }

    // --- moves ---

    function disputeOf(Play memory p) internal view returns (Dispute memory) {
        return disputes.disputeOf(p.id);
    }

    function assertNext(Play memory p, Move next) internal view {
        vm.assertEq(uint256(disputeOf(p).next), uint256(next));
    }

    /// @dev Where the sides stand within the histories of the stage.
    function nodeOf(Dispute memory d) internal pure returns (uint256) {
        if (d.next == Move.ChallengerDescends) return 1;
        if (d.next == Move.DefenderDescends) return 16 | d.position & 15;
        if (d.next == Move.ChallengerReachesLeaf) return 256 | d.position & 255;
        return 4096 | d.position & 4095;
    }

    function firstDifference(bytes32[16] memory a, bytes32[16] memory b) internal pure returns (uint256 i) {
        while (i < 16 && a[i] == b[i]) ++i;
    }

    /// @dev Arguments of `descend` as the histories have them.
    function descent(Play memory p)
        internal
        view
        returns (bytes32[16] memory theirs, bytes32[16] memory ours, bytes32[16] memory next)
    {
        Dispute memory d = disputeOf(p);
        bool byDefender = d.next == Move.DefenderDescends;
        (bytes32[] memory own, bytes32[] memory other) =
            byDefender ? (p.defender, p.challenger) : (p.challenger, p.defender);
        uint256 node = nodeOf(d);
        (theirs, ours) = (other.opened(node), own.opened(node));
        uint256 child = 16 * node + firstDifference(theirs, ours);
        if (child < 512) next = own.opened(child);
    }

    function descend(Play memory p) internal {
        (bytes32[16] memory theirs, bytes32[16] memory ours, bytes32[16] memory next) = descent(p);
        disputes.descend(p.id, theirs, ours, next);
    }

    /// @dev Arguments of `descendToLeaf`.
    struct LastDescent {
        bytes32[16] theirs;
        bytes32[16] ours;
        bytes32 agreed;
        bytes32[12] agreedProof;
        uint64 batch;
    }

    function lastDescent(Play memory p) internal view returns (LastDescent memory l) {
        Dispute memory d = disputeOf(p);
        uint256 node = 256 | d.position & 255;
        (l.theirs, l.ours) = (p.defender.opened(node), p.challenger.opened(node));
        uint256 leaf = 16 * node + firstDifference(l.theirs, l.ours) - 4096;
        if (leaf != 0) {
            l.agreed = p.challenger.leaf(leaf - 1);
            l.agreedProof = p.challenger.proof(leaf - 1);
        } else {
            l.agreed = d.stage == 0 ? startOf(p.claimId) : d.agreed;
        }
        (uint64 first, uint64 lastBlock) = settlement.blocksOf(p.claimId);
        if (d.stage == 0 && first + leaf <= lastBlock) l.batch = batchOf(uint64(first + leaf));
    }

    function startOf(uint64 claimId) internal view returns (bytes32) {
        return settlement.claim(settlement.claim(claimId).parentId).outputRoot;
    }

    function descendToLeaf(Play memory p) internal {
        descendToLeaf(p, lastDescent(p));
    }

    function descendToLeaf(Play memory p, LastDescent memory l) internal {
        disputes.descendToLeaf(p.id, l.theirs, l.ours, l.agreed, l.agreedProof, l.batch);
    }

    /// @dev Down to the leaf of the present stage.
    function descendStage(Play memory p) internal {
        descend(p);
        descend(p);
        descendToLeaf(p);
    }

    function commitment(Play memory p, bytes32[] memory nodes, bytes memory state)
        internal
        view
        returns (Commitment memory)
    {
        Dispute memory d = disputeOf(p);
        return Commitment(d.statement, d.position, nodes.root(), state, nodes.proof(4095));
    }

    function commit(Play memory p, bytes32[] memory nodes, bytes memory state) internal {
        Commitment memory c = commitment(p, nodes, state);
        address owner = disputes.challengeOf(disputeOf(p).challengeId).challenger;
        vm.prank(owner);
        disputes.commit(p.id, c);
        p.challenger = nodes;
    }

    function commitAndOpen(Play memory p, bytes32[] memory nodes, bytes memory state) internal {
        Commitment memory c = commitment(p, nodes, state);
        address owner = disputeOf(p).defender;
        vm.prank(owner);
        disputes.commitAndOpen(p.id, c, nodes.opened(1));
        p.defender = nodes;
    }

    // --- what an honest side knows ---

    /// @dev Steps before the start of the stage after the present one, and between its leaves.
    function nextStage(Dispute memory d) internal pure returns (uint64 first, uint64 width) {
        width = uint64(1 << 24 >> 12 * d.stage);
        uint256 path = d.position & (uint64(1) << 12 * d.stage) - 1;
        if (d.stage != 0) first = uint64(path) * width * 4096;
    }

    /// @dev The true history of the stage that is to be committed to.
    function trueHistory(Play memory p) internal view returns (bytes32[] memory) {
        Dispute memory d = disputeOf(p);
        (uint64 first, uint64 width) = nextStage(d);
        return Histories.build(statesFrom(d.statement, first, width));
    }

    /// @dev The state in the last leaf of the true history of strides.
    function finalState(Play memory p) internal view returns (bytes memory) {
        return stateAt(disputeOf(p).statement, 1 << 36);
    }

    /// @dev Steps before the one that the two sides part at, in the last stage.
    function stepsBefore(Play memory p) internal view returns (uint64) {
        return disputeOf(p).position & (1 << 36) - 1;
    }

    /// @dev The state that both sides agree on in the last stage.
    function agreedState(Play memory p) internal view returns (bytes memory) {
        return stateAt(disputeOf(p).statement, stepsBefore(p));
    }

    /// @dev The call that executes the step.
    function proveCall(Play memory p) internal view returns (bytes memory) {
        (bytes memory code, bytes memory mem) = witnessAt(disputeOf(p).statement, stepsBefore(p));
        return abi.encodeCall(disputes.prove, (p.id, agreedState(p), code, mem));
    }

    function prove(Play memory p) internal {
        (bytes memory code, bytes memory mem) = witnessAt(disputeOf(p).statement, stepsBefore(p));
        disputes.prove(p.id, agreedState(p), code, mem);
    }

    // --- what a liar may say ---

    /// @dev A history that is not the true one from some leaf on, which ends in `lastLeaf`.
    /// @param how 0 to 2: every leaf from `from` on, that one and the last, or about every other leaf.
    function falseHistory(bytes32[] memory leaves, uint256 from, uint256 how, bytes32 lastLeaf)
        internal
        pure
        returns (bytes32[] memory)
    {
        for (uint256 i = from; i < 4096; ++i) {
            bytes32 other = keccak256(abi.encode("false", leaves[i]));
            if (i == from || how % 3 == 0 || (how % 3 == 2 && uint256(other) % 2 == 0)) leaves[i] = other;
        }
        leaves[4095] = lastLeaf;
        return Histories.build(leaves);
    }

    function falseHistory(Play memory p, uint256 from, uint256 how, bytes32 lastLeaf)
        internal
        view
        returns (bytes32[] memory)
    {
        Dispute memory d = disputeOf(p);
        (uint64 first, uint64 width) = nextStage(d);
        return falseHistory(statesFrom(d.statement, first, width), from, how, lastLeaf);
    }

    /// @dev A state that the machine never ends in.
    function falseState(uint8 status, uint64 exitCode) internal pure returns (bytes memory) {
        return
            abi.encodePacked(
                keccak256("false memory"), uint64(8), uint64(99), status, exitCode, new bytes(248)
            );
    }
}
