// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Inbox} from "../src/L1/Inbox.sol";
import {IInbox} from "../src/interfaces/IInbox.sol";
import "../src/libraries/Errors.sol";
import {Hashing} from "../src/libraries/Hashing.sol";
import {BatchHeader, BatchRecord, InboxParams} from "../src/libraries/Types.sol";
import {Caller} from "./utils/Receivers.sol";
import {System} from "./utils/System.sol";

contract InboxTest is System {
    bytes internal constant DATA = "some batch data";

    function reject(BatchHeader memory header, bytes memory reason) internal {
        rejectFrom(sequencer, header, DATA, reason);
    }

    function rejectFrom(address sender, BatchHeader memory header, bytes memory data, bytes memory reason)
        internal
    {
        vm.expectRevert(reason);
        vm.prank(sender, sender);
        inbox.append(header, data);
    }

    function send(uint64 gasLimit) internal {
        vm.prank(alice, alice);
        queue.send(bob, 0, gasLimit, "");
    }

    /// @dev A header that consumes this many messages in all, built on a later block.
    function consuming(uint64 count) internal returns (BatchHeader memory header) {
        vm.roll(block.number + 1);
        header = nextHeader(DATA);
        header.messageCount = count;
        header.messageAcc = queue.accumulator(count);
    }

    // --- construction ---

    function test_constructor_genesis_isBatchZero() public view {
        vm.assertEq(inbox.batchCount(), 1);
        vm.assertEq(inbox.batchHash(0), keccak256(abi.encode(last)));
        vm.assertEq(inbox.batchLastBlock(0), 0);
        (uint64 number, bytes32 hash) = inbox.genesisAnchor();
        vm.assertEq(number, last.anchorNumber);
        vm.assertEq(hash, last.anchorHash);
    }

    function test_constructor_badGenesis_reverts() public {
        for (uint256 i; i < 8; ++i) {
            BatchHeader memory genesis = last;
            BatchHeader memory bad =
                BatchHeader(0, 0, 0, 0, 0, genesis.timestamp, genesis.anchorNumber, 0, 0, 0);
            if (i == 0) bad.index = 1;
            if (i == 1) bad.parentHash = bytes32(uint256(1));
            if (i == 2) bad.dataRoot = bytes32(uint256(1));
            if (i == 3) bad.firstBlock = 1;
            if (i == 4) bad.lastBlock = 1;
            if (i == 5) bad.anchorNumber = uint64(block.number + 1);
            if (i == 6) bad.messageCount = 1;
            if (i == 7) bad.messageAcc = bytes32(uint256(1));
            vm.expectRevert(InvalidParameter.selector);
            new Inbox(address(queue), sequencer, bad, params());
        }
    }

    function test_constructor_badParameters_reverts() public {
        vm.expectRevert(ZeroAddress.selector);
        new Inbox(address(0), sequencer, last, params());
        for (uint256 i; i < 4; ++i) {
            InboxParams memory bad = params();
            if (i == 0) bad.sequencerTimeout = bad.forcedInclusionDelay - 1;
            if (i == 1) bad.maxBatchBlocks = 0;
            if (i == 2) bad.messageGasPerBlock = queue.maxMessageGas() - 1;
            if (i == 3) bad.maxBatchData = 0;
            vm.expectRevert(InvalidParameter.selector);
            new Inbox(address(queue), sequencer, last, bad);
        }
    }

    // --- the good case ---

    function test_append_valid_storesAndEmits() public {
        BatchHeader memory header = nextHeader(DATA);
        header.lastBlock += 4;
        bytes32 hash = keccak256(abi.encode(header));
        vm.expectEmit();
        emit IInbox.BatchAppended(1, hash, header, sequencer);
        append(header, DATA);

        vm.assertEq(inbox.batchCount(), 2);
        (uint64 index, BatchRecord memory record) = inbox.lastBatch();
        vm.assertEq(index, 1);
        vm.assertEq(record.hash, hash);
        vm.assertEq(record.lastBlock, 5);
        vm.assertEq(record.timestamp, header.timestamp);
        vm.assertEq(record.anchorNumber, header.anchorNumber);
        vm.assertEq(record.messageCount, 0);
        vm.assertEq(abi.encode(inbox.batch(1)), abi.encode(record));
        append(nextHeader(DATA), DATA);
        vm.assertEq(inbox.batchLastBlock(2), 6);
    }

    // --- who and how ---

    function test_append_contract_reverts() public {
        BatchHeader memory header = nextHeader(DATA);
        vm.expectRevert(abi.encodeWithSelector(NotTransactionSender.selector, sequencer));
        vm.prank(sequencer, alice);
        inbox.append(header, DATA);
    }

    function test_append_delegatedSender_reverts() public {
        vm.etch(sequencer, abi.encodePacked(hex"ef0100", address(new Caller())));
        reject(nextHeader(DATA), abi.encodeWithSelector(NotTransactionSender.selector, sequencer));
    }

    function test_append_stranger_reverts() public {
        send(21_000);
        BatchHeader memory header = consuming(1);
        rejectFrom(alice, header, DATA, abi.encodeWithSelector(NotSequencer.selector, alice));
    }

    function test_append_strangerWithEmptyQueue_reverts() public {
        vm.warp(block.timestamp + 365 days);
        rejectFrom(alice, nextHeader(DATA), DATA, abi.encodeWithSelector(NotSequencer.selector, alice));
    }

    function test_append_strangerAfterTimeout_succeedsOnce() public {
        send(21_000);
        vm.warp(block.timestamp + 12 hours);
        BatchHeader memory header = consuming(1);
        vm.assertFalse(inbox.isOpen());
        rejectFrom(alice, header, DATA, abi.encodeWithSelector(NotSequencer.selector, alice));
        vm.warp(block.timestamp + 1);
        vm.assertTrue(inbox.isOpen());
        appendFrom(alice, header, DATA);
        vm.assertFalse(inbox.isOpen());
        rejectFrom(alice, nextHeader(DATA), DATA, abi.encodeWithSelector(NotSequencer.selector, alice));
    }

    function test_append_strangerAfterTimeout_mustConsume() public {
        send(21_000);
        vm.warp(block.timestamp + 12 hours + 1);
        rejectFrom(alice, consuming(0), DATA, abi.encodeWithSelector(MessageOverdue.selector, 0));
    }

    function test_append_nonCanonicalInput_reverts() public {
        bytes memory good = abi.encodeCall(inbox.append, (nextHeader(DATA), DATA));
        uint256 offsetWord = 4 + 10 * 32;

        bytes memory surplus = abi.encodePacked(good, bytes32(0));
        checkRaw(surplus);
        checkRaw(abi.encodePacked(good, hex"00"));

        // The length and data moved one word further.
        bytes memory moved = new bytes(good.length + 32);
        for (uint256 i; i < good.length; ++i) {
            moved[i < offsetWord + 32 ? i : i + 32] = good[i];
        }
        moved[offsetWord + 30] = 0x01;
        moved[offsetWord + 31] = 0x80;
        checkRaw(moved);

        // Padding that is not zero, first and last byte.
        good[good.length - 1] = 0x01;
        checkRaw(good);
        good[good.length - 1] = 0;
        uint256 firstPad = offsetWord + 64 + DATA.length;
        good[firstPad] = 0x80;
        checkRaw(good);
        good[firstPad] = 0;

        // Padding cut off.
        bytes memory cut = new bytes(good.length - 1);
        for (uint256 i; i < cut.length; ++i) {
            cut[i] = good[i];
        }
        checkRaw(cut);

        vm.prank(sequencer, sequencer);
        (bool success,) = address(inbox).call(good);
        vm.assertTrue(success);
    }

    function checkRaw(bytes memory input) internal {
        vm.prank(sequencer, sequencer);
        (bool success, bytes memory result) = address(inbox).call(input);
        vm.assertFalse(success);
        vm.assertEq(result, abi.encodeWithSelector(NonCanonicalCalldata.selector));
    }

    function test_append_dirtyHeaderWord_reverts() public {
        bytes memory input = abi.encodeCall(inbox.append, (nextHeader(DATA), DATA));
        input[4] = 0x01;
        vm.prank(sequencer, sequencer);
        (bool success,) = address(inbox).call(input);
        vm.assertFalse(success);
    }

    /// forge-config: default.fuzz.runs = 64
    function testFuzz_append_dataOfAnyLength_isCanonical(uint256 length) public {
        bytes memory data = new bytes(bound(length, 1, 200));
        for (uint256 i; i < data.length; ++i) {
            data[i] = 0xff;
        }
        append(nextHeader(data), data);
    }

    // --- order ---

    function test_append_wrongIndex_reverts() public {
        BatchHeader memory header = nextHeader(DATA);
        header.index = 2;
        reject(header, abi.encodeWithSelector(UnexpectedBatchIndex.selector, 1, 2));
        header.index = 0;
        reject(header, abi.encodeWithSelector(UnexpectedBatchIndex.selector, 1, 0));
    }

    function test_append_wrongParent_reverts() public {
        BatchHeader memory header = nextHeader(DATA);
        bytes32 parent = header.parentHash;
        header.parentHash = keccak256("other");
        reject(header, abi.encodeWithSelector(UnexpectedParent.selector, parent, header.parentHash));
    }

    function test_append_sameBatchTwice_reverts() public {
        BatchHeader memory header = nextHeader(DATA);
        append(header, DATA);
        reject(header, abi.encodeWithSelector(UnexpectedBatchIndex.selector, 2, 1));
    }

    function test_append_blockRange_boundaries() public {
        BatchHeader memory header = nextHeader(DATA);
        header.firstBlock = 0;
        reject(header, abi.encodeWithSelector(UnexpectedFirstBlock.selector, 1, 0));
        header.firstBlock = 2;
        header.lastBlock = 2;
        reject(header, abi.encodeWithSelector(UnexpectedFirstBlock.selector, 1, 2));
        header.firstBlock = 1;
        header.lastBlock = 0;
        reject(header, abi.encodeWithSelector(InvalidBlockRange.selector, 1, 0));
        header.lastBlock = 1001;
        reject(header, abi.encodeWithSelector(InvalidBlockRange.selector, 1, 1001));
        header.lastBlock = type(uint64).max;
        reject(header, abi.encodeWithSelector(InvalidBlockRange.selector, 1, type(uint64).max));
        header.lastBlock = 1000;
        append(header, DATA);
    }

    function test_append_timestamp_boundaries() public {
        BatchHeader memory header = nextHeader(DATA);
        uint64 floor = last.timestamp;
        uint64 ceiling = uint64(block.timestamp + 60);
        header.timestamp = floor - 1;
        reject(header, abi.encodeWithSelector(TimestampOutOfRange.selector, floor - 1, floor, ceiling));
        header.timestamp = ceiling + 1;
        reject(header, abi.encodeWithSelector(TimestampOutOfRange.selector, ceiling + 1, floor, ceiling));
        header.timestamp = ceiling;
        append(header, DATA);
        header = nextHeader(DATA);
        header.timestamp = ceiling;
        append(header, DATA);
    }

    // --- anchor ---

    function setAnchor(BatchHeader memory header, uint256 number, bytes32 hash) internal pure {
        header.anchorNumber = uint64(number);
        header.anchorHash = hash;
    }

    function test_append_anchorNotInThePast_reverts() public {
        BatchHeader memory header = nextHeader(DATA);
        setAnchor(header, block.number, keccak256("x"));
        reject(header, abi.encodeWithSelector(AnchorOutOfRange.selector, block.number));
        setAnchor(header, block.number + 1, keccak256("x"));
        reject(header, abi.encodeWithSelector(AnchorOutOfRange.selector, block.number + 1));
    }

    function test_append_anchorGoesBack_reverts() public {
        append(nextHeader(DATA), DATA);
        BatchHeader memory header = nextHeader(DATA);
        setAnchor(header, last.anchorNumber - 1, blockhash(last.anchorNumber - 1));
        reject(header, abi.encodeWithSelector(AnchorOutOfRange.selector, header.anchorNumber));
    }

    function test_append_anchorOfAnotherFork_reverts() public {
        BatchHeader memory header = nextHeader(DATA);
        setAnchor(header, block.number - 1, keccak256("fork"));
        reject(
            header,
            abi.encodeWithSelector(AnchorNotCanonical.selector, header.anchorNumber, header.anchorHash)
        );
    }

    function test_append_sameAnchor_succeeds() public {
        BatchHeader memory header = nextHeader(DATA);
        setAnchor(header, last.anchorNumber, last.anchorHash);
        append(header, DATA);
        header = nextHeader(DATA);
        setAnchor(header, last.anchorNumber, last.anchorHash);
        append(header, DATA);
    }

    function test_append_genesisAnchorOfAnotherHash_reverts() public {
        BatchHeader memory genesis = last;
        genesis.anchorHash = keccak256("chosen at deployment");
        inbox = new Inbox(address(queue), sequencer, genesis, params());
        last = genesis;
        BatchHeader memory header = nextHeader(DATA);
        bytes32 canonical = blockhash(genesis.anchorNumber);
        setAnchor(header, genesis.anchorNumber, canonical);
        reject(header, abi.encodeWithSelector(AnchorNotCanonical.selector, genesis.anchorNumber, canonical));
        setAnchor(header, genesis.anchorNumber, genesis.anchorHash);
        reject(
            header,
            abi.encodeWithSelector(AnchorNotCanonical.selector, genesis.anchorNumber, genesis.anchorHash)
        );
    }

    function test_append_historyWindow_boundaries() public {
        uint256 oldest = block.number;
        bytes32 hash = keccak256("old block");
        vm.store(HISTORY, bytes32(oldest % 8191), hash);

        vm.roll(oldest + 8192);
        BatchHeader memory header = nextHeader(DATA);
        setAnchor(header, oldest, hash);
        reject(header, abi.encodeWithSelector(AnchorNotCanonical.selector, oldest, hash));
        setAnchor(header, oldest, bytes32(0));
        reject(header, abi.encodeWithSelector(AnchorNotCanonical.selector, oldest, bytes32(0)));

        vm.roll(oldest + 8191);
        setAnchor(header, oldest, hash);
        append(header, DATA);
    }

    // --- messages ---

    function test_append_messageCount_boundaries() public {
        send(21_000);
        send(21_000);
        append(consuming(1), DATA);
        BatchHeader memory header = consuming(2);
        header.messageCount = 0;
        reject(header, abi.encodeWithSelector(MessageCountOutOfRange.selector, 0));
        header.messageCount = 3;
        reject(header, abi.encodeWithSelector(MessageCountOutOfRange.selector, 3));
        header.messageCount = 2;
        append(header, DATA);
        vm.assertEq(inbox.batch(2).messageCount, 2);
    }

    function test_append_wrongAcc_reverts() public {
        send(21_000);
        BatchHeader memory header = consuming(1);
        header.messageAcc = queue.accumulator(0);
        reject(
            header, abi.encodeWithSelector(UnexpectedMessageAcc.selector, queue.accumulator(1), bytes32(0))
        );
        header = consuming(0);
        header.messageAcc = queue.accumulator(1);
        reject(
            header, abi.encodeWithSelector(UnexpectedMessageAcc.selector, bytes32(0), queue.accumulator(1))
        );
    }

    function test_append_messageAfterAnchor_reverts() public {
        uint256 sentIn = block.number;
        send(21_000);
        BatchHeader memory header = consuming(1);
        setAnchor(header, sentIn - 1, blockhash(sentIn - 1));
        reject(header, abi.encodeWithSelector(MessageAfterAnchor.selector, sentIn, sentIn - 1));
        setAnchor(header, sentIn, blockhash(sentIn));
        append(header, DATA);
    }

    function test_append_capacity_boundaries() public {
        for (uint256 i; i < 5; ++i) {
            send(10_000_000);
        }
        send(21_000);
        BatchHeader memory header = consuming(5);
        header.lastBlock = 2;
        reject(header, abi.encodeWithSelector(MessageCapacityExceeded.selector, 50_000_000, 36_000_000));
        header.lastBlock = 3;
        append(header, DATA);
        // What earlier batches consumed does not count again.
        append(consuming(6), DATA);
    }

    // --- forced inclusion ---

    function test_append_overdueMessage_boundaries() public {
        send(21_000);
        vm.warp(block.timestamp + 1 hours);
        BatchHeader memory header = consuming(0);
        append(header, DATA);
        vm.warp(block.timestamp + 1);
        reject(consuming(0), abi.encodeWithSelector(MessageOverdue.selector, 0));
        append(consuming(1), DATA);
    }

    function test_append_someOverdueLeftOut_reverts() public {
        send(21_000);
        send(21_000);
        vm.warp(block.timestamp + 1 hours + 1);
        reject(consuming(1), abi.encodeWithSelector(MessageOverdue.selector, 1));
        append(consuming(2), DATA);
    }

    function test_append_overdueThatMightNotFit_mayWait() public {
        for (uint256 i; i < 3; ++i) {
            send(10_000_000);
        }
        vm.warp(block.timestamp + 1 hours + 1);
        // One message fits surely; a second of this size need not. Two blocks take two.
        reject(consuming(0), abi.encodeWithSelector(MessageOverdue.selector, 0));
        append(consuming(1), DATA);
        BatchHeader memory header = consuming(1);
        header.lastBlock++;
        reject(header, abi.encodeWithSelector(MessageOverdue.selector, 1));
        header.messageCount = 3;
        header.messageAcc = queue.accumulator(3);
        append(header, DATA);
    }

    /// @dev A sequencer that means to keep a big message out makes batches of as few blocks and messages as it
    /// may. Small messages ahead of the big one help it only as long as they last: one is taken each time.
    function test_append_oneBlockBatches_cannotStarveABigMessage() public {
        send(21_000);
        send(21_000);
        send(10_000_000);
        send(10_000_000);
        vm.warp(block.timestamp + 1 hours + 1);
        // The small ones fit for sure.
        reject(consuming(0), abi.encodeWithSelector(MessageOverdue.selector, 0));
        reject(consuming(1), abi.encodeWithSelector(MessageOverdue.selector, 1));
        append(consuming(2), DATA);
        // The big one may be more than what is sure, and goes first all the same.
        reject(consuming(2), abi.encodeWithSelector(MessageOverdue.selector, 2));
        append(consuming(3), DATA);
        reject(consuming(3), abi.encodeWithSelector(MessageOverdue.selector, 3));
        append(consuming(4), DATA);
    }

    /// @dev The least that the Inbox takes, batch after batch, until nothing waits: each takes one message at
    /// least, and none leaves out a message that the room which is sure still has place for.
    /// forge-config: default.fuzz.runs = 64
    function testFuzz_append_leastThatIsTaken_emptiesTheQueue(uint256 seed) public {
        (uint256[] memory gasOf, uint256 count) = sendSome(seed);
        uint256 sure = inbox.messageGasPerBlock() - queue.maxMessageGas();
        vm.warp(block.timestamp + 1 hours + 1);
        uint256 done;
        while (done < count) {
            seed = uint256(keccak256(abi.encode(seed)));
            uint256 blockCount = 1 + seed % 3;
            uint256 least = done + 1;
            uint256 used = gasOf[done];
            while (least < count && used + gasOf[least] <= blockCount * sure) used += gasOf[least++];

            BatchHeader memory header = consuming(uint64(least - 1));
            header.lastBlock += uint64(blockCount - 1);
            reject(header, abi.encodeWithSelector(MessageOverdue.selector, least - 1));
            header.messageCount = uint64(least);
            header.messageAcc = queue.accumulator(uint64(least));
            append(header, DATA);
            done = least;
        }
        append(consuming(uint64(count)), DATA);
    }

    /// @dev Sends up to twelve messages, a third of them of the greatest gas limit.
    function sendSome(uint256 seed) internal returns (uint256[] memory gasOf, uint256 count) {
        count = 1 + seed % 12;
        gasOf = new uint256[](count);
        for (uint256 i; i < count; ++i) {
            seed = uint256(keccak256(abi.encode(seed)));
            gasOf[i] = seed % 3 == 0 ? 10_000_000 : 21_000 + (seed >> 8) % 9_979_001;
            send(uint64(gasOf[i]));
        }
    }

    /// @dev Who packs whole messages in order, each block up to its limit, is never refused, however the blocks
    /// are cut into batches; and what the Inbox takes fits into the blocks if each takes messages until it has
    /// the limit, which is what a batch without valid content does.
    function testFuzz_append_honestPacking_isAlwaysTaken(uint256 seed, uint8 blocks) public {
        (uint256[] memory gasOf, uint256 count) = sendSome(seed);
        uint256 limit = inbox.messageGasPerBlock();
        vm.warp(block.timestamp + 1 hours + 1);
        uint256 packed;
        while (packed < count) {
            seed = uint256(keccak256(abi.encode(seed, blocks)));
            uint256 blockCount = 1 + seed % 4;
            uint256 first = packed;
            for (uint256 b; b < blockCount; ++b) {
                uint256 room = limit;
                while (packed < count && gasOf[packed] <= room) room -= gasOf[packed++];
            }
            BatchHeader memory header = consuming(uint64(packed));
            header.lastBlock += uint64(blockCount - 1);
            append(header, DATA);
            vm.assertEq(placedByDefault(gasOf, first, packed, blockCount), packed);
        }
    }

    /// @dev Any count that the Inbox takes can be placed by the default content, whether messages are late or
    /// not, up to the last gas of the room.
    function testFuzz_append_whatIsTaken_fitsByDefault(uint256 seed, uint8 blocks, bool late) public {
        (uint256[] memory gasOf, uint256 count) = sendSome(seed);
        if (late) vm.warp(block.timestamp + 1 hours + 1);
        uint256 room = (1 + uint256(blocks) % 6) * inbox.messageGasPerBlock();
        uint256 most;
        uint256 used;
        while (most < count && used + gasOf[most] <= room) used += gasOf[most++];

        BatchHeader memory header;
        if (most < count) {
            header = consuming(uint64(most + 1));
            header.lastBlock += uint64(blocks) % 6;
            reject(header, abi.encodeWithSelector(MessageCapacityExceeded.selector, used + gasOf[most], room));
        }
        header = consuming(uint64(most));
        header.lastBlock += uint64(blocks) % 6;
        append(header, DATA);
        vm.assertEq(placedByDefault(gasOf, 0, most, 1 + uint256(blocks) % 6), most);
    }

    /// @dev How far `blockCount` blocks come that take messages until each has the limit. No block gets more
    /// than the limit and one message, which is what the gas limit of L2 must have room for.
    function placedByDefault(uint256[] memory gasOf, uint256 first, uint256 end, uint256 blockCount)
        internal
        view
        returns (uint256 placed)
    {
        uint256 limit = inbox.messageGasPerBlock();
        placed = first;
        for (uint256 b; b < blockCount; ++b) {
            uint256 used;
            while (placed < end && used < limit) used += gasOf[placed++];
            vm.assertLe(used, limit + queue.maxMessageGas() - 1);
        }
    }

    // --- blobs ---

    function blobRoot(bytes32[] memory hashes) internal pure returns (bytes32) {
        return keccak256(abi.encodePacked(uint8(2), hashes));
    }

    function someBlobs(uint256 count) internal returns (bytes32[] memory hashes) {
        hashes = new bytes32[](count);
        for (uint256 i; i < count; ++i) {
            hashes[i] = bytes32(uint256(1) << 248 | uint256(keccak256(abi.encode(i))) >> 8);
        }
        vm.blobhashes(hashes);
    }

    function rejectBlobs(address sender, BatchHeader memory header, bytes memory reason) internal {
        vm.expectRevert(reason);
        vm.prank(sender, sender);
        inbox.appendBlobs(header);
    }

    function test_appendBlobs_anyNumber_isTaken() public {
        for (uint256 count = 1; count <= 6; ++count) {
            bytes32[] memory hashes = someBlobs(count);
            BatchHeader memory header = consuming(0);
            header.dataRoot = blobRoot(hashes);
            bytes32 hash = Hashing.batchHash(header);
            vm.expectEmit();
            emit IInbox.BatchAppended(header.index, hash, header, sequencer);
            vm.prank(sequencer, sequencer);
            inbox.appendBlobs(header);
            last = header;
            vm.assertEq(inbox.batchHash(header.index), hash);
        }
    }

    function test_appendBlobs_withoutBlobs_reverts() public {
        BatchHeader memory header = consuming(0);
        header.dataRoot = blobRoot(new bytes32[](0));
        rejectBlobs(sequencer, header, abi.encodeWithSelector(NoBlobs.selector));
    }

    function test_appendBlobs_otherBlobsOrOrder_reverts() public {
        bytes32[] memory hashes = someBlobs(2);
        BatchHeader memory header = consuming(0);
        bytes32 actual = blobRoot(hashes);
        (hashes[0], hashes[1]) = (hashes[1], hashes[0]);
        header.dataRoot = blobRoot(hashes);
        rejectBlobs(
            sequencer, header, abi.encodeWithSelector(UnexpectedDataRoot.selector, actual, header.dataRoot)
        );
        bytes32[] memory fewer = new bytes32[](1);
        fewer[0] = hashes[1];
        header.dataRoot = blobRoot(fewer);
        rejectBlobs(
            sequencer, header, abi.encodeWithSelector(UnexpectedDataRoot.selector, actual, header.dataRoot)
        );
    }

    /// @dev The root of blobs is never that of calldata: what a program asks for has one meaning.
    function test_appendBlobs_calldataWhoseRootLooksAlike_reverts() public {
        bytes32[] memory hashes = someBlobs(1);
        bytes memory data = abi.encodePacked(uint8(2), hashes);
        BatchHeader memory header = nextHeader(data);
        rejectBlobs(
            sequencer,
            header,
            abi.encodeWithSelector(UnexpectedDataRoot.selector, blobRoot(hashes), header.dataRoot)
        );
        header.dataRoot = blobRoot(hashes);
        bytes32 actual = this.dataRoot(data);
        rejectFrom(
            sequencer,
            header,
            data,
            abi.encodeWithSelector(UnexpectedDataRoot.selector, actual, header.dataRoot)
        );
    }

    function test_appendBlobs_othersAndContracts_revert() public {
        bytes32[] memory hashes = someBlobs(1);
        BatchHeader memory header = consuming(0);
        header.dataRoot = blobRoot(hashes);
        rejectBlobs(alice, header, abi.encodeWithSelector(NotSequencer.selector, alice));
        vm.expectRevert(abi.encodeWithSelector(NotTransactionSender.selector, sequencer));
        vm.prank(sequencer, alice);
        inbox.appendBlobs(header);
        send(21_000);
        vm.warp(block.timestamp + 12 hours + 1);
        header = consuming(1);
        header.dataRoot = blobRoot(hashes);
        vm.prank(alice, alice);
        inbox.appendBlobs(header);
    }

    function test_appendBlobs_longerInput_reverts() public {
        bytes32[] memory hashes = someBlobs(1);
        BatchHeader memory header = consuming(0);
        header.dataRoot = blobRoot(hashes);
        bytes memory input = abi.encodePacked(abi.encodeCall(inbox.appendBlobs, (header)), uint8(0));
        vm.prank(sequencer, sequencer);
        (bool success, bytes memory reason) = address(inbox).call(input);
        vm.assertFalse(success);
        vm.assertEq(bytes32(bytes4(reason)), bytes32(NonCanonicalCalldata.selector));
    }

    function test_appendBlobs_overdueMessage_reverts() public {
        bytes32[] memory hashes = someBlobs(1);
        send(21_000);
        vm.warp(block.timestamp + 1 hours + 1);
        BatchHeader memory header = consuming(0);
        header.dataRoot = blobRoot(hashes);
        rejectBlobs(sequencer, header, abi.encodeWithSelector(MessageOverdue.selector, 0));
    }

    // --- data ---

    function test_append_dataLength_boundaries() public {
        BatchHeader memory header = nextHeader(DATA);
        rejectFrom(sequencer, header, "", abi.encodeWithSelector(InvalidDataLength.selector, 0));
        rejectFrom(
            sequencer, header, new bytes(125_001), abi.encodeWithSelector(InvalidDataLength.selector, 125_001)
        );
        bytes memory data = new bytes(125_000);
        append(nextHeader(data), data);
    }

    function test_append_wrongDataRoot_reverts() public {
        BatchHeader memory header = nextHeader(DATA);
        bytes32 actual = header.dataRoot;
        header.dataRoot = keccak256("other");
        reject(header, abi.encodeWithSelector(UnexpectedDataRoot.selector, actual, header.dataRoot));
    }

    function test_views_unknownBatch_revert() public {
        vm.expectRevert(abi.encodeWithSelector(UnknownBatch.selector, 1));
        inbox.batchHash(1);
        vm.expectRevert(abi.encodeWithSelector(UnknownBatch.selector, 1));
        inbox.batchLastBlock(1);
        vm.expectRevert(abi.encodeWithSelector(UnknownBatch.selector, 1));
        inbox.batch(1);
    }

    function test_batchHash_matchesHashing() public view {
        vm.assertEq(inbox.batchHash(0), Hashing.batchHash(last));
    }
}
