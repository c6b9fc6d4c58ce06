//! Calls and events of L2's contracts that only leaving needs. Their meaning is in
//! `contracts/src/interfaces`.
#![allow(missing_docs, clippy::too_many_arguments)]

use alloy_sol_types::sol;

sol! {
    #[derive(Debug, PartialEq, Eq)]
    interface Passer {
        function initiateWithdrawal(address target, uint256 gasLimit, bytes calldata data)
            external payable returns (bytes32 withdrawalHash);
    }

    #[derive(Debug, PartialEq, Eq)]
    interface Bridge {
        event DepositReturned(
            address indexed l1Token, address indexed l2Token, address indexed from, address to, uint256 amount
        );
        function withdraw(address l2Token, uint256 amount, uint32 minGasLimit, bytes calldata extraData)
            external payable;
        function finalizeETHDeposit(address from, address to, uint256 amount, bytes calldata extraData)
            external payable;
        function finalizeERC20Deposit(
            address l1Token, address from, address to, uint256 amount, string calldata name,
            string calldata symbol, uint8 decimals, bytes calldata extraData
        ) external;
    }

    #[derive(Debug, PartialEq, Eq)]
    interface Payout {
        function finalizeWithdrawal(
            address l1Token, address from, address to, uint256 amount, bytes calldata extraData
        ) external;
    }

    #[derive(Debug, PartialEq, Eq)]
    interface Factory {
        event TokenCreated(
            address indexed l1Token, address indexed l2Token, string name, string symbol, uint8 decimals
        );
    }

    #[derive(Debug, PartialEq, Eq)]
    interface Weth {
        function withdraw(uint256 amount) external;
    }
}
