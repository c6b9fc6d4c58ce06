//! The steps of a proof. Each reads what those before it left in the job's folder, and leaves its own.

use alloy_primitives::B256;
use duplex_machine::{Program, input};
use eyre::{WrapErr, bail, eyre};
use openvm_circuit::{
    arch::{PreflightExecutionOutput, SystemConfig, hasher::poseidon2::vm_poseidon2_hasher},
    system::memory::merkle::public_values::{UserPublicValuesProof, extract_public_values},
};
use openvm_continuations::{SC, circuit::inner::ProofsType, prover::ChildVkKind};
use openvm_sdk::{
    DefaultStarkEngine,
    prover::{AggProver, vm::new_local_prover},
};
use openvm_sdk_config::SdkVmBuilder;
use openvm_stark_backend::{StarkEngine, proof::Proof};
use openvm_static_verifier::{Halo2ParamsReader, tracegen::graph_executor::GraphExecutorState};
use openvm_verify_stark_host::{VmStarkProof, verify_vm_stark_proof_decoded};

use crate::{
    files,
    job::{Job, L1Proof, Node, Segments, Tree},
    keys::Keys,
    machine,
    prove::MemoryArgs,
    verify::public_value,
};

/// What `prove` does, one process each.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum ProveStep {
    /// Where the execution is cut. Part of the next, if it was not done before.
    Cut,
    /// Segments of the execution.
    Segments,
    /// One STARK of them all.
    Aggregate,
    /// A STARK that Halo2 can verify.
    Root,
    /// A Halo2 proof that it verifies.
    Snark,
    /// A Halo2 proof of that, for L1.
    Wrap,
}

impl ProveStep {
    pub(crate) const ALL: [Self; 5] = [Self::Segments, Self::Aggregate, Self::Root, Self::Snark, Self::Wrap];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Cut => "cut",
            Self::Segments => "segments",
            Self::Aggregate => "aggregate",
            Self::Root => "root",
            Self::Snark => "snark",
            Self::Wrap => "wrap",
        }
    }

    pub(crate) const fn what(self) -> &'static str {
        match self {
            Self::Cut => "where the execution is cut",
            Self::Segments => "segments of the execution",
            Self::Aggregate => "one STARK of them all",
            Self::Root => "a STARK that Halo2 can verify",
            Self::Snark => "a Halo2 proof that it verifies",
            Self::Wrap => "a Halo2 proof of that, for L1",
        }
    }

    /// Whether its results are there.
    pub(crate) fn is_done(self, job: &Job, keys: &Keys) -> bool {
        match self {
            Self::Cut => job.segments_path().exists(),
            Self::Segments => {
                job.public_path().exists()
                    && job.segments().is_ok_and(|cut| cut.tree().segments().all(|node| job.has(node)))
            }
            Self::Aggregate => job.stark_path().exists(),
            Self::Root => job.root_path(keys).exists(),
            Self::Snark => job.snark_path(keys).exists(),
            Self::Wrap => job.l1_path(keys).exists(),
        }
    }

    /// Does it; of segments and nodes only these, if some are named.
    pub(crate) fn run(
        self,
        job: &Job,
        keys: &Keys,
        program: &Program,
        memory: &MemoryArgs,
        only: Option<&[Node]>,
    ) -> eyre::Result<()> {
        match self {
            Self::Cut => segments(job, keys, program, memory, Some(&[])),
            Self::Segments => segments(job, keys, program, memory, only),
            Self::Aggregate => match only {
                Some(nodes) => self::nodes(job, keys, nodes.iter().copied()),
                None => aggregate(job, keys),
            },
            Self::Root => root(job, keys),
            Self::Snark => snark(job, keys),
            Self::Wrap => wrap(job, keys),
        }
    }
}

