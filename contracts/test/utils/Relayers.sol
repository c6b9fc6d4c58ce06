// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {RelayerRegistry} from "../../src/L1/RelayerRegistry.sol";
import {AttestationVerifier} from "../../src/bridge/AttestationVerifier.sol";
import {Endpoint} from "../../src/bridge/Endpoint.sol";
import {Messenger} from "../../src/bridge/Messenger.sol";
import {OutputVerifier} from "../../src/bridge/OutputVerifier.sol";
import {VaultPort} from "../../src/bridge/VaultPort.sol";
import {IAttestationVerifier} from "../../src/interfaces/IAttestationVerifier.sol";
import {Attesting} from "../../src/libraries/Attesting.sol";
import {Hashing} from "../../src/libraries/Hashing.sol";
import {Predeploys} from "../../src/libraries/Predeploys.sol";
import {Attestation, Message as Mail, OutputRootProof} from "../../src/libraries/Types.sol";
import {Lanes} from "./Lanes.sol";
import {moreVm} from "./MoreVm.sol";
import {StateTrie} from "./StateTrie.sol";
import {Log} from "./Test.sol";

/// @notice A lane that five relayers vouch for.
abstract contract Relayers is Lanes {
    uint128 internal constant STAKE = 10 ether;
    uint64 internal constant UNBONDING = 60 days;
    uint64 internal constant OVERLAP = 1 hours;
    uint64 internal constant ANSWER = 1 days;
    uint64 internal constant L1_WINDOW = 20 days;
    uint64 internal constant L2_WINDOW = 2 days;
    uint32 internal constant DRIFT = 60;
    /// @dev 18 % of what the four who must sign have at least: nine tenths of their stakes.
    uint256 internal constant LIMIT = 6.48 ether;

    RelayerRegistry internal registry;
    AttestationVerifier internal onL1;
    AttestationVerifier internal atL2 = AttestationVerifier(payable(Predeploys.ATTESTATION_VERIFIER));
    uint256[] internal keys;

    function deployLane() internal virtual override {
        uint64 next = vm.getNonce(address(this));
        address registryAddress = vm.computeCreateAddress(address(this), next + 1);
        address endpointAddress = vm.computeCreateAddress(address(this), next + 4);
        outputs = new OutputVerifier(address(vault));
        registry = new RelayerRegistry(
            endpointAddress,
            vm.computeCreateAddress(address(this), next + 2),
            address(vault),
            address(settlement),
            address(queue),
            L2,
            STAKE,
            UNBONDING,
            OVERLAP,
            ANSWER
        );
        onL1 = new AttestationVerifier(
            endpointAddress,
            address(outputs),
            registryAddress,
            Attesting.domain(L1, registryAddress),
            L1_WINDOW,
            DRIFT
        );
        caller = new Messenger(endpointAddress);
        up = new Endpoint(address(down), L2, address(onL1), address(caller), address(vault));
        vm.assertEq(address(up), vault.endpoint());
        port = new VaultPort(address(up));
        vm.assertEq(address(port), vault.tokenPort());
    }

    function lanePort(uint64 next) internal view virtual override returns (address) {
        return vm.computeCreateAddress(address(this), next + 5);
    }

    function laneEndpoint(uint64 next) internal view virtual override returns (address) {
        return vm.computeCreateAddress(address(this), next + 4);
    }

    function l2Verifier() internal view override returns (address) {
        return address(atL2);
    }

    function setUp() public virtual override {
        moreVm.chainId(L1);
        super.setUp();
        AttestationVerifier other = new AttestationVerifier(
            address(down),
            Predeploys.ANCHOR_VERIFIER,
            aliased(address(registry)),
            registry.domain(),
            L2_WINDOW,
            DRIFT
        );
        vm.etch(address(atL2), address(other).code);
        for (uint256 i = 2; i < 6; ++i) {
            vm.store(address(atL2), bytes32(i), vm.load(address(other), bytes32(i)));
        }
        for (uint256 i; i < 5; ++i) {
            keys.push(uint256(keccak256(abi.encode("relayer", i))));
            joinAs(member(i));
        }
    }

    function aliased(address l1) private pure returns (address) {
        unchecked {
            return address(uint160(l1) + uint160(0x1111000000000000000000000000000000001111));
        }
    }

    function member(uint256 i) internal view returns (address) {
        return vm.addr(keys[i]);
    }

    // --- the registry ---

    function joinAs(address account) internal {
        vm.deal(account, STAKE + 1 ether);
        vm.recordLogs();
        vm.prank(account);
        registry.join{value: STAKE}();
        tellL2();
    }

    function resignAs(address account) internal {
        vm.recordLogs();
        vm.prank(account);
        registry.resign();
        tellL2();
    }

    /// @dev Executes on L2 what the registry sent there.
    function tellL2() internal {
        Message[] memory messages = messagesIn(vm.getRecordedLogs());
        for (uint256 i; i < messages.length; ++i) {
            moreVm.chainId(L2);
            vm.assertTrue(executeOnL2(messages[i]));
            moreVm.chainId(L1);
        }
        vm.assertEq(atL2.newestSet(), registry.setId());
    }

    // --- attestations ---

    /// @dev The truth about a message.
    function truth(Mail memory m) internal view returns (Attestation memory) {
        Endpoint from = m.srcChainId == L1 ? up : down;
        return
            Attestation(
                m.srcChainId, address(from), m.nonce, from.accumulator(m.nonce), uint64(block.timestamp)
            );
    }

    /// @dev What a message would be if its sender had one more of it: never sent.
    function forged(Mail memory m) internal view returns (Mail memory f, Attestation memory a) {
        f = Mail(
            m.version,
            m.srcChainId,
            m.dstChainId,
            m.nonce + 1,
            m.sender,
            m.target,
            m.value,
            m.gasLimit,
            m.deadline,
            m.relayFee,
            m.payload
        );
        a = truth(m);
        a.nonce = f.nonce;
        a.accumulator = Hashing.extend(a.accumulator, idOf(m.srcChainId == L1 ? up : down, f));
    }

    function sign(uint256 key, Attestation memory a) internal view returns (bytes memory) {
        return signDigest(key, Attesting.digest(registry.domain(), a));
    }

    function signDigest(uint256 key, bytes32 digest) internal pure returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, digest);
        return abi.encodePacked(r, bytes32(uint256(s) | uint256(v - 27) << 255));
    }

    /// @dev By the members whose bits are set.
    function signAll(uint256 signers, Attestation memory a) internal view returns (bytes memory signatures) {
        address[] memory list = registry.members();
        for (uint256 i; i < list.length; ++i) {
            if (signers >> i & 1 == 1) signatures = bytes.concat(signatures, sign(keyOf(list[i]), a));
        }
    }

    function keyOf(address account) internal view returns (uint256) {
        for (uint256 i; i < keys.length; ++i) {
            if (vm.addr(keys[i]) == account) return keys[i];
        }
        revert();
    }

    function proofOf(Mail memory m, Attestation memory a, uint256 signers)
        internal
        view
        returns (IAttestationVerifier.Proof memory p)
    {
        Endpoint from = m.srcChainId == L1 ? up : down;
        p.setId = registry.setId();
        p.nonce = a.nonce;
        p.time = a.time;
        p.previous = from.accumulator(m.nonce - 1);
        p.members = registry.members();
        p.signers = signers;
        p.signatures = signAll(signers, a);
    }

    function encode(IAttestationVerifier.Proof memory p) internal pure returns (bytes memory) {
        return bytes.concat(hex"01", abi.encode(p));
    }

    function attested(Mail memory m, uint256 signers) internal view returns (bytes memory) {
        return encode(proofOf(m, truth(m), signers));
    }

    /// @dev Delivers and gives what it said.
    function tryDeliver(Mail memory m, bytes memory proof)
        internal
        returns (bool success, bytes memory result)
    {
        bool isDown = m.srcChainId == L1;
        onChain(isDown ? L2 : L1);
        vm.prank(relayer);
        (success, result) =
            address(isDown ? down : up).call(abi.encodeCall(down.deliver, (m, proof, address(0))));
        onChain(L1);
    }

    function assertDelivered(Mail memory m, bytes memory proof) internal {
        (bool success,) = tryDeliver(m, proof);
        vm.assertTrue(success);
    }

    function assertRefused(Mail memory m, bytes memory proof, bytes4 why) internal {
        (bool success, bytes memory result) = tryDeliver(m, proof);
        vm.assertFalse(success);
        vm.assertEq(bytes32(bytes4(result)), bytes32(why));
    }

    /// @dev What shows on L1 what L2 had after nonce `nonce` of the endpoint there at the end of a final claim.
    function finalAccumulator(uint64 nonce)
        internal
        returns (
            uint64 claimId,
            OutputRootProof memory p,
            bytes[] memory accountNodes,
            bytes[] memory slotNodes
        )
    {
        bytes32 accumulator = down.accumulator(nonce);
        bytes32[] memory slots = new bytes32[](accumulator == 0 ? 0 : 1);
        bytes32[] memory values = new bytes32[](slots.length);
        if (accumulator != 0) (slots[0], values[0]) = (Hashing.accumulatorSlot(nonce), accumulator);
        (StateTrie state, StateTrie storage_) = stateOf(address(down), slots, values);
        accountNodes = state.proveAccount(address(down));
        slotNodes = storage_.proveSlot(Hashing.accumulatorSlot(nonce));
        (claimId, p) = finalState(state.root(), keccak256("block"));
    }
}
