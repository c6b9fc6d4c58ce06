// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Courier} from "../../src/L1/Courier.sol";
import {Disputes} from "../../src/L1/Disputes.sol";
import {Inbox} from "../../src/L1/Inbox.sol";
import {MessageQueue} from "../../src/L1/MessageQueue.sol";
import {PreimageOracle} from "../../src/L1/PreimageOracle.sol";
import {RiscvStep} from "../../src/L1/RiscvStep.sol";
import {Settlement} from "../../src/L1/Settlement.sol";
import {Vault} from "../../src/L1/Vault.sol";
import {BridgedToken} from "../../src/L2/BridgedToken.sol";
import {BridgedTokenFactory} from "../../src/L2/BridgedTokenFactory.sol";
import {FeeVault} from "../../src/L2/FeeVault.sol";
import {L1Block} from "../../src/L2/L1Block.sol";
import {L2Bridge} from "../../src/L2/L2Bridge.sol";
import {MessagePasser} from "../../src/L2/MessagePasser.sol";
import {WETH9} from "../../src/L2/WETH9.sol";
import {DataRoot} from "../../src/libraries/DataRoot.sol";
import {AddressAlias} from "../../src/libraries/AddressAlias.sol";
import {Hashing} from "../../src/libraries/Hashing.sol";
import {Predeploys} from "../../src/libraries/Predeploys.sol";
import {
    BatchHeader,
    BatchRecord,
    InboxParams,
    OutputRootProof,
    Withdrawal
} from "../../src/libraries/Types.sol";
import {Pieces, PiecesLib} from "./Pieces.sol";
import {Log, Test} from "./Test.sol";
import {Trie} from "./Trie.sol";

