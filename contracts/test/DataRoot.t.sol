// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {DataRoot} from "../src/libraries/DataRoot.sol";
import {Test} from "./utils/Test.sol";

contract DataRootTest is Test {
    function compute(bytes calldata data) external pure returns (bytes32) {
        return DataRoot.compute(data);
    }

    /// @dev The definition, level by level, in plain Solidity.
    function model(bytes memory data) internal pure returns (bytes32) {
        bytes32[] memory level = new bytes32[]((data.length + 4095) / 4096);
        for (uint256 i; i < level.length; ++i) {
            uint256 size = data.length - i * 4096 < 4096 ? data.length - i * 4096 : 4096;
            bytes memory chunk = new bytes(size);
            for (uint256 j; j < size; ++j) {
                chunk[j] = data[i * 4096 + j];
            }
            level[i] = keccak256(abi.encodePacked(bytes1(0), uint64(data.length), chunk));
        }
        while (level.length > 1) {
            bytes32[] memory next = new bytes32[]((level.length + 1) / 2);
            for (uint256 i; i < next.length; ++i) {
                next[i] = 2 * i + 1 < level.length
                    ? keccak256(abi.encodePacked(bytes1(uint8(1)), level[2 * i], level[2 * i + 1]))
                    : level[2 * i];
            }
            level = next;
        }
        return level[0];
    }

    function fill(uint256 length, bytes32 seed) internal pure returns (bytes memory data) {
        data = new bytes(length);
        for (uint256 i; i < length; i += 32) {
            bytes32 word = keccak256(abi.encode(seed, i));
            for (uint256 j; j < 32 && i + j < length; ++j) {
                data[i + j] = word[j];
            }
        }
    }

    function test_compute_chunkBoundaries_matchModel() public view {
        uint256[10] memory lengths = [uint256(1), 31, 4095, 4096, 4097, 8192, 12_287, 12_289, 20_480, 28_673];
        for (uint256 i; i < lengths.length; ++i) {
            bytes memory data = fill(lengths[i], bytes32(i));
            vm.assertEq(this.compute(data), model(data));
        }
    }

    /// forge-config: default.fuzz.runs = 24
    function testFuzz_compute_anyLength_matchesModel(uint256 length, bytes32 seed) public view {
        bytes memory data = fill(bound(length, 1, 40_000), seed);
        vm.assertEq(this.compute(data), model(data));
    }

    function test_compute_trailingZero_changesRoot() public view {
        vm.assertTrue(this.compute(hex"aa") != this.compute(hex"aa00"));
    }

    function test_compute_keepsMemoryIntact() public view {
        bytes memory data = fill(9000, "seed");
        bytes32 before = keccak256(data);
        this.compute(data);
        vm.assertEq(keccak256(data), before);
        vm.assertEq(bytes(new bytes(64)), abi.encode(0, 0));
    }

    // --- blobs ---

    function ofBlobs() external view returns (bytes32) {
        return DataRoot.ofBlobs();
    }

    function test_ofBlobs_none_isZero() public view {
        vm.assertEq(this.ofBlobs(), 0);
    }

    function testFuzz_ofBlobs_isTheHashOfAllInOrder(bytes32[] memory hashes) public {
        if (hashes.length == 0) return;
        bytes memory joined = hex"02";
        for (uint256 i; i < hashes.length; ++i) {
            // A versioned hash begins with 0x01; none is zero.
            hashes[i] = bytes32(uint256(hashes[i]) >> 8 | 1 << 248);
            joined = abi.encodePacked(joined, hashes[i]);
        }
        vm.blobhashes(hashes);
        vm.assertEq(this.ofBlobs(), keccak256(joined));
    }

    /// @dev What a root commits to begins with its kind: 0x00 a leaf, 0x01 a node, 0x02 blobs.
    function test_ofBlobs_two_isNotTheNodeOverThem() public {
        bytes32[] memory hashes = new bytes32[](2);
        (hashes[0], hashes[1]) = (bytes32(uint256(1) << 248), bytes32(uint256(1) << 248 | 1));
        vm.blobhashes(hashes);
        vm.assertTrue(this.ofBlobs() != keccak256(abi.encodePacked(uint8(1), hashes[0], hashes[1])));
        vm.assertEq(this.ofBlobs(), keccak256(abi.encodePacked(uint8(2), hashes[0], hashes[1])));
    }

    function test_ofBlobs_keepsMemoryIntact() public {
        bytes32[] memory hashes = new bytes32[](6);
        for (uint256 i; i < 6; ++i) {
            hashes[i] = bytes32(uint256(1) << 248 | i);
        }
        vm.blobhashes(hashes);
        DataRoot.ofBlobs();
        vm.assertEq(bytes(new bytes(64)), abi.encode(0, 0));
    }
}
