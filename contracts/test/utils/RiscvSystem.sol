// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {RiscvStep} from "../../src/L1/RiscvStep.sol";
import {IPreimageOracle} from "../../src/interfaces/IPreimageOracle.sol";
import {Hart, RiscvModel} from "./RiscvModel.sol";
import {Test} from "./Test.sol";

/// @notice Knows every part of every preimage, without sense.
contract AnyPart is IPreimageOracle {
    function loadKeccak(bytes calldata, uint64) external pure returns (bytes32) {}
    function loadBlob(bytes32, uint64, bytes32, bytes calldata, bytes calldata) external pure {}

    function part(uint256 kind, bytes32 key, uint64 offset)
        external
        pure
        returns (bytes32 data, uint64 length)
    {
        data = keccak256(abi.encode(kind, key, offset));
        length = uint64(uint256(keccak256(abi.encode(data))));
    }
}

/// @notice What one step is given.
struct Witness {
    bytes32 codeRoot;
    bytes state;
    bytes code;
    bytes mem;
}

/// @notice Machines and their proofs: trees of which one path is known, and noise beside it.
abstract contract RiscvSystem is Test {
    bytes32 internal constant STATEMENT = keccak256("statement");
    uint64 internal constant MIN = 1 << 63;
    uint64 internal constant MAX = type(uint64).max;

    RiscvStep internal stepper;
    IPreimageOracle internal oracle;
    RiscvModel internal model;

    function setUp() public virtual {
        stepper = new RiscvStep();
        oracle = new AnyPart();
        model = new RiscvModel(STATEMENT, address(oracle));
    }

    // --- instructions ---

    function rType(uint256 opcode, uint256 funct3, uint256 funct7, uint256 rd, uint256 rs1, uint256 rs2)
        internal
        pure
        returns (uint32)
    {
        return uint32(funct7 << 25 | rs2 << 20 | rs1 << 15 | funct3 << 12 | rd << 7 | opcode);
    }

    function iType(uint256 opcode, uint256 funct3, uint256 rd, uint256 rs1, int256 imm)
        internal
        pure
        returns (uint32)
    {
        return uint32((uint256(imm) & 0xfff) << 20 | rs1 << 15 | funct3 << 12 | rd << 7 | opcode);
    }

    function sType(uint256 funct3, uint256 rs1, uint256 rs2, int256 imm) internal pure returns (uint32) {
        uint256 i = uint256(imm);
        return uint32((i >> 5 & 0x7f) << 25 | rs2 << 20 | rs1 << 15 | funct3 << 12 | (i & 0x1f) << 7 | 0x23);
    }

    function bType(uint256 funct3, uint256 rs1, uint256 rs2, int256 imm) internal pure returns (uint32) {
        uint256 i = uint256(imm);
        uint256 upper = (i >> 12 & 1) << 31 | (i >> 5 & 0x3f) << 25;
        uint256 lower = (i >> 1 & 0xf) << 8 | (i >> 11 & 1) << 7;
        return uint32(upper | rs2 << 20 | rs1 << 15 | funct3 << 12 | lower | 0x63);
    }

    function jal(uint256 rd, int256 imm) internal pure returns (uint32) {
        uint256 i = uint256(imm);
        uint256 upper = (i >> 20 & 1) << 31 | (i >> 1 & 0x3ff) << 21 | (i >> 11 & 1) << 20;
        return uint32(upper | (i >> 12 & 0xff) << 12 | rd << 7 | 0x6f);
    }

    function uType(uint256 opcode, uint256 rd, uint256 imm) internal pure returns (uint32) {
        return uint32((imm & 0xfffff) << 12 | rd << 7 | opcode);
    }

    // --- machines ---

    /// @dev Running somewhere, with all registers and the leaf at 0x1_0000 known and none of them zero.
    function newHart() internal pure returns (Hart memory hart) {
        hart.pc = 0x1234;
        hart.step = 77;
        for (uint256 i = 1; i < 32; ++i) {
            hart.x[i] = uint64(uint256(keccak256(abi.encode("register", i))));
        }
        hart.leafAddress = 0x1_0000;
        hart.leaf = 0x000102038485868708090a0b8c8d8e8f101112139495969718191a1b9c9d9e9f;
    }

    function copy(Hart memory hart) internal pure returns (Hart memory) {
        return abi.decode(abi.encode(hart), (Hart));
    }

    function pack(Hart memory hart, bytes32 memoryRoot) internal pure returns (bytes memory state) {
        state = abi.encodePacked(memoryRoot, hart.pc, hart.step, hart.status, hart.exitCode);
        for (uint256 i = 1; i < 32; ++i) {
            state = abi.encodePacked(state, hart.x[i]);
        }
    }

    function pack(Hart memory hart) internal pure returns (bytes memory) {
        return pack(hart, rootOf(hart.leaf, hart.leafAddress / 32, siblings("memory", 27)));
    }

    function hashOf(Hart memory hart) internal pure returns (bytes32) {
        return keccak256(pack(hart));
    }

    // --- proofs ---

    function siblings(string memory tree, uint256 depth) internal pure returns (bytes32[] memory all) {
        all = new bytes32[](depth);
        for (uint256 i; i < depth; ++i) {
            all[i] = keccak256(abi.encode(tree, i));
        }
    }

    function rootOf(bytes32 node, uint256 index, bytes32[] memory path) internal pure returns (bytes32) {
        for (uint256 i; i < path.length; ++i) {
            node = index % 2 == 0
                ? keccak256(abi.encodePacked(node, path[i]))
                : keccak256(abi.encodePacked(path[i], node));
            index /= 2;
        }
        return node;
    }

    /// @dev A leaf of code with the instruction where the pc is, and others around it.
    function codeLeaf(uint32 word, uint64 pc) internal pure returns (bytes32) {
        bytes memory leaf = abi.encodePacked(keccak256("code"));
        for (uint256 k; k < 4; ++k) {
            leaf[(pc - pc % 4) % 32 + k] = bytes1(uint8(word >> (8 * k)));
        }
        return bytes32(leaf);
    }

    /// @dev What the step needs that finds this instruction at the pc.
    function witness(Hart memory hart, uint32 word) internal view returns (Witness memory w) {
        bytes32[] memory path = siblings("code", 19);
        bytes32 leaf = codeLeaf(word, hart.pc);
        w.codeRoot = rootOf(leaf, hart.pc / 32, path);
        w.state = pack(hart);
        if (hart.status == 0 && hart.pc < 2 ** 24) w.code = abi.encodePacked(leaf, path);
        uint256 touched = model.touches(hart, word);
        if (touched != 2 ** 64) {
            vm.assertEq(touched / 32, hart.leafAddress / 32, "the known leaf");
            w.mem = abi.encodePacked(hart.leaf, siblings("memory", 27));
        }
    }

    function execute(Witness memory w) internal view returns (bytes32) {
        return stepper.step(w.codeRoot, STATEMENT, address(oracle), w.state, w.code, w.mem);
    }

    function execute(Hart memory hart, uint32 word) internal view returns (bytes32) {
        return execute(witness(hart, word));
    }

    // --- what is expected ---

    /// @dev One step leads from one machine to the other, the count of steps aside; and the model says so too.
    function checkStep(Hart memory hart, uint32 word, Hart memory next, string memory what) internal view {
        next.step = hart.step + 1;
        bytes32 expected = hashOf(next);
        vm.assertTrue(execute(hart, word) == expected, what);
        vm.assertTrue(hashOf(model.run(copy(hart), word)) == expected, string.concat("model: ", what));
    }

    function checkPanic(Hart memory hart, uint32 word, string memory what) internal view {
        Hart memory next = copy(hart);
        next.status = 2;
        checkStep(hart, word, next, what);
    }
}
