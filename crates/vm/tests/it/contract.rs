//! L1's contract in this process against the interpreter and the verifier.
//!
//! `VM_FUZZ=n` tries so many random programs (some 60 steps each) instead of a few, from `VM_SEED` on.

use duplex_vm::{
    Kind, PartKey, Parts, StepWitness,
    solidity::{Contract, Refused},
    verify_step,
};

use crate::{
    calls, conformance,
    differential::random_steps,
    random::Random,
    world::{Executed, STATEMENT, Store, execute},
};

/// Puts what the step reads into the contract's oracle.
fn load(contract: &mut Contract, executed: &Executed, store: &Store) {
    let x = |register: usize| executed.before.registers[register - 1];
    let limbs = [10, 11, 12, 13].map(|register| x(register).to_le_bytes());
    let key = alloy_primitives::B256::from_slice(&limbs.concat());
    let Some(kind) = [Kind::Keccak, Kind::Blob].into_iter().find(|kind| *kind as u64 == x(14)) else {
        return;
    };
    if let Some((data, length)) = store.part(kind, &key, x(15)) {
        contract.load(&PartKey { kind, key, offset: x(15) }, &data, length);
    }
}

#[test]
fn the_contract_does_what_the_manual_says() {
    let store = calls::store();
    let (mut contract, mut most) = (Contract::new(), 0);
    for case in conformance::cases().iter().chain(&calls::cases()) {
        let executed = execute(&mut case.setup.machine(), &store);
        load(&mut contract, &executed, &store);
        let result = contract.step(&executed.code_root, &STATEMENT, &executed.witness);
        assert_eq!(result.as_ref().map(|result| result.next), Ok(executed.after.hash()), "{}", case.name);
        most = most.max(result.map_or(0, |result| result.gas));
    }
    // The design's aim is 250,000 for the whole transaction; calldata of 1900 bytes takes 76,000 of them (EIP-7623).
    assert!(most < 100_000, "a step takes {most} gas");
}

/// One of the ways in which a proof can be wrong, or none.
fn change(random: &mut Random, witness: &mut StepWitness) {
    let part = match random.below(4) {
        0 => &mut witness.state,
        1 => &mut witness.code,
        _ => &mut witness.memory,
    };
    match random.below(4) {
        0 => part.resize(random.pick(&[0, 1, 32, 304, 305, 306, 639, 640, 672, 895, 896, 897]), 0),
        1 if part.len() > 32 => part.swap(0, 32),
        _ if part.is_empty() => {}
        _ => {
            let at = random.below(part.len() as u64) as usize;
            part[at] ^= 1 << random.below(8);
        }
    }
}

#[test]
#[allow(clippy::print_stderr, reason = "a long run says what it did")]
fn the_contract_follows_interpreter_and_verifier() {
    let number = |name: &str| std::env::var(name).ok().map(|text| text.parse::<u64>().unwrap());
    let (programs, first) = (number("VM_FUZZ").unwrap_or(80), number("VM_SEED").unwrap_or(1 << 20));
    let mut contract = Contract::new();
    let (mut refused, mut taken) = (0, 0);
    let steps = random_steps(first..first + programs, |random, executed, store| {
        load(&mut contract, executed, store);
        let result = contract.step(&executed.code_root, &STATEMENT, &executed.witness);
        let next = executed.after.hash();
        assert_eq!(result.map(|result| result.next), Ok(next), "{:?}", executed.before);
        // The same for a proof with a change: both take it, and come to the same, or neither does.
        for _ in 0..2 {
            let mut witness = executed.witness.clone();
            change(random, &mut witness);
            let result = contract.step(&executed.code_root, &STATEMENT, &witness);
            // A change of the state may read a part that the contract knows from before.
            let wanted = verify_step(&executed.code_root, &STATEMENT, store, &witness);
            match (result, wanted) {
                (Ok(result), Ok(wanted)) => {
                    assert_eq!(result.next, wanted, "{witness:?}");
                    taken += 1;
                }
                (Err(Refused::Reverted(_)), Err(_)) => refused += 1,
                (Err(Refused::Reverted(_)), Ok(_))
                    if executed.before.registers[16] == duplex_vm::CALL_READ => {}
                (result, wanted) => panic!("{result:?} and {wanted:?} for {witness:?}"),
            }
        }
    });
    eprintln!("{steps} steps; of those with a change {taken} were taken, {refused} refused");
    assert!(refused > steps / 2 && taken > steps / 20, "{refused} {taken} of {steps}");
}
