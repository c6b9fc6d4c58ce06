//! Precompiles: the node's are C, the machine's are Rust, and both must say the same of any input.

use alloy_primitives::{Address, B256, Bytes, U256, hex, keccak256};
use alloy_signer::SignerSync;
use sha2::{Digest, Sha256};

use crate::{
    contracts::{CALLER, all},
    world::{Place, Plan, World, signer},
};

/// BLS12-381's generators, and those of their opposites.
const G1: [u8; 128] = hex!(
    "0000000000000000000000000000000017f1d3a73197d7942695638c4fa9ac0fc3688c4f9774b905a14e3a3f171bac586c55e83ff97a1aeffb3af00adb22c6bb"
    "0000000000000000000000000000000008b3f481e3aaa0f1a09e30ed741d8ae4fcf5e095d5d00af600db18cb2c04b3edd03cc744a2888ae40caa232946c5e7e1"
);
const G2: [u8; 256] = hex!(
    "00000000000000000000000000000000024aa2b2f08f0a91260805272dc51051c6e47ad4fa403b02b4510b647ae3d1770bac0326a805bbefd48056c8c121bdb8"
    "0000000000000000000000000000000013e02b6052719f607dacd3a088274f65596bd0d09920b61ab5da61bbdc7f5049334cf11213945d57e5ac7d055d042b7e"
    "000000000000000000000000000000000ce5d527727d6e118cc9cdc6da2e351aadfd9baa8cbdd3a76d429a695160d12c923ac9cc3baca289e193548608b82801"
    "000000000000000000000000000000000606c4a02ea734cc32acd2b02bc28b99cb3e287e85a763af267492ab572e99ab3f370d275cec1da1aaa9075ff05f79be"
);
/// The modulus of their coordinates.
const P381: [u8; 48] =
    hex!("1a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaab");
/// The modulus of BN254's.
const P254: U256 =
    U256::from_be_bytes(hex!("30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47"));
/// BN254's second generator.
const BN2: [u8; 128] = hex!(
    "198e9393920d483a7260bfb731fb5d25f1aa493335a9e71297e485b7aef312c21800deef121f1e76426a00665e5c4479674322d4f75edadd46debd5cd992f6ed"
    "090689d0585ff075ec9e99ad690c3395bc4b313370b38ef355acdadcd122975b12c85ea5db8c6deb4aab71808dcb408fe3d1e7690c43d37b4ce6cc0166fa7daa"
);

fn word(value: u64) -> [u8; 32] {
    U256::from(value).to_be_bytes()
}

/// The opposite of a point whose `y` is at `at`, 64 bytes.
fn opposite(point: &[u8]) -> Vec<u8> {
    let (x, y) = point.split_at(64);
    let mut negative = P381;
    let mut borrow = 0i16;
    for (byte, y) in negative.iter_mut().zip(&y[16..]).rev() {
        let rest = i16::from(*byte) - i16::from(*y) - borrow;
        *byte = rest.rem_euclid(256) as u8;
        borrow = i16::from(rest < 0);
    }
    [x, &[0; 16], &negative].concat()
}

