//! Maps to BLS12-381's curves, sums on the second one, and products of pairings, of which the machine knows nothing but the
//! fields: their special cases, and many that are not.

use alloy_primitives::{Address, B256, U256, hex, keccak256};

use crate::{
    contracts::{CALLER, all},
    precompiles::{BN2, G1, G2, P254, P381, opposite, said, word},
    world::{Place, Plan, World},
};

/// How many calls there are in a block.
const CALLS: usize = 12;

/// Numbers that are mapped to the first curve in ways of their own: where a denominator of SWU is zero (u² = -1/11), and to
/// points in the isogeny's kernel, two for each of two x.
const SPECIAL1: [[u8; 48]; 5] = [
    hex!("01f7462c8b6cbf74db38f4a9a3d71bda12f01df4948d09ff046edbdd403fc31088b69520ee5c57fb7cc51062bde821b8"),
    hex!("068951d10be6961019aa800a51cf48b707fc9e40700510406be9242d0c8dd866afdec0d66f9dc2cf1dc944702ec161bb"),
    hex!("0854a3cb180882d5b1efc1c3cc5b3fb33b27cb739f1389986ca46e1c5cb5010d8a06fd781c63074868f316d95b8f8405"),
    hex!("0598c1367bbd9d3b73dfefb263a117bcdbcb4c7a282897d4a20589ad2ea80da73b23a465e2c291e7ef0fde593438f513"),
    hex!("0998e1e079710a43d477d37ab7f0c430d601a85b9e8e6dbc808410dfd7dc5a5976e3bc7792cb83163665df3d00f0377c"),
];
/// Numbers for the second curve whose SWU takes the root of a real number: one that has a real root, and one that has not.
const SPECIAL2: [[[u8; 48]; 2]; 2] = [
    [
        hex!(
            "08ae6b5309ca6cc51a006349ce97ba82a2177fe73b0d54a3f94a9ce281632106937322add38726f2a9860bc50cdfcb8e"
        ),
        hex!(
            "19d089dcb0a41abc6213b1f7c10ea9672df9e6427c53104927d0237dfd36712a4ffa449fc4e486883c31589b14a46e82"
        ),
    ],
    [
        hex!(
            "03978be763e8f1e054294b4c91ddf1d83cdc6262374ae0a13ef03827063e0b6ddc2ce21abfb7a5d10a1a63f8413d61df"
        ),
        hex!(
            "0a19c446cb4a35632cf0e1424d312871135493ff439c6d14963337519661edbef64885b302825130da2883f206a11685"
        ),
    ],
];
/// How many points BLS12-381's groups have.
const ORDER: U256 =
    U256::from_be_bytes(hex!("73eda753299d7d483339d80809a1d80553bda402fffe5bfeffffffff00000001"));
/// Seven times BN254's second generator.
const SEVEN_BN2: [u8; 128] = hex!(
    "2903ba015a9abde26a5d081e84551e63be0fd4516e46ee6d593edeba46362455 224bdc5d4327fcf8ed702e01de1c2f1657a253ba75e32a89c390142aaa28b308"
    "03c8b7cda6b2dedb7aeeaf5fda464ad17036bea1c4e6f7adbaed1ebe0335e0d8 1d92fff52a265017eeccb372e37d7a7bd431800eca28dfd82e21e8054114233f"
);
/// Points of small orders: 11 on BLS12-381's first curve, 13 on its second, 10,069 on BN254's second.
const ELEVEN: [u8; 128] = hex!(
    "000000000000000000000000000000001849c64649f9a217a24e2f58f33f30a352d1bc0cd028069aa282984f7f32492899a62e8fda21bd78b0045975f0771d90"
    "0000000000000000000000000000000009ab96adac728d7040025bc8a65309a61d1f3e33e6a039501b47aa127436f99108256348a21f4abbe7368495d6215f2a"
);
const THIRTEEN: [u8; 256] = hex!(
    "0000000000000000000000000000000006871c05530e4e55e939638d477e28367d90167854c459900095a5f68629c6c50aebace14ac32616a8e79a08d0908d41"
    "000000000000000000000000000000001011951bdb6420bf5f12a1d42da71e1d9eb1fef73b05f54a2e386aa7e58aa5158f454c0d8b921f84531fa633f61e1c9d"
    "0000000000000000000000000000000016fa8818cdcc069aa32b0fd1c0a5e577ca46f29cc7fe5a9f18f2e045275b0fef65cbe084c0b9916eac54934ae02a1afe"
    "000000000000000000000000000000000243ce8e4d951c9ed93dbfb62849f3ed72a5062d4fa3d8b9961121ca9a241e70cd28ec519c1e86e43a966561d245c197"
);
const TEN_THOUSAND: [u8; 128] = hex!(
    "2fd4b0fc7b9d5cc1a2ba72e6d6945523e48b849932e0a91d6160a3a71170a01b 0e2ccd8f6e46dcbaf395a34a406c4d8a2307711e5636e2592570790422f67b37"
    "09b80e8d2ccc1bbc7505202ff1c39eaf3f551cad860a88d533e3ecfca4da3a40 1740fbb487f48385f3bff9c19a38833f6ce9a05d26fa2b118d0bc2c1f01a37f9"
);

