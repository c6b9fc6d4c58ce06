// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {RiscvStep} from "../../src/L1/RiscvStep.sol";
import "../../src/libraries/Errors.sol";
import {DisputeStatus, Move} from "../../src/libraries/Types.sol";
import {DisputeSystem} from "./DisputeSystem.sol";
import {Histories} from "./Histories.sol";
import {Hart, RiscvModel} from "./RiscvModel.sol";
import {SparseTree} from "./SparseTree.sol";

/// @notice Disputes that are decided by the real step of a real program: it reads the statement, by its hash the
/// outputs in it, and finds that a block follows if the first eight bytes of its output are its parent's plus one.
abstract contract RiscvDisputeSystem is DisputeSystem {
    using Histories for bytes32[];

    uint64 internal constant ENTRY = 0x4018;

    SparseTree internal code;
    SparseTree internal memory_;
    uint32[] internal program;
    /// @dev The run of the last statement that was judged: a state and its proof for every step.
    bytes[] internal states;
    bytes[] internal codes;
    bytes[] internal mems;
    bytes internal preimage;

    function setUp() public virtual override {
        assemble();
        code = new SparseTree(19);
        for (uint256 i; i < program.length; ++i) {
            uint256 at_ = ENTRY + 4 * i;
            uint256 leaf = uint256(code.node(0, at_ / 32));
            uint256 w = program[i];
            uint256 swapped = (w & 0xff) << 24 | (w >> 8 & 0xff) << 16 | (w >> 16 & 0xff) << 8 | w >> 24;
            code.set(at_ / 32, bytes32(leaf | swapped << 224 - 8 * (at_ % 32)));
        }
        super.setUp();
    }

    function assemble() internal {
        program.push(0x000028b7); // lui a7, 0x2
        program.push(0x00000713); // li a4, 0
        program.push(0x00000793); // li a5, 0
        program.push(0x00000073); // ecall: the statement's hash
        program.push(0x00050913); // mv s2, a0
        program.push(0x00058993); // mv s3, a1
        program.push(0x00060a13); // mv s4, a2
        program.push(0x00068a93); // mv s5, a3
        program.push(0x00100713); // li a4, 1
        program.push(0x00000793); // li a5, 0
        program.push(0x00000073); // ecall: the parent's output
        program.push(0x000102b7); // lui t0, 0x10
        program.push(0x00a2b423); // sd a0, 8(t0)
        program.push(0x00090513); // mv a0, s2
        program.push(0x00098593); // mv a1, s3
        program.push(0x000a0613); // mv a2, s4
        program.push(0x000a8693); // mv a3, s5
        program.push(0x00100713); // li a4, 1
        program.push(0x02000793); // li a5, 32
        program.push(0x00000073); // ecall: the output
        program.push(0x0082b303); // ld t1, 8(t0)
        program.push(0x00130313); // addi t1, t1, 1
        program.push(0x406503b3); // sub t2, a0, t1
        program.push(0x00703533); // snez a0, t2
        program.push(0x05d00893); // li a7, 93
        program.push(0x00000073); // ecall: exit
    }

    // --- the chain and its machine ---

    function swap(uint64 value) internal pure returns (uint64 swapped) {
        for (uint256 i; i < 8; ++i) {
            swapped = swapped << 8 | value >> 8 * i & 0xff;
        }
    }

    function truth(uint256 blockNumber) internal pure override returns (bytes32) {
        if (blockNumber == 0) return GENESIS_OUTPUT;
        uint64 counter = swap(uint64(bytes8(GENESIS_OUTPUT)));
        unchecked {
            counter += uint64(blockNumber);
        }
        bytes32 rest = keccak256(abi.encode("block", blockNumber)) >> 64;
        return bytes32(uint256(swap(counter)) << 192) | rest;
    }

    function deployStepper() internal override returns (address) {
        return address(new RiscvStep());
    }

    function codeRoot() internal view override returns (bytes32) {
        return code.root();
    }

    function startState() internal pure override returns (bytes32) {
        Hart memory hart;
        hart.pc = ENTRY;
        bytes32 zeros;
        for (uint256 i; i < 27; ++i) {
            zeros = Histories.parent(zeros, zeros);
        }
        return keccak256(pack(hart, zeros));
    }

    function pack(Hart memory hart, bytes32 root) internal pure returns (bytes memory state) {
        state = abi.encodePacked(root, hart.pc, hart.step, hart.status, hart.exitCode);
        for (uint256 i = 1; i < 32; ++i) {
            state = abi.encodePacked(state, hart.x[i]);
        }
    }

    function setUpMachine() internal override {}

    /// @dev By the model, not by the step that is to judge.
    function run(bytes32 statement, bytes memory preimage_, bool holds, uint64) internal override {
        preimage = preimage_;
        uint256 id = vm.snapshotState();
        oracle.loadKeccak(preimage_, 0);
        oracle.loadKeccak(preimage_, 32);
        (bytes[] memory s, bytes[] memory c, bytes[] memory m) = trace(statement);
        // What the model read is not loaded by that.
        vm.revertToState(id);
        preimage = preimage_;
        (states, codes, mems) = (s, c, m);
        bytes memory end = s[s.length - 1];
        vm.assertEq(uint256(uint8(end[48])), uint256(1));
        vm.assertEq(uint256(uint8(end[56])), holds ? 0 : 1);
    }

    function trace(bytes32 statement)
        internal
        returns (bytes[] memory s, bytes[] memory c, bytes[] memory m)
    {
        RiscvModel model = new RiscvModel(statement, address(oracle));
        memory_ = new SparseTree(27);
        uint256 length = program.length;
        (s, c, m) = (new bytes[](length + 1), new bytes[](length), new bytes[](length));
        Hart memory hart;
        hart.pc = ENTRY;
        for (uint256 i; i < length; ++i) {
            uint32 word = program[(hart.pc - ENTRY) / 4];
            s[i] = pack(hart, memory_.root());
            c[i] = code.prove(hart.pc / 32);
            uint256 touched = model.touches(hart, word);
            if (touched != 2 ** 64) {
                m[i] = memory_.prove(touched / 32);
                (hart.leafAddress, hart.leaf) = (touched, memory_.node(0, touched / 32));
            }
            hart = model.run(hart, word);
            if (touched != 2 ** 64) memory_.set(touched / 32, hart.leaf);
        }
        s[length] = pack(hart, memory_.root());
    }

    function stateAt(bytes32, uint64 steps) internal view override returns (bytes memory) {
        return states[steps < states.length ? steps : states.length - 1];
    }

    function statesFrom(bytes32, uint64 first, uint64 width)
        internal
        view
        override
        returns (bytes32[] memory leaves)
    {
        leaves = new bytes32[](4096);
        bytes32 end = keccak256(states[states.length - 1]);
        for (uint256 i; i < 4096; ++i) {
            uint256 steps = first + (i + 1) * width;
            leaves[i] = steps < states.length ? keccak256(states[steps]) : end;
        }
    }

    function witnessAt(bytes32, uint64 steps)
        internal
        view
        override
        returns (bytes memory c, bytes memory m)
    {
        if (steps < codes.length) return (codes[steps], mems[steps]);
    }

    // --- games ---

    function commitTruth(Play memory p) internal {
        bytes memory end = disputeOf(p).stage == 0 ? finalState(p) : bytes("");
        if (disputeOf(p).next == Move.ChallengerCommits) commit(p, trueHistory(p), end);
        else commitAndOpen(p, trueHistory(p), end);
    }

    /// @dev A history that parts from the truth with leaf `from`.
    function commitLie(Play memory p, uint256 from) internal {
        bool byChallenger = disputeOf(p).next == Move.ChallengerCommits;
        bytes memory end;
        bytes32 lastLeaf = byChallenger ? disputeOf(p).challengerNode : disputeOf(p).defenderNode;
        if (disputeOf(p).stage == 0) {
            end = falseState(1, byChallenger ? 1 : 0);
            lastLeaf = keccak256(end);
        }
        bytes32[] memory nodes = falseHistory(p, from, 0, lastLeaf);
        if (byChallenger) commit(p, nodes, end);
        else commitAndOpen(p, nodes, end);
    }

    /// @dev Up to the last commitments.
    function playToSteps(bool challengerIsHonest) internal returns (Play memory p) {
        bytes32[] memory honest = Histories.build(outputs(0, 3));
        (uint64 id, bytes32[] memory claimed) = challengerIsHonest ? proposeLie(0, 3, 40) : proposeTruth(0, 3);
        if (!challengerIsHonest) honest = Histories.build(lieFrom(outputs(0, 3), 40));
        p = start(id, honest, claimed);
        descendStage(p);
        vm.assertEq(disputeOf(p).statement, judge(41, truth(40), claimed.leaf(40), 0));
        for (uint256 stage = 1; stage < 3; ++stage) {
            for (uint256 side; side < 2; ++side) {
                if ((side == 0) == challengerIsHonest) commitTruth(p);
                else commitLie(p, 0);
            }
            descendStage(p);
        }
    }

    /// @dev The two sides part at step `step`, counted from 0.
    function playStep(Play memory p, bool challengerIsHonest, uint256 step) internal {
        for (uint256 side; side < 2; ++side) {
            if ((side == 0) == challengerIsHonest) commitTruth(p);
            else commitLie(p, step);
        }
        descendStage(p);
        vm.assertEq(stepsBefore(p), step);

        // What the program reads must be there first.
        if (step == 10 || step == 19) {
            bytes memory data = proveCall(p);
            uint64 offset = step == 10 ? 0 : 32;
            (, bytes memory reason) = address(disputes).call(data);
            vm.assertEq(
                reason, abi.encodeWithSelector(PartMissing.selector, 1, disputeOf(p).statement, offset)
            );
            oracle.loadKeccak(preimage, offset);
        }
        prove(p);
        DisputeStatus expected = challengerIsHonest ? DisputeStatus.DefenceLost : DisputeStatus.ChallengeLost;
        vm.assertEq(uint256(disputeOf(p).status), uint256(expected));
    }
}