/// An input of each precompile that it likes; those with several kinds of it more than once.
pub(crate) fn liked() -> Vec<(u64, Vec<u8>)> {
    let hash = keccak256("message");
    let signed = signer(0).sign_hash_sync(&hash).unwrap();
    let recover = [
        hash.as_slice(),
        &word(27 + u64::from(signed.v())),
        &signed.r().to_be_bytes::<32>(),
        &signed.s().to_be_bytes::<32>(),
    ]
    .concat();
    let modexp = |base: &[u8], exponent: &[u8], modulus: &[u8]| {
        let lengths = [base, exponent, modulus].map(|part| word(part.len() as u64)).concat();
        [&lengths[..], base, exponent, modulus].concat()
    };
    let g254 = [word(1), word(2)].concat();
    let opposite254 = [word(1), (P254 - U256::from(2)).to_be_bytes()].concat();
    let blake = [
        &hex!("0000000c")[..],
        &hex!(
            "48c9bdf267e6096a3ba7ca8485ae67bb2bf894fe72f36e3cf1361d5f3af54fa5d182e6ad7f520e511f6c3e2b8c68059b6bbd41fbabd9831f79217e1319cde05b"
        ),
        &[0x61; 128],
        &hex!("0300000000000000 0000000000000000 01"),
    ]
    .concat();
    // The zero polynomial: its commitment and every proof of it are infinity.
    let infinity = [&[0xc0][..], &[0; 47]].concat();
    let mut name = Sha256::digest(&infinity).to_vec();
    name[0] = 1;
    let kzg = [&name[..], &word(5), &word(0), &infinity, &infinity].concat();
    let (g1, g2) = (G1.to_vec(), G2.to_vec());
    let scalar = keccak256("scalar").0.to_vec();
    let pair = [&opposite(&G1)[..], &G2].concat();
    let field = |seed: &str| [&[0; 32][..], keccak256(seed).as_slice()].concat();
    let key = p256::ecdsa::SigningKey::from_slice(keccak256("key").as_slice()).unwrap();
    let (signature, _) = key.sign_prehash_recoverable(hash.as_slice()).unwrap();
    let point = key.verifying_key().to_encoded_point(false);
    let p256 = [hash.as_slice(), &signature.to_bytes(), &point.as_bytes()[1..]].concat();
    vec![
        (1, recover),
        (2, b"sha".to_vec()),
        (3, b"ripemd".to_vec()),
        (4, b"identity".to_vec()),
        (5, modexp(&[3], &[0xff; 32], &[0xfd; 32])),
        (5, modexp(&[7; 64], &[5], &[0xf0; 48])),
        (5, modexp(&[7; 40], &[1; 3], &[0, 0, 9])),
        (5, modexp(&[], &[], &[1])),
        (6, [&g254[..], &g254].concat()),
        (6, [&g254[..], &opposite254].concat()),
        (7, [&g254[..], &scalar].concat()),
        (8, [&g254[..], &BN2, &opposite254, &BN2].concat()),
        (8, [&g254[..], &BN2].concat()),
        (9, blake),
        (10, kzg),
        (11, [&g1[..], &g1].concat()),
        (11, [&g1[..], &[0; 128]].concat()),
        (12, [&g1[..], &scalar, &opposite(&g1), &word(7)].concat()),
        (13, [&g2[..], &g2].concat()),
        (14, [&g2[..], &scalar, &g2, &word(7)].concat()),
        (15, [&g1[..], &g2, &pair].concat()),
        (15, [&g1[..], &g2].concat()),
        (16, field("one")),
        (17, [field("one"), field("two")].concat()),
        (0x100, p256),
    ]
}

#[test]
fn generators_are_what_they_are_said_to_be() {
    let pair = [&G1[..], &G2, &opposite(&G1), &G2].concat();
    let found = revm::precompile::bls12_381::pairing::pairing(&pair, 1_000_000).unwrap();
    assert_eq!(found.bytes, Bytes::from(word(1)), "e(G1, G2) · e(-G1, G2) is one");
}

/// The same input, changed in ways that inputs go wrong.
fn spoilt(input: &[u8], seed: u64) -> Vec<Vec<u8>> {
    let mut all =
        vec![Vec::new(), input[..input.len() - 1].to_vec(), [input, &[0]].concat(), vec![0; input.len()]];
    all.push(vec![0xff; input.len()]);
    for i in 0..3u64 {
        let dice = keccak256([seed.to_be_bytes(), i.to_be_bytes()].concat());
        let at = U256::from_be_bytes(dice.0).wrapping_rem(U256::from(input.len())).to::<usize>();
        let mut one = input.to_vec();
        one[at] ^= 1 << (dice[31] % 8);
        all.push(one);
        // A whole word of something else.
        let mut one = input.to_vec();
        let (at, end) = (at / 32 * 32, (at / 32 * 32 + 32).min(input.len()));
        one[at..end].copy_from_slice(&dice[..end - at]);
        all.push(one);
    }
    all
}

#[test]
fn every_precompile_says_the_same_in_the_machine() {
    let mut world = World::new(1, &all());
    let mut plans = Vec::new();
    let mut kept = 0;
    for (seed, (precompile, input)) in liked().into_iter().enumerate() {
        let mut inputs = spoilt(&input, seed as u64);
        inputs.push(input);
        let transactions: Vec<_> = inputs
            .iter()
            .map(|input| {
                let target = Address::from_word(B256::from(U256::from(precompile)));
                let data = [target.into_word().as_slice(), input].concat();
                world.call(0, CALLER.into(), 0, 1_300_000, data.into())
            })
            .collect();
        kept += transactions.len();
        plans.push(Plan { seconds: 1, transactions, ..Plan::default() });
    }
    let blocks = plans.len() as u64;
    world.post(&plans, Place::Blobs);
    world.check_all(1..=blocks);
    let executed: usize = (1..=blocks).map(|number| world.transactions(number)).sum();
    assert_eq!(executed, kept, "none was skipped");
    // Each of those liked succeeds: the slot holds more than the hash of nothing by one.
    for (precompile, input) in liked() {
        let target = Address::from_word(B256::from(U256::from(precompile))).into_word();
        let slot = keccak256([target.as_slice(), &input].concat());
        let value = world.slot(CALLER, slot.into());
        assert!(!value.is_zero() && value != U256::from_be_bytes(keccak256([]).0), "{precompile}: {value}");
    }
}