/// A number of BLS12-381's field, as precompiles take it.
fn padded(number: &[u8; 48]) -> Vec<u8> {
    [&[0; 16][..], number].concat()
}

fn small(number: u8) -> [u8; 48] {
    let mut bytes = [0; 48];
    bytes[47] = number;
    bytes
}

/// The modulus less or plus a small number.
fn near(difference: i8) -> [u8; 48] {
    let mut bytes = P381;
    bytes[47] = bytes[47].wrapping_add_signed(difference);
    bytes
}

/// Any number of the field.
fn any(seed: u64) -> [u8; 48] {
    let hash = |i: u64| keccak256([seed.to_be_bytes(), i.to_be_bytes()].concat());
    let mut bytes: [u8; 48] = [&hash(0)[..], &hash(1)[..16]].concat().try_into().unwrap();
    bytes[0] %= P381[0];
    bytes
}

fn maps() -> Vec<(u64, Vec<u8>)> {
    let first = [small(0), small(1), small(2), near(-1), near(-2)].into_iter().chain(SPECIAL1);
    let first = first.chain((0..24).map(any)).map(|u| (16, padded(&u)));
    let second = [
        [small(0), small(0)],
        [small(1), small(0)],
        [small(0), small(1)],
        [near(-1), small(0)],
        [small(0), near(-1)],
        [near(-1), near(-1)],
        [any(100), small(0)],
        [small(0), any(101)],
    ];
    let second =
        second.into_iter().chain(SPECIAL2).chain((102..126).map(|seed| [any(seed), any(seed + 100)]));
    first.chain(second.map(|[re, im]| (17, [padded(&re), padded(&im)].concat()))).collect()
}

/// Inputs of pairings, and whether the product is one.
fn products() -> Vec<(u64, Vec<u8>, bool)> {
    let g = [word(1), word(2)].concat();
    let times = |factor: u64| said(7, &[&g[..], &word(factor)].concat());
    let minus = |point: &[u8]| {
        let y = P254 - U256::from_be_slice(&point[32..64]);
        [&point[..32], &y.to_be_bytes::<32>()].concat()
    };
    let minus2 = |point: &[u8; 128]| {
        let [y1, y0] = [64, 96].map(|at| P254 - U256::from_be_slice(&point[at..at + 32]));
        [&point[..64], &y1.to_be_bytes::<32>(), &y0.to_be_bytes::<32>()].concat()
    };
    let (zero, zero2) = (&[0; 64][..], &[0; 128][..]);
    let mut all = vec![
        (8, [&times(5)[..], &BN2].concat(), false),
        (8, [&times(5)[..], &SEVEN_BN2].concat(), false),
        (8, [&minus(&g)[..], &minus2(&BN2)].concat(), false),
        (8, [&times(5)[..], &BN2, &times(3), &SEVEN_BN2].concat(), false),
        (8, [&g[..], &BN2, &g, &BN2].concat(), false),
        (8, [zero, &BN2, &times(9), &BN2].concat(), false),
        (8, [&times(9)[..], zero2, &g, &BN2, zero, zero2].concat(), false),
        (8, [&g[..], &BN2, &minus(&g), &BN2, &times(2), &BN2].concat(), false),
        (8, [&times(7)[..], &BN2, &minus(&g), &SEVEN_BN2, &g, &BN2, &g, &BN2].concat(), false),
        (8, [&times(7)[..], &BN2, &minus(&g), &SEVEN_BN2].concat(), true),
        (8, [&times(7)[..], &minus2(&BN2), &g, &SEVEN_BN2].concat(), true),
        (8, [&times(2)[..], &BN2, zero, &BN2, &g, &minus2(&BN2), &minus(&g), &BN2].concat(), true),
        (8, [zero, zero2, &g, zero2].concat(), true),
        (8, vec![], true),
    ];
    let scalar = |seed: &str| keccak256(seed).0;
    let times = |point: &[u8], scalar: [u8; 32]| said(12, &[point, &scalar].concat());
    let times2 = |point: &[u8], scalar: [u8; 32]| said(14, &[point, &scalar].concat());
    let (zero, zero2) = (&[0; 128][..], &[0; 256][..]);
    let p = times(&G1, scalar("p"));
    let q = times2(&G2, scalar("q"));
    let pq = times(&p, scalar("q"));
    let minus_pq = opposite(&pq);
    all.extend([
        (15, [&p[..], &q].concat(), false),
        (15, [&p[..], &G2].concat(), false),
        (15, [&p[..], &q, &pq, &G2].concat(), false),
        (15, [&G1[..], &G2, &G1, &G2].concat(), false),
        (15, [zero, &q, &p, &q].concat(), false),
        (15, [&p[..], zero2, &p, &G2, zero, zero2].concat(), false),
        (15, [&p[..], &q, &minus_pq, &G2, &G1, &q].concat(), false),
        (15, [&p[..], &q, &minus_pq, &G2, &p, &G2, &p, &G2].concat(), false),
        (15, [&p[..], &q, &minus_pq, &G2].concat(), true),
        (15, [&p[..], &q, zero, &q, &p, &q, &minus_pq, &times2(&G2, word(2))].concat(), true),
        (15, [zero, zero2, &p, zero2].concat(), true),
    ]);
    all
}

