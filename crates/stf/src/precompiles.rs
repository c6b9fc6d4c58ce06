//! L2's precompiled contracts: those of the OP Stack's Karst, with BLAKE2's rounds at another price.

use alloc::{boxed::Box, string::String};
use alloy_primitives::Address;
use op_revm::{
    OpSpecId,
    precompiles::{bls12_381 as op_bls12_381, bn254_pair},
};
use revm::{
    context_interface::{Cfg, ContextTr},
    handler::{EthPrecompiles, PrecompileProvider},
    interpreter::{CallInputs, InterpreterResult},
    precompile::{
        EthPrecompileResult, Precompile, PrecompileHalt, PrecompileId, Precompiles, blake2, bls12_381, bn254,
        eth_precompile_fn, hash, identity, kzg_point_evaluation, modexp, secp256k1, secp256r1,
    },
    primitives::{OnceLock, hardfork::SpecId},
};

/// Gas for a round of BLAKE2, instead of the 1 of EIP-152. A round takes 660 instructions to prove, and everything else stays below
/// 200 for a gas (docs/validity.md §3): at Ethereum's price a block of rounds is the one whose proof takes weeks.
pub const BLAKE2_ROUND_GAS: u64 = 8;

const BLAKE2F: Precompile = Precompile::new(PrecompileId::Blake2F, Address::with_last_byte(9), blake2f);

eth_precompile_fn!(blake2f, run_blake2f);

fn run_blake2f(input: &[u8], gas_limit: u64) -> EthPrecompileResult {
    // What is not an input of BLAKE2 is refused there, for whatever it has.
    let rounds = input.first_chunk().map_or(0, |rounds| u32::from_be_bytes(*rounds));
    let price = u64::from(rounds) * BLAKE2_ROUND_GAS;
    if price > gas_limit {
        return Err(PrecompileHalt::OutOfGas);
    }
    let mut done = blake2::run(input, gas_limit)?;
    done.gas_used = price;
    Ok(done)
}

/// Listed here rather than taken from `op_revm`, which makes the tables of all forks before Karst to make Karst's: in the machine that
/// proves, this takes as long as half a block.
fn precompiles() -> &'static Precompiles {
    static INSTANCE: OnceLock<Precompiles> = OnceLock::new();
    INSTANCE.get_or_init(|| {
        let mut precompiles = Precompiles::default();
        precompiles.extend([
            secp256k1::ECRECOVER,
            hash::SHA256,
            hash::RIPEMD160,
            identity::FUN,
            modexp::OSAKA,
            bn254::add::ISTANBUL,
            bn254::mul::ISTANBUL,
            bn254_pair::JOVIAN,
            BLAKE2F,
            kzg_point_evaluation::POINT_EVALUATION,
            secp256r1::P256VERIFY_OSAKA,
        ]);
        precompiles.extend(bls12_381::precompiles());
        // In the place of those that take more.
        precompiles.extend([
            op_bls12_381::JOVIAN_G1_MSM,
            op_bls12_381::JOVIAN_G2_MSM,
            op_bls12_381::JOVIAN_PAIRING,
        ]);
        precompiles
    })
}

/// The precompiled contracts of L2.
#[derive(Debug, Clone)]
pub struct L2Precompiles(EthPrecompiles);

impl Default for L2Precompiles {
    fn default() -> Self {
        Self(EthPrecompiles { precompiles: precompiles(), spec: SpecId::default() })
    }
}

impl<C: ContextTr<Cfg: Cfg<Spec = OpSpecId>>> PrecompileProvider<C> for L2Precompiles {
    type Output = InterpreterResult;

    /// L2 has one set of rules.
    fn set_spec(&mut self, _: OpSpecId) -> bool {
        false
    }

    fn run(&mut self, context: &mut C, inputs: &CallInputs) -> Result<Option<InterpreterResult>, String> {
        self.0.run(context, inputs)
    }

    fn warm_addresses(&self) -> Box<impl Iterator<Item = Address>> {
        self.0.warm_addresses()
    }

    fn contains(&self, address: &Address) -> bool {
        self.0.contains(address)
    }
}

#[cfg(test)]
mod tests {
    use alloc::{vec, vec::Vec};
    use op_revm::precompiles::karst;
    use proptest::prelude::*;
    use revm::precompile::PrecompileStatus;

    use super::*;

