//! Steps for the contract's tests: `contracts/test/riscv-vectors.json`.

use alloy_primitives::{B256, hex};
use duplex_vm::{BadWitness, CALL_EXIT, Kind, PartKey, Parts, StepWitness, verify_step};
use serde_json::{Value, json};

use crate::{
    asm::*,
    calls, conformance,
    table::LEAF,
    world::{Executed, STATEMENT, Setup, Store, execute},
};

/// Kept true by this test. `WRITE_VECTORS=true` writes it anew.
const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../contracts/test/riscv-vectors.json");

/// A step, and what L1 has to make of it.
struct Vector {
    name: String,
    code_root: B256,
    witness: StepWitness,
    parts: Vec<(PartKey, B256, u64)>,
    next: Option<B256>,
}

impl Parts for Vector {
    fn part(&self, kind: Kind, key: &B256, offset: u64) -> Option<(B256, u64)> {
        let wanted = PartKey { kind, key: *key, offset };
        self.parts.iter().find(|part| part.0 == wanted).map(|part| (part.1, part.2))
    }
}

impl Vector {
    fn verify(&self) -> Result<B256, BadWitness> {
        verify_step(&self.code_root, &STATEMENT, self, &self.witness)
    }

    fn json(&self) -> Value {
        let hex = hex::encode_prefixed::<&[u8]>;
        let parts = self.parts.iter().map(|(PartKey { kind, key, offset }, data, length)| {
            json!({
                "kind": format!("{:#x}", *kind as u8), "key": key, "offset": format!("{offset:#x}"),
                "data": data, "length": format!("{length:#x}"),
            })
        });
        json!({
            "name": self.name, "codeRoot": self.code_root, "statement": STATEMENT,
            "state": hex(&self.witness.state), "code": hex(&self.witness.code), "memory": hex(&self.witness.memory),
            "parts": parts.collect::<Vec<_>>(), "next": self.next,
        })
    }
}

/// Executes a step with the parts that it needs.
fn vector(name: String, setup: &Setup, store: &Store) -> Vector {
    let mut machine = setup.machine();
    let read = machine.next_read().filter(|read| read.kind != Kind::Statement);
    let parts = read.and_then(|read| {
        let (data, length) = store.part(read.kind, &read.key, read.offset)?;
        Some((read, data, length))
    });
    let Executed { code_root, witness, after, .. } = execute(&mut machine, store);
    Vector { name, code_root, witness, parts: parts.into_iter().collect(), next: Some(after.hash()) }
}

