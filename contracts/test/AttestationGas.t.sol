// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IVerifier} from "../src/interfaces/IVerifier.sol";
import {Message as Mail} from "../src/libraries/Types.sol";
import {Relayers} from "./utils/Relayers.sol";

/// @dev Takes everything for true: what a delivery costs without any proof.
contract Credulous is IVerifier {
    function verify(Mail calldata, bytes32, bytes calldata) external pure returns (uint256 share) {
        return 0;
    }
}

/// @notice Gas of what relayers do: written to and compared with snapshots/Relayers.json, as `GasSnapshotTest` does.
contract RelayersGasSnapshotTest is Relayers {
    /// @dev A quorum's signatures cost at most this over a delivery that nobody checks.
    uint256 private constant MOST = 70_000;

    function test_gas_relayers() public {
        // What is first, of a set or of a kind, is dearer.
        for (uint256 i; i < 2; ++i) {
            Mail memory first = plain(up);
            assertDelivered(first, attested(first, 0x0f));
            first = plain(down);
            assertDelivered(first, attested(first, 0x0f));
        }

        Mail memory m = plain(up);
        bytes memory proof = attested(m, 0x0f);
        onChain(L2);
        vm.prank(relayer);
        down.deliver(m, proof, address(0));
        uint256 toL2 = vm.snapshotGasLastCall("Relayers", "deliver ETH to L2, 4 of 5");
        onChain(L1);
        m = plain(down);
        proof = attested(m, 0x0f);
        vm.prank(relayer);
        up.deliver(m, proof, address(0));
        uint256 toL1 = vm.snapshotGasLastCall("Relayers", "deliver ETH to L1, 4 of 5");

        registry.summon{value: 0.01 ether}(m.nonce);
        vm.snapshotGasLastCall("Relayers", "summon");
        vm.prank(member(4));
        registry.resign();
        vm.snapshotGasLastCall("Relayers", "resign");

        vm.etch(address(atL2), address(new Credulous()).code);
        m = plain(up);
        onChain(L2);
        vm.prank(relayer);
        down.deliver(m, "", address(0));
        uint256 plainCall = vm.snapshotGasLastCall("Relayers", "deliver ETH to L2, unchecked");
        onChain(L1);
        vm.etch(address(onL1), address(new Credulous()).code);
        m = plain(down);
        vm.prank(relayer);
        up.deliver(m, "", address(0));
        uint256 plainUp = vm.snapshotGasLastCall("Relayers", "deliver ETH to L1, unchecked");
        vm.assertLe(toL2 - plainCall, MOST);
        vm.assertLe(toL1 - plainUp, MOST);
    }
}
