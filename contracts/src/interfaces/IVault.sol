// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {OutputRootProof, Withdrawal, WithdrawalState} from "../libraries/Types.sol";

/// @title IVault
/// @notice Custody of all ETH and tokens on L1, and the bridge that users call. What is locked here equals
/// what exists on L2.
interface IVault {
    /// @notice ETH was deposited, with message `messageIndex`.
    event ETHDepositInitiated(
        address indexed from, address indexed to, uint256 amount, bytes extraData, uint64 messageIndex
    );

    /// @notice Tokens were deposited, with message `messageIndex`. `amount` is what arrived.
    event ERC20DepositInitiated(
        address indexed l1Token,
        address indexed l2Token,
        address indexed from,
        address to,
        uint256 amount,
        bytes extraData,
        uint64 messageIndex
    );

    /// @notice A withdrawal was proven and its call made.
    event WithdrawalReleased(bytes32 indexed withdrawalHash, bool success);

    /// @notice A withdrawal that had failed was tried again.
    event WithdrawalRetried(bytes32 indexed withdrawalHash, bool success);

    /// @notice Tokens were paid out.
    event ERC20WithdrawalFinalized(
        address indexed l1Token,
        address indexed l2Token,
        address indexed from,
        address to,
        uint256 amount,
        bytes extraData
    );

    /// @notice Deposits the ETH sent for the caller, who must hold a key.
    /// @param minGasLimit Gas that the recipient's code gets on L2, at least.
    /// @param extraData Passed on in events only.
    function depositETH(uint32 minGasLimit, bytes calldata extraData) external payable;

    /// @notice Deposits the ETH sent for `to`. If `to` refuses it on L2, it returns as a withdrawal to the caller.
    function depositETHTo(address to, uint32 minGasLimit, bytes calldata extraData) external payable;

    /// @notice Deposits tokens for the caller, who must hold a key.
    /// @param l1Token Token on L1.
    /// @param l2Token Its token on L2: `l2TokenAddress(l1Token)`.
    /// @param amount What to take from the caller. Credited is what arrives.
    /// @param minGasLimit Extra gas for the L2 transaction.
    /// @param extraData Passed on in events only.
    function depositERC20(
        address l1Token,
        address l2Token,
        uint256 amount,
        uint32 minGasLimit,
        bytes calldata extraData
    ) external;

    /// @notice Deposits tokens for `to`.
    function depositERC20To(
        address l1Token,
        address l2Token,
        address to,
        uint256 amount,
        uint32 minGasLimit,
        bytes calldata extraData
    ) external;

    /// @notice Takes ETH into custody. Called by the MessageQueue and the Endpoint only.
    function lock() external payable;

    /// @notice Hands locked ETH to the Endpoint, which pays it out. Called by it only.
    function unlock(uint256 amount) external;

    /// @notice Takes tokens of `from`, who approved the Vault, into custody. Called by the TokenPort only.
    /// @return received What arrived.
    function lockERC20(address l1Token, address from, uint256 amount) external returns (uint256 received);

    /// @notice Pays out locked tokens. Called by the TokenPort only.
    function unlockERC20(address l1Token, address to, uint256 amount) external;

    /// @notice Adds the ETH sent to what backs L2's: makes good what false attestations took. Nobody is owed it.
    function cover() external payable;

    /// @notice The output root that proofs against `claimId` hold under: it must be final, and in exodus the exodus' own.
    function releaseRoot(uint64 claimId) external view returns (bytes32);

    /// @notice The Endpoint whose messages carry ETH that is locked here; zero if there is none.
    function endpoint() external view returns (address);

    /// @notice Who sends and receives tokens by messages of the lane; zero if there is none.
    function tokenPort() external view returns (address);

    /// @notice Releases a withdrawal: proves that it was sent on L2 and makes its call, once.
    /// @dev If the call fails the ETH stays here and `retry` can be called. The transaction must bring enough
    /// gas for the withdrawal's `gasLimit` or it reverts, so nobody can make a withdrawal fail by starving it.
    /// @param w The withdrawal.
    /// @param claimId A final claim whose output root covers it.
    /// @param p Preimage of that output root.
    /// @param storageProof Proof of the withdrawal's slot in the storage of the MessagePasser.
    function release(
        Withdrawal calldata w,
        uint64 claimId,
        OutputRootProof calldata p,
        bytes[] calldata storageProof
    ) external;

    /// @notice Makes the call of a withdrawal that was released and failed. Anyone may, with any gas above
    /// its `gasLimit`.
    function retry(Withdrawal calldata w) external;

    /// @notice Pays tokens out. Called through the Courier, by a withdrawal of the L2Bridge only.
    function finalizeWithdrawal(
        address l1Token,
        address from,
        address to,
        uint256 amount,
        bytes calldata extraData
    ) external;

    /// @notice Token on L2 that `l1Token` is bridged to. It exists once the first deposit has arrived.
    function l2TokenAddress(address l1Token) external pure returns (address);

    /// @notice L2 gas that a deposit of ETH asks for.
    function ethDepositGas(uint32 minGasLimit, uint256 dataLength) external pure returns (uint64);

    /// @notice L2 gas that a deposit of tokens asks for.
    function erc20DepositGas(uint32 minGasLimit, uint256 dataLength) external pure returns (uint64);

    /// @notice Wei locked: deposited or backing the L2 genesis, and not released.
    function lockedETH() external view returns (uint256);

    /// @notice Tokens locked: deposited and not released.
    function locked(address l1Token) external view returns (uint256);

    /// @notice Where a withdrawal stands.
    function withdrawalState(bytes32 withdrawalHash) external view returns (WithdrawalState);

    /// @notice The queue that carries deposits.
    function messageQueue() external view returns (address);

    /// @notice The contract whose final claims withdrawals are proven against.
    function settlement() external view returns (address);

    /// @notice The contract that makes the calls of withdrawals.
    function courier() external view returns (address);
}
