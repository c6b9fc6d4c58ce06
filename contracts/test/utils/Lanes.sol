// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {RLP} from "@openzeppelin/contracts/utils/RLP.sol";

import {AnchorVerifier} from "../../src/bridge/AnchorVerifier.sol";
import {Endpoint} from "../../src/bridge/Endpoint.sol";
import {L2Port} from "../../src/bridge/L2Port.sol";
import {Messenger} from "../../src/bridge/Messenger.sol";
import {OutputVerifier} from "../../src/bridge/OutputVerifier.sol";
import {VaultPort} from "../../src/bridge/VaultPort.sol";
import {Hashing} from "../../src/libraries/Hashing.sol";
import {MessageProof} from "../../src/libraries/MessageProof.sol";
import {Predeploys} from "../../src/libraries/Predeploys.sol";
import {Message as Mail, OutputRootProof} from "../../src/libraries/Types.sol";
import {moreVm} from "./MoreVm.sol";
import {StateTrie} from "./StateTrie.sol";
import {System} from "./System.sol";
import {Log} from "./Test.sol";

/// @notice A system with a lane between its layers, both ends in one EVM. What runs on L2 is within {onL2}.
abstract contract Lanes is System {
    uint64 internal constant L1 = 31_337;
    uint64 internal constant L2 = 42_424;
    uint64 internal constant NEVER = type(uint64).max;
    /// @dev More ETH than can exist.
    uint256 internal constant MINTABLE = 1 << 128;

    Endpoint internal up;
    Endpoint internal down = Endpoint(payable(Predeploys.ENDPOINT));
    OutputVerifier internal outputs;
    Messenger internal caller;
    VaultPort internal port;
    L2Port internal l2Port = L2Port(payable(Predeploys.TOKEN_PORT));
    Messenger internal l2Caller = Messenger(Predeploys.MESSENGER);

    address internal relayer = user("relayer");
    address internal copier = user("copier");
    /// @dev Last number of an anchor.
    uint64 internal anchors = 1_000_000;

    function setUp() public virtual override {
        super.setUp();
        moreVm.chainId(L2);
        Endpoint other = new Endpoint(address(up), L1, l2Verifier(), address(l2Caller), address(0));
        vm.etch(address(down), address(other).code);
        for (uint256 i = 2; i < 6; ++i) {
            vm.store(address(down), bytes32(i), vm.load(address(other), bytes32(i)));
        }
        moreVm.chainId(L1);
        vm.deal(address(down), MINTABLE);
        vm.etch(address(l2Caller), address(new Messenger(address(1))).code);
        vm.store(address(l2Caller), 0, bytes32(uint256(uint160(address(down)))));
        vm.etch(Predeploys.ANCHOR_VERIFIER, address(new AnchorVerifier()).code);
        vm.etch(address(l2Port), address(new L2Port(address(down), address(port))).code);
        vm.store(address(l2Port), 0, bytes32(uint256(uint160(address(down)))));
        vm.store(address(l2Port), bytes32(uint256(1)), bytes32(uint256(uint160(address(port)))));
        vm.deal(relayer, 10 ether);
        vm.deal(copier, 10 ether);
    }

    /// @dev Who decides on L2 what L1 sent.
    function l2Verifier() internal view virtual returns (address) {
        return Predeploys.ANCHOR_VERIFIER;
    }

    function deployLane() internal virtual override {
        outputs = new OutputVerifier(address(vault));
        caller = new Messenger(vm.computeCreateAddress(address(this), vm.getNonce(address(this)) + 1));
        up = new Endpoint(address(down), L2, address(outputs), address(caller), address(vault));
        vm.assertEq(address(up), vault.endpoint());
        port = new VaultPort(address(up));
        vm.assertEq(address(port), vault.tokenPort());
    }

    function laneEndpoint(uint64 next) internal view virtual override returns (address) {
        return vm.computeCreateAddress(address(this), next + 2);
    }

    function lanePort(uint64 next) internal view virtual override returns (address) {
        return vm.computeCreateAddress(address(this), next + 3);
    }

    modifier onL2() {
        moreVm.chainId(L2);
        _;
        moreVm.chainId(L1);
    }

    function onChain(uint64 id) internal {
        moreVm.chainId(id);
    }

    // --- messages ---

    /// @dev From alice to bob, with 1 ETH and a fee.
    function plain(Endpoint from) internal returns (Mail memory) {
        return sendFrom(from, bob, 1 ether, 50_000, NEVER, 0.01 ether, "");
    }

    function sendFrom(
        Endpoint from,
        address target,
        uint256 value,
        uint64 gasLimit,
        uint64 deadline,
        uint256 fee,
        bytes memory payload
    ) internal returns (Mail memory m) {
        if (address(from) == address(down)) moreVm.chainId(L2);
        vm.recordLogs();
        vm.prank(alice);
        from.send{value: value + fee}(target, gasLimit, deadline, fee, payload);
        m = lastSent();
        moreVm.chainId(L1);
    }

    function lastSent() internal returns (Mail memory m) {
        Log[] memory logs = vm.getRecordedLogs();
        for (uint256 i; i < logs.length; ++i) {
            if (logs[i].topics[0] != MessageProof.MESSAGE_SENT) continue;
            (, m) = abi.decode(logs[i].data, (bytes32, Mail));
        }
        vm.assertEq(m.version, 1);
    }

    function idOf(Endpoint from, Mail memory m) internal view returns (bytes32) {
        return Hashing.messageId(m, address(from), address(from) == address(up) ? address(down) : address(up));
    }

    // --- L1 as L2 knows it ---

    /// @dev A header with these roots.
    function header(bytes32 stateRoot, bytes32 receiptsRoot) internal pure returns (bytes memory) {
        bytes memory fields = abi.encodePacked(
            hex"a0",
            keccak256("parent"),
            hex"a0",
            keccak256("ommers"),
            hex"94",
            address(1),
            hex"a0",
            stateRoot,
            hex"a0",
            keccak256("transactions"),
            hex"a0",
            receiptsRoot
        );
        fields = abi.encodePacked(fields, hex"b90100", new bytes(256), hex"8001808080");
        return abi.encodePacked(hex"f9", uint16(fields.length), fields);
    }

    /// @dev Makes a header that of the next anchor.
    function anchor(bytes memory header_) internal returns (uint64 number) {
        if (l1Block.hash() == keccak256(header_)) return l1Block.number();
        number = ++anchors;
        vm.prank(Predeploys.DEPOSITOR);
        l1Block.setAnchor(number, uint64(block.timestamp), 1, keccak256(header_), 1);
    }

    /// @dev A state in which an account has these slots, and other accounts and slots are.
    function stateOf(address account, bytes32[] memory slots, bytes32[] memory values)
        internal
        returns (StateTrie state, StateTrie storage_)
    {
        storage_ = new StateTrie();
        for (uint256 i; i < slots.length; ++i) {
            storage_.setSlot(slots[i], uint256(values[i]));
        }
        for (uint256 i; i < 20; ++i) {
            storage_.setSlot(keccak256(abi.encode("slot", i)), uint256(keccak256(abi.encode(i))));
        }
        state = new StateTrie();
        state.setAccount(account, 1, storage_.build(), keccak256("code"));
        for (uint160 i = 1; i < 40; ++i) {
            state.setAccount(address(i), i, keccak256(abi.encode(i)), keccak256("other code"));
        }
        state.build();
    }

    /// @dev The accumulator of an Endpoint after `nonce` in a state.
    function stateAt(Endpoint from, uint64 nonce) internal returns (StateTrie state, StateTrie storage_) {
        bytes32[] memory slots = new bytes32[](1);
        bytes32[] memory values = new bytes32[](1);
        (slots[0], values[0]) = (Hashing.accumulatorSlot(nonce), from.accumulator(nonce));
        vm.assertEq(vm.load(address(from), slots[0]), values[0]);
        return stateOf(address(from), slots, values);
    }

    function slotEvidence(Endpoint from, Mail memory m)
        internal
        returns (MessageProof.Evidence memory e, bytes32 stateRoot)
    {
        (StateTrie state, StateTrie storage_) = stateAt(from, m.nonce);
        stateRoot = state.root();
        e.header = header(stateRoot, keccak256("receipts"));
        e.previous = from.accumulator(m.nonce - 1);
        e.accountNodes = state.proveAccount(address(from));
        e.slotNodes = storage_.proveSlot(Hashing.accumulatorSlot(m.nonce));
    }

    /// @dev A receipt alone in its block.
    function receiptEvidence(bytes memory receipt) internal pure returns (MessageProof.Evidence memory e) {
        bytes[] memory leaf = new bytes[](2);
        (leaf[0], leaf[1]) = (RLP.encode(bytes(hex"2080")), RLP.encode(receipt));
        e.receiptNodes = new bytes[](1);
        e.receiptNodes[0] = RLP.encode(leaf);
        e.header = header(keccak256("state"), keccak256(e.receiptNodes[0]));
        e.logIndex = 1;
    }

    /// @dev A receipt of type 2 with three events, the middle one of which is this.
    function receiptOf(bool success, address emitter, bytes32[] memory topics)
        internal
        pure
        returns (bytes memory)
    {
        bytes[] memory logs = new bytes[](3);
        logs[0] = logOf(address(7), new bytes32[](0));
        logs[1] = logOf(emitter, topics);
        logs[2] = logOf(address(8), new bytes32[](1));
        bytes[] memory fields = new bytes[](4);
        fields[0] = success ? bytes(hex"01") : bytes(hex"80");
        fields[1] = RLP.encode(uint256(21_000));
        fields[2] = RLP.encode(new bytes(256));
        fields[3] = RLP.encode(logs);
        return abi.encodePacked(hex"02", RLP.encode(fields));
    }

    function logOf(address emitter, bytes32[] memory topics) private pure returns (bytes memory) {
        bytes[] memory list = new bytes[](topics.length);
        for (uint256 i; i < topics.length; ++i) {
            list[i] = RLP.encode(topics[i]);
        }
        bytes[] memory fields = new bytes[](3);
        (fields[0], fields[1], fields[2]) = (RLP.encode(emitter), RLP.encode(list), RLP.encode(bytes("data")));
        return RLP.encode(fields);
    }

    function sentTopics(Endpoint from, Mail memory m) internal view returns (bytes32[] memory topics) {
        topics = new bytes32[](3);
        topics[0] = MessageProof.MESSAGE_SENT;
        topics[1] = bytes32(uint256(m.nonce));
        topics[2] = idOf(from, m);
    }

    /// @dev A proof by evidence in the newest anchor.
    function atAnchor(MessageProof.Evidence memory e) internal returns (bytes memory) {
        AnchorVerifier.Proof memory p;
        p.anchor = anchor(e.header);
        p.evidence = e;
        return abi.encode(p);
    }

    /// @dev A proof of a message from L1.
    function proveDown(Mail memory m) internal returns (bytes memory) {
        (MessageProof.Evidence memory e,) = slotEvidence(up, m);
        return atAnchor(e);
    }

    // --- L2 as L1 knows it ---

    /// @dev Makes an L2 state final.
    function finalState(bytes32 stateRoot, bytes32 blockHash)
        internal
        returns (uint64 claimId, OutputRootProof memory p)
    {
        p = OutputRootProof(0, stateRoot, keccak256("passer"), blockHash);
        claimId = makeFinal(Hashing.outputRoot(p));
    }

    /// @dev A proof by evidence in the newest final claim.
    function atOutput(MessageProof.Evidence memory e, bytes32 stateRoot) internal returns (bytes memory) {
        OutputVerifier.Proof memory p;
        (p.claimId, p.output) = finalState(stateRoot, keccak256(e.header));
        e.header = e.receiptNodes.length == 0 ? bytes("") : e.header;
        p.evidence = e;
        return abi.encode(p);
    }

    /// @dev A proof of a message from L2.
    function proveUp(Mail memory m) internal returns (bytes memory) {
        (MessageProof.Evidence memory e, bytes32 stateRoot) = slotEvidence(down, m);
        return atOutput(e, stateRoot);
    }

    // --- deliveries ---

    function deliverDown(Mail memory m, bytes memory proof) internal onL2 {
        vm.prank(relayer);
        down.deliver(m, proof, address(0));
    }

    function deliverUp(Mail memory m, bytes memory proof) internal {
        vm.prank(relayer);
        up.deliver(m, proof, address(0));
    }

    /// @dev ETH that the lane and the genesis brought to L2, less what left it.
    function minted() internal view returns (uint256) {
        return GENESIS_ETH + MINTABLE - address(down).balance;
    }

    /// @dev What is locked is what is on L2 or on its way.
    function assertBooks(uint256 onTheWay) internal view {
        vm.assertEq(vault.lockedETH(), minted() + onTheWay);
        vm.assertEq(address(vault).balance, vault.lockedETH());
        vm.assertEq(address(up).balance, 0);
    }
}
