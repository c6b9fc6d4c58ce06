// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {OutputRootProof, QueuedMessage} from "../libraries/Types.sol";

/// @title IExodus
/// @notice How everything that is locked is given back when nobody is left to prove. Once no claim has become
/// final for `exodusDelay`, anyone may start the exodus, for good. From then on the last final output root says
/// who owns what: holders prove their balances against it and are paid once, withdrawals that it contains are
/// released, and messages that it has not consumed are refunded. Nothing newer counts.
///
/// Only the holder itself may claim, to any recipient it names:
///
/// - an account with a key, for itself: no contract on L2 can have its address;
/// - a contract on L1, for its alias on L2;
/// - a contract on L1, for the L2 account at its own address, if that has the same code. Who deployed a contract
/// on L2 could put another one at its address on L1, and must not get what users left in it.
interface IExodus {
    /// @notice The exodus began: `outputRoot`, of claim `claimId`, says who owns what. The first `messageCount`
    /// messages are in it.
    event ExodusStarted(uint64 indexed claimId, bytes32 outputRoot, uint64 messageCount);

    /// @notice A balance was paid. `l1Token` is zero for ETH; `l2Asset` is where the balance was: zero for ETH
    /// itself, else the token.
    event Exited(
        address indexed l1Token, address indexed l2Asset, address indexed holder, address to, uint256 amount
    );

    /// @notice What came with a message that was never consumed was given back. `l1Token` is zero for ETH.
    event MessageRefunded(uint64 indexed index, address indexed l1Token, address to, uint256 amount);

    /// @notice Starts the exodus. Anyone may, once no claim became final for more than `exodusDelay`.
    function startExodus() external;

    /// @notice Pays the ETH that `holder` has on L2.
    /// @param holder Account on L2; the caller must be it (see above).
    /// @param to Who is paid.
    /// @param p Preimage of the output root.
    /// @param accountProof Account proof of `holder` under the state root.
    function exitETH(address holder, address to, OutputRootProof calldata p, bytes[] calldata accountProof)
        external;

    /// @notice Pays the balance that `holder` has of the L2 twin of `l1Token`.
    /// @param accountProof Account proof of the L2 token under the state root.
    /// @param balanceProof Storage proof of the balance in it.
    /// @param holderProof Account proof of `holder`, if the caller is a contract at its address; else empty.
    function exitERC20(
        address l1Token,
        address holder,
        address to,
        OutputRootProof calldata p,
        bytes[] calldata accountProof,
        bytes[] calldata balanceProof,
        bytes[] calldata holderProof
    ) external;

    /// @notice Pays, in ETH, the balance that `holder` has of WETH on L2. Parameters as in `exitERC20`.
    function exitWETH(
        address holder,
        address to,
        OutputRootProof calldata p,
        bytes[] calldata accountProof,
        bytes[] calldata balanceProof,
        bytes[] calldata holderProof
    ) external;

    /// @notice Pays the ETH in one of L2's fee vaults to its recipient. Anyone may call it.
    /// @param recipientProof Storage proof of the recipient, slot 0 of the fee vault.
    function exitFees(
        address feeVault,
        OutputRootProof calldata p,
        bytes[] calldata accountProof,
        bytes[] calldata recipientProof
    ) external;

    /// @notice Gives back what came with message `index`, which the exodus' root has not consumed. The caller must
    /// be the depositor, or for a message sent to the queue directly its sender.
    function refund(uint64 index, QueuedMessage calldata m, address to) external;

    /// @notice Seconds without a final claim after which the exodus may start.
    function exodusDelay() external view returns (uint64);

    /// @notice L1 time at which the newest batch yet became covered by a final claim; zero in exodus, when that counts no more.
    function finalizedAt() external view returns (uint256);

    /// @notice L1 time from which on, that second not included, the exodus may start.
    function exodusOpensAt() external view returns (uint256);

    /// @notice Where the exodus stands.
    /// @return started Whether it has begun. All else is zero before.
    /// @return claimId The claim whose root counts.
    /// @return outputRoot That root.
    /// @return messageCount How many messages are in it.
    function exodus()
        external
        view
        returns (bool started, uint64 claimId, bytes32 outputRoot, uint64 messageCount);

    /// @notice Whether the balance of `holder` in `l2Asset` (zero for ETH) was paid.
    function hasExited(address l2Asset, address holder) external view returns (bool);

    /// @notice Whether message `index` was refunded.
    function isRefunded(uint64 index) external view returns (bool);
}