/// @notice Both layers in one EVM: the L1 contracts deployed as on a real chain, the predeploys in place. L1 and
/// L2 accounts must be kept apart by the tests.
abstract contract System is Test {
    using PiecesLib for Pieces;

    /// @dev A message as the queue announced it.
    struct Message {
        address from;
        address target;
        uint256 mint;
        uint256 value;
        uint64 gasLimit;
        bytes data;
    }

    address internal constant HISTORY = 0x0000F90827F1C53a10cb7A02335B175320002935;
    bytes internal constant HISTORY_CODE =
        hex"3373fffffffffffffffffffffffffffffffffffffffe14604657602036036042575f35600143038111604257611fff81430311604257611fff9006545f5260205ff35b5f5ffd5b5f35611fff60014303065500";

    uint256 internal constant GENESIS_ETH = 1000 ether;
    uint256 internal constant BOND = 1 ether;
    uint64 internal constant WINDOW = 7 days;
    uint64 internal constant EXODUS_DELAY = 30 days;
    bytes32 internal constant GENESIS_OUTPUT = keccak256("genesis output");
    uint256 internal constant DISPUTE_BOND = 0.5 ether;
    uint64 internal constant DEFENCE_PERIOD = 1 days;
    uint64 internal constant CLOCK = 3 days;
    /// @dev Window, defence, both clocks, and the second in which the last of them is over.
    uint64 internal constant MAX_DELAY = WINDOW + DEFENCE_PERIOD + 2 * CLOCK + 1;
    bytes32 internal constant CODE_ROOT = keccak256("code root");
    bytes32 internal constant CONFIG_HASH = keccak256("config");

    address internal sequencer = user("sequencer");
    address internal proposer = user("proposer");
    address internal alice = user("alice");
    address internal bob = user("bob");

    MessageQueue internal queue;
    Inbox internal inbox;
    Settlement internal settlement;
    PreimageOracle internal oracle;
    Disputes internal disputes;
    Courier internal courier;
    Vault internal vault;

    L2Bridge internal bridge = L2Bridge(Predeploys.L2_BRIDGE);
    MessagePasser internal passer = MessagePasser(payable(Predeploys.MESSAGE_PASSER));
    BridgedTokenFactory internal factory = BridgedTokenFactory(Predeploys.BRIDGED_TOKEN_FACTORY);
    L1Block internal l1Block = L1Block(Predeploys.L1_BLOCK);

    BatchHeader internal last;

    function setUp() public virtual {
        vm.etch(HISTORY, HISTORY_CODE);
        deployL1();
        deployL2();
        vm.deal(alice, 1000 ether);
        vm.deal(bob, 1000 ether);
        vm.deal(proposer, 1000 ether);
    }

    function params() internal pure virtual returns (InboxParams memory) {
        return InboxParams({
            sequencerTimeout: 12 hours,
            forcedInclusionDelay: 1 hours,
            maxDrift: 60,
            maxBatchBlocks: 1000,
            messageGasPerBlock: 18_000_000,
            maxBatchData: 125_000
        });
    }

    /// @dev One `CREATE`.
    function deployStepper() internal virtual returns (address) {
        return address(new RiscvStep());
    }

    function codeRoot() internal view virtual returns (bytes32) {
        return CODE_ROOT;
    }

    function startState() internal view virtual returns (bytes32) {
        return keccak256("start state");
    }

    /// @dev The genesis batch.
    function genesisBatch() internal virtual returns (BatchHeader memory genesis) {
        genesis.timestamp = uint64(block.timestamp);
        genesis.anchorNumber = uint64(block.number - 10);
        genesis.anchorHash = blockhash(block.number - 10);
    }

    function genesisOutput() internal view virtual returns (bytes32) {
        return GENESIS_OUTPUT;
    }

    function configHash() internal view virtual returns (bytes32) {
        return CONFIG_HASH;
    }

    /// @dev How claims become final, and the contract that verifies proofs, if there is one: `validityCreations()` `CREATE`s.
    function deployValidity() internal virtual returns (address) {
        return address(0);
    }

    function validityCreations() internal pure virtual returns (uint64) {
        return 0;
    }

    function hasDisputes() internal pure virtual returns (bool) {
        return true;
    }

    /// @dev The Endpoint that the Vault is told of: none, or the one that will be deployed from this nonce on.
    function laneEndpoint(uint64) internal view virtual returns (address) {
        return address(0);
    }

    /// @dev And the port.
    function lanePort(uint64) internal view virtual returns (address) {
        return address(0);
    }

    /// @dev What follows the Vault.
    function deployLane() internal virtual {}

    function deployL1() internal {
        last = genesisBatch();
        uint64 nonce = vm.getNonce(address(this)) + validityCreations();
        address disputesAddress = vm.computeCreateAddress(address(this), nonce + 5);
        address vaultAddress = vm.computeCreateAddress(address(this), nonce + 7);
        queue = new MessageQueue(vaultAddress, 10_000_000, 65_536, 10);
        inbox = new Inbox(address(queue), sequencer, last, params());
        settlement = hasDisputes()
            ? new Settlement(
                address(inbox), disputesAddress, deployValidity(), genesisOutput(), BOND, WINDOW, 2000
            )
            : new Settlement(address(inbox), address(0), deployValidity(), genesisOutput(), 0, 0, 2000);
        address stepper = deployStepper();
        oracle = new PreimageOracle();
        if (hasDisputes()) {
            disputes = new Disputes(
                address(settlement),
                address(oracle),
                stepper,
                codeRoot(),
                startState(),
                configHash(),
                DISPUTE_BOND,
                DEFENCE_PERIOD,
                CLOCK
            );
            vm.assertEq(address(disputes), disputesAddress);
        } else {
            // So that addresses are the same.
            new PreimageOracle();
        }
        courier = new Courier(vaultAddress);
        vault = new Vault{value: GENESIS_ETH}(
            address(queue),
            address(settlement),
            address(courier),
            laneEndpoint(nonce + 8),
            lanePort(nonce + 8),
            EXODUS_DELAY
        );
        vm.assertEq(address(vault), vaultAddress);
        deployLane();
    }

    function deployL2() internal {
        vm.etch(Predeploys.WETH, address(new WETH9()).code);
        vm.etch(Predeploys.L2_BRIDGE, address(new L2Bridge()).code);
        vm.etch(Predeploys.SEQUENCER_FEE_VAULT, address(new FeeVault()).code);
        vm.etch(Predeploys.BRIDGED_TOKEN_FACTORY, address(new BridgedTokenFactory()).code);
        vm.etch(Predeploys.BRIDGED_TOKEN, address(new BridgedToken()).code);
        vm.etch(Predeploys.L1_BLOCK, address(new L1Block()).code);
        vm.etch(Predeploys.MESSAGE_PASSER, address(new MessagePasser()).code);
        vm.store(Predeploys.L2_BRIDGE, 0, bytes32(uint256(uint160(address(vault)))));
    }

    // --- batches ---

    /// @dev The header that follows `last`: one block more, a fresh anchor, no new messages.
    function nextHeader(bytes memory data) internal view returns (BatchHeader memory header) {
        header.index = last.index + 1;
        header.parentHash = Hashing.batchHash(last);
        header.dataRoot = this.dataRoot(data);
        header.firstBlock = last.lastBlock + 1;
        header.lastBlock = last.lastBlock + 1;
        header.timestamp = uint64(block.timestamp);
        header.anchorNumber = uint64(block.number - 1);
        header.anchorHash = blockhash(block.number - 1);
        header.messageCount = last.messageCount;
        header.messageAcc = last.messageAcc;
    }

    function append(BatchHeader memory header, bytes memory data) internal {
        appendFrom(sequencer, header, data);
    }

    function appendFrom(address sender, BatchHeader memory header, bytes memory data) internal {
        vm.prank(sender, sender);
        inbox.append(header, data);
        last = header;
    }

    /// @dev Appends a batch of one block that consumes every message.
    function appendNext() internal returns (BatchHeader memory header) {
        vm.roll(block.number + 1);
        header = nextHeader("batch");
        header.messageCount = queue.count();
        header.messageAcc = queue.accumulator(header.messageCount);
        append(header, "batch");
    }

    /// @dev External, so that `DataRoot` sees calldata.
    function dataRoot(bytes calldata data) external pure returns (bytes32) {
        return DataRoot.compute(data);
    }

    // --- claims ---

    function propose(uint64 parentId, uint64 lastBatch, bytes32 outputRoot) internal returns (uint64) {
        (bytes32 history, bytes32[12] memory proof) = historyOf(parentId, lastBatch, outputRoot);
        return proposeHistory(parentId, lastBatch, history, outputRoot, proof);
    }

    function proposeHistory(
        uint64 parentId,
        uint64 lastBatch,
        bytes32 history,
        bytes32 outputRoot,
        bytes32[12] memory proof
    ) internal returns (uint64) {
        bytes32 hash = inbox.batchHash(lastBatch);
        bytes32 parentRoot = settlement.claim(parentId).outputRoot;
        vm.prank(proposer);
        return
            settlement.propose{value: BOND}(parentId, parentRoot, lastBatch, hash, history, outputRoot, proof);
    }

    function historyOf(uint64 parentId, uint64 lastBatch, bytes32 outputRoot)
        internal
        view
        returns (bytes32 root, bytes32[12] memory proof)
    {
        (Pieces memory p, uint256 blocks) = outputsOf(parentId, lastBatch, outputRoot);
        return (p.root(), p.proof(blocks - 1));
    }

    /// @dev Outputs of a claim's blocks, of which only the last matters: `outputRoot`.
    function outputsOf(uint64 parentId, uint64 lastBatch, bytes32 outputRoot)
        internal
        view
        returns (Pieces memory p, uint256 blocks)
    {
        // There may be no such claim.
        blocks = 1;
        if (parentId < settlement.claimCount() && lastBatch < inbox.batchCount()) {
            uint64 before = inbox.batchLastBlock(settlement.claim(parentId).lastBatch);
            uint64 lastBlock = inbox.batchLastBlock(lastBatch);
            if (lastBlock > before) blocks = lastBlock - before;
        }
        if (blocks > 4096) blocks = 4096;
        p.ends = [blocks - 1, blocks, blocks];
        p.values[0] = keccak256("output of a block before");
        p.values[1] = outputRoot;
    }

    /// @dev A claim of this output root after one more batch, made final.
    function makeFinal(bytes32 outputRoot) internal returns (uint64 id) {
        uint64 index = appendNext().index;
        id = propose(settlement.lastFinalClaim(), index, outputRoot);
        vm.warp(block.timestamp + WINDOW);
        settlement.finalize(id);
    }

    // --- withdrawals ---

    /// @dev An output root under which the withdrawal was sent.
    function outputFor(Withdrawal memory w)
        internal
        pure
        returns (OutputRootProof memory p, bytes[] memory proof)
    {
        (p.messagePasserStorageRoot, proof) = Trie.prove(Hashing.withdrawalHash(w), 3);
        p.stateRoot = keccak256("state");
        p.latestBlockhash = keccak256("block");
    }

    /// @dev Everything that `release` needs, with a final claim behind it.
    function prepare(Withdrawal memory w)
        internal
        returns (uint64 claimId, OutputRootProof memory p, bytes[] memory proof)
    {
        (p, proof) = outputFor(w);
        claimId = makeFinal(Hashing.outputRoot(p));
    }

    function release(Withdrawal memory w) internal {
        (uint64 claimId, OutputRootProof memory p, bytes[] memory proof) = prepare(w);
        vault.release(w, claimId, p, proof);
    }

    function ethWithdrawal(address to, uint256 value) internal pure returns (Withdrawal memory) {
        return Withdrawal(1 << 240, Predeploys.L2_BRIDGE, to, value, 50_000, "");
    }

    function tokenWithdrawal(address token, address to, uint256 amount)
        internal
        view
        returns (Withdrawal memory)
    {
        bytes memory data = abi.encodeCall(vault.finalizeWithdrawal, (token, alice, to, amount, ""));
        return Withdrawal(1 << 240, Predeploys.L2_BRIDGE, address(vault), 0, 200_000, data);
    }

    // --- the other layer ---

    /// @dev The messages among recorded logs.
    function messagesIn(Log[] memory logs) internal view returns (Message[] memory messages) {
        messages = new Message[](logs.length);
        uint256 count;
        for (uint256 i; i < logs.length; ++i) {
            if (logs[i].emitter != address(queue)) continue;
            Message memory m = messages[count++];
            m.from = address(uint160(uint256(logs[i].topics[2])));
            m.target = address(uint160(uint256(logs[i].topics[3])));
            (m.mint, m.value, m.gasLimit, m.data,) =
                abi.decode(logs[i].data, (uint256, uint256, uint64, bytes, bytes32));
        }
        assembly {
            mstore(messages, count)
        }
    }

    /// @dev The withdrawals among recorded logs.
    function withdrawalsIn(Log[] memory logs) internal pure returns (Withdrawal[] memory withdrawals) {
        withdrawals = new Withdrawal[](logs.length);
        uint256 count;
        for (uint256 i; i < logs.length; ++i) {
            if (logs[i].emitter != Predeploys.MESSAGE_PASSER || logs[i].topics.length != 4) continue;
            Withdrawal memory w = withdrawals[count++];
            w.nonce = uint256(logs[i].topics[1]);
            w.sender = address(uint160(uint256(logs[i].topics[2])));
            w.target = address(uint160(uint256(logs[i].topics[3])));
            bytes32 hash;
            (w.value, w.gasLimit, w.data, hash) = abi.decode(logs[i].data, (uint256, uint256, bytes, bytes32));
            require(hash == Hashing.withdrawalHash(w), "withdrawal hash in event");
        }
        assembly {
            mstore(withdrawals, count)
        }
    }

    /// @dev Executes a message as L2 would: mints, then calls with the gas that is left after the intrinsic cost.
    function executeOnL2(Message memory m) internal returns (bool success) {
        vm.deal(m.from, m.from.balance + m.mint);
        uint256 zeros;
        for (uint256 i; i < m.data.length; ++i) {
            if (m.data[i] == 0) ++zeros;
        }
        uint256 intrinsic = 21_000 + 16 * m.data.length - 12 * zeros;
        vm.prank(m.from);
        (success,) = m.target.call{value: m.value, gas: m.gasLimit - intrinsic}(m.data);
    }

    function aliasedVault() internal view returns (address) {
        return AddressAlias.toL2(address(vault));
    }
}
