// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Probe
/// @notice Something to call from clients: storage, events, reverts, and code for an account to borrow.
contract Probe {
    error Refused(address who, uint256 code);

    event Stored(address indexed who, uint256 indexed key, uint256 value, string note);
    event Received(address indexed from, uint256 amount);

    /// @dev Slot 0.
    uint256 public value;
    /// @dev Slot 1.
    mapping(uint256 key => uint256) public values;

    constructor(uint256 initial) payable {
        value = initial;
    }

    receive() external payable {
        emit Received(msg.sender, msg.value);
    }

    function store(uint256 key, uint256 newValue, string calldata note) external returns (uint256 old) {
        old = values[key];
        values[key] = newValue;
        value = newValue;
        emit Stored(msg.sender, key, newValue, note);
    }

    function refuse(uint256 code) external {
        value = code;
        revert Refused(msg.sender, code);
    }

    function fail(string calldata why) external pure {
        require(false, why);
    }

    function divide(uint256 a, uint256 b) external pure returns (uint256) {
        return a / b;
    }

    function burnGas(uint256 rounds) external {
        for (uint256 i; i < rounds; i++) values[i] = rounds;
    }

    function callSelf(uint256 key) external {
        this.store(key, key, "nested");
    }

    function whoAmI() external view returns (address self, address sender, uint256 balance) {
        return (address(this), msg.sender, address(this).balance);
    }

    function surroundings()
        external
        view
        returns (uint256 chainId, uint256 number, uint256 timestamp, uint256 baseFee, uint256 gasLimit)
    {
        return (block.chainid, block.number, block.timestamp, block.basefee, block.gaslimit);
    }
}
