// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {AddressAlias} from "../src/libraries/AddressAlias.sol";
import {Hashing} from "../src/libraries/Hashing.sol";
import {BatchHeader, OutputRootProof, Withdrawal} from "../src/libraries/Types.sol";
import {Caller} from "./utils/Receivers.sol";
import {System} from "./utils/System.sol";

/// @notice Keeps test/vectors.json true: what the contracts compute, for the node to compare its own code with.
/// WRITE_VECTORS=true writes the file anew.
contract VectorsTest is System {
    string internal constant FILE = "test/vectors.json";

    string[] internal items;

    function test_vectors_areTrue() public {
        string memory json = string.concat(
            '{\n  "aliases": ',
            aliases(),
            ',\n  "messages": ',
            messages(),
            ',\n  "dataRoots": ',
            dataRoots(),
            ',\n  "batches": ',
            batches(),
            ',\n  "claims": ',
            claims(),
            ',\n  "withdrawals": ',
            withdrawals(),
            ',\n  "outputRoots": ',
            outputRoots(),
            ',\n  "tokens": ',
            tokens(),
            "\n}\n"
        );
        if (vm.envOr("WRITE_VECTORS", false)) vm.writeFile(FILE, json);
        vm.assertEq(json, vm.readFile(FILE));
    }

    // --- sections ---

    function aliases() internal returns (string memory) {
        address[3] memory senders =
            [address(1), 0x00000000219ab540356cBB839Cbe05303d7705Fa, address(type(uint160).max)];
        for (uint256 i; i < senders.length; ++i) {
            items.push(object(field("l1", senders[i], field("l2", AddressAlias.toL2(senders[i])))));
        }
        return list();
    }

    function messages() internal returns (string memory) {
        send(0, 0, 21_000, "");
        send(1 ether, 1 ether, 50_000, hex"00");
        send(0, 123456789 ether, 65_535, hex"cafebabe");
        send(7, 3, 1_000_000, bytesOf(100));
        send(type(uint64).max, type(uint256).max, 10_000_000, bytesOf(33));
        return list();
    }

    /// @dev Through the real queue, in turn from an account and from a contract.
    function send(uint256 mint, uint256 value, uint64 gasLimit, bytes memory data) internal {
        address target = address(uint160(uint256(keccak256(data))));
        vm.recordLogs();
        if (queue.count() % 2 == 0) {
            vm.prank(alice, alice);
            queue.send{value: mint}(target, value, gasLimit, data);
        } else {
            Caller caller = new Caller();
            vm.prank(alice, alice);
            caller.call{value: mint}(address(queue), abi.encodeCall(queue.send, (target, value, gasLimit, data)));
        }
        Message memory m = messagesIn(vm.getRecordedLogs())[0];
        bytes32 hash = Hashing.messageHash(m.from, m.target, m.mint, m.value, m.gasLimit, m.data);
        string memory end = field("hash", hash, field("acc", queue.accumulator(queue.count())));
        end = field("gasLimit", m.gasLimit, field("data", m.data, end));
        end = field("mint", bytes32(m.mint), field("value", bytes32(m.value), end));
        items.push(object(field("from", m.from, field("target", m.target, end))));
    }

    function dataRoots() internal returns (string memory) {
        uint256[8] memory lengths = [uint256(1), 4095, 4096, 4097, 12_288, 20_481, 100_000, 125_000];
        for (uint256 i; i < lengths.length; ++i) {
            items.push(object(field("length", lengths[i], field("root", this.dataRoot(bytesOf(lengths[i]))))));
        }
        return list();
    }

    function batches() internal returns (string memory) {
        BatchHeader memory h;
        h.timestamp = 1_800_000_000;
        h.anchorNumber = 19_990;
        h.anchorHash = keccak256("anchor");
        pushBatch(h);
        h = BatchHeader({
            index: 1,
            parentHash: Hashing.batchHash(h),
            dataRoot: this.dataRoot(bytesOf(4097)),
            firstBlock: 1,
            lastBlock: 60,
            timestamp: 1_800_000_120,
            anchorNumber: 19_995,
            anchorHash: keccak256("later anchor"),
            messageCount: 5,
            messageAcc: queue.accumulator(5)
        });
        pushBatch(h);
        uint64 max = type(uint64).max;
        pushBatch(
            BatchHeader(max, bytes32(type(uint256).max), "data", max, max, max, max, "anchor", max, "acc")
        );
        return list();
    }

    function pushBatch(BatchHeader memory h) internal {
        string memory end = field("hash", Hashing.batchHash(h));
        end = field("messageCount", h.messageCount, field("messageAcc", h.messageAcc, end));
        end = field("anchorNumber", h.anchorNumber, field("anchorHash", h.anchorHash, end));
        end = field("lastBlock", h.lastBlock, field("timestamp", h.timestamp, end));
        end = field("dataRoot", h.dataRoot, field("firstBlock", h.firstBlock, end));
        items.push(object(field("index", h.index, field("parentHash", h.parentHash, end))));
    }

    function claims() internal returns (string memory) {
        uint64 max = type(uint64).max;
        pushClaim("parent", 0, 1, "batch", "history", "output");
        pushClaim("another", 7, 4096, "batch", "history", "output");
        pushClaim(bytes32(type(uint256).max), max - 1, max, 0, bytes32(uint256(1)), bytes32(0));
        return list();
    }

    function pushClaim(
        bytes32 parentOutputRoot,
        uint64 parentBatch,
        uint64 lastBatch,
        bytes32 lastBatchHash,
        bytes32 blockOutputsRoot,
        bytes32 outputRoot
    ) internal {
        bytes32 hash = Hashing.claimHash(
            parentOutputRoot, parentBatch, lastBatch, lastBatchHash, blockOutputsRoot, outputRoot
        );
        string memory end = field("outputRoot", outputRoot, field("hash", hash));
        end = field("lastBatchHash", lastBatchHash, field("blockOutputsRoot", blockOutputsRoot, end));
        end = field("parentBatch", parentBatch, field("lastBatch", lastBatch, end));
        items.push(object(field("parentOutputRoot", parentOutputRoot, end)));
    }

    function withdrawals() internal returns (string memory) {
        pushWithdrawal(Withdrawal(1 << 240, alice, bob, 0, 0, ""));
        pushWithdrawal(Withdrawal(1 << 240 | 1, address(bridge), alice, 1 ether, 100_000, hex"00"));
        pushWithdrawal(Withdrawal(1 << 240 | 0xffff, address(bridge), bob, 3, 10_000_000, bytesOf(100)));
        return list();
    }

    function pushWithdrawal(Withdrawal memory w) internal {
        bytes32 hash = Hashing.withdrawalHash(w);
        string memory end = field("hash", hash, field("slot", Hashing.withdrawalSlot(hash)));
        end = field("gasLimit", bytes32(w.gasLimit), field("data", w.data, end));
        end = field("target", w.target, field("value", bytes32(w.value), end));
        items.push(object(field("nonce", bytes32(w.nonce), field("sender", w.sender, end))));
    }

    function outputRoots() internal returns (string memory) {
        OutputRootProof[2] memory proofs = [
            OutputRootProof(0, keccak256("state"), keccak256("storage"), keccak256("block")),
            OutputRootProof(0, 0, 0, 0)
        ];
        for (uint256 i; i < proofs.length; ++i) {
            OutputRootProof memory p = proofs[i];
            string memory end = field("latestBlockhash", p.latestBlockhash, field("outputRoot", Hashing.outputRoot(p)));
            end = field("messagePasserStorageRoot", p.messagePasserStorageRoot, end);
            items.push(object(field("version", p.version, field("stateRoot", p.stateRoot, end))));
        }
        return list();
    }

    function tokens() internal returns (string memory) {
        address[3] memory l1Tokens =
            [address(1), 0x6B175474E89094C44Da98b954EedeAC495271d0F, address(type(uint160).max)];
        for (uint256 i; i < l1Tokens.length; ++i) {
            items.push(
                object(field("l1Token", l1Tokens[i], field("l2Token", vault.l2TokenAddress(l1Tokens[i]))))
            );
        }
        return list();
    }

    // --- JSON ---

    function bytesOf(uint256 length) internal pure returns (bytes memory data) {
        data = new bytes(length);
        for (uint256 i; i < length; ++i) {
            data[i] = bytes1(uint8((i * 31 + 7) % 256));
        }
    }

    function list() internal returns (string memory json) {
        json = "[";
        for (uint256 i; i < items.length; ++i) {
            json = string.concat(json, i == 0 ? "\n    " : ",\n    ", items[i]);
        }
        json = string.concat(json, "\n  ]");
        delete items;
    }

    function object(string memory fields) internal pure returns (string memory) {
        return string.concat("{ ", fields, " }");
    }

    function join(string memory key, string memory value, string memory rest)
        internal
        pure
        returns (string memory)
    {
        string memory first = string.concat('"', key, '": ', value);
        return bytes(rest).length == 0 ? first : string.concat(first, ", ", rest);
    }

    function quote(string memory text) internal pure returns (string memory) {
        return string.concat('"', text, '"');
    }

    function field(string memory key, uint256 value, string memory rest) internal pure returns (string memory) {
        return join(key, vm.toString(value), rest);
    }

    function field(string memory key, address value, string memory rest) internal pure returns (string memory) {
        return join(key, quote(vm.toString(value)), rest);
    }

    function field(string memory key, bytes32 value, string memory rest) internal pure returns (string memory) {
        return join(key, quote(vm.toString(value)), rest);
    }

    function field(string memory key, bytes memory value, string memory rest)
        internal
        pure
        returns (string memory)
    {
        return join(key, quote(vm.toString(value)), rest);
    }

    function field(string memory key, address value) internal pure returns (string memory) {
        return field(key, value, "");
    }

    function field(string memory key, bytes32 value) internal pure returns (string memory) {
        return field(key, value, "");
    }
}
