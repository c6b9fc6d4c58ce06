// Compiles src/ with the npm build of solc and writes one JSON file per contract.
// usage: node scripts/build.mjs [output folder, default artifacts]
// The output depends on the sources and the settings below alone: no metadata, no paths, keys in fixed order.
import { createRequire } from 'node:module'
import { mkdirSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { generatedSettings, settings } from './settings.mjs'

const require = createRequire(import.meta.url)
const root = resolve(dirname(fileURLToPath(import.meta.url)), '..')
const out = resolve(process.argv[2] ?? join(root, 'artifacts'))
const WANTED = ['src/L1/', 'src/L2/', 'src/bridge/', 'src/dev/']
// Abstract contracts have no code of their own.
const SKIPPED = ['Incinerator', 'Exodus', 'Credits', 'Game']

const posix = path => path.split('\\').join('/')
const solidityFiles = folder =>
  readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter(entry => entry.isFile() && entry.name.endsWith('.sol'))
    .map(entry => posix(relative(root, join(entry.parentPath ?? entry.path, entry.name))))
    .sort()

// Library imports keep their package names, so that nothing depends on where packages lie.
const findImport = name => {
  const path = name.startsWith('solady/') ? name.replace('solady/', 'solady/src/') : name
  try {
    return { contents: readFileSync(join(root, 'node_modules', path), 'utf8') }
  } catch {
    return { error: `cannot read ${name}: run \`npm ci\`` }
  }
}

const files = solidityFiles(join(root, 'src'))
const input = {
  language: 'Solidity',
  sources: Object.fromEntries(files.map(file => [file, { content: readFileSync(join(root, file), 'utf8') }])),
  settings: {
    ...settings,
    outputSelection: Object.fromEntries(
      files
        .filter(file => WANTED.some(folder => file.startsWith(folder)))
        .map(file => [
          file,
          {
            '*': [
              'abi',
              'storageLayout',
              'evm.bytecode.object',
              'evm.deployedBytecode.object',
              'evm.deployedBytecode.immutableReferences',
            ],
          },
        ])
    ),
  },
}

const generated = solidityFiles(join(root, 'generated'))
const generatedInput = {
  language: 'Solidity',
  sources: Object.fromEntries(generated.map(file => [file, { content: readFileSync(join(root, file), 'utf8') }])),
  settings: {
    ...generatedSettings,
    outputSelection: Object.fromEntries(generated.map(file => [file, Object.values(input.settings.outputSelection)[0]])),
  },
}

const compile = input => JSON.parse(require('solc').compile(JSON.stringify(input), { import: findImport }))
const outputs = [compile(input), compile(generatedInput)]
const output = {
  errors: outputs.flatMap(({ errors }) => errors ?? []),
  contracts: Object.assign({}, ...outputs.map(({ contracts }) => contracts)),
}
const problems = (output.errors ?? []).filter(
  problem =>
    problem.severity === 'error' ||
    // 1699: `selfdestruct` is deprecated; its one use is the one that EIP-6780 keeps.
    (problem.sourceLocation?.file?.startsWith('src/') && problem.errorCode !== '1699')
)
for (const problem of problems) console.error(problem.formattedMessage)
if (problems.some(problem => problem.severity === 'error')) process.exit(1)

// Compiler-internal ids (`astId`, numbers in type names, keys of immutables) shift when unrelated sources
// change, so they are replaced: immutables by their order in the code, types by their names.
const plainType = text => text.replace(/\)\d+/g, ')')
const storageLayout = layout => ({
  storage: layout.storage.map(({ label, offset, slot, type }) => ({ label, offset, slot, type: plainType(type) })),
  types: Object.fromEntries(
    Object.entries(layout.types ?? {})
      .map(([key, { encoding, label, numberOfBytes }]) => [plainType(key), { encoding, label, numberOfBytes }])
      .sort(([a], [b]) => (a < b ? -1 : 1))
  ),
})
const immutableReferences = references =>
  Object.fromEntries(
    Object.values(references)
      .sort((a, b) => a[0].start - b[0].start)
      .map((places, i) => [String(i), places])
  )

rmSync(out, { recursive: true, force: true })
mkdirSync(out, { recursive: true })
for (const file of Object.keys(output.contracts).sort()) {
  for (const [contractName, contract] of Object.entries(output.contracts[file])) {
    if (SKIPPED.includes(contractName)) continue
    const artifact = {
      contractName,
      abi: contract.abi,
      bytecode: `0x${contract.evm.bytecode.object}`,
      deployedBytecode: `0x${contract.evm.deployedBytecode.object}`,
      immutableReferences: immutableReferences(contract.evm.deployedBytecode.immutableReferences ?? {}),
      storageLayout: storageLayout(contract.storageLayout),
    }
    writeFileSync(join(out, `${contractName}.json`), `${JSON.stringify(artifact, null, 2)}\n`)
    const size = contract.evm.deployedBytecode.object.length / 2
    console.log(`${contractName.padEnd(20)} ${String(size).padStart(6)} bytes`)
  }
}
