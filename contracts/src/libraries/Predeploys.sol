// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Predeploys
/// @notice Fixed addresses on L2.
library Predeploys {
    address internal constant WETH = 0x4200000000000000000000000000000000000006;
    address internal constant L2_BRIDGE = 0x4200000000000000000000000000000000000010;
    address internal constant SEQUENCER_FEE_VAULT = 0x4200000000000000000000000000000000000011;
    address internal constant BRIDGED_TOKEN_FACTORY = 0x4200000000000000000000000000000000000012;
    address internal constant BRIDGED_TOKEN = 0x4200000000000000000000000000000000000013;
    address internal constant L1_BLOCK = 0x4200000000000000000000000000000000000015;
    address internal constant MESSAGE_PASSER = 0x4200000000000000000000000000000000000016;
    address internal constant BASE_FEE_VAULT = 0x4200000000000000000000000000000000000019;
    address internal constant L1_FEE_VAULT = 0x420000000000000000000000000000000000001A;

    address internal constant ENDPOINT = 0x4200000000000000000000000000000000000023;
    address internal constant MESSENGER = 0x4200000000000000000000000000000000000024;
    address internal constant ANCHOR_VERIFIER = 0x4200000000000000000000000000000000000025;
    address internal constant ATTESTATION_VERIFIER = 0x4200000000000000000000000000000000000026;
    address internal constant TOKEN_PORT = 0x4200000000000000000000000000000000000027;

    /// @notice Stands for ETH where an L2 token is named.
    address internal constant ETH = 0xDeadDeAddeAddEAddeadDEaDDEAdDeaDDeAD0000;

    /// @notice Sender of the transaction that opens every L2 block.
    address internal constant DEPOSITOR = 0xDeaDDEaDDeAdDeAdDEAdDEaddeAddEAdDEAd0001;
}
