// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {PreimageOracle} from "../src/L1/PreimageOracle.sol";
import {BlobBinding} from "../src/libraries/BlobBinding.sol";
import "../src/libraries/Errors.sol";
import {moreVm} from "./utils/MoreVm.sol";
import {Test} from "./utils/Test.sol";

/// @notice Who could load a wrong part would win any dispute, and who could keep one from being loaded, too.
contract PreimageOracleTest is Test {
    uint256 internal constant KECCAK = 1;
    uint256 internal constant BLOB = 2;
    address internal constant POINT_EVALUATION = address(0x0A);

    PreimageOracle internal oracle;

    function setUp() public {
        oracle = new PreimageOracle();
    }

    function bytesOf(uint256 length) internal pure returns (bytes memory data) {
        data = new bytes(length);
        for (uint256 i; i < length; ++i) {
            data[i] = bytes1(uint8(1 + (i * 31 + length) % 255));
        }
    }

    /// @dev The 32 bytes at an offset, zero past the end.
    function slice(bytes memory data, uint256 offset) internal pure returns (bytes32) {
        bytes memory word = new bytes(32);
        for (uint256 i; i < 32 && offset + i < data.length; ++i) {
            word[i] = data[offset + i];
        }
        return bytes32(word);
    }

    function checkPart(uint256 kind, bytes32 key, uint64 offset, bytes32 data, uint64 length) internal view {
        (bytes32 actual, uint64 actualLength) = oracle.part(kind, key, offset);
        vm.assertEq(actual, data);
        vm.assertEq(actualLength, uint256(length));
    }

    function checkMissing(uint256 kind, bytes32 key, uint64 offset) internal {
        vm.expectRevert(abi.encodeWithSelector(PartMissing.selector, kind, key, offset));
        oracle.part(kind, key, offset);
    }

    // --- keccak ---

    function test_loadKeccak_everyLengthAndOffset_givesTheBytes() public {
        for (uint256 length; length <= 100; ++length) {
            bytes memory preimage = bytesOf(length);
            for (uint64 offset; offset <= 160; offset += 32) {
                vm.assertEq(oracle.loadKeccak(preimage, offset), keccak256(preimage));
                checkPart(KECCAK, keccak256(preimage), offset, slice(preimage, offset), uint64(length));
            }
        }
    }

    /// @dev At the end exactly, beyond it, and as far as an offset goes.
    function test_loadKeccak_pastTheEnd_isZero() public {
        bytes memory preimage = bytesOf(64);
        uint64[5] memory offsets = [uint64(64), 96, 1 << 32, 1 << 63, type(uint64).max - 31];
        for (uint256 i; i < offsets.length; ++i) {
            oracle.loadKeccak(preimage, offsets[i]);
            checkPart(KECCAK, keccak256(preimage), offsets[i], 0, 64);
        }
    }

    /// @dev A length of zero is not the same as not being there.
    function test_loadKeccak_empty() public {
        checkMissing(KECCAK, keccak256(""), 0);
        oracle.loadKeccak("", 0);
        checkPart(KECCAK, keccak256(""), 0, 0, 0);
        checkMissing(KECCAK, keccak256(""), 32);
    }

    function test_loadKeccak_unalignedOffset_reverts() public {
        for (uint64 offset = 1; offset < 32; ++offset) {
            vm.expectRevert(abi.encodeWithSelector(UnalignedOffset.selector, offset));
            oracle.loadKeccak(bytesOf(64), offset);
        }
        vm.expectRevert(abi.encodeWithSelector(UnalignedOffset.selector, type(uint64).max));
        oracle.loadKeccak(bytesOf(64), type(uint64).max);
    }

    /// @dev What follows the preimage in calldata is anyone's choice, padding included.
    function test_loadKeccak_bytesBehindThePreimage_doNotCount() public {
        for (uint256 length; length <= 64; ++length) {
            bytes memory preimage = bytesOf(length);
            for (uint64 offset; offset <= 64; offset += 32) {
                bytes memory input = abi.encodePacked(
                    oracle.loadKeccak.selector,
                    abi.encode(uint256(64), offset, length),
                    preimage,
                    type(uint256).max,
                    type(uint256).max
                );
                (bool success,) = address(oracle).call(input);
                vm.assertTrue(success);
                checkPart(KECCAK, keccak256(preimage), offset, slice(preimage, offset), uint64(length));
            }
        }
    }

    /// @dev Nor may an argument run past the end of calldata.
    function test_loadKeccak_lengthBeyondCalldata_reverts() public {
        bytes memory input = abi.encodePacked(
            oracle.loadKeccak.selector, abi.encode(uint256(64), uint256(0), uint256(65)), bytesOf(64)
        );
        (bool success,) = address(oracle).call(input);
        vm.assertFalse(success);
        input = abi.encodePacked(
            oracle.loadKeccak.selector, abi.encode(uint256(64), uint256(1 << 64), uint256(0))
        );
        (success,) = address(oracle).call(input);
        vm.assertFalse(success);
    }

    function test_loadKeccak_again_changesNothing() public {
        bytes memory preimage = bytesOf(50);
        oracle.loadKeccak(preimage, 32);
        vm.prank(user("somebody else"));
        oracle.loadKeccak(preimage, 32);
        checkPart(KECCAK, keccak256(preimage), 32, slice(preimage, 32), 50);
    }

    function test_part_ofAnotherOffset_isMissing() public {
        bytes memory preimage = bytesOf(100);
        bytes32 key = oracle.loadKeccak(preimage, 32);
        checkMissing(KECCAK, key, 0);
        checkMissing(KECCAK, key, 33);
        checkMissing(KECCAK, key, 64);
    }

    /// @dev Kinds are apart: what hashes to a key by one says nothing by another.
    function test_part_ofAnotherKind_isMissing() public {
        bytes32 key = oracle.loadKeccak(bytesOf(100), 0);
        checkMissing(0, key, 0);
        checkMissing(BLOB, key, 0);
        checkMissing(3, key, 0);
        checkMissing(1 << 64 | 1, key, 0);
        checkMissing(type(uint256).max, key, 0);
    }

    /// @dev Whatever is loaded afterwards, and in whatever order, a part stays what it is.
    function testFuzz_loadKeccak_partsNeverChange(bytes[4] calldata preimages, uint16[16] calldata offsets)
        public
    {
        bool[16] memory loaded;
        for (uint256 round; round < 2; ++round) {
            for (uint256 i; i < 16; ++i) {
                bytes memory preimage = preimages[i % 4];
                uint64 offset = offsets[i] % 8 * 32;
                oracle.loadKeccak(preimage, offset);
                loaded[i] = true;
                for (uint256 k; k < 16; ++k) {
                    if (!loaded[k]) continue;
                    preimage = preimages[k % 4];
                    offset = offsets[k] % 8 * 32;
                    checkPart(
                        KECCAK, keccak256(preimage), offset, slice(preimage, offset), uint64(preimage.length)
                    );
                }
            }
        }
    }

    // --- blobs ---

    struct Opening {
        bytes32 versionedHash;
        uint64 index;
        bytes32 value;
        bytes commitment;
        bytes proof;
    }

    uint256 internal constant OPENINGS = 8;

    function opening(uint256 blob, uint256 i) internal view returns (Opening memory o) {
        string memory json = vm.readFile("test/blob-vectors.json");
        string memory entry = string.concat("[", vm.toString(blob), "].");
        o.versionedHash = vm.parseJsonBytes32(json, string.concat(entry, "versionedHash"));
        o.commitment = vm.parseJsonBytes(json, string.concat(entry, "commitment"));
        entry = string.concat(entry, "elements[", vm.toString(i), "].");
        o.index = uint64(moreVm.parseJsonUint(json, string.concat(entry, "index")));
        o.value = vm.parseJsonBytes32(json, string.concat(entry, "value"));
        o.proof = vm.parseJsonBytes(json, string.concat(entry, "proof"));
    }

    /// @dev With some gas: the precompile takes all that there is where it fails.
    function load(Opening memory o) internal {
        oracle.loadBlob{gas: 300_000}(o.versionedHash, o.index, o.value, o.commitment, o.proof);
    }

    function reject(Opening memory o) internal {
        vm.expectRevert(abi.encodeWithSelector(BlobMismatch.selector, o.versionedHash));
        load(o);
        checkMissing(BLOB, o.versionedHash, 32 * o.index);
    }

    function test_loadBlob_elementsOfRealBlobs() public {
        for (uint256 blob; blob < 2; ++blob) {
            for (uint256 i; i < OPENINGS; ++i) {
                Opening memory o = opening(blob, i);
                checkMissing(BLOB, o.versionedHash, 32 * o.index);
                load(o);
                checkPart(BLOB, o.versionedHash, 32 * o.index, o.value, 131072);
                // The same again.
                load(o);
                checkPart(BLOB, o.versionedHash, 32 * o.index, o.value, 131072);
                checkMissing(KECCAK, o.versionedHash, 32 * o.index);
            }
        }
        // Not all of them say nothing.
        vm.assertTrue(opening(1, 0).value != 0 && opening(1, 4).value != 0 && opening(0, 4).value == 0);
    }

    /// @dev The proof of one element as that of another. Elements far enough beyond the data are all zero, and their
    /// proofs differ all the same.
    function test_loadBlob_anotherIndex_reverts() public {
        for (uint256 i; i < OPENINGS; ++i) {
            Opening memory o = opening(1, i);
            o.index ^= 1;
            reject(o);
            o.index ^= 2049;
            reject(o);
        }
    }

    function test_loadBlob_indexPastTheEnd_reverts() public {
        Opening memory o = opening(1, 0);
        uint64[5] memory indices = [uint64(4096), 4097, 1 << 12 | 77, 1 << 59, type(uint64).max];
        for (uint256 i; i < indices.length; ++i) {
            o.index = indices[i];
            vm.expectRevert(abi.encodeWithSelector(InvalidElementIndex.selector, indices[i]));
            load(o);
        }
    }

    function test_loadBlob_anythingElse_reverts() public {
        Opening memory other = opening(0, 3);
        Opening memory o = opening(1, 3);
        vm.assertEq(o.index, uint256(other.index));
        o.value = bytes32(uint256(o.value) ^ 1);
        reject(o);
        // The same value, once more around the field.
        o = opening(1, 3);
        o.value = bytes32(uint256(o.value) + BlobBinding.MODULUS);
        reject(o);
        o = opening(1, 3);
        o.value = 0;
        reject(o);
        o = opening(1, 3);
        o.versionedHash = other.versionedHash;
        reject(o);
        o = opening(1, 3);
        o.commitment = other.commitment;
        reject(o);
        o = opening(1, 3);
        o.proof = other.proof;
        reject(o);
        o = opening(1, 3);
        (o.commitment, o.proof) = (abi.encodePacked(o.commitment, o.proof), "");
        reject(o);
        o = opening(1, 3);
        o.proof = abi.encodePacked(o.proof, uint8(0));
        reject(o);
        o = opening(1, 3);
        (o.commitment, o.proof) = ("", "");
        reject(o);
        load(opening(1, 3));
    }

    function test_loadBlob_withoutGasForThePrecompile_reverts() public {
        Opening memory o = opening(1, 3);
        (bool success,) = address(oracle).call{gas: 49_000}(
            abi.encodeCall(oracle.loadBlob, (o.versionedHash, o.index, o.value, o.commitment, o.proof))
        );
        vm.assertFalse(success);
        checkMissing(BLOB, o.versionedHash, 32 * o.index);
    }

    function test_loadBlob_withoutPrecompile_reverts() public {
        Opening memory o = opening(1, 3);
        vm.mockCall(POINT_EVALUATION, abi.encodePacked(o.versionedHash), "");
        reject(o);
        vm.mockCall(POINT_EVALUATION, abi.encodePacked(o.versionedHash), new bytes(32));
        reject(o);
    }

    function test_part_pastTheEndOfABlob_isZeroWithoutLoading() public {
        bytes32 key = keccak256("a blob");
        checkMissing(BLOB, key, 131072 - 32);
        checkPart(BLOB, key, 131072, 0, 131072);
        checkPart(BLOB, key, 131072 + 32, 0, 131072);
        checkPart(BLOB, key, type(uint64).max - 31, 0, 131072);
        // Of a keccak preimage nothing is known before.
        checkMissing(KECCAK, key, 131072);
    }

    /// @dev `base ** exponent` in the scalar field.
    function power(uint256 base, uint256 exponent) internal view returns (uint256) {
        (bool success, bytes memory result) = address(0x05)
            .staticcall(
                abi.encode(uint256(32), uint256(32), uint256(32), base, exponent, BlobBinding.MODULUS)
            );
        vm.assertTrue(success);
        return abi.decode(result, (uint256));
    }

    /// @dev EIP-4844: 4096 points, powers of a root of unity of that order in bit-reversed order. The precompile is
    /// made to accept at the right one alone.
    function test_loadBlob_everyElement_isTakenAtItsRootOfUnity() public {
        bytes32 versionedHash = keccak256("a blob");
        uint256 root = power(7, (BlobBinding.MODULUS - 1) / 4096);
        vm.assertEq(power(root, 2048), BlobBinding.MODULUS - 1);
        for (uint64 index; index < 4096; ++index) {
            uint256 reversed;
            for (uint256 bit; bit < 12; ++bit) {
                if (index >> bit & 1 == 1) reversed += 2 ** (11 - bit);
            }
            bytes32 value = bytes32(uint256(index) + 1);
            vm.mockCall(
                POINT_EVALUATION, abi.encodePacked(versionedHash, power(root, reversed), value), new bytes(64)
            );
            oracle.loadBlob(versionedHash, index, value, new bytes(48), new bytes(48));
            checkPart(BLOB, versionedHash, 32 * index, value, 131072);
            vm.clearMockedCalls();
        }
        vm.expectRevert(abi.encodeWithSelector(BlobMismatch.selector, versionedHash));
        oracle.loadBlob(versionedHash, 5, bytes32(uint256(6)), new bytes(48), new bytes(48));
    }
}
