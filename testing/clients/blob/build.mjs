// Writes blob.json: commitment and proofs of one blob, made with the setup of the KZG ceremony.
// Loading that setup takes longer than all the tests, so its output is committed.
import { writeFileSync } from 'node:fs'
import { loadKZG } from 'kzg-wasm'

const text = 'a blob that clients send'
const kzg = await loadKZG(0)
const blob = `0x00${Buffer.from(text).toString('hex')}`.padEnd(2 + 2 * 131_072, '0')
const commitment = kzg.blobToKZGCommitment(blob).toLowerCase()
const proof = kzg.computeBlobKZGProof(blob, commitment).toLowerCase()
const cellProofs = kzg.computeCellsAndKZGProofs(blob).proofs.map(cell => cell.toLowerCase())
writeFileSync(new URL('blob.json', import.meta.url), `${JSON.stringify({ text, commitment, proof, cellProofs }, null, 2)}\n`)