/// Steps with proofs that are not exactly right.
fn refused() -> Vec<Vector> {
    type Change = (&'static str, fn(&mut Vector));
    let data = conformance::DATA;
    let load = Setup::new(ld(T0, T1, 8)).x(T1, data).data(data, &LEAF);
    let store = Setup::new(sd(T1, T2, 8)).x(T1, data).data(data, &LEAF);
    let misaligned = load.clone().x(T1, data + 1);
    let add = Setup::new(add(T0, T1, T2));
    let beyond = Setup::new(0).at(1 << 24);
    let exited = Setup::new(ECALL).x(A7, CALL_EXIT);
    let read = calls::read(1, &alloy_primitives::keccak256(calls::hundred()), 64);
    let blob = calls::read(2, &calls::BLOB, 64);

    let state: &[Change] = &[
        ("a state of 304 bytes", |v| v.witness.state.truncate(304)),
        ("a state of 306 bytes", |v| v.witness.state.push(0)),
        ("no state", |v| v.witness.state.clear()),
        ("status 3", |v| v.witness.state[48] = 3),
        ("status 255", |v| v.witness.state[48] = 255),
        ("a code before the exit", |v| v.witness.state[56] = 1),
        ("pc not a multiple of 4", |v| v.witness.state[39] |= 2),
        ("pc odd", |v| v.witness.state[39] |= 1),
        ("another pc", |v| v.witness.state[38] ^= 1),
    ];
    let code: &[Change] = &[
        ("no code", |v| v.witness.code.clear()),
        ("code of 639 bytes", |v| v.witness.code.truncate(639)),
        ("code of 608 bytes", |v| v.witness.code.truncate(608)),
        ("code of 641 bytes", |v| v.witness.code.push(0)),
        ("code of 672 bytes", |v| v.witness.code.extend([0; 32])),
        ("another instruction", |v| v.witness.code[1] ^= 1),
        ("another code sibling", |v| v.witness.code[32 * 19 + 31] ^= 0x80),
        ("another code root", |v| v.code_root.0[0] ^= 1),
        ("a code root with another last byte", |v| v.code_root.0[31] ^= 1),
    ];
    let memory: &[Change] = &[
        ("no memory", |v| v.witness.memory.clear()),
        ("memory of 895 bytes", |v| v.witness.memory.truncate(895)),
        ("memory of 864 bytes", |v| v.witness.memory.truncate(864)),
        ("memory of 897 bytes", |v| v.witness.memory.push(0)),
        ("memory of 928 bytes", |v| v.witness.memory.extend([0; 32])),
        ("another leaf", |v| v.witness.memory[31] ^= 1),
        ("another memory sibling", |v| v.witness.memory[32] ^= 1),
        ("another last memory sibling", |v| v.witness.memory[895] ^= 1),
        ("another memory root", |v| v.witness.state[31] ^= 1),
        ("another address", |v| v.witness.state[57 + 8 * (T1 as usize - 1) + 6] ^= 1),
    ];
    let needless: &[Change] = &[
        ("needless memory", |v| v.witness.memory.resize(896, 0)),
        ("a byte of memory", |v| v.witness.memory.push(0)),
    ];
    let needless_code: &[Change] = &[
        ("needless code", |v| v.witness.code.resize(640, 0)),
        ("a byte of code", |v| v.witness.code.push(0)),
    ];
    let parts: &[Change] = &[
        ("no part", |v| v.parts.clear()),
        ("the part of another kind", |v| {
            let kind = &mut v.parts[0].0.kind;
            *kind = if *kind == Kind::Keccak { Kind::Blob } else { Kind::Keccak };
        }),
        ("the part of another key", |v| v.parts[0].0.key.0[31] ^= 1),
        ("the part at another offset", |v| v.parts[0].0.offset += 32),
    ];
    let exit_first = |setup: &Setup| {
        let mut machine = setup.machine();
        machine.step(&mut ()).unwrap();
        let Executed { code_root, witness, after, .. } = execute(&mut machine, &Store::default());
        Vector { name: String::new(), code_root, witness, parts: Vec::new(), next: Some(after.hash()) }
    };
    let of = |setup: &Setup| vector(String::new(), setup, &calls::store());

    let mut refused = Vec::new();
    let mut all = |what: &str, good: &dyn Fn() -> Vector, changes: &[&[Change]]| {
        for (how, change) in changes.iter().copied().flatten() {
            let mut vector = Vector { name: format!("refused: {what}, {how}"), ..good() };
            change(&mut vector);
            vector.next = None;
            refused.push(vector);
        }
    };
    all("add", &|| of(&add), &[state, code, needless]);
    all("ld", &|| of(&load), &[memory]);
    all("sd", &|| of(&store), &[memory, &code[..1]]);
    all("ld that panics", &|| of(&misaligned), &[needless, &code[..1]]);
    all("illegal word", &|| of(&Setup::new(0)), &[needless, &code[..1]]);
    all("exit", &|| of(&exited), &[needless, &code[..1]]);
    all("pc beyond the code", &|| of(&beyond), &[needless, needless_code]);
    all("exited", &|| exit_first(&exited), &[needless, needless_code]);
    all("panicked", &|| exit_first(&Setup::new(0)), &[needless, needless_code]);
    all("read of kind 1", &|| of(&read), &[parts, needless]);
    all("read of kind 2", &|| of(&blob), &[parts]);
    refused
}

fn vectors() -> Vec<Vector> {
    let mut vectors = Vec::new();
    for case in conformance::cases().iter().chain(&calls::cases()) {
        vectors.push(vector(case.name.clone(), &case.setup, &calls::store()));
    }
    for code in [0, 1, 1 << 32, u64::MAX] {
        let setup = Setup::new(ECALL).x(A7, CALL_EXIT).x(A0, code);
        vectors.push(vector(format!("exit {code:#x}"), &setup, &Store::default()));
    }
    for (name, setup) in
        [("exited", Setup::new(ECALL).x(A7, CALL_EXIT).x(A0, 7)), ("panicked", Setup::new(0))]
    {
        let mut machine = setup.machine();
        machine.step(&mut ()).unwrap();
        let Executed { code_root, witness, after, .. } = execute(&mut machine, &Store::default());
        let next = Some(after.hash());
        vectors.push(Vector { name: name.into(), code_root, witness, parts: Vec::new(), next });
    }
    vectors.extend(refused());
    vectors
}

#[test]
fn the_verifier_takes_each_vector_as_it_should() {
    for vector in vectors() {
        let found = vector.verify();
        assert_eq!(found.ok(), vector.next, "{}: {found:?}", vector.name);
    }
}

#[test]
fn the_contracts_vectors_are_these() {
    let lines: Vec<String> = vectors().iter().map(|vector| format!("  {}", vector.json())).collect();
    let text = format!("[\n{}\n]\n", lines.join(",\n"));
    if std::env::var_os("WRITE_VECTORS").is_some() {
        std::fs::write(FILE, &text).unwrap();
    }
    let there = std::fs::read_to_string(FILE).unwrap_or_default();
    assert!(there == text, "{FILE} differs; write it anew with WRITE_VECTORS=true");
}