    fn call(rounds: u32, last: u8, length: usize, gas: u64) -> (PrecompileStatus, u64, Vec<u8>) {
        let mut input = rounds.to_be_bytes().to_vec();
        input.resize(length, 7);
        if let Some(flag) = input.get_mut(212) {
            *flag = last;
        }
        let contract = precompiles().get(blake2::FUN.address()).unwrap();
        let done = contract.execute(&input, gas, 0).unwrap();
        (done.status, done.gas_used, done.bytes.to_vec())
    }

    fn ethereum(rounds: u32) -> Vec<u8> {
        let mut input = rounds.to_be_bytes().to_vec();
        input.resize(212, 7);
        input.push(1);
        blake2::run(&input, u64::MAX).unwrap().bytes.to_vec()
    }

    #[test]
    fn a_round_has_its_price_and_gives_what_it_gives_on_ethereum() {
        for rounds in [0, 1, 12, 1000] {
            let price = u64::from(rounds) * 8;
            let done = call(rounds, 1, 213, price);
            assert_eq!(done, (PrecompileStatus::Success, price, ethereum(rounds)));
        }
    }

    #[test]
    fn less_gas_than_that_is_too_little() {
        for rounds in [1, 12, u32::MAX] {
            let (status, _, output) = call(rounds, 1, 213, u64::from(rounds) * 8 - 1);
            assert!(matches!(status, PrecompileStatus::Halt(PrecompileHalt::OutOfGas)), "{status:?}");
            assert!(output.is_empty());
        }
    }

    fn others() -> impl Iterator<Item = (&'static Precompile, &'static Precompile)> {
        let others = karst().addresses().filter(|address| *address != blake2::FUN.address());
        others.map(|address| (precompiles().get(address).unwrap(), karst().get(address).unwrap()))
    }

    #[test]
    fn all_others_are_those_of_karst() {
        assert_eq!(precompiles().addresses_set(), karst().addresses_set());
        assert_eq!(others().count(), precompiles().len() - 1);
        for (ours, theirs) in others() {
            assert_eq!(ours.id(), theirs.id(), "{}", theirs.address());
        }
        assert_eq!(BLAKE2F.address(), blake2::FUN.address());
    }

    /// Inputs of zeros, as long as any of them takes, and longer: what they take at most and what that costs is what forks changed.
    #[test]
    fn all_others_take_what_karst_takes_for_its_gas() {
        let lengths = [0, 1, 32, 64, 96, 128, 160, 192, 213, 256, 288, 384, 512, 1024, 1025];
        let limits = [81_984, 112_687, 156_672, 235_008, 278_784, 288_960, 488_448, 513_760];
        let lengths =
            lengths.into_iter().chain(limits.into_iter().flat_map(|limit| [limit - 192, limit, limit + 192]));
        for length in lengths {
            let input = vec![0; length];
            for (ours, theirs) in others() {
                let done = theirs.execute(&input, u64::MAX, 0);
                assert_eq!(ours.execute(&input, u64::MAX, 0), done, "{} of {length} bytes", theirs.address());
                let Some(gas) = done.ok().map(|done| done.gas_used).filter(|gas| *gas > 0) else { continue };
                let too_little = theirs.execute(&input, gas - 1, 0);
                assert_eq!(
                    ours.execute(&input, gas - 1, 0),
                    too_little,
                    "{} of {length} bytes",
                    theirs.address()
                );
            }
        }
    }

    proptest! {
        /// Numbers of 32 bytes, small and large, which is what most of them read.
        #[test]
        fn all_others_do_what_karsts_do(words in prop::collection::vec(prop_oneof![0..4u8, any::<u8>()], 0..12), gas in 0..400_000u64) {
            let input: Vec<u8> = words.iter().flat_map(|last| [[0; 31].as_slice(), &[*last]].concat()).collect();
            for (ours, theirs) in others() {
                prop_assert_eq!(ours.execute(&input, gas, 0), theirs.execute(&input, gas, 0), "{}", theirs.address());
            }
        }

        /// What is no input of BLAKE2's is none here, and costs all gas there is.
        #[test]
        fn what_is_malformed_is_refused(rounds: u32, last in 2u8.., length in 0usize..400) {
            let flag = call(rounds % 1000, last, 213, 1_000_000);
            let wrong = matches!(flag.0, PrecompileStatus::Halt(PrecompileHalt::Blake2WrongFinalIndicatorFlag));
            prop_assert!(wrong, "{:?}", flag);
            if length != 213 {
                let (status, ..) = call(rounds, 1, length, u64::MAX);
                let wrong = matches!(status, PrecompileStatus::Halt(PrecompileHalt::Blake2WrongLength));
                prop_assert!(wrong, "{:?}", status);
            }
        }
    }
}
