// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";

import {ICourier} from "../interfaces/ICourier.sol";
import {IL2Bridge} from "../interfaces/IL2Bridge.sol";
import {IMessageQueue} from "../interfaces/IMessageQueue.sol";
import {IVault} from "../interfaces/IVault.sol";
import {AddressAlias} from "../libraries/AddressAlias.sol";
import "../libraries/Errors.sol";
import {Hashing} from "../libraries/Hashing.sol";
import {Predeploys} from "../libraries/Predeploys.sol";
import {StateProof} from "../libraries/StateProof.sol";
import {TokenMetadata} from "../libraries/TokenMetadata.sol";
import {OutputRootProof, Withdrawal, WithdrawalState} from "../libraries/Types.sol";
import {Exodus} from "./Exodus.sol";

/// @title Vault
/// @notice See {IVault}.
contract Vault is IVault, Exodus {
    using SafeERC20 for IERC20;

    /// @dev L2 gas for the L2Bridge to deliver or return a deposit, apart from the recipient's own code.
    uint256 private constant ETH_DEPOSIT_GAS = 300_000;
    uint256 private constant ERC20_DEPOSIT_GAS = 600_000;

    /// @inheritdoc IVault
    address public immutable courier;

    /// @inheritdoc IVault
    address public immutable endpoint;

    /// @inheritdoc IVault
    address public immutable tokenPort;

    /// @inheritdoc IVault
    mapping(bytes32 withdrawalHash => WithdrawalState) public withdrawalState;

    /// @dev ETH sent with the deployment backs what the L2 genesis allocates.
    constructor(
        address messageQueue_,
        address settlement_,
        address courier_,
        address endpoint_,
        address tokenPort_,
        uint64 exodusDelay_
    ) payable Exodus(messageQueue_, settlement_, exodusDelay_) {
        if (courier_ == address(0)) revert ZeroAddress();
        courier = courier_;
        (endpoint, tokenPort) = (endpoint_, tokenPort_);
        _lockedETH = msg.value;
    }

    modifier onlyEOA() {
        if (!AddressAlias.isKeyed(msg.sender)) revert OnlyEOA(msg.sender);
        _;
    }

    /// @notice A plain transfer from an account with a key is a deposit for that account.
    receive() external payable onlyEOA {
        _depositETH(msg.sender, 0, "");
    }

    // --- deposits ---

    /// @inheritdoc IVault
    function depositETH(uint32 minGasLimit, bytes calldata extraData) external payable onlyEOA {
        _depositETH(msg.sender, minGasLimit, extraData);
    }

    /// @inheritdoc IVault
    function depositETHTo(address to, uint32 minGasLimit, bytes calldata extraData) external payable {
        _depositETH(to, minGasLimit, extraData);
    }

    /// @inheritdoc IVault
    function depositERC20(
        address l1Token,
        address l2Token,
        uint256 amount,
        uint32 minGasLimit,
        bytes calldata extraData
    ) external onlyEOA nonReentrant {
        _depositERC20(l1Token, l2Token, msg.sender, amount, minGasLimit, extraData);
    }

    /// @inheritdoc IVault
    function depositERC20To(
        address l1Token,
        address l2Token,
        address to,
        uint256 amount,
        uint32 minGasLimit,
        bytes calldata extraData
    ) external nonReentrant {
        _depositERC20(l1Token, l2Token, to, amount, minGasLimit, extraData);
    }

    /// @inheritdoc IVault
    function lock() external payable beforeExodus {
        if (msg.sender != _queue && msg.sender != endpoint) revert Unauthorized(msg.sender);
        _lockedETH += msg.value;
    }

    /// @inheritdoc IVault
    function unlock(uint256 amount) external {
        if (msg.sender != endpoint) revert Unauthorized(msg.sender);
        _payETH(msg.sender, amount);
    }

    /// @inheritdoc IVault
    function lockERC20(address l1Token, address from, uint256 amount)
        external
        nonReentrant
        beforeExodus
        returns (uint256)
    {
        if (msg.sender != tokenPort) revert Unauthorized(msg.sender);
        return _collect(IERC20(l1Token), from, amount);
    }

    /// @inheritdoc IVault
    function unlockERC20(address l1Token, address to, uint256 amount) external {
        if (msg.sender != tokenPort) revert Unauthorized(msg.sender);
        _payERC20(l1Token, to, amount);
    }

    /// @inheritdoc IVault
    function cover() external payable {
        _lockedETH += msg.value;
    }

    // --- withdrawals ---

    /// @inheritdoc IVault
    function release(
        Withdrawal calldata w,
        uint64 claimId,
        OutputRootProof calldata p,
        bytes[] calldata storageProof
    ) external {
        bytes32 hash = Hashing.withdrawalHash(w);
        if (withdrawalState[hash] != WithdrawalState.None) revert AlreadyReleased(hash);

        bytes32 expected = _releaseRoot(claimId);
        bytes32 actual = Hashing.outputRoot(p);
        if (expected != actual) revert UnexpectedOutputRoot(expected, actual);
        _checkProof(hash, p.messagePasserStorageRoot, storageProof);

        emit WithdrawalReleased(hash, _deliver(hash, w));
    }

    /// @inheritdoc IVault
    function retry(Withdrawal calldata w) external {
        bytes32 hash = Hashing.withdrawalHash(w);
        if (withdrawalState[hash] != WithdrawalState.Failed) revert NotFailed(hash);
        emit WithdrawalRetried(hash, _deliver(hash, w));
    }

    /// @inheritdoc IVault
    function finalizeWithdrawal(
        address l1Token,
        address from,
        address to,
        uint256 amount,
        bytes calldata extraData
    ) external nonReentrant {
        if (msg.sender != courier) revert Unauthorized(msg.sender);
        address sender = ICourier(courier).l2Sender();
        if (sender != Predeploys.L2_BRIDGE) revert UnexpectedL2Sender(sender);

        emit ERC20WithdrawalFinalized(l1Token, l2TokenAddress(l1Token), from, to, amount, extraData);
        _payERC20(l1Token, to, amount);
    }

    // --- views ---

    /// @inheritdoc IVault
    function messageQueue() external view returns (address) {
        return _queue;
    }

    /// @inheritdoc IVault
    function settlement() external view returns (address) {
        return _settlement;
    }

    /// @inheritdoc IVault
    function releaseRoot(uint64 claimId) external view returns (bytes32) {
        return _releaseRoot(claimId);
    }

    /// @inheritdoc IVault
    function lockedETH() external view returns (uint256) {
        return _lockedETH;
    }

    /// @inheritdoc IVault
    function locked(address l1Token) external view returns (uint256) {
        return _locked[l1Token];
    }

    /// @inheritdoc IVault
    function l2TokenAddress(address l1Token) public pure returns (address) {
        return _l2TokenAddress(l1Token);
    }

    /// @inheritdoc IVault
    function ethDepositGas(uint32 minGasLimit, uint256 dataLength) public pure returns (uint64) {
        return _messageGas(ETH_DEPOSIT_GAS, minGasLimit, dataLength);
    }

    /// @inheritdoc IVault
    function erc20DepositGas(uint32 minGasLimit, uint256 dataLength) public pure returns (uint64) {
        return _messageGas(ERC20_DEPOSIT_GAS, minGasLimit, dataLength);
    }

    // --- internals ---

    function _depositETH(address to, uint32 minGasLimit, bytes memory extraData) private beforeExodus {
        if (msg.value == 0) revert ZeroAmount();
        if (to == address(0)) revert ZeroAddress();
        bytes memory data = abi.encodeCall(IL2Bridge.finalizeETHDeposit, (msg.sender, to, msg.value, extraData));
        uint64 index = IMessageQueue(_queue).send{value: msg.value}(
            Predeploys.L2_BRIDGE, msg.value, ethDepositGas(minGasLimit, data.length), data
        );
        emit ETHDepositInitiated(msg.sender, to, msg.value, extraData, index);
    }

    function _depositERC20(
        address l1Token,
        address l2Token,
        address to,
        uint256 amount,
        uint32 minGasLimit,
        bytes calldata extraData
    ) private beforeExodus {
        if (to == address(0)) revert ZeroAddress();
        if (l1Token.code.length == 0) revert NotAToken(l1Token);
        address expected = l2TokenAddress(l1Token);
        if (l2Token != expected) revert UnexpectedL2Token(expected, l2Token);

        amount = _collect(IERC20(l1Token), msg.sender, amount);
        bytes memory data = _erc20Message(l1Token, to, amount, extraData);
        uint64 index = IMessageQueue(_queue).send(
            Predeploys.L2_BRIDGE, 0, erc20DepositGas(minGasLimit, data.length), data
        );
        emit ERC20DepositInitiated(l1Token, l2Token, msg.sender, to, amount, extraData, index);
    }

    /// @dev Takes tokens; returns what arrived.
    function _collect(IERC20 token, address from, uint256 amount) private returns (uint256 received) {
        uint256 balance = token.balanceOf(address(this));
        token.safeTransferFrom(from, address(this), amount);
        received = token.balanceOf(address(this)) - balance;
        if (received == 0) revert ZeroAmount();
        _locked[address(token)] += received;
    }

    function _erc20Message(address l1Token, address to, uint256 amount, bytes calldata extraData)
        private
        view
        returns (bytes memory)
    {
        string memory name = TokenMetadata.name(l1Token);
        string memory symbol = TokenMetadata.symbol(l1Token);
        uint8 decimals = TokenMetadata.decimals(l1Token);
        return abi.encodeCall(
            IL2Bridge.finalizeERC20Deposit, (l1Token, msg.sender, to, amount, name, symbol, decimals, extraData)
        );
    }

    /// @dev 21000 and 40 a byte is what the data may cost; 64/63 is what a nested call loses.
    function _messageGas(uint256 fixedGas, uint256 minGasLimit, uint256 dataLength) private pure returns (uint64) {
        return uint64(21_000 + 40 * dataLength + fixedGas + minGasLimit + minGasLimit / 63 + 1);
    }

    /// @dev The slot must hold exactly 1.
    function _checkProof(bytes32 hash, bytes32 storageRoot, bytes[] calldata storageProof) private pure {
        if (StateProof.slot(storageRoot, Hashing.withdrawalSlot(hash), storageProof) != 1) revert InvalidProof();
    }

    /// @dev Makes the call of a withdrawal through the Courier. All bookkeeping is done before it, and undone
    /// if it fails. Reverts, rather than recording a failure, unless the call was made with enough gas.
    function _deliver(bytes32 hash, Withdrawal calldata w) private returns (bool success) {
        // A token in the middle of a transfer could else make a withdrawal of that token fail.
        if (_reentrancyGuardEntered()) revert NestedRelease();
        uint256 available = _lockedETH;
        if (available < w.value) revert InsufficientLocked(address(0), available, w.value);
        unchecked {
            _lockedETH = available - w.value;
        }
        withdrawalState[hash] = WithdrawalState.Done;

        bytes memory input = abi.encodeCall(ICourier.deliver, (w.sender, w.target, w.gasLimit, w.data));
        address to = courier;
        uint256 value = w.value;
        bytes4 reason;
        assembly ("memory-safe") {
            success := call(gas(), to, value, add(input, 0x20), mload(input), 0x00, 0x04)
            if iszero(success) { if eq(returndatasize(), 0x04) { reason := mload(0x00) } }
        }
        if (success) return true;
        if (reason == NestedRelease.selector) revert NestedRelease();
        if (reason != DeliveryFailed.selector) revert InsufficientGas();
        withdrawalState[hash] = WithdrawalState.Failed;
        _lockedETH += w.value;
    }
}
