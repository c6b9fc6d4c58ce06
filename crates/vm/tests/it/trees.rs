//! Memory and code trees against plain models.

use std::collections::BTreeMap;

use alloy_primitives::B256;
use duplex_primitives::tree::{parent_of, root_from};
use duplex_vm::{Machine, Program};

use crate::{asm::*, random::Random};

/// The root of a tree of so many levels, as it is defined; nodes by index at the level of the leaves.
fn plain(levels: u32, leaves: &BTreeMap<u64, B256>) -> B256 {
    let mut nodes = leaves.clone();
    let mut empty = B256::ZERO;
    for _ in 0..levels {
        let parents: BTreeMap<u64, ()> = nodes.keys().map(|index| (index / 2, ())).collect();
        let of = |index: &u64| nodes.get(index).copied().unwrap_or(empty);
        nodes = parents
            .keys()
            .map(|index| (*index, parent_of(&of(&(index * 2)), &of(&(index * 2 + 1)))))
            .collect();
        empty = parent_of(&empty, &empty);
    }
    nodes.get(&0).copied().unwrap_or(empty)
}

fn leaves(segments: &[(u64, Vec<u8>)]) -> BTreeMap<u64, B256> {
    let mut leaves = BTreeMap::new();
    for (address, bytes) in segments {
        for (address, byte) in (*address..).zip(bytes) {
            leaves.entry(address / 32).or_insert(B256::ZERO)[address as usize % 32] = *byte;
        }
    }
    leaves
}

#[test]
fn roots_are_those_of_the_definition() {
    let mut random = Random::new(7);
    for _ in 0..20 {
        let mut segments = vec![Segment::code(4 * random.below(1 << 21), &[random.word(), 5, 6])];
        let mut address = segments[0].address + 12;
        for _ in 0..random.below(6) {
            address += random.up_to_bits(29);
            let length = random.up_to_bits(14) as usize;
            let executable = random.one_in(2) && address < 1 << 23;
            let bytes = random.bytes(length);
            let length = length as u64 + random.below(100);
            segments.push(Segment { address, bytes, length, executable });
            address += length;
        }
        let program = Program::from_elf(&elf(segments[0].address, &segments)).unwrap();
        let image = |executable: bool| {
            let wanted = segments.iter().filter(|segment| segment.executable || !executable);
            wanted.map(|segment| (segment.address, segment.bytes.clone())).collect::<Vec<_>>()
        };
        assert_eq!(program.code_root(), plain(19, &leaves(&image(true))));
        assert_eq!(program.initial_state().memory_root, plain(27, &leaves(&image(false))));
        let code = leaves(&image(true));
        for pc in [0, segments[0].address, segments[0].address + 40, 4 * random.below(1 << 22), (1 << 24) - 4]
        {
            let proof = program.code_proof(pc).unwrap();
            let hashes: Vec<B256> = proof.chunks(32).map(B256::from_slice).collect();
            assert_eq!(hashes.len(), 20);
            assert_eq!(hashes[0], code.get(&(pc / 32)).copied().unwrap_or_default());
            assert_eq!(root_from(hashes[0], pc / 32, &hashes[1..]), program.code_root());
            let word = u32::from_le_bytes(hashes[0][pc as usize % 32..][..4].try_into().unwrap());
            assert_eq!(program.word(pc), word);
        }
        assert_eq!(program.code_proof(1 << 24), None);
        assert_eq!(program.word(1 << 24), 0);
    }
}

/// Stores at random addresses, hashing now and then.
#[test]
fn the_root_follows_what_is_written() {
    // Takes pairs of address and value from S0 on.
    let code = [ld(T0, S0, 0), ld(T1, S0, 8), sd(T0, T1, 0), addi(S0, S0, 16), jal(ZERO, -16)];
    let pairs_at = 0x10_0000;
    let mut random = Random::new(8);
    for _ in 0..10 {
        let near = random.below(1 << 32);
        let pairs: Vec<(u64, u64)> = (0..random.below(300))
            .map(|_| {
                let address = match random.below(3) {
                    0 => random.below(1 << 32),
                    _ => (near + random.below(20_000)) % (1 << 32),
                };
                (address & !7, if random.one_in(3) { 0 } else { random.number() })
            })
            .filter(|(address, _)| address >> 16 != pairs_at >> 16)
            .collect();
        let bytes: Vec<u8> = pairs
            .iter()
            .flat_map(|(address, value)| [address.to_le_bytes(), value.to_le_bytes()])
            .flatten()
            .collect();
        let program = program_with(&code, &[Segment::data(pairs_at, &bytes)]);
        let code_bytes = code.iter().flat_map(|word| word.to_le_bytes()).collect();
        let mut model = leaves(&[(CODE, code_bytes), (pairs_at, bytes)]);
        let mut registers = [0; 31];
        registers[S0 as usize - 1] = pairs_at;
        let mut machine = Machine::at(program, CODE, registers);
        for (address, value) in pairs {
            machine.run(machine.steps() + 5, &mut ()).unwrap();
            let leaf = model.entry(address / 32).or_insert(B256::ZERO);
            leaf[address as usize % 32..][..8].copy_from_slice(&value.to_le_bytes());
            if random.one_in(4) {
                assert_eq!(machine.state().memory_root, plain(27, &model));
            }
        }
        assert_eq!(machine.state().memory_root, plain(27, &model));
    }
}

#[test]
fn code_cannot_be_written() {
    // Writes an `exit` over the next two instructions, and goes there: what was there is executed.
    let code = [lui(T0, CODE as u32), sd(T0, T1, 8), addi(A0, ZERO, 5), addi(A1, ZERO, 6), 0];
    let exit = u64::from(addi(A7, ZERO, 93)) | u64::from(ECALL) << 32;
    let mut registers = [0; 31];
    registers[T1 as usize - 1] = exit;
    let mut machine = Machine::at(program(&code), CODE, registers);
    let root = machine.program().code_root();
    machine.run(4, &mut ()).unwrap();
    assert_eq!(machine.registers()[A0 as usize..][..2], [5, 6]);
    assert_eq!(machine.program().code_root(), root);
    // Memory has what was written.
    let mut word = [0; 8];
    machine.read_memory(CODE + 8, &mut word);
    assert_eq!(u64::from_le_bytes(word), exit);
}
