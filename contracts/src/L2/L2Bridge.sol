// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IBridgedTokenFactory} from "../interfaces/IBridgedTokenFactory.sol";
import {IOptimismMintableERC20} from "../interfaces/IBridgedToken.sol";
import {IL2Bridge} from "../interfaces/IL2Bridge.sol";
import {IMessagePasser} from "../interfaces/IMessagePasser.sol";
import {IVault} from "../interfaces/IVault.sol";
import {AddressAlias} from "../libraries/AddressAlias.sol";
import "../libraries/Errors.sol";
import {Predeploys} from "../libraries/Predeploys.sol";

/// @title L2Bridge
/// @notice See {IL2Bridge}.
/// @dev The Vault pays out tokens to whoever a message of this contract names. So it sends no message that
/// somebody else composed, and calls no recipient with data: a recipient could be the MessagePasser.
contract L2Bridge is IL2Bridge {
    IBridgedTokenFactory private constant FACTORY = IBridgedTokenFactory(Predeploys.BRIDGED_TOKEN_FACTORY);

    /// @dev Gas on L1 for the Vault to pay out a usual token.
    uint256 private constant ERC20_WITHDRAWAL_GAS = 200_000;
    /// @dev And for it to log a byte of extra data.
    uint256 private constant EXTRA_DATA_BYTE_GAS = 16;
    /// @dev Gas on L1 for a depositor to take back ETH.
    uint256 private constant RETURN_GAS = 200_000;
    /// @dev Kept back from a recipient, for returning the deposit: two to three new slots and two events.
    uint256 private constant RESERVED_GAS = 200_000;

    /// @inheritdoc IL2Bridge
    address public vault;

    modifier onlyVault() {
        if (msg.sender != AddressAlias.toL2(vault)) revert Unauthorized(msg.sender);
        _;
    }

    modifier onlyPort() {
        if (msg.sender != Predeploys.TOKEN_PORT) revert Unauthorized(msg.sender);
        _;
    }

    // --- withdrawals ---

    /// @inheritdoc IL2Bridge
    function withdraw(address l2Token, uint256 amount, uint32 minGasLimit, bytes calldata extraData)
        external
        payable
    {
        _withdraw(l2Token, msg.sender, amount, minGasLimit, extraData);
    }

    /// @inheritdoc IL2Bridge
    function withdrawTo(
        address l2Token,
        address to,
        uint256 amount,
        uint32 minGasLimit,
        bytes calldata extraData
    ) external payable {
        _withdraw(l2Token, to, amount, minGasLimit, extraData);
    }

    // --- deposits ---

    /// @inheritdoc IL2Bridge
    function finalizeETHDeposit(address from, address to, uint256 amount, bytes calldata extraData)
        external
        payable
        onlyVault
    {
        if (msg.value != amount) revert WrongValue(amount, msg.value);
        // From here on nothing can revert: the Vault has sent enough gas for every path.
        if (_sendETH(to, amount)) {
            emit DepositFinalized(address(0), Predeploys.ETH, from, to, amount, extraData);
        } else {
            emit DepositReturned(address(0), Predeploys.ETH, from, to, amount);
            _passMessage(from, amount, RETURN_GAS, "");
        }
    }

    /// @inheritdoc IL2Bridge
    function finalizeERC20Deposit(
        address l1Token,
        address from,
        address to,
        uint256 amount,
        string calldata name,
        string calldata symbol,
        uint8 decimals,
        bytes calldata extraData
    ) external onlyVault {
        _finalizeERC20Deposit(l1Token, from, to, amount, name, symbol, decimals, extraData);
    }

    // --- the lane ---

    /// @inheritdoc IL2Bridge
    function mint(
        address l1Token,
        address from,
        address to,
        uint256 amount,
        string calldata name,
        string calldata symbol,
        uint8 decimals
    ) external onlyPort {
        _finalizeERC20Deposit(l1Token, from, to, amount, name, symbol, decimals, "");
    }

    /// @inheritdoc IL2Bridge
    function burn(address l2Token, address from, uint256 amount) external onlyPort {
        IOptimismMintableERC20(l2Token).burn(from, amount);
    }

    // --- internals ---

    function _finalizeERC20Deposit(
        address l1Token,
        address from,
        address to,
        uint256 amount,
        string calldata name,
        string calldata symbol,
        uint8 decimals,
        bytes memory extraData
    ) private {
        address l2Token = FACTORY.tokenAddress(l1Token);
        if (!FACTORY.isBridged(l2Token)) FACTORY.create(l1Token, name, symbol, decimals);
        try IOptimismMintableERC20(l2Token).mint(to, amount) {
            emit DepositFinalized(l1Token, l2Token, from, to, amount, extraData);
        } catch {
            emit DepositReturned(l1Token, l2Token, from, to, amount);
            _passTokens(l1Token, to, from, amount, ERC20_WITHDRAWAL_GAS, "");
        }
    }

    function _withdraw(
        address l2Token,
        address to,
        uint256 amount,
        uint32 minGasLimit,
        bytes calldata extraData
    ) private {
        if (to == address(0)) revert ZeroAddress();
        if (amount == 0) revert ZeroAmount();
        address l1Token;
        if (l2Token == Predeploys.ETH) {
            if (msg.value != amount) revert WrongValue(amount, msg.value);
            _passMessage(to, amount, minGasLimit, "");
        } else {
            if (msg.value != 0) revert WrongValue(0, msg.value);
            l1Token = FACTORY.l1TokenOf(l2Token);
            if (l1Token == address(0)) revert NotBridged(l2Token);
            IOptimismMintableERC20(l2Token).burn(msg.sender, amount);
            uint256 gasLimit = ERC20_WITHDRAWAL_GAS + EXTRA_DATA_BYTE_GAS * extraData.length + minGasLimit;
            _passTokens(l1Token, msg.sender, to, amount, gasLimit, extraData);
        }
        emit WithdrawalInitiated(l1Token, l2Token, msg.sender, to, amount, extraData);
    }

    /// @dev The MessagePasser would take plain ETH for a withdrawal by this contract.
    function _sendETH(address to, uint256 amount) private returns (bool success) {
        if (to == Predeploys.MESSAGE_PASSER) return false;
        uint256 gasForCall = gasleft() - RESERVED_GAS;
        assembly ("memory-safe") {
            success := call(gasForCall, to, amount, 0, 0, 0, 0)
        }
    }

    function _passTokens(
        address l1Token,
        address from,
        address to,
        uint256 amount,
        uint256 gasLimit,
        bytes memory extraData
    ) private {
        bytes memory data =
            abi.encodeCall(IVault.finalizeWithdrawal, (l1Token, from, to, amount, extraData));
        _passMessage(vault, 0, gasLimit, data);
    }

    function _passMessage(address target, uint256 value, uint256 gasLimit, bytes memory data) private {
        IMessagePasser(Predeploys.MESSAGE_PASSER).initiateWithdrawal{value: value}(target, gasLimit, data);
    }
}
