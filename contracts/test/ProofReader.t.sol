// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {RLP} from "@openzeppelin/contracts/utils/RLP.sol";

import {BlockProof} from "../src/libraries/BlockProof.sol";
import {InvalidHeader, InvalidProof, InvalidReceipt, NoSuchLog} from "../src/libraries/Errors.sol";
import {Proofs} from "./utils/Proofs.sol";
import {Trie} from "./utils/Trie.sol";

contract ProofReaderTest is Proofs {
    using RLP for *;

    function eventOf(bytes memory receipt, uint256 logIndex)
        external
        pure
        returns (bool, BlockProof.Event memory)
    {
        return BlockProof.eventOf(receipt, logIndex);
    }

    function assertRefused(Vector memory v) internal view {
        (bool success,) = read(v);
        vm.assertFalse(success);
    }

    function test_vectors_areRead() public view {
        Vector[] memory all = vectors();
        vm.assertEq(all.length, 5);
        for (uint256 i; i < all.length; ++i) {
            Vector memory v = all[i];
            (bool success, bytes memory result) = read(v);
            vm.assertTrue(success, v.name);
            if (same(v.kind, "slot")) {
                (bytes32 hash, uint256 value) = abi.decode(result, (bytes32, uint256));
                vm.assertEq(hash, v.blockHash);
                vm.assertEq(value, abi.decode(v.value, (uint256)));
            } else {
                (bytes32 hash, bytes memory raw) = abi.decode(result, (bytes32, bytes));
                vm.assertEq(hash, v.blockHash);
                vm.assertEq(raw, v.value);
            }
        }
    }

    /// @dev Any byte of any node.
    function testFuzz_changedNodes_areRefused(uint256 which, uint256 node, uint256 place, uint8 flip)
        public
        view
    {
        vm.assume(flip != 0);
        Vector[] memory all = vectors();
        Vector memory v = all[which % all.length];
        bytes[] memory nodes = v.slotProof.length != 0 && node % 2 == 0 ? v.slotProof : v.proof;
        bytes memory changed = nodes[node % nodes.length];
        changed[place % changed.length] ^= bytes1(flip);
        assertRefused(v);
    }

    /// @dev Any byte of the header: no proof, or another block.
    function testFuzz_changedHeaders_areOtherBlocks(uint256 which, uint256 place, uint8 flip) public view {
        vm.assume(flip != 0);
        Vector[] memory all = vectors();
        Vector memory v = all[which % all.length];
        v.header[place % v.header.length] ^= bytes1(flip);
        (bool success, bytes memory result) = read(v);
        if (success) vm.assertTrue(abi.decode(result, (bytes32)) != v.blockHash);
    }

    function test_nodes_leftOutOrTwice_areRefused() public view {
        Vector[] memory all = vectors();
        for (uint256 i; i < all.length; ++i) {
            for (uint256 node; node < all[i].proof.length; ++node) {
                Vector memory v = vectors()[i];
                bytes[] memory shorter = new bytes[](v.proof.length - 1);
                bytes[] memory longer = new bytes[](v.proof.length + 1);
                for (uint256 k; k < v.proof.length; ++k) {
                    if (k != node) shorter[k < node ? k : k - 1] = v.proof[k];
                    longer[k <= node ? k : k + 1] = v.proof[k];
                }
                longer[node + 1] = v.proof[node];
                v.proof = shorter;
                assertRefused(v);
                v.proof = longer;
                assertRefused(v);
            }
        }
    }

    function test_noNodes_areRefused() public {
        Vector memory v = vector("receipt, one of 250");
        v.proof = new bytes[](0);
        vm.expectRevert(InvalidProof.selector);
        reader.receipt(v.header, v.index, v.proof);
        v = vector("slot, 8 and 5 nodes deep");
        v.slotProof = new bytes[](0);
        vm.expectRevert(InvalidProof.selector);
        reader.slot(v.header, v.account, v.slot, v.proof, v.slotProof);
    }

    function testFuzz_otherKeys_areRefused(uint64 index, address account, bytes32 slot) public view {
        Vector memory v = vector("receipt, one of 250");
        vm.assume(index != v.index);
        v.index = index;
        assertRefused(v);
        v = vector("slot, 8 and 5 nodes deep");
        if (account != v.account) {
            address right = v.account;
            v.account = account;
            assertRefused(v);
            v.account = right;
        }
        if (slot != v.slot) {
            v.slot = slot;
            assertRefused(v);
        }
    }

    /// @dev A transaction's proof is none of a receipt, and the other way round: the roots differ.
    function test_oneTrieIsNotTheOther() public {
        Vector memory v = vector("receipt, one of 250");
        vm.expectRevert(InvalidProof.selector);
        reader.transaction(v.header, v.index, v.proof);
        v = vector("transaction, one of 250");
        vm.expectRevert(InvalidProof.selector);
        reader.receipt(v.header, v.index, v.proof);
    }

    function test_headers_cutOffOrPadded_areRefused() public view {
        Vector memory v = vector("receipt, one of 250");
        bytes memory header = v.header;
        v.header = bytes.concat(header, hex"00");
        assertRefused(v);
        v.header = bytes.concat(header, header);
        assertRefused(v);
        bytes memory cut = new bytes(header.length - 1);
        for (uint256 i; i < cut.length; ++i) {
            cut[i] = header[i];
        }
        v.header = cut;
        assertRefused(v);
        v.header = "";
        assertRefused(v);
    }

    function assertNoHeader(bytes memory header) internal {
        bytes[] memory none = new bytes[](0);
        vm.expectRevert(InvalidHeader.selector);
        reader.receipt(header, 0, none);
    }

    /// @dev Whatever says where the roots are must be as every header has it: nothing else is taken for one.
    function test_headers_ofAnotherForm_areRefused() public {
        Vector memory v = vector("receipt, one of 250");
        uint8[9] memory places = [0, 1, 2, 3, 36, 69, 90, 123, 156];
        for (uint256 i; i < places.length; ++i) {
            bytes1 was = v.header[places[i]];
            v.header[places[i]] = was ^ 0x01;
            (bool success, bytes memory why) = read(v);
            vm.assertFalse(success);
            vm.assertEq(why, abi.encodeWithSelector(InvalidHeader.selector));
            v.header[places[i]] = was;
        }
        (bool fine,) = read(v);
        vm.assertTrue(fine);
        // Of the right form as far as they go.
        assertNoHeader("");
        assertNoHeader(hex"f90000");
        assertNoHeader(abi.encodePacked(hex"f90120a0", bytes32(0), hex"a0", new bytes(100)));
        bytes memory cut = new bytes(188);
        for (uint256 i; i < cut.length; ++i) {
            cut[i] = v.header[i];
        }
        (cut[1], cut[2]) = (0x00, bytes1(uint8(cut.length - 3)));
        assertNoHeader(cut);
    }

    /// @dev A header of nothing but these roots, and as much more as every header has.
    function headerOf(bytes32 root) internal pure returns (bytes memory) {
        bytes memory start = abi.encodePacked(hex"f901b5a0", bytes32(0), hex"a0", bytes32(0), hex"94", address(0));
        bytes memory roots = abi.encodePacked(hex"a0", root, hex"a0", root, hex"a0", root);
        return bytes.concat(start, roots, new bytes(440 - start.length - roots.length));
    }

    /// @dev A leaf as long as this index would be, so that all the rest fits.
    function test_index_longerThanAnyPath_isRefused() public {
        bytes[] memory proof = new bytes[](1);
        proof[0] = abi.encodePacked(hex"e4a220a0", bytes32(type(uint256).max), hex"07");
        vm.expectRevert(InvalidProof.selector);
        reader.receipt(headerOf(keccak256(proof[0])), type(uint256).max, proof);
        vm.expectRevert(InvalidProof.selector);
        reader.transaction(headerOf(keccak256(proof[0])), uint256(type(uint64).max) + 1, proof);
    }

    /// @dev What a leaf has instead of an account.
    function test_accounts_ofAnotherForm_areRefused() public {
        address account = address(0xacc);
        bytes[] memory storageProof;
        bytes32 storageRoot;
        (storageRoot, storageProof) = Trie.proveSlot(bytes32(uint256(1)), hex"07", 0);
        bytes memory fields = abi.encodePacked(hex"0101a0", storageRoot, hex"a0", keccak256("code"));
        for (uint256 more; more < 3; ++more) {
            bytes memory leaf = bytes.concat(fields, new bytes(0));
            for (uint256 i; i < more; ++i) {
                leaf = bytes.concat(leaf, hex"80");
            }
            leaf = abi.encodePacked(hex"f8", uint8(leaf.length), leaf);
            leaf = abi.encodePacked(hex"a120", keccak256(abi.encodePacked(account)), hex"b8", uint8(leaf.length), leaf);
            bytes[] memory proof = new bytes[](1);
            proof[0] = abi.encodePacked(hex"f8", uint8(leaf.length), leaf);
            bytes memory header = headerOf(keccak256(proof[0]));
            if (more != 0) vm.expectRevert(InvalidProof.selector);
            (, uint256 value) = reader.slot(header, account, bytes32(uint256(1)), proof, storageProof);
            if (more == 0) vm.assertEq(value, 7);
        }
    }

    function test_log_isThatOfTheReceipt() public {
        Vector memory v = vector("receipt, one of 250");
        (bytes32 hash, bool success, address emitter, bytes32[] memory topics, bytes memory data) =
            reader.log(v.header, v.index, v.proof, 0);
        vm.assertEq(hash, v.blockHash);
        vm.assertTrue(success);
        vm.assertTrue(emitter != address(0));
        vm.assertEq(topics.length, 3);
        vm.assertEq(data.length, 480);
        vm.expectRevert(abi.encodeWithSelector(NoSuchLog.selector, 1, 1));
        reader.log(v.header, v.index, v.proof, 1);
    }

    // --- receipts ---

    function logOf(address emitter, bytes32[] memory topics, bytes memory data)
        internal
        pure
        returns (bytes memory)
    {
        bytes[] memory encoded = new bytes[](topics.length);
        for (uint256 i; i < topics.length; ++i) {
            encoded[i] = topics[i].encode();
        }
        bytes[] memory fields = new bytes[](3);
        (fields[0], fields[1], fields[2]) = (emitter.encode(), encoded.encode(), data.encode());
        return fields.encode();
    }

    function receiptOf(bytes memory outcome, bytes[] memory logs) internal pure returns (bytes memory) {
        bytes[] memory fields = new bytes[](4);
        fields[0] = outcome.encode();
        fields[1] = uint256(21_000).encode();
        fields[2] = new bytes(256).encode();
        fields[3] = logs.encode();
        return fields.encode();
    }

    function one(bytes memory log) internal pure returns (bytes[] memory logs) {
        logs = new bytes[](1);
        logs[0] = log;
    }

    /// @dev Of every type that there may be (EIP-2718).
    function testFuzz_events_areFoundInReceiptsOfEveryType(
        uint8 kind,
        address emitter,
        bytes32[] memory topics,
        bytes memory data,
        bytes32 other
    ) public view {
        bytes[] memory logs = new bytes[](3);
        logs[0] = logOf(address(1), new bytes32[](0), "");
        logs[1] = logOf(emitter, topics, data);
        logs[2] = logOf(address(2), new bytes32[](1), abi.encode(other));
        bytes memory encoded = receiptOf(hex"01", logs);
        if (kind % 0x80 != 0) encoded = bytes.concat(bytes1(kind % 0x80), encoded);
        (bool success, BlockProof.Event memory found) = this.eventOf(encoded, 1);
        vm.assertTrue(success);
        vm.assertEq(found.emitter, emitter);
        vm.assertEq(abi.encode(found.topics), abi.encode(topics));
        vm.assertEq(found.data, data);
    }

    function test_status_onlyOneIsSuccess() public view {
        bytes[] memory logs = one(logOf(address(1), new bytes32[](0), ""));
        bytes[5] memory others =
            [bytes(""), hex"02", hex"0101", bytes.concat(keccak256("a state root")), hex"81"];
        (bool success,) = this.eventOf(receiptOf(hex"01", logs), 0);
        vm.assertTrue(success);
        for (uint256 i; i < others.length; ++i) {
            (success,) = this.eventOf(receiptOf(others[i], logs), 0);
            vm.assertFalse(success);
        }
        // As a list, which is no status.
        bytes[] memory fields = new bytes[](4);
        (fields[0], fields[1], fields[2], fields[3]) =
        (hex"c101", uint256(1).encode(), bytes("").encode(), logs.encode());
        (success,) = this.eventOf(fields.encode(), 0);
        vm.assertFalse(success);
    }

    function test_whatIsNoReceipt_isRefused() public {
        vm.expectRevert(InvalidReceipt.selector);
        this.eventOf("", 0);
        // Three fields, five, seven.
        for (uint256 count = 3; count < 8; count += 2) {
            bytes[] memory fields = new bytes[](count);
            for (uint256 i; i < count; ++i) {
                fields[i] = hex"c0";
            }
            vm.expectRevert(InvalidReceipt.selector);
            this.eventOf(fields.encode(), 0);
        }
        // An address of 19 bytes; a topic of 31; a log of two fields.
        bytes[] memory log = new bytes[](3);
        (log[0], log[1], log[2]) = (bytes.concat(new bytes(19)).encode(), hex"c0", hex"80");
        bytes memory encoded = receiptOf(hex"01", one(log.encode()));
        vm.expectRevert(InvalidReceipt.selector);
        this.eventOf(encoded, 0);
        (log[0], log[1]) = (address(1).encode(), one(bytes.concat(new bytes(31)).encode()).encode());
        encoded = receiptOf(hex"01", one(log.encode()));
        vm.expectRevert(InvalidReceipt.selector);
        this.eventOf(encoded, 0);
        bytes[] memory two = new bytes[](2);
        (two[0], two[1]) = (address(1).encode(), hex"c0");
        encoded = receiptOf(hex"01", one(two.encode()));
        vm.expectRevert(InvalidReceipt.selector);
        this.eventOf(encoded, 0);
    }

    /// @dev Whatever it is given, it ends.
    function testFuzz_anything_isReadToAnEnd(bytes memory encoded, uint256 logIndex) public view {
        try this.eventOf(encoded, logIndex) {} catch {}
    }
}
