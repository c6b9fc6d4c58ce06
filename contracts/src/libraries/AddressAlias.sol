// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title AddressAlias
/// @notice How an L1 sender appears on L2. An account with a key is itself on both layers. A contract is
/// shifted by a constant, because whoever deploys code at its address on L2 need not be the same party.
library AddressAlias {
    uint160 internal constant OFFSET = uint160(0x1111000000000000000000000000000000001111);

    /// @notice The address on L2 of the L1 contract `account` (mod 2^160).
    function toL2(address account) internal pure returns (address) {
        unchecked {
            return address(uint160(account) + OFFSET);
        }
    }

    /// @notice The L1 contract behind the L2 address `account` (mod 2^160).
    function toL1(address account) internal pure returns (address) {
        unchecked {
            return address(uint160(account) - OFFSET);
        }
    }

    /// @notice Whether `sender`, the `msg.sender` of this very call, is controlled by a key: it signed the
    /// transaction, or its code is an EIP-7702 delegation. Nothing else can have such code (EIP-3541).
    function isKeyed(address sender) internal view returns (bool) {
        if (sender == tx.origin) return true;
        if (sender.code.length != 23) return false;
        bytes32 head;
        assembly ("memory-safe") {
            mstore(0x00, 0)
            extcodecopy(sender, 0x00, 0, 3)
            head := mload(0x00)
        }
        return head >> 232 == bytes32(uint256(0xef0100));
    }
}