/// Sums of multiples of the second group's points, among them equal ones, opposite ones and the identity.
fn sums() -> Vec<(u64, Vec<u8>)> {
    let times = |point: &[u8], scalar: [u8; 32]| said(14, &[point, &scalar].concat());
    let any = |seed: u64| keccak256(seed.to_be_bytes()).0;
    let (p, q) = (times(&G2, any(1)), times(&G2, any(2)));
    let minus = times(&p, (ORDER - U256::from(1)).to_be_bytes());
    let order = ORDER.to_be_bytes();
    let terms: [Vec<(&[u8], [u8; 32])>; 8] = [
        vec![(&p, any(3)), (&q, any(4)), (&minus, any(5)), (&G2, any(6)), (&p, any(7))],
        vec![(&p, any(3)), (&p, any(3))],
        vec![(&p, any(3)), (&minus, any(3))],
        vec![(&p, word(1)), (&minus, word(2)), (&p, word(1))],
        vec![(&p, order)],
        vec![(&p, order), (&q, word(0x21))],
        vec![(&q, [0xff; 32]), (&[0; 256], [0xff; 32]), (&q, [0x10; 32])],
        vec![(&q, [0; 32])],
    ];
    let input = |terms: Vec<(&[u8], [u8; 32])>| {
        terms.iter().flat_map(|(point, scalar)| [*point, &scalar[..]].concat()).collect()
    };
    terms.into_iter().map(|terms| (14, input(terms))).collect()
}

/// What the precompiles have to refuse: numbers that are not less than the modulus, and points of small orders.
fn disliked() -> Vec<(u64, Vec<u8>)> {
    let too_large = [P381, near(1), [0xff; 48]].map(|number| padded(&number));
    let one = padded(&small(1));
    let mut all: Vec<_> = too_large.iter().map(|number| (16, number.clone())).collect();
    all.extend(too_large.iter().map(|number| (17, [&number[..], &one].concat())));
    all.extend(too_large.iter().map(|number| (17, [&one[..], number].concat())));
    all.extend([
        (8, [&word(1)[..], &word(2), &TEN_THOUSAND].concat()),
        (12, [&ELEVEN[..], &word(1)].concat()),
        (14, [&THIRTEEN[..], &word(1)].concat()),
        (15, [&ELEVEN[..], &G2].concat()),
        (15, [&G1[..], &THIRTEEN].concat()),
    ]);
    all
}

#[test]
fn special_numbers_are_special() {
    for kernel in &SPECIAL1[1..] {
        assert_eq!(said(16, &padded(kernel)), [0; 128], "the identity, of {}", hex::encode(kernel));
    }
    for (precompile, input, is_one) in products() {
        assert_eq!(said(precompile, &input), word(is_one.into()), "{precompile}: {}", hex::encode(input));
    }
}

#[test]
fn maps_sums_and_pairings_say_the_same_in_the_machine() {
    let mut world = World::new(1, &all());
    let products = products().into_iter().map(|(precompile, input, _)| (precompile, input));
    let liked: Vec<_> = maps().into_iter().chain(sums()).chain(products).collect();
    let calls: Vec<_> = liked.iter().cloned().chain(disliked()).collect();
    let target = |precompile: u64| Address::from_word(B256::from(U256::from(precompile)));
    let data = |precompile: u64, input: &[u8]| [target(precompile).into_word().as_slice(), input].concat();
    let call = |(precompile, input): &(u64, Vec<u8>)| {
        world.call(0, CALLER.into(), 0, 1_300_000, data(*precompile, input).into())
    };
    let plans: Vec<_> = calls
        .chunks(CALLS)
        .map(|calls| Plan { seconds: 1, transactions: calls.iter().map(call).collect(), ..Plan::default() })
        .collect();
    let blocks = plans.len() as u64;
    world.post(&plans, Place::Blobs);
    world.check_all(1..=blocks);
    let executed: usize = (1..=blocks).map(|number| world.transactions(number)).sum();
    assert_eq!(executed, calls.len(), "none was skipped");
    let kept = |precompile: u64, input: &[u8]| world.slot(CALLER, keccak256(data(precompile, input)).into());
    for (precompile, input) in liked {
        let output = U256::from_be_bytes(keccak256(said(precompile, &input)).0);
        assert_eq!(kept(precompile, &input), output + U256::from(1), "{precompile}: {}", hex::encode(input));
    }
    for (precompile, input) in disliked() {
        let nothing = U256::from_be_bytes(keccak256([]).0);
        assert_eq!(kept(precompile, &input), nothing, "{precompile} refuses {}", hex::encode(input));
    }
}
