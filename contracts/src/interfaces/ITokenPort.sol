// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {Message} from "../libraries/Types.sol";

/// @title ITokenPort
/// @notice Sends ERC-20 tokens to another chain, and takes in what its *peer* there sends, by messages of an Endpoint. A
/// token is locked where it is at *home*, and has a counterpart on the other chain, which is destroyed when it is sent back.
interface ITokenPort {
    /// @notice Tokens left.
    /// @param id Of the message that carries them.
    /// @param token The token here.
    /// @param from Who sent them.
    /// @param to Who gets them on the other chain.
    /// @param amount What arrived in custody, or was destroyed.
    event TokensSent(
        bytes32 indexed id, address indexed token, address indexed from, address to, uint256 amount
    );

    /// @notice Tokens came, or came back.
    /// @param home The token where it is at home.
    /// @param from Who sent them.
    /// @param to Who got them.
    /// @param amount How many.
    event TokensArrived(address indexed home, address indexed from, address indexed to, uint256 amount);

    /// @notice What was sent by a message that was given up went back.
    event TokensReturned(bytes32 indexed id, address indexed home, address indexed to, uint256 amount, uint256 fee);

    /// @notice Sends tokens of the caller's; the ETH sent along is the relay's fee, which there is none of between two L2s.
    /// @param token The token here. Whoever keeps those that are at home here must be approved: the Vault on L1, else this.
    /// @param to Who gets them.
    /// @param amount How many.
    /// @param minGasLimit Gas on the other chain beyond what a usual token needs.
    /// @param deadline Time there after which they are no longer delivered but go back; within a year.
    /// @return nonce Number of the message.
    /// @return id Its id.
    function send(address token, address to, uint256 amount, uint32 minGasLimit, uint64 deadline)
        external
        payable
        returns (uint64 nonce, bytes32 id);

    /// @notice Makes the counterparts of tokens that were locked at home. Called by the peer, by message.
    function mint(
        address home,
        address from,
        address to,
        uint256 amount,
        string calldata name,
        string calldata symbol,
        uint8 decimals
    ) external;

    /// @notice Pays out tokens at home whose counterparts were destroyed. Called by the peer, by message.
    function release(address home, address from, address to, uint256 amount) external;

    /// @notice Gives back what a message took that was given up and refunded: its tokens, and its fee if nobody earned
    /// it. The Endpoint calls this when it refunds; if that fails, because who sent them cannot have them any more, anyone can.
    /// @param message The message.
    /// @param to Who gets it: who sent the tokens (zero stands for that), or whoever that account says when it calls this
    /// itself.
    function takeBack(Message calldata message, address to) external;

    /// @notice Whether that has been done.
    function isTakenBack(bytes32 id) external view returns (bool);

    /// @notice What this is at home on the other chain, or zero if it is at home here.
    function homeOf(address token) external view returns (address);

    /// @notice The Endpoint.
    function endpoint() external view returns (address);

    /// @notice The port at the other end.
    function peer() external view returns (address);
}
