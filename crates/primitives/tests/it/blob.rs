//! Blobs: packing, and what ties their bytes to KZG.

use alloy_eips::eip4844::{c_kzg, env_settings::EnvKzgSettings, kzg_to_versioned_hash};
use alloy_primitives::{B256, Bytes, U256, keccak256};
use duplex_primitives::blob::{
    self, BLOB, Binding, BlobError, LENGTH_PREFIX, MAX_BLOBS, MODULUS, PAYLOAD, blobs_root, evaluate,
};
use proptest::prelude::*;
use serde_json::{Value, json};

/// Numbers that look random and are the same in every run.
fn noise(seed: u64, len: usize) -> Vec<u8> {
    let mut out = Vec::with_capacity(len + 32);
    let mut word = keccak256(seed.to_be_bytes());
    while out.len() < len {
        out.extend_from_slice(word.as_slice());
        word = keccak256(word);
    }
    out.truncate(len);
    out
}

#[test]
fn every_length_comes_back_in_as_few_blobs_as_possible() {
    let edge = PAYLOAD - LENGTH_PREFIX;
    let most = MAX_BLOBS * PAYLOAD - LENGTH_PREFIX;
    for (len, blobs) in [
        (1, 1),
        (edge - 1, 1),
        (edge, 1),
        (edge + 1, 2),
        (edge + PAYLOAD, 2),
        (edge + PAYLOAD + 1, 3),
        (most, 6),
    ] {
        let data = noise(len as u64, len);
        let encoded = blob::encode(&data).unwrap();
        assert_eq!(encoded.len(), blobs, "{len} bytes");
        assert!(encoded.iter().all(|blob| blob.len() == BLOB));
        assert_eq!(blob::decode(&encoded).unwrap(), data, "{len} bytes");
    }
    assert_eq!(blob::encode(&[]), Err(BlobError::Empty));
    assert_eq!(blob::encode(&vec![0; most + 1]), Err(BlobError::TooLong { len: most + 1 }));
}

#[test]
fn every_fault_has_its_error() {
    let good = blob::encode(&noise(1, 1000)).unwrap();
    let change = |at: usize, byte: u8| {
        let mut bytes = good[0].to_vec();
        bytes[at] = byte;
        blob::decode(&[Bytes::from(bytes)])
    };
    assert_eq!(blob::decode::<Bytes>(&[]), Err(BlobError::Empty));
    assert_eq!(blob::decode(&[good[0].slice(1..)]), Err(BlobError::Size(BLOB - 1)));
    assert_eq!(change(32 * 77, 1), Err(BlobError::Element { blob: 0, element: 77 }));
    assert_eq!(change(BLOB - 1, 1), Err(BlobError::Surplus));
    assert_eq!(change(1, 1), Err(BlobError::Length { len: (1 << 24) + 1000, blobs: 1 }));
    assert_eq!(change(4, 0).map(|data| data.len()), Err(BlobError::Surplus));
    let zero = vec![Bytes::from(vec![0; BLOB])];
    assert_eq!(blob::decode(&zero), Err(BlobError::Length { len: 0, blobs: 1 }));
    // A blob more than needed.
    let two = [good[0].clone(), zero[0].clone()];
    assert_eq!(blob::decode(&two), Err(BlobError::Length { len: 1000, blobs: 2 }));
    // More than a transaction has, though the length asks for them.
    let mut seven = vec![zero[0].clone(); MAX_BLOBS + 1];
    let mut first = seven[0].to_vec();
    first[2..5].copy_from_slice(&((MAX_BLOBS * PAYLOAD) as u32).to_be_bytes()[1..]);
    seven[0] = first.into();
    assert_eq!(blob::decode(&seven), Err(BlobError::Count(7)));
    assert_eq!(blob::decode(&seven[..6]), Err(BlobError::Length { len: MAX_BLOBS * PAYLOAD, blobs: 6 }));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn any_bytes_have_one_result(seed in any::<u64>(), flips in proptest::collection::vec((0..BLOB, any::<u8>()), 0..4)) {
        let data = noise(seed, 1 + seed as usize % 100_000);
        let mut blob = blob::encode(&data).unwrap()[0].to_vec();
        for (at, byte) in flips {
            blob[at] = byte;
        }
        if let Ok(decoded) = blob::decode(&[&blob]) {
            // What decodes has exactly one form.
            prop_assert_eq!(blob::encode(&decoded).unwrap()[0].to_vec(), blob);
        }
    }
}

fn commit(blob: &[u8]) -> (c_kzg::Blob, c_kzg::KzgCommitment, B256) {
    let blob = c_kzg::Blob::from_bytes(blob).unwrap();
    let commitment = EnvKzgSettings::Default.get().blob_to_kzg_commitment(&blob).unwrap();
    let hash = kzg_to_versioned_hash(commitment.as_slice());
    (blob, commitment, hash)
}

