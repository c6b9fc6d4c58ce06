// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ICourier} from "../../src/interfaces/ICourier.sol";

/// @notice Takes ETH or not, as told.
contract Switch {
    bool public refuses;

    function setRefuses(bool refuses_) external {
        refuses = refuses_;
    }

    receive() external payable {
        require(!refuses, "refused");
    }
}

/// @notice Calls out when it gets ETH, and remembers how that went.
contract Hook {
    address public target;
    bytes public data;
    bool public called;
    bool public succeeded;
    bytes public result;

    function set(address target_, bytes calldata data_) external {
        (target, data) = (target_, data_);
    }

    receive() external payable {
        if (target == address(0)) return;
        called = true;
        (succeeded, result) = target.call(data);
    }
}

/// @notice Returns, or reverts with, as many bytes as it has gas for.
contract Bomb {
    receive() external payable {
        _explode();
    }

    bool public armed = true;

    function disarm() external {
        armed = false;
    }

    fallback() external payable {
        _explode();
    }

    function _explode() private view {
        if (!armed) return;
        assembly {
            revert(0, 1000000)
        }
    }
}

/// @notice Uses all gas it gets.
contract GasEater {
    receive() external payable {
        while (true) {}
    }
}

/// @notice Needs a certain amount of gas.
contract Hungry {
    uint256 public got;

    receive() external payable {
        got = gasleft();
        require(got >= 180_000, "hungry");
    }
}

/// @notice Notes who calls it, and on behalf of whom.
contract Probe {
    address public caller;
    address public l2Sender;
    uint256 public value;
    bytes public input;

    receive() external payable {
        _note();
    }

    fallback() external payable {
        _note();
    }

    function _note() private {
        caller = msg.sender;
        value = msg.value;
        input = msg.data;
        l2Sender = ICourier(msg.sender).l2Sender();
    }
}

/// @notice A contract that makes calls for tests.
contract Caller {
    function call(address target, bytes calldata data) external payable returns (bytes memory) {
        (bool success, bytes memory result) = target.call{value: msg.value}(data);
        if (!success) {
            assembly {
                revert(add(result, 0x20), mload(result))
            }
        }
        return result;
    }

    receive() external payable {}
}
