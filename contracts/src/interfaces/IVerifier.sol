// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Message} from "../libraries/Types.sol";

/// @title IVerifier
/// @notice Decides whether an Endpoint's peer on another chain sent a message. Called by the Endpoint.
interface IVerifier {
    /// @notice Reverts unless the peer of the calling Endpoint sent the message.
    /// @param message The message; the Endpoint has seen that it is for itself and from its peer's chain.
    /// @param id Its id.
    /// @param proof What shows it, in the verifier's own form.
    /// @return share Wei of the message's fee that are the verifier's, for those who vouched for it. It may
    /// collect them from then on.
    function verify(Message calldata message, bytes32 id, bytes calldata proof)
        external
        returns (uint256 share);
}
