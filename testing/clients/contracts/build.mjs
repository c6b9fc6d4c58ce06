// Compiles Probe.sol with the npm build of solc into Probe.json: interface and bytecode.
import { createRequire } from 'node:module'
import { readFileSync, writeFileSync } from 'node:fs'

const solc = createRequire(import.meta.url)('solc')
const at = name => new URL(name, import.meta.url)
const output = JSON.parse(
  solc.compile(
    JSON.stringify({
      language: 'Solidity',
      sources: { 'Probe.sol': { content: readFileSync(at('Probe.sol'), 'utf8') } },
      settings: {
        evmVersion: 'cancun',
        optimizer: { enabled: true, runs: 200 },
        metadata: { appendCBOR: false, bytecodeHash: 'none' },
        outputSelection: { '*': { Probe: ['abi', 'evm.bytecode.object', 'evm.deployedBytecode.object'] } },
      },
    })
  )
)
for (const problem of output.errors ?? []) console.error(problem.formattedMessage)
const probe = output.contracts?.['Probe.sol']?.Probe
if (!probe) process.exit(1)
const json = {
  abi: probe.abi,
  bytecode: `0x${probe.evm.bytecode.object}`,
  deployedBytecode: `0x${probe.evm.deployedBytecode.object}`,
}
writeFileSync(at('Probe.json'), `${JSON.stringify(json, null, 2)}\n`)
