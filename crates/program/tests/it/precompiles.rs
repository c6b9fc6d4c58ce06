//! Precompiles: the node's are C, the machine's are Rust, and both must say the same of any input.

use alloy_primitives::{Address, B256, Bytes, U256, hex, keccak256};
use alloy_signer::SignerSync;
use sha2::{Digest, Sha256};

use crate::{
    contracts::{CALLER, all},
    world::{Place, Plan, World, signer},
};

/// BLS12-381's generators, and those of their opposites.
pub(crate) const G1: [u8; 128] = hex!(
    "0000000000000000000000000000000017f1d3a73197d7942695638c4fa9ac0fc3688c4f9774b905a14e3a3f171bac586c55e83ff97a1aeffb3af00adb22c6bb"
    "0000000000000000000000000000000008b3f481e3aaa0f1a09e30ed741d8ae4fcf5e095d5d00af600db18cb2c04b3edd03cc744a2888ae40caa232946c5e7e1"
);
pub(crate) const G2: [u8; 256] = hex!(
    "00000000000000000000000000000000024aa2b2f08f0a91260805272dc51051c6e47ad4fa403b02b4510b647ae3d1770bac0326a805bbefd48056c8c121bdb8"
    "0000000000000000000000000000000013e02b6052719f607dacd3a088274f65596bd0d09920b61ab5da61bbdc7f5049334cf11213945d57e5ac7d055d042b7e"
    "000000000000000000000000000000000ce5d527727d6e118cc9cdc6da2e351aadfd9baa8cbdd3a76d429a695160d12c923ac9cc3baca289e193548608b82801"
    "000000000000000000000000000000000606c4a02ea734cc32acd2b02bc28b99cb3e287e85a763af267492ab572e99ab3f370d275cec1da1aaa9075ff05f79be"
);
/// The modulus of their coordinates.
pub(crate) const P381: [u8; 48] =
    hex!("1a0111ea397fe69a4b1ba7b6434bacd764774b84f38512bf6730d2a0f6b0f6241eabfffeb153ffffb9feffffffffaaab");
/// The modulus of BN254's.
pub(crate) const P254: U256 =
    U256::from_be_bytes(hex!("30644e72e131a029b85045b68181585d97816a916871ca8d3c208c16d87cfd47"));
/// BN254's second generator.
pub(crate) const BN2: [u8; 128] = hex!(
    "198e9393920d483a7260bfb731fb5d25f1aa493335a9e71297e485b7aef312c21800deef121f1e76426a00665e5c4479674322d4f75edadd46debd5cd992f6ed"
    "090689d0585ff075ec9e99ad690c3395bc4b313370b38ef355acdadcd122975b12c85ea5db8c6deb4aab71808dcb408fe3d1e7690c43d37b4ce6cc0166fa7daa"
);

/// Points of the curves that are in none of the pairings' groups: of the first one of order three, of the second ones any.
const OUTSIDE1: [u8; 128] = hex!(
    "00000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
    "00000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000002"
);
const OUTSIDE2: [u8; 256] = hex!(
    "00000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000002"
    "00000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000000"
    "0000000000000000000000000000000018c6b864ae17dc9da64203ffefb966306425a7bc6aeb7c75247438372716284a4173830420cd476ba1a365b95bfcec38"
    "00000000000000000000000000000000172e93db764a8400a7d5071b6b6f5de0da2f0f4a063119abca014006b7c40a2cfe291a1924e65db0d6d0fcfbf3bf3d5c"
);
const OUTSIDE254: [u8; 128] = hex!(
    "0000000000000000000000000000000000000000000000000000000000000000 0000000000000000000000000000000000000000000000000000000000000001"
    "0d1271953ed9ea0836846e70a1934187998c7f790cb4d7511b7f8da82de048a4 2869111d5381f072f8e2728fdb825a51aadd70e52c9830e9ab4b871c0531f1bb"
);

pub(crate) fn word(value: u64) -> [u8; 32] {
    U256::from(value).to_be_bytes()
}