/// Proves the segments that are not there yet. Those in between are executed only, which takes no time.
fn segments(
    job: &Job,
    keys: &Keys,
    program: &Program,
    memory: &MemoryArgs,
    only: Option<&[Node]>,
) -> eyre::Result<()> {
    let program = keys.program(program)?;
    let mut key = keys.segments()?;
    let key = std::sync::Arc::get_mut(&mut key.app_vm_pk).expect("nobody else has it");
    key.vm_config = machine::config(Some(memory.segment()))?;
    let mut prover = new_local_prover::<DefaultStarkEngine, _>(SdkVmBuilder, key, program.clone())?;
    let bundle = job.bundle()?;
    let cut = if job.segments_path().exists() {
        // As it was cut: other limits would give other segments.
        job.segments()?
    } else {
        let counted = prover.vm.build_metered_ctx(&program);
        let meter = prover.vm.metered_interpreter(&program)?;
        let (segments, end) = meter
            .execute_metered(input(&bundle)?, counted)
            .map_err(|error| eyre!("the program gives up, so there is nothing to prove: {error}"))?;
        let system: &SystemConfig = prover.vm.config().as_ref();
        let public = extract_public_values(system.num_public_values, &end.memory.memory);
        let cut = Segments {
            instructions: segments.iter().map(|segment| segment.num_insns).sum(),
            public: B256::try_from(public.as_slice()).wrap_err("the program makes one hash public")?,
            leaf: memory.leaf(),
            segments: segments.into_iter().map(|s| (s.instret_start, s.num_insns, s.trace_heights)).collect(),
        };
        files::write_json(&job.segments_path(), &cut)?;
        cut
    };
    let expected = job.statement()?.hash();
    if cut.public != expected {
        bail!("the machine makes {} public, not {expected}: it differs from native execution", cut.public);
    }

    let wanted = |node: Node| only.is_none_or(|only| only.contains(&node));
    prover.reset_state(input(&bundle)?);
    let mut state = prover.state_mut().take();
    let last = cut.segments.len() - 1;
    for (index, (_, count, heights)) in cut.segments.iter().enumerate() {
        let node = Node { layer: 0, index };
        if !(index..=last).any(|index| wanted(Node { layer: 0, index })) {
            break;
        }
        let from = state.take().expect("a state for each segment");
        let ends = index == last && !job.public_path().exists();
        if !wanted(node) || (job.has(node) && !ends) {
            let pure = prover.vm.interpreter(&program)?;
            state = Some(pure.execute_from_state(from, Some(*count))?);
            continue;
        }
        prover.vm.transport_init_memory_to_device(&from.memory);
        let PreflightExecutionOutput { system_records, record_arenas, to_state } =
            prover.vm.execute_preflight(&mut prover.interpreter, from, Some(*count), heights)?;
        let context = prover.vm.generate_proving_ctx(system_records, record_arenas)?;
        let proof = prover
            .vm
            .engine
            .prove(prover.vm.pk(), context)
            .map_err(|error| eyre!("segment {index}: {error:?}"))?;
        if index == last {
            let system: &SystemConfig = prover.vm.config().as_ref();
            let tree = prover.vm.memory_top_tree().ok_or_else(|| eyre!("the machine has no memory tree"))?;
            let public = UserPublicValuesProof::compute(
                system.memory_config.memory_dimensions(),
                system.num_public_values,
                &vm_poseidon2_hasher(),
                &to_state.memory.memory,
                tree,
            );
            files::write_with(&job.public_path(), |file| Ok(public.encode::<SC, _>(file)?))?;
        }
        files::encode(&job.node_path(node), &proof)?;
        state = Some(to_state);
    }
    Ok(())
}

/// Makes a node of the tree from those below it.
fn node(job: &Job, prover: &AggProver, tree: &Tree, node: Node) -> eyre::Result<Proof<SC>> {
    let below: Vec<_> = tree.below(node).map(|child| job.node(child)).collect::<Result<_, _>>()?;
    match node.layer {
        1 => prover.leaf_prover.agg_prove_no_def::<DefaultStarkEngine>(&below, ChildVkKind::App),
        2 => prover
            .internal_for_leaf_prover
            .agg_prove_no_def::<DefaultStarkEngine>(&below, ChildVkKind::Standard),
        3 => prover
            .internal_recursive_prover
            .agg_prove_no_def::<DefaultStarkEngine>(&below, ChildVkKind::Standard),
        _ => prover
            .internal_recursive_prover
            .agg_prove_no_def::<DefaultStarkEngine>(&below, ChildVkKind::RecursiveSelf),
    }
}

