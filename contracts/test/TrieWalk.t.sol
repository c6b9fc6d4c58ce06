// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {RLP} from "@openzeppelin/contracts/utils/RLP.sol";
import {TrieProof} from "@openzeppelin/contracts/utils/cryptography/TrieProof.sol";

import {InvalidProof} from "../src/libraries/Errors.sol";
import {TrieWalk} from "../src/libraries/TrieWalk.sol";
import {Proofs} from "./utils/Proofs.sol";
import {Trie} from "./utils/Trie.sol";

/// @notice The walk against OpenZeppelin's, and nodes made up to mislead it.
contract TrieWalkTest is Proofs {
    using RLP for *;

    bytes32 internal constant EMPTY_ROOT = 0x56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421;
    bytes32 internal constant HASH = keccak256("some node");

    function walk(bytes32 root, bytes32 path, uint256 length, bytes[] calldata proof)
        external
        pure
        returns (bytes memory)
    {
        return TrieWalk.read(root, path, length, proof);
    }

    function tryWalk(bytes32 root, bytes memory key, bytes[] memory proof)
        internal
        view
        returns (bool success, bytes memory value)
    {
        bytes memory call = abi.encodeCall(this.walk, (root, bytes32(key), 2 * key.length, proof));
        (success, value) = address(this).staticcall(call);
        if (success) value = abi.decode(value, (bytes));
        else vm.assertEq(value, abi.encodeWithSelector(InvalidProof.selector));
    }

    /// @dev What the walk finds is found by the reference, too; and what that finds, by the walk.
    function assertAlike(bytes32 root, bytes memory key, bytes[] memory proof) internal view {
        (bool success, bytes memory value) = tryWalk(root, key, proof);
        (bool asked, bytes memory answer) =
            address(this).staticcall(abi.encodeCall(this.referenceWalk, (root, key, proof)));
        bytes memory expected = asked ? abi.decode(answer, (bytes)) : bytes("");
        if (success && value.length != 0) vm.assertEq(value, expected);
        if (expected.length != 0) vm.assertEq(success ? value : bytes(""), expected);
    }

    function referenceWalk(bytes32 root, bytes memory key, bytes[] memory proof)
        external
        pure
        returns (bytes memory value)
    {
        TrieProof.ProofError err;
        (value, err) = TrieProof.tryTraverse(root, key, proof);
        if (err != TrieProof.ProofError.NO_ERROR) return "";
    }

    function assertMalformed(bytes memory node) internal view {
        bytes[] memory proof = new bytes[](1);
        proof[0] = node;
        (bool success,) = tryWalk(keccak256(node), hex"12", proof);
        vm.assertFalse(success);
    }

    /// @dev What is under 0x12 if the root is this node alone.
    function found(bytes memory node) internal view returns (bytes memory value) {
        bytes[] memory proof = new bytes[](1);
        proof[0] = node;
        bool success;
        (success, value) = tryWalk(keccak256(node), hex"12", proof);
        vm.assertTrue(success);
    }

    function list(bytes memory payload) internal pure returns (bytes memory) {
        if (payload.length < 56) return abi.encodePacked(uint8(0xc0 + payload.length), payload);
        if (payload.length < 256) return abi.encodePacked(hex"f8", uint8(payload.length), payload);
        return abi.encodePacked(hex"f9", uint16(payload.length), payload);
    }

    /// @dev A branch of nothing but this child, 1, and this value, as RLP.
    function branch(bytes memory child, bytes memory value) internal pure returns (bytes memory) {
        return list(abi.encodePacked(hex"80", child, hex"8080808080808080808080808080", value));
    }

    // --- against the reference ---

    function test_vectors_asTheReference() public view {
        Vector[] memory all = vectors();
        for (uint256 i; i < all.length; ++i) {
            if (same(all[i].kind, "slot")) continue;
            assertAlike(keccak256(all[i].proof[0]), all[i].index.encode(), all[i].proof);
        }
    }

    function testFuzz_tries_asTheReference(bytes32 slot, uint8 depth, bytes32 other) public view {
        (bytes32 root, bytes[] memory proof) = Trie.proveSlot(slot, hex"07", depth % 12);
        bytes32 key = keccak256(abi.encode(slot));
        (bool success, bytes memory value) = tryWalk(root, abi.encode(key), proof);
        vm.assertTrue(success);
        vm.assertEq(value, hex"07");
        assertAlike(root, abi.encode(key), proof);
        assertAlike(root, abi.encode(other), proof);
        assertAlike(root, abi.encode(key ^ bytes32(uint256(1))), proof);
    }

    /// @dev Any nodes, each named by the one before it where it has room.
    function testFuzz_anyNodes_asTheReference(bytes[] memory nodes, bytes1[4] memory marks, bytes32 key)
        public
        view
    {
        vm.assume(nodes.length != 0);
        bytes memory next;
        for (uint256 i = nodes.length; i > 0; --i) {
            bytes memory node = nodes[i - 1];
            for (uint256 k; k < node.length; k += 3) {
                node[k] = marks[k % 4];
            }
            bytes memory path = abi.encodePacked(uint8(uint256(key) >> i & 0x3f));
            if (next.length != 0) node = abi.encodePacked(path, hex"a0", keccak256(next));
            nodes[i - 1] = next = list(node);
        }
        assertAlike(keccak256(nodes[0]), abi.encode(key), nodes);
        assertAlike(
            keccak256(nodes[0]), abi.encodePacked(nodes[0].length > 1 ? nodes[0][1] : bytes1(0)), nodes
        );
    }

    /// @dev Branches and leaves with anything in the place of a child.
    function testFuzz_anyChild_asTheReference(bytes memory child, uint8 cut) public view {
        vm.assume(child.length != 0);
        bytes[] memory proof = new bytes[](1);
        proof[0] = branch(child, hex"80");
        assertAlike(keccak256(proof[0]), hex"12", proof);
        proof[0] = branch(list(child), hex"80");
        assertAlike(keccak256(proof[0]), hex"12", proof);
        proof[0] = list(abi.encodePacked(hex"822012", child));
        assertAlike(keccak256(proof[0]), hex"12", proof);
        bytes[] memory two = new bytes[](2);
        two[1] = branch(list(abi.encodePacked(hex"32", uint8(cut))), hex"80");
        two[0] = list(abi.encodePacked(hex"11", hex"a0", keccak256(two[1])));
        assertAlike(keccak256(two[0]), hex"1112", two);
    }

    // --- nothing is there ---

    function test_nothing_isCertain() public view {
        // A leaf of another path, and of a longer one; an extension elsewhere; an empty child.
        vm.assertEq(found(list(hex"82201307")).length, 0);
        vm.assertEq(found(list(hex"8320123407")).length, 0);
        vm.assertEq(found(list(abi.encodePacked(hex"13a0", HASH))).length, 0);
        vm.assertEq(found(list(abi.encodePacked(hex"830012", hex"34a0", HASH))).length, 0);
        vm.assertEq(found(branch(hex"80", hex"80")).length, 0);
        vm.assertEq(found(branch(hex"c23407", hex"80")).length, 0);
        vm.assertEq(found(list(hex"82201207")), hex"07");
        bytes[] memory none;
        (bool success, bytes memory value) = tryWalk(EMPTY_ROOT, hex"12", none);
        vm.assertTrue(success && value.length == 0);
        vm.assertEq(found(hex"80").length, 0);
    }

    /// @dev Where more nodes follow, or none do, nothing is certain.
    function test_nothing_ofAnotherLength_isRefused() public view {
        bytes[] memory proof = new bytes[](2);
        proof[0] = list(hex"82201307");
        proof[1] = proof[0];
        (bool success,) = tryWalk(keccak256(proof[0]), hex"12", proof);
        vm.assertFalse(success);
        (success,) = tryWalk(EMPTY_ROOT, hex"12", proof);
        vm.assertFalse(success);
        bytes[] memory none;
        (success,) = tryWalk(keccak256(proof[0]), hex"12", none);
        vm.assertFalse(success);
        (success,) = tryWalk(bytes32(0), hex"12", none);
        vm.assertFalse(success);
    }

    // --- nodes that are none ---

    function test_branches_malformed() public view {
        // Fine: a child within.
        vm.assertEq(found(branch(hex"c23207", hex"80")), hex"07");
        // With a value; of 16 and of 18 items; with something after it; cut off.
        assertMalformed(branch(hex"c23207", hex"07"));
        assertMalformed(list(hex"80c2320780808080808080808080808080"));
        assertMalformed(list(hex"80c23207808080808080808080808080808080808080"));
        assertMalformed(abi.encodePacked(branch(hex"c23207", hex"80"), hex"80"));
        assertMalformed(hex"d480c2320780808080808080808080808080");
        // Children of 31 and 33 bytes, of one byte, a list of 32 bytes.
        assertMalformed(branch(abi.encodePacked(hex"9f", bytes31(HASH)), hex"80"));
        assertMalformed(branch(abi.encodePacked(hex"a1", HASH, hex"00"), hex"80"));
        assertMalformed(branch(hex"07", hex"80"));
        assertMalformed(branch(list(abi.encodePacked(hex"329d", bytes29(HASH))), hex"80"));
        vm.assertEq(found(branch(list(abi.encodePacked(hex"329c", bytes28(HASH))), hex"80")).length, 28);
    }

    function test_branches_otherChildren_areRead() public view {
        // Children that the path does not lead to.
        assertMalformed(list(hex"07c23207808080808080808080808080808080"));
        assertMalformed(list(hex"80c23207808080808080808080808080800780"));
    }

    function test_short_malformed() public view {
        vm.assertEq(found(list(hex"82201207")), hex"07");
        // Flags from 4 on; an even path with a nibble in its padding; no path; a path that is a list.
        assertMalformed(list(hex"82401207"));
        assertMalformed(list(hex"82f01207"));
        assertMalformed(list(hex"82211207"));
        assertMalformed(list(hex"82011207"));
        assertMalformed(list(hex"8007"));
        assertMalformed(list(hex"8020"));
        assertMalformed(list(hex"c2201207"));
        // No value; a list for a value.
        assertMalformed(list(hex"82201280"));
        assertMalformed(list(hex"822012c107"));
        // An extension by nothing, to nothing, to what is neither a hash nor a node.
        assertMalformed(list(abi.encodePacked(hex"00a0", HASH)));
        assertMalformed(list(hex"1180"));
        assertMalformed(list(hex"1107"));
        vm.assertEq(found(list(abi.encodePacked(hex"11", list(abi.encodePacked(hex"329c", bytes28(HASH)))))).length, 28);
        assertMalformed(list(abi.encodePacked(hex"11", list(abi.encodePacked(hex"329d", bytes29(HASH))))));
        assertMalformed(list(abi.encodePacked(hex"119f", bytes31(HASH))));
        // One item, three items, none; a string; nothing.
        assertMalformed(list(hex"822012"));
        assertMalformed(list(hex"8220120707"));
        assertMalformed(list(""));
        assertMalformed(hex"83201207");
        assertMalformed("");
    }

    /// @dev An extension by nothing, though what it leads to is there.
    function test_extensions_byNothing() public view {
        bytes[] memory proof = new bytes[](2);
        proof[1] = list(hex"82201207");
        proof[0] = list(abi.encodePacked(hex"00a0", keccak256(proof[1])));
        (bool success,) = tryWalk(keccak256(proof[0]), hex"12", proof);
        vm.assertFalse(success);
    }

    function test_lengths_otherThanShortest() public view {
        // A byte below 0x80 as a string; a length below 56 as a long one, with a leading zero, of three bytes.
        assertMalformed(list(hex"8220128107"));
        assertMalformed(list(hex"812007"));
        assertMalformed(list(hex"822012b80107"));
        assertMalformed(hex"f80482201207");
        assertMalformed(hex"f9000482201207");
        bytes memory value = new bytes(60);
        bytes memory payload = abi.encodePacked(hex"822012b83c", value);
        vm.assertEq(found(list(payload)), value);
        assertMalformed(list(abi.encodePacked(hex"822012b9003c", value)));
        assertMalformed(abi.encodePacked(hex"f90041", payload));
        assertMalformed(abi.encodePacked(hex"fa000041", payload));
        assertMalformed(abi.encodePacked(hex"f842", payload));
        assertMalformed(abi.encodePacked(hex"f840", payload));
        assertMalformed(abi.encodePacked(hex"ff", payload));
        assertMalformed(abi.encodePacked(hex"fb00000041", payload));
        assertMalformed(abi.encodePacked(hex"f90041", payload));
    }

    /// @dev Transactions with much data are as long as this.
    function test_lengths_ofThreeBytes() public view {
        for (uint256 size = 65_530; size < 65_545; ++size) {
            bytes memory value = new bytes(size);
            value[0] = 0x02;
            bytes memory item = RLP.encode(value);
            bytes memory payload = abi.encodePacked(hex"822012", item);
            bytes memory node = payload.length < 65_536
                ? abi.encodePacked(hex"f9", uint16(payload.length), payload)
                : abi.encodePacked(hex"fa", uint24(payload.length), payload);
            vm.assertEq(keccak256(found(node)), keccak256(value));
        }
    }

    /// @dev A path longer than any key leads nowhere, whatever follows.
    function test_paths_longerThanTheKey() public view {
        for (uint256 length = 2; length < 56; ++length) {
            bytes memory path = new bytes(length);
            bytes memory packed = abi.encodePacked(uint8(0x80 + length), path);
            bytes memory node = list(abi.encodePacked(packed, hex"a0", HASH));
            bytes[] memory proof = new bytes[](1);
            proof[0] = node;
            (bool success, bytes memory value) = tryWalk(keccak256(node), new bytes(32), proof);
            // Up to 64 nibbles there must be a node at its end.
            vm.assertEq(success, length > 33);
            vm.assertEq(value.length, success ? 0 : 4);
        }
    }

    /// @dev Two hashes side by side, as a binary tree has them, are no node, whatever they are.
    function testFuzz_sixtyFourBytes_areNoNode(bytes32 a, bytes32 b) public view {
        assertMalformed(abi.encodePacked(a, b));
    }

    /// @dev A leaf's value is never walked into, though it looks like a node or like its hash.
    function test_values_areNoNodes() public view {
        bytes memory inner = list(hex"82201207");
        bytes[] memory proof = new bytes[](2);
        proof[1] = inner;
        proof[0] = list(abi.encodePacked(hex"20a0", keccak256(inner)));
        (bool success,) = tryWalk(keccak256(proof[0]), hex"12", proof);
        vm.assertFalse(success);
        proof[0] = list(abi.encodePacked(hex"2085", inner));
        (success,) = tryWalk(keccak256(proof[0]), hex"12", proof);
        vm.assertFalse(success);
    }

    /// @dev What is within its parent may be given again, once, as it is.
    function test_nodesWithin_givenAgain() public view {
        bytes[] memory proof = new bytes[](2);
        proof[0] = branch(hex"c23207", hex"80");
        proof[1] = hex"c23207";
        (bool success, bytes memory value) = tryWalk(keccak256(proof[0]), hex"12", proof);
        vm.assertTrue(success);
        vm.assertEq(value, hex"07");
        proof[1] = hex"c23208";
        (success,) = tryWalk(keccak256(proof[0]), hex"12", proof);
        vm.assertFalse(success);
        bytes[] memory thrice = new bytes[](3);
        (thrice[0], thrice[1], thrice[2]) = (proof[0], hex"c23207", hex"c23207");
        (success,) = tryWalk(keccak256(proof[0]), hex"12", thrice);
        vm.assertFalse(success);
    }
}
