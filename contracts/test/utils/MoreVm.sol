// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice More cheatcodes: of JSON, of figures that are kept, of other chains.
interface MoreVm {
    function keyExistsJson(string calldata json, string calldata key) external view returns (bool);
    function parseJsonUint(string calldata json, string calldata key) external pure returns (uint256);
    function parseJsonTypeArray(string calldata json, string calldata key, string calldata description)
        external
        pure
        returns (bytes memory);
    function chainId(uint256 id) external;
    function snapshotValue(string calldata group, string calldata name, uint256 value) external;
}

MoreVm constant moreVm = MoreVm(address(uint160(uint256(keccak256("hevm cheat code")))));
