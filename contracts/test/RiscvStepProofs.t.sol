// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import "../src/libraries/Errors.sol";
import {Hart} from "./utils/RiscvModel.sol";
import {RiscvSystem, Witness} from "./utils/RiscvSystem.sol";

/// @notice Whoever proves a step chooses every byte of the proof. There must be one that is accepted, and no other.
contract RiscvStepProofsTest is RiscvSystem {
    uint32 internal constant ADDI = 0x00150513; // addi a0, a0, 1
    uint32 internal constant LD = 0x0005b503; // ld a0, 0(a1)
    uint32 internal constant SD = 0x00a5b023; // sd a0, 0(a1)

    function hartAtLeaf() internal pure returns (Hart memory hart) {
        hart = newHart();
        hart.x[11] = 0x1_0008;
    }

    function reject(Witness memory w, bytes memory reason) internal {
        vm.expectRevert(reason);
        this.step(w);
    }

    /// @dev In a call of its own, so that its revert can be expected.
    function step(Witness calldata w) external view returns (bytes32) {
        return stepper.step(w.codeRoot, STATEMENT, address(oracle), w.state, w.code, w.mem);
    }

    function accepts(Witness memory w) internal view returns (bool accepted) {
        try this.step(w) returns (bytes32) {
            accepted = true;
        } catch {}
    }

    function resized(bytes memory data, uint256 length) internal pure returns (bytes memory other) {
        other = new bytes(length);
        for (uint256 i; i < length && i < data.length; ++i) {
            other[i] = data[i];
        }
    }

    function swapped(bytes memory data, uint256 i, uint256 k) internal pure returns (bytes memory other) {
        other = bytes.concat(data);
        for (uint256 b; b < 32; ++b) {
            (other[32 * i + b], other[32 * k + b]) = (data[32 * k + b], data[32 * i + b]);
        }
    }

    // --- lengths ---

    function test_step_stateOfAnotherLength_reverts() public {
        Witness memory w = witness(newHart(), ADDI);
        uint256[6] memory lengths = [uint256(0), 304, 306, 320, 337, 610];
        for (uint256 i; i < lengths.length; ++i) {
            w.state = resized(w.state, lengths[i]);
            reject(w, abi.encodeWithSelector(InvalidStateLength.selector, lengths[i]));
        }
    }

    function test_step_codeOfAnotherLength_reverts() public {
        Witness memory w = witness(newHart(), ADDI);
        bytes memory code = w.code;
        vm.assertEq(code.length, 640);
        uint256[9] memory lengths = [uint256(0), 1, 31, 32, 608, 639, 641, 672, 1280];
        for (uint256 i; i < lengths.length; ++i) {
            w.code = resized(code, lengths[i]);
            reject(w, abi.encodeWithSelector(InvalidCodeProofLength.selector, 640, lengths[i]));
        }
    }

    function test_step_memoryOfAnotherLength_reverts() public {
        uint32[2] memory words = [LD, SD];
        for (uint256 k; k < 2; ++k) {
            Witness memory w = witness(hartAtLeaf(), words[k]);
            bytes memory mem = w.mem;
            vm.assertEq(mem.length, 896);
            uint256[9] memory lengths = [uint256(0), 1, 31, 32, 864, 895, 897, 928, 1792];
            for (uint256 i; i < lengths.length; ++i) {
                w.mem = resized(mem, lengths[i]);
                reject(w, abi.encodeWithSelector(InvalidMemoryProofLength.selector, 896, lengths[i]));
            }
        }
    }

    /// @dev A shorter path that leads to the very root: the node beside the leaf's parent given as the leaf.
    function test_step_nodeAsLeaf_reverts() public {
        Witness memory w = witness(newHart(), ADDI);
        bytes32[] memory path = siblings("code", 19);
        bytes32 leaf = codeLeaf(ADDI, 0x1234);
        bytes32[] memory first = new bytes32[](1);
        first[0] = path[0];
        bytes memory shorter = abi.encodePacked(rootOf(leaf, newHart().pc / 32, first));
        for (uint256 i = 1; i < 19; ++i) {
            shorter = abi.encodePacked(shorter, path[i]);
        }
        w.code = shorter;
        reject(w, abi.encodeWithSelector(InvalidCodeProofLength.selector, 640, 608));
    }

    // --- what is not needed ---

    function test_step_memoryWhereNoneIsNeeded_reverts() public {
        bytes memory mem = abi.encodePacked(newHart().leaf, siblings("memory", 27));
        uint32[15] memory words = [
            ADDI,
            0x00b50533, // add a0, a0, a1
            0x02b54533, // div a0, a0, a1
            0x0015051b, // addiw a0, a0, 1
            0x00b5053b, // addw a0, a0, a1
            0x12345537, // lui a0, 0x12345
            0x12345517, // auipc a0, 0x12345
            0x0080056f, // jal a0, 8
            0x00008067, // jalr x0, 0(ra)
            0x00b50463, // beq a0, a1, 8
            0x0ff0000f, // fence
            0x00000073, // ecall
            0x00000000, // nothing
            0x0005f503, // a load of no size
            0x00a5f023 // a store of no size
        ];
        Hart memory hart = hartAtLeaf();
        hart.x[17] = 93;
        for (uint256 i; i < words.length; ++i) {
            Witness memory w = witness(hart, words[i]);
            w.mem = mem;
            reject(w, abi.encodeWithSelector(InvalidMemoryProofLength.selector, 0, 896));
            w.mem = new bytes(1);
            reject(w, abi.encodeWithSelector(InvalidMemoryProofLength.selector, 0, 1));
            w.mem = "";
            this.step(w);
        }
    }

    function test_step_memoryOfALoadThatPanics_reverts() public {
        bytes memory mem = abi.encodePacked(newHart().leaf, siblings("memory", 27));
        uint64[3] memory addresses = [uint64(0x1_0004), 1 << 32, MAX];
        uint32[2] memory words = [LD, SD];
        Hart memory hart = newHart();
        for (uint256 i; i < 6; ++i) {
            hart.x[11] = addresses[i / 2];
            Witness memory w = witness(hart, words[i % 2]);
            w.mem = mem;
            reject(w, abi.encodeWithSelector(InvalidMemoryProofLength.selector, 0, 896));
        }
    }

    function test_step_codeBeyondTheCode_reverts() public {
        Hart memory hart = hartAtLeaf();
        hart.pc = 1 << 24;
        Witness memory w = witness(hart, LD);
        vm.assertEq(w.code.length, 0);
        (w.code, w.mem) = (witness(newHart(), LD).code, "");
        reject(w, abi.encodeWithSelector(InvalidCodeProofLength.selector, 0, 640));
        w.code = new bytes(1);
        reject(w, abi.encodeWithSelector(InvalidCodeProofLength.selector, 0, 1));
        (w.code, w.mem) = ("", new bytes(896));
        reject(w, abi.encodeWithSelector(InvalidMemoryProofLength.selector, 0, 896));
    }

    /// @dev The last address of code, which has a leaf, and the first that has none.
    function test_step_lastInstruction_isProven() public view {
        Hart memory hart = newHart();
        hart.pc = (1 << 24) - 4;
        Hart memory next = copy(hart);
        next.pc = 1 << 24;
        next.x[10] += 1;
        checkStep(hart, ADDI, next, "last");
    }

    // --- machines that have stopped ---

    function test_step_stopped_changesNothing() public view {
        for (uint8 status = 1; status < 3; ++status) {
            Hart memory hart = hartAtLeaf();
            hart.status = status;
            for (uint64 code; code < 3 && (status == 1 || code == 0); ++code) {
                hart.exitCode = code == 2 ? MAX : code;
                Witness memory w = witness(hart, SD);
                vm.assertEq(execute(w), keccak256(w.state));
                // Whatever the roots are.
                w.codeRoot = 0;
                vm.assertEq(execute(w), keccak256(w.state));
                // However often.
                hart.step = MAX;
                vm.assertEq(execute(hart, SD), keccak256(pack(hart)));
            }
        }
    }

    function test_step_stoppedWithProofs_reverts() public {
        for (uint8 status = 1; status < 3; ++status) {
            Hart memory hart = hartAtLeaf();
            Witness memory running = witness(hart, LD);
            hart.status = status;
            Witness memory w = witness(hart, LD);
            w.code = running.code;
            reject(w, abi.encodeWithSelector(InvalidCodeProofLength.selector, 0, 640));
            (w.code, w.mem) = ("", running.mem);
            reject(w, abi.encodeWithSelector(InvalidMemoryProofLength.selector, 0, 896));
            w.mem = new bytes(1);
            reject(w, abi.encodeWithSelector(InvalidMemoryProofLength.selector, 0, 1));
        }
    }

    /// @dev From running to stopped and no further.
    function test_step_afterExitAndPanic_repeats() public view {
        Hart memory hart = newHart();
        (hart.x[17], hart.x[10]) = (93, 2);
        Hart memory next = copy(hart);
        (next.status, next.exitCode) = (1, 2);
        checkStep(hart, 0x73, next, "exit");
        vm.assertEq(execute(next, 0x73), hashOf(next));
        next = copy(hart);
        next.status = 2;
        checkStep(hart, 0x00100073, next, "ebreak");
        vm.assertEq(execute(next, ADDI), hashOf(next));
    }

    // --- states that are none ---

    function test_step_unknownStatus_reverts() public {
        for (uint256 status = 3; status < 256; ++status) {
            Hart memory hart = newHart();
            hart.status = uint8(status);
            Witness memory w = witness(hart, ADDI);
            reject(w, abi.encodeWithSelector(InvalidState.selector));
        }
    }

    function test_step_exitCodeWithoutExit_reverts() public {
        uint64[3] memory codes = [uint64(1), 1 << 56, MAX];
        for (uint256 i; i < codes.length; ++i) {
            Hart memory hart = newHart();
            hart.exitCode = codes[i];
            reject(witness(hart, ADDI), abi.encodeWithSelector(InvalidState.selector));
            hart.status = 2;
            reject(witness(hart, ADDI), abi.encodeWithSelector(InvalidState.selector));
            hart.status = 1;
            this.step(witness(hart, ADDI));
        }
    }

    function test_step_unalignedPc_reverts() public {
        for (uint8 status; status < 3; ++status) {
            for (uint64 pc = 1; pc < 16; ++pc) {
                Hart memory hart = newHart();
                (hart.pc, hart.status) = (0x1000 + pc, status);
                Witness memory w = witness(hart, ADDI);
                if (pc % 4 == 0) this.step(w);
                else reject(w, abi.encodeWithSelector(InvalidState.selector));
                // Nor beyond the code.
                hart.pc = MAX - pc;
                w = witness(hart, ADDI);
                if (pc % 4 == 3) this.step(w);
                else reject(w, abi.encodeWithSelector(InvalidState.selector));
            }
        }
    }

    /// @dev It is a count of 64 bits, which no machine of ours comes to the end of.
    function test_step_countOfSteps_wraps() public view {
        Hart memory hart = newHart();
        hart.step = MAX;
        Hart memory next = copy(hart);
        (next.step, next.pc, next.x[10]) = (0, hart.pc + 4, hart.x[10] + 1);
        vm.assertEq(execute(hart, ADDI), hashOf(next));
    }

    // --- roots ---

    function test_step_anotherCodeRoot_reverts() public {
        Witness memory w = witness(newHart(), ADDI);
        bytes32 right = w.codeRoot;
        w.codeRoot = bytes32(uint256(right) ^ 1);
        reject(w, abi.encodeWithSelector(UnexpectedCodeRoot.selector, w.codeRoot, right));
    }

    function test_step_anotherMemoryRoot_reverts() public {
        uint32[2] memory words = [LD, SD];
        for (uint256 i; i < 2; ++i) {
            Hart memory hart = hartAtLeaf();
            Witness memory w = witness(hart, words[i]);
            bytes32 right = rootOf(hart.leaf, hart.leafAddress / 32, siblings("memory", 27));
            bytes32 other = bytes32(uint256(right) ^ 1);
            w.state = pack(hart, other);
            reject(w, abi.encodeWithSelector(UnexpectedMemoryRoot.selector, other, right));
        }
    }

    /// @dev A proof of the right leaf for another address, of the same tree.
    function test_step_leafOfAnotherAddress_reverts() public view {
        Hart memory hart = hartAtLeaf();
        Witness memory w = witness(hart, LD);
        bytes memory mem = w.mem;
        hart.x[11] += 32;
        (hart.leafAddress, hart.leaf) = (0x1_0020, 0);
        w = witness(hart, LD);
        w.mem = mem;
        w.state = pack(hart, rootOf(newHart().leaf, newHart().leafAddress / 32, siblings("memory", 27)));
        vm.assertFalse(accepts(w));
        // And of the instruction.
        w = witness(newHart(), ADDI);
        hart = newHart();
        hart.pc += 32;
        w.state = pack(hart);
        vm.assertFalse(accepts(w));
    }

    /// @dev Code is not proven by memory, though the bytes are there too.
    function test_step_memoryAsCode_reverts() public {
        Hart memory hart = newHart();
        Witness memory w = witness(hart, ADDI);
        bytes32[] memory path = siblings("memory", 19);
        w.code = abi.encodePacked(codeLeaf(ADDI, hart.pc), path);
        bytes32 actual = rootOf(codeLeaf(ADDI, hart.pc), hart.pc / 32, path);
        reject(w, abi.encodeWithSelector(UnexpectedCodeRoot.selector, w.codeRoot, actual));
    }

    function test_step_swappedSiblings_revert() public view {
        Witness memory w = witness(hartAtLeaf(), SD);
        (bytes memory code, bytes memory mem) = (w.code, w.mem);
        for (uint256 i; i < 19; ++i) {
            w.code = swapped(code, i, i + 1);
            vm.assertFalse(accepts(w));
        }
        w.code = code;
        for (uint256 i; i < 27; ++i) {
            w.mem = swapped(mem, i, i + 1);
            vm.assertFalse(accepts(w));
        }
        w.mem = mem;
        vm.assertTrue(accepts(w), "as it was");
    }

    function testFuzz_step_anyByteOfAProofChanged_reverts(uint256 at_, uint8 flip, bool inCode) public view {
        if (flip == 0) return;
        Witness memory w = witness(hartAtLeaf(), flip % 2 == 0 ? LD : SD);
        bytes memory part = inCode ? w.code : w.mem;
        at_ %= part.length;
        part[at_] ^= bytes1(flip);
        vm.assertFalse(accepts(w));
        part[at_] ^= bytes1(flip);
        vm.assertTrue(accepts(w), "as it was");
    }

    /// @dev No two states lead to the same one: every byte of the state counts.
    function testFuzz_step_anyByteOfTheStateChanged_changesTheResult(uint256 at_, uint8 flip) public view {
        if (flip == 0) return;
        Hart memory hart = newHart();
        Witness memory w = witness(hart, 0x00000013);
        bytes32 result = this.step(w);
        at_ %= 305;
        w.state[at_] ^= bytes1(flip);
        if (!accepts(w)) return;
        vm.assertTrue(this.step(w) != result, "the same");
    }

    function testFuzz_step_randomProofs_revert(bytes32 seed) public view {
        Witness memory w = witness(hartAtLeaf(), LD);
        (bytes memory code, bytes memory mem) = (w.code, w.mem);
        w.code = "";
        while (w.code.length < 640) {
            seed = keccak256(abi.encode(seed));
            w.code = abi.encodePacked(w.code, seed);
        }
        vm.assertFalse(accepts(w));
        w.mem = "";
        while (w.mem.length < 896) {
            seed = keccak256(abi.encode(seed));
            w.mem = abi.encodePacked(w.mem, seed);
        }
        vm.assertFalse(accepts(w));
        w.code = code;
        vm.assertFalse(accepts(w));
        w.mem = mem;
        vm.assertTrue(accepts(w));
    }

    /// @dev Bytes of calldata that no argument names change nothing; arguments that run past the end are refused.
    function test_step_calldataBeyondTheArguments() public view {
        Witness memory w = witness(hartAtLeaf(), LD);
        bytes memory input =
            abi.encodeCall(stepper.step, (w.codeRoot, STATEMENT, address(oracle), w.state, w.code, w.mem));
        (bool success, bytes memory result) =
            address(stepper).staticcall(abi.encodePacked(input, keccak256("more")));
        vm.assertTrue(success);
        vm.assertEq(abi.decode(result, (bytes32)), execute(w));
        (success,) = address(stepper).staticcall(resized(input, input.length - 1));
        vm.assertFalse(success);
    }
}