/// Makes nodes of the tree that are not there yet, those below first.
fn nodes(job: &Job, keys: &Keys, nodes: impl Iterator<Item = Node>) -> eyre::Result<()> {
    let tree = job.segments()?.tree();
    let missing: Vec<Node> = nodes.filter(|position| !job.has(*position)).collect();
    if missing.is_empty() {
        return Ok(());
    }
    let prover = keys.aggregation(&keys.segments()?)?;
    for position in missing {
        let proof = node(job, &prover, &tree, position)?;
        files::encode(&job.node_path(position), &proof)?;
    }
    Ok(())
}

fn aggregate(job: &Job, keys: &Keys) -> eyre::Result<()> {
    let tree = job.segments()?.tree();
    nodes(job, keys, tree.inner())?;
    let public = files::read(&job.public_path())?;
    let proof = VmStarkProof {
        inner: job.node(tree.top())?,
        user_pvs_proof: UserPublicValuesProof::decode::<SC, _>(&mut public.as_slice())?,
        deferral_merkle_proofs: None,
    };
    // Whatever went wrong before, a bad one does not leave here.
    verify_vm_stark_proof_decoded(&keys.stark()?, &proof)
        .map_err(|error| eyre!("the STARK does not verify: {error}"))?;
    let (proved, expected) = (public_value(&proof)?, job.statement()?.hash());
    if proved != expected {
        bail!("the STARK is of the statement {proved}, not {expected}");
    }
    files::encode(&job.stark_path(), &proof)
}

/// The tables of the last STARK have heights that were fixed with its key. What does not fit them is made smaller first.
const SMALLER: usize = 8;

fn root(job: &Job, keys: &Keys) -> eyre::Result<()> {
    let app = keys.segments()?;
    let aggregation = keys.aggregation(&app)?;
    let root = keys.root(&app, &aggregation)?;
    let engine = root.create_engine();
    let proof = root.prove(job.stark()?, &engine, SMALLER, |mut proof| {
        let recursive = &aggregation.internal_recursive_prover;
        let kind = ChildVkKind::RecursiveSelf;
        proof.inner =
            recursive.agg_prove::<DefaultStarkEngine>(&[proof.inner], kind, ProofsType::Vm, None)?;
        Ok(proof)
    })?;
    files::write_object(&job.root_path(keys), &proof)
}

fn snark(job: &Job, keys: &Keys) -> eyre::Result<()> {
    let proof = job.root(keys)?;
    let key = keys.snark()?;
    let string = keys.references().read_params(key.pinning.metadata.config_params.k);
    let mut state = GraphExecutorState::new(&key.graph_program);
    let snark = key.prove_wrapped(&string, &proof, &mut state);
    files::write_json(&job.snark_path(keys), &snark)
}

/// Words of a proof before its instances: the accumulator that L1 checks along with it.
const ACCUMULATOR: usize = 12;

fn wrap(job: &Job, keys: &Keys) -> eyre::Result<()> {
    let snark = job.snark(keys)?;
    let key = keys.wrap()?;
    let string = keys.references().read_params(key.pinning.metadata.config_params.k);
    let made = key.prove_for_evm(&string, snark);
    let statement = job.statement()?;
    let words: Vec<[u8; 32]> = made
        .instances
        .iter()
        .map(|instance| {
            let mut bytes = instance.to_bytes();
            bytes.reverse();
            bytes
        })
        .collect();
    let pins = keys.pins()?;
    let mut expected = vec![pins.program_commitment.0, pins.machine_commitment.0];
    expected.extend(statement.hash().iter().map(|byte| B256::with_last_byte(*byte).0));
    if words.get(ACCUMULATOR..) != Some(expected.as_slice()) {
        bail!("the proof is of something else than program, machine and statement");
    }
    let mut proof = words[..ACCUMULATOR].concat();
    proof.extend_from_slice(&made.proof);
    files::write_json(&job.l1_path(keys), &L1Proof::new(keys, &statement, proof)?)
}
