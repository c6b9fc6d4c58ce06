// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import {ERC20} from "solady/tokens/ERC20.sol";

// Tokens as there are some, to test with. Anyone may mint them.

/// @notice A well-behaved token, with 6 decimals.
contract PlainToken is ERC20 {
    function name() public view virtual override returns (string memory) {
        return "Plain Token";
    }

    function symbol() public view virtual override returns (string memory) {
        return "PLAIN";
    }

    function decimals() public pure override returns (uint8) {
        return 6;
    }

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }

    function _givePermit2InfiniteAllowance() internal pure override returns (bool) {
        return false;
    }
}

/// @notice Keeps one percent of every transfer.
contract FeeToken is PlainToken {
    function _afterTokenTransfer(address from, address to, uint256 amount) internal override {
        if (from != address(0) && to != address(0) && to != address(0xfee)) _transfer(to, address(0xfee), amount / 100);
    }
}

/// @notice Transfers return nothing.
contract NoReturnToken {
    string public name = "No Return";
    string public symbol = "NORET";
    uint8 public decimals = 18;
    mapping(address => uint256) public balanceOf;
    mapping(address => mapping(address => uint256)) public allowance;

    function mint(address to, uint256 amount) external {
        balanceOf[to] += amount;
    }

    function approve(address spender, uint256 amount) external {
        allowance[msg.sender][spender] = amount;
    }

    function transfer(address to, uint256 amount) external {
        balanceOf[msg.sender] -= amount;
        balanceOf[to] += amount;
    }

    function transferFrom(address from, address to, uint256 amount) external {
        allowance[from][msg.sender] -= amount;
        balanceOf[from] -= amount;
        balanceOf[to] += amount;
    }
}

/// @notice Can be told to answer false and move nothing.
contract FalseToken is PlainToken {
    bool public refuses;

    function setRefuses(bool refuses_) external {
        refuses = refuses_;
    }

    function transfer(address to, uint256 amount) public override returns (bool) {
        return refuses ? false : super.transfer(to, amount);
    }

    function transferFrom(address from, address to, uint256 amount) public override returns (bool) {
        return refuses ? false : super.transferFrom(from, to, amount);
    }
}

/// @notice Refuses transfers to and from listed accounts.
contract BlacklistToken is PlainToken {
    mapping(address => bool) public blocked;

    function setBlocked(address account, bool isBlocked) external {
        blocked[account] = isBlocked;
    }

    function _beforeTokenTransfer(address from, address to, uint256) internal view override {
        require(!blocked[from] && !blocked[to], "blocked");
    }
}

/// @notice Calls out during every transfer.
contract HookToken is PlainToken {
    address public hook;
    bytes public hookData;
    bool public hookSucceeded;

    function setHook(address hook_, bytes calldata data) external {
        hook = hook_;
        hookData = data;
    }

    function _afterTokenTransfer(address from, address to, uint256) internal override {
        if (hook == address(0) || from == address(0) || to == address(0)) return;
        address target = hook;
        hook = address(0);
        (hookSucceeded,) = target.call(hookData);
    }
}

/// @notice Names as long as they come.
contract HugeNameToken is PlainToken {
    function name() public pure override returns (string memory) {
        return string(new bytes(5000));
    }

    function symbol() public pure override returns (string memory) {
        return "0123456789012345678901234567890123456789012345678901234567890123456789";
    }
}

/// @notice Balances change by themselves.
contract RebasingToken {
    string public name = "Rebasing Token";
    string public symbol = "REBASE";
    uint8 public decimals = 18;
    uint256 public percent = 100;
    mapping(address => uint256) public sharesOf;
    mapping(address => mapping(address => uint256)) public allowance;

    function mint(address to, uint256 amount) external {
        sharesOf[to] += amount * 100 / percent;
    }

    function rebase(uint256 percent_) external {
        percent = percent_;
    }

    function balanceOf(address account) external view returns (uint256) {
        return sharesOf[account] * percent / 100;
    }

    function approve(address spender, uint256 amount) external returns (bool) {
        allowance[msg.sender][spender] = amount;
        return true;
    }

    function transfer(address to, uint256 amount) external returns (bool) {
        _move(msg.sender, to, amount);
        return true;
    }

    function transferFrom(address from, address to, uint256 amount) external returns (bool) {
        allowance[from][msg.sender] -= amount;
        _move(from, to, amount);
        return true;
    }

    function _move(address from, address to, uint256 amount) private {
        uint256 shares = amount * 100 / percent;
        sharesOf[from] -= shares;
        sharesOf[to] += shares;
    }
}