/// The opposite of a point whose `y` is at `at`, 64 bytes.
pub(crate) fn opposite(point: &[u8]) -> Vec<u8> {
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
    // Three pairs whose product is one: e(5 G1, G2) e(2 G1, G2) e(-7 G1, G2).
    let times = |factor: u64| said(12, &[&G1[..], &word(factor)].concat());
    let three = [&times(5)[..], &G2, &times(2), &G2, &opposite(&times(7)), &G2].concat();
    let times = |factor: u64| said(7, &[&g254[..], &word(factor)].concat());
    let minus = |point: &[u8]| {
        let y = P254 - U256::from_be_slice(&point[32..]);
        [&point[..32], &y.to_be_bytes::<32>()].concat()
    };
    let three254 = [&times(5)[..], &BN2, &times(2), &BN2, &minus(&times(7)), &BN2].concat();
    // Ethereum's own example of an opening.
    let commitment = hex!(
        "8f59a8d2a1a625a17f3fea0fe5eb8c896db3764f3185481bc22f91b4aaffcca25f26936857bc3a7c2539ea8ec3a952b7"
    );
    let mut name = Sha256::digest(commitment).to_vec();
    name[0] = 1;
    let opened = [
        &name[..],
        &hex!("73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000000"),
        &hex!("1522a4a7f34e1ea350ae07c29c96c7e79655aa926122e95fe69fcbd932ca49e9"),
        &commitment,
        &hex!(
            "a62ad71d14c5719385c0686f1871430475bf3a00f0aa3f7b8dd99a9abc2160744faf0070725e00b60ad9a026a15b1a8c"
        ),
    ]
    .concat();
    let high = [0xff; 32];
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
        (2, vec![7; 55]),
        (2, vec![7; 1000]),
        (6, [&[0; 64][..], &g254].concat()),
        (7, [&g254[..], &high].concat()),
        (7, [&[0; 64][..], &high].concat()),
        (7, [&g254[..], &word(0)].concat()),
        (8, three254),
        (8, [&[0; 64][..], &BN2, &g254, &[0; 128]].concat()),
        (10, opened),
        (11, [&OUTSIDE1[..], &OUTSIDE1].concat()),
        (11, [&OUTSIDE1[..], &opposite(&OUTSIDE1)].concat()),
        (11, [&OUTSIDE1[..], &G1].concat()),
        (12, [&G1[..], &high, &[0; 128], &high, &G1, &word(0)].concat()),
        (13, [&OUTSIDE2[..], &OUTSIDE2].concat()),
        (13, [&OUTSIDE2[..], &G2].concat()),
        (14, [&G2[..], &high, &[0; 256], &high, &G2, &word(0)].concat()),
        (15, three),
        (15, [&G1[..], &[0; 256], &[0; 128], &G2].concat()),
    ]
}

/// Inputs that look as they should, of points that are in no group of a pairing.
fn disliked() -> Vec<(u64, Vec<u8>)> {
    let one = word(1);
    vec![
        (8, [&one[..], &word(2), &OUTSIDE254].concat()),
        (8, [&[0; 64][..], &OUTSIDE254].concat()),
        (12, [&OUTSIDE1[..], &one].concat()),
        (12, [&OUTSIDE1[..], &word(0)].concat()),
        (14, [&OUTSIDE2[..], &one].concat()),
        (15, [&OUTSIDE1[..], &G2].concat()),
        (15, [&G1[..], &OUTSIDE2].concat()),
        (15, [&[0; 128][..], &OUTSIDE2].concat()),
    ]
}

/// What revm's precompile says natively.
pub(crate) fn said(number: u64, input: &[u8]) -> Vec<u8> {
    let address = Address::from_word(B256::from(U256::from(number)));
    let precompiles = revm::precompile::Precompiles::osaka();
    let output = precompiles.get(&address).unwrap().execute(input, 1_000_000, 0).unwrap();
    assert!(output.is_success(), "{number}: {output:?}");
    output.bytes.to_vec()
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
    let all = liked().into_iter().chain(disliked());
    for (seed, (precompile, input)) in all.enumerate() {
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
    let kept = |precompile: u64, input: &[u8]| {
        let target = Address::from_word(B256::from(U256::from(precompile))).into_word();
        world.slot(CALLER, keccak256([target.as_slice(), input].concat()).into())
    };
    // Each of those liked succeeds: the slot holds more than the hash of nothing by one.
    let nothing = U256::from_be_bytes(keccak256([]).0);
    for (precompile, input) in liked() {
        let value = kept(precompile, &input);
        assert!(!value.is_zero() && value != nothing, "{precompile}: {value}");
    }
    for (precompile, input) in disliked() {
        assert_eq!(kept(precompile, &input), nothing, "{precompile} refuses {}", hex::encode(input));
    }
}
