// What all contracts are compiled with.
export const settings = {
  evmVersion: 'osaka',
  optimizer: { enabled: true, runs: 20000 },
  metadata: { appendCBOR: false, bytecodeHash: 'none' },
}

// Verifiers that were generated for circuits: hardly anything but assembly, which the optimizer is to leave as it is.
export const generatedSettings = {
  ...settings,
  optimizer: { enabled: true, runs: 100000, details: { constantOptimizer: false, yul: false } },
}