#[test]
fn evaluation_is_that_of_kzg() {
    let settings = EnvKzgSettings::Default.get();
    for seed in 0..3 {
        let bytes = blob::encode(&noise(seed, 120_000)).unwrap().remove(0);
        let (kzg, _, hash) = commit(&bytes);
        let binding = Binding::of(hash, &bytes).unwrap();
        let z = c_kzg::Bytes32::from_bytes(binding.z.as_slice()).unwrap();
        let (_, y) = settings.compute_kzg_proof(&kzg, &z).unwrap();
        assert_eq!(y.as_slice(), binding.y.as_slice());
    }
}

/// Where a blob's polynomial takes its field element `i`.
fn root_of_unity(i: u32) -> B256 {
    // 7 generates the field's multiplicative group (EIP-4844's PRIMITIVE_ROOT_OF_UNITY).
    let root = U256::from(7).pow_mod((MODULUS - U256::from(1)) / U256::from(4096), MODULUS);
    B256::from(root.pow_mod(U256::from(i.reverse_bits() >> 20), MODULUS))
}

#[test]
fn evaluation_at_a_root_of_unity_is_the_element() {
    let bytes = blob::encode(&noise(9, 120_000)).unwrap().remove(0);
    let (kzg, ..) = commit(&bytes);
    let settings = EnvKzgSettings::Default.get();
    let at = root_of_unity;
    assert_eq!(at(0), B256::with_last_byte(1));
    assert_eq!(at(1), B256::from(MODULUS - U256::from(1)));
    for element in [0, 1, 2, 3, 77, 2047, 2048, 4094, 4095] {
        let z = at(element);
        let value = &bytes[32 * element as usize..][..32];
        assert_eq!(evaluate(&bytes, z).unwrap().as_slice(), value, "element {element}");
        let z = c_kzg::Bytes32::from_bytes(z.as_slice()).unwrap();
        assert_eq!(settings.compute_kzg_proof(&kzg, &z).unwrap().1.as_slice(), value, "element {element}");
    }
    // Beside one, and the same point beyond the modulus.
    let z = B256::from(U256::from_be_bytes(at(77).0) + U256::from(1));
    let (_, y) =
        settings.compute_kzg_proof(&kzg, &c_kzg::Bytes32::from_bytes(z.as_slice()).unwrap()).unwrap();
    assert_eq!(evaluate(&bytes, z).unwrap().as_slice(), y.as_slice());
    assert_eq!(evaluate(&bytes, B256::from(MODULUS + U256::from(1))).unwrap().as_slice(), &bytes[..32]);
    assert_eq!(evaluate(&bytes[1..], z), Err(BlobError::Size(BLOB - 1)));
}

/// The contracts' tests check these against the precompile. `WRITE_VECTORS=true` writes them anew.
#[test]
fn vectors_of_the_contracts_are_right() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../contracts/test/blob-vectors.json");
    let settings = EnvKzgSettings::Default.get();
    let vectors: Vec<Value> = (0..2u64)
        .map(|seed| {
            let bytes = blob::encode(&noise(seed, 1000 + 100_000 * seed as usize)).unwrap().remove(0);
            let (kzg, commitment, hash) = commit(&bytes);
            let binding = Binding::of(hash, &bytes).unwrap();
            let z = c_kzg::Bytes32::from_bytes(binding.z.as_slice()).unwrap();
            let (proof, _) = settings.compute_kzg_proof(&kzg, &z).unwrap();
            // What `PreimageOracle.loadBlob` is given.
            let elements: Vec<Value> = [0u32, 1, 2, 77, 2047, 2048, 4094, 4095]
                .map(|index| {
                    let z = c_kzg::Bytes32::from_bytes(root_of_unity(index).as_slice()).unwrap();
                    let (proof, value) = settings.compute_kzg_proof(&kzg, &z).unwrap();
                    json!({
                        "index": index,
                        "value": B256::from_slice(value.as_slice()),
                        "proof": Bytes::copy_from_slice(proof.to_bytes().as_slice()),
                    })
                })
                .to_vec();
            json!({
                "versionedHash": hash,
                "payloadRoot": binding.payload_root,
                "z": binding.z,
                "y": binding.y,
                "commitment": Bytes::copy_from_slice(commitment.as_slice()),
                "proof": Bytes::copy_from_slice(proof.to_bytes().as_slice()),
                "blobsRoot": blobs_root(&[hash, hash]),
                "elements": elements,
            })
        })
        .collect();
    if std::env::var_os("WRITE_VECTORS").is_some() {
        let text = serde_json::to_string_pretty(&vectors).unwrap() + "\n";
        std::fs::write(path, text).unwrap();
    }
    let committed: Vec<Value> = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    assert_eq!(committed, vectors);
}
