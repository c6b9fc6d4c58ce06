// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title IL2Bridge
/// @notice The L2 end of the Vault. A deposit never reverts here: what cannot be delivered goes back to the
/// depositor as a withdrawal.
interface IL2Bridge {
    /// @notice A withdrawal was sent to L1.
    event WithdrawalInitiated(
        address indexed l1Token,
        address indexed l2Token,
        address indexed from,
        address to,
        uint256 amount,
        bytes extraData
    );

    /// @notice A deposit arrived.
    event DepositFinalized(
        address indexed l1Token,
        address indexed l2Token,
        address indexed from,
        address to,
        uint256 amount,
        bytes extraData
    );

    /// @notice A deposit could not be delivered and returns to `from` on L1.
    event DepositReturned(
        address indexed l1Token, address indexed l2Token, address indexed from, address to, uint256 amount
    );

    /// @notice Withdraws to the caller's address on L1.
    /// @param l2Token A bridged token, or 0xDeadDeAddeAddEAddeadDEaDDEAdDeaDDeAD0000 for ETH.
    /// @param amount Amount; for ETH, the value sent.
    /// @param minGasLimit Gas for the recipient on L1 (ETH), or beyond that of a usual transfer (tokens).
    /// @param extraData Passed on in events only.
    function withdraw(address l2Token, uint256 amount, uint32 minGasLimit, bytes calldata extraData)
        external
        payable;

    /// @notice Withdraws to `to` on L1.
    function withdrawTo(
        address l2Token,
        address to,
        uint256 amount,
        uint32 minGasLimit,
        bytes calldata extraData
    ) external payable;

    /// @notice Delivers a deposit of ETH. Called by the aliased Vault only.
    function finalizeETHDeposit(address from, address to, uint256 amount, bytes calldata extraData)
        external
        payable;

    /// @notice Delivers a deposit of tokens, creating the bridged token on the first. Called by the aliased
    /// Vault only.
    function finalizeERC20Deposit(
        address l1Token,
        address from,
        address to,
        uint256 amount,
        string calldata name,
        string calldata symbol,
        uint8 decimals,
        bytes calldata extraData
    ) external;

    /// @notice As {finalizeERC20Deposit}, for tokens that came by a message of the lane. Called by the TokenPort only.
    function mint(
        address l1Token,
        address from,
        address to,
        uint256 amount,
        string calldata name,
        string calldata symbol,
        uint8 decimals
    ) external;

    /// @notice Destroys tokens that leave by a message of the lane. Called by the TokenPort only.
    function burn(address l2Token, address from, uint256 amount) external;

    /// @notice The Vault on L1.
    function vault() external view returns (address);
}
