// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IVerifier} from "./IVerifier.sol";

/// @title ISiblingVerifier
/// @notice Knows another L2 by what L1 knows of it.
interface ISiblingVerifier is IVerifier {
    /// @notice The state with which the other L2 ended. Reverts unless it is in exodus.
    /// @param proof As for {verify}; its evidence is not read.
    function exodusState(bytes calldata proof) external view returns (bytes32 stateRoot);

    /// @notice The other L2's Vault, on L1.
    function vault() external view returns (address);

    /// @notice The other L2's Settlement, on L1.
    function settlement() external view returns (address);
}
