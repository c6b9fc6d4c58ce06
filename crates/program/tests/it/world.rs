//! A rollup without processes: an L1 of headers, a queue, batches, and the chain that follows them.

use std::{
    cell::RefCell,
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, LazyLock, Mutex},
};

use alloy_consensus::{SignableTransaction, TxEip1559};
use alloy_primitives::{Address, B256, Bytes, TxKind, U256, keccak256};
use alloy_signer::SignerSync;
use alloy_signer_local::PrivateKeySigner;
use duplex_chain::{Chain, ChainOptions, StateAt, dev_system_contracts};
use duplex_contracts::{L2GenesisParams, l2_alloc};
use duplex_derivation::{Anchor, Batch, Rules, Undecodable};
use duplex_pool::PoolConfig;
use duplex_primitives::{
    BatchContent, BatchHeader, BlockContent, ChainConfig, Genesis, GenesisAccount, Header, L1Message,
    OutputRoot, ProgramConfig, Transaction, blob, messages_accumulator,
};
use duplex_program::{
    Bundle, Kind, Oracle, RangeStatement, Statement, What,
    host::{Missing, Preimages, Recorder, bind, bundle, holds},
    range_output, run,
};
use duplex_storage::Options;
use duplex_trie::NodeSource;
use duplex_vm::{Machine, Program};
use revm::DatabaseRef;
use tempfile::TempDir;

use crate::effects;

pub(crate) const CHAIN: u64 = 42_069;
pub(crate) const MESSAGE_GAS: u64 = 18_000_000;
/// Anchor of genesis, and its time.
pub(crate) const FIRST_ANCHOR: u64 = 100;
const FIRST_TIME: u64 = 1_760_000_000;

/// The Vault on L1.
pub(crate) const VAULT: Address = Address::repeat_byte(0x77);

/// Who proves batches.
pub(crate) const PROVER: Address = Address::repeat_byte(0xbe);

/// Where a batch's data goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Place {
    Calldata,
    Blobs,
}

/// A block that the sequencer makes.
#[derive(Debug, Clone, Default)]
pub(crate) struct Plan {
    pub(crate) seconds: u64,
    pub(crate) anchors: u64,
    pub(crate) messages: u64,
    pub(crate) transactions: Vec<Transaction>,
}

/// A rollup.
pub(crate) struct World {
    _dir: TempDir,
    pub(crate) chain: Chain,
    genesis: Genesis,
    pub(crate) config: ProgramConfig,
    l1: BTreeMap<u64, Header>,
    pub(crate) queue: Vec<L1Message>,
    pub(crate) batches: Vec<BatchHeader>,
    pub(crate) preimages: Preimages,
    nonces: RefCell<BTreeMap<Address, u64>>,
}

/// The key of one of the accounts that have ETH from the beginning.
pub(crate) fn signer(index: u64) -> PrivateKeySigner {
    PrivateKeySigner::from_bytes(&keccak256(index.to_be_bytes())).unwrap()
}

/// A transaction of this kind, signed.
pub(crate) fn sign<T: SignableTransaction<alloy_primitives::Signature>>(index: u64, tx: T) -> Transaction
where
    Transaction: From<alloy_consensus::Signed<T>>,
{
    let signature = signer(index).sign_hash_sync(&tx.signature_hash()).unwrap();
    tx.into_signed(signature).into()
}

fn open(genesis: &Genesis) -> (TempDir, Chain) {
    let dir = tempfile::tempdir().unwrap();
    let (storage, pool) = (Options::default(), PoolConfig::new(genesis.config));
    let options = ChainOptions { storage, pool, trie_nodes: 10_000 };
    let chain = Chain::open(dir.path(), genesis, options).unwrap();
    (dir, chain)
}

impl World {
    /// A fresh one, whose first `rich` accounts have a thousand ETH, and with these contracts.
    pub(crate) fn new(rich: u64, contracts: &[(Address, Bytes)]) -> Self {
        let chain = ChainConfig::l2_dev(CHAIN);
        let mut alloc = dev_system_contracts(false);
        alloc.extend(l2_alloc(&L2GenesisParams {
            vault: VAULT,
            fee_recipient: Address::repeat_byte(0x78),
            l1_fee: chain.l1_fee,
            l1_base_fee: 1_000_000_000,
            lane: None,
        }));
        let ether = U256::from(10).pow(U256::from(18));
        for index in 0..rich {
            let balance = ether * U256::from(1000);
            alloc.insert(signer(index).address(), GenesisAccount { balance, ..Default::default() });
        }
        for (address, code) in contracts {
            let account = GenesisAccount { code: code.clone(), nonce: 1, ..Default::default() };
            alloc.insert(*address, account);
        }
        let mut l1 = BTreeMap::new();
        let mut parent_hash = keccak256("before");
        for number in FIRST_ANCHOR..FIRST_ANCHOR + 40 {
            let header = Header {
                parent_hash,
                number,
                timestamp: FIRST_TIME + 12 * (number - FIRST_ANCHOR),
                mix_hash: keccak256(number.to_be_bytes()),
                base_fee_per_gas: Some(1_000_000_000 + number),
                withdrawals_root: Some(keccak256("withdrawals")),
                blob_gas_used: Some(0),
                excess_blob_gas: Some(number << 20),
                parent_beacon_block_root: Some(keccak256("beacon")),
                requests_hash: Some(keccak256("requests")),
                ..Default::default()
            };
            parent_hash = header.hash_slow();
            l1.insert(number, header);
        }
        let genesis = Genesis {
            config: chain,
            timestamp: FIRST_TIME,
            anchor_number: FIRST_ANCHOR,
            anchor_hash: l1[&FIRST_ANCHOR].hash_slow(),
            alloc,
            header: None,
        };
        let (dir, chain) = open(&genesis);
        let first = BatchHeader {
            timestamp: FIRST_TIME,
            anchorNumber: FIRST_ANCHOR,
            anchorHash: l1[&FIRST_ANCHOR].hash_slow(),
            ..Default::default()
        };
        let config = ProgramConfig { chain: *chain.config(), message_gas_per_block: MESSAGE_GAS };
        let mut preimages = Preimages::new();
        preimages.insert_config(&config);
        preimages.insert_batch(&first);
        for header in l1.values() {
            preimages.insert_header(header);
        }
        Self {
            _dir: dir,
            chain,
            genesis,
            config,
            l1,
            queue: Vec::new(),
            batches: vec![first],
            preimages,
            nonces: RefCell::default(),
        }
    }

    /// The next nonce of an account.
    pub(crate) fn nonce(&self, index: u64) -> u64 {
        let mut nonces = self.nonces.borrow_mut();
        let next = nonces.entry(signer(index).address()).or_default();
        *next += 1;
        *next - 1
    }

    /// Forgets a nonce that was given: its transaction will not be executed.
    pub(crate) fn unsend(&self, index: u64) {
        *self.nonces.borrow_mut().entry(signer(index).address()).or_default() -= 1;
    }

    /// A transaction from an account.
    pub(crate) fn call(
        &self,
        index: u64,
        to: TxKind,
        value: u64,
        gas_limit: u64,
        input: Bytes,
    ) -> Transaction {
        let tx = TxEip1559 {
            chain_id: CHAIN,
            nonce: self.nonce(index),
            gas_limit,
            max_fee_per_gas: 1_000_000_000,
            max_priority_fee_per_gas: 1000,
            to,
            value: U256::from(value),
            access_list: Default::default(),
            input,
        };
        sign(index, tx)
    }

    /// Sends a message to L2.
    pub(crate) fn send(
        &mut self,
        from: Address,
        target: Address,
        mint: u64,
        value: u64,
        gas_limit: u64,
        data: Bytes,
    ) {
        let before = self.queue.last().map_or(B256::ZERO, |message| message.accumulator);
        let mut message = L1Message {
            index: self.queue.len() as u64,
            from,
            target,
            mint: U256::from(mint),
            value: U256::from(value),
            gas_limit,
            data,
            l1_block: 0,
            accumulator: B256::ZERO,
        };
        message.accumulator = messages_accumulator(before, [&message]);
        self.queue.push(message);
    }

    fn rules(&self) -> Rules {
        Rules {
            chain_id: CHAIN,
            gas_limit: self.config.chain.gas_limit,
            message_gas_per_block: self.config.message_gas_per_block,
        }
    }

    /// Posts a batch of these blocks, and derives it.
    pub(crate) fn post(&mut self, plans: &[Plan], place: Place) {
        let done = self.post_as(plans, place, |_| {});
        assert_eq!(done, None);
    }

    /// The same, with data that `change` made something else of. Tells why it is void.
    pub(crate) fn post_as(
        &mut self,
        plans: &[Plan],
        place: Place,
        change: impl FnOnce(&mut Vec<u8>),
    ) -> Option<Undecodable> {
        let last = self.batches[self.batches.len() - 1].clone();
        let head = self.chain.head();
        assert_eq!(head.header.number, last.lastBlock);
        let sum = |part: fn(&Plan) -> u64| plans.iter().map(part).sum::<u64>();
        let count = last.messageCount + sum(|plan| plan.messages);
        let messages = self.queue[last.messageCount as usize..count as usize].to_vec();
        let content = BatchContent {
            blocks: plans
                .iter()
                .map(|plan| BlockContent {
                    timestamp_delta: plan.seconds,
                    anchor_delta: plan.anchors,
                    messages: plan.messages,
                    transactions: plan.transactions.clone(),
                })
                .collect(),
        };
        let mut data = content.encode(CHAIN).unwrap();
        change(&mut data);
        let root = match place {
            Place::Calldata => {
                let root = self.preimages.insert_calldata(&data);
                assert_eq!(root, duplex_primitives::data_root(&data));
                root
            }
            Place::Blobs => self.put(blob::encode(&data).unwrap()),
        };
        self.append(plans, root, &data, &messages)
    }

    /// A batch of empty blocks in blobs that `change` made something else of: they hold no data.
    pub(crate) fn post_blobs(&mut self, blocks: usize, change: impl FnOnce(&mut [Bytes])) {
        let mut blobs = blob::encode(&[0]).unwrap();
        change(&mut blobs);
        let data = blob::decode(&blobs).unwrap_or_default();
        let root = self.put(blobs);
        let why = self.append(&vec![Plan::default(); blocks], root, &data, &[]);
        assert!(matches!(why, Some(Undecodable::Content(_))), "{why:?}");
    }

    /// Puts blobs on L1.
    fn put(&mut self, blobs: Vec<Bytes>) -> B256 {
        let named = |blob: Bytes| (bind(&blob).map_or_else(|| keccak256(&blob), |bound| bound.name()), blob);
        let blobs: Vec<_> = blobs.into_iter().map(named).collect();
        let hashes: Vec<B256> = blobs.iter().map(|(hash, _)| *hash).collect();
        let root = self.preimages.insert_blobs(blobs);
        assert_eq!(root, blob::blobs_root(&hashes));
        root
    }

    /// Appends a batch to the Inbox, and derives it.
    fn append(
        &mut self,
        plans: &[Plan],
        root: B256,
        data: &[u8],
        messages: &[L1Message],
    ) -> Option<Undecodable> {
        let last = self.batches[self.batches.len() - 1].clone();
        let head = self.chain.head();
        let sum = |part: fn(&Plan) -> u64| plans.iter().map(part).sum::<u64>();
        let anchor_number = last.anchorNumber + sum(|plan| plan.anchors);
        let header = BatchHeader {
            index: last.index + 1,
            parentHash: last.hash(),
            dataRoot: root,
            firstBlock: last.lastBlock + 1,
            lastBlock: last.lastBlock + plans.len() as u64,
            timestamp: head.header.timestamp + sum(|plan| plan.seconds),
            anchorNumber: anchor_number,
            anchorHash: self.l1[&anchor_number].hash_slow(),
            messageCount: last.messageCount + messages.len() as u64,
            messageAcc: messages.last().map_or(last.messageAcc, |message| message.accumulator),
        };
        let acc = self.preimages.insert_messages(last.messageAcc, messages);
        assert_eq!(acc, header.messageAcc);
        assert_eq!(self.preimages.insert_batch(&header), header.hash());

        let batch = Batch::read(&self.rules(), &head.header, &header, data, messages);
        let derived = batch.blocks(|number| self.anchor(number)).unwrap();
        for block in derived.blocks {
            self.chain.derive(&block.attributes, &block.forced, block.transactions).unwrap();
        }
        self.batches.push(header);
        derived.undecodable
    }

    fn anchor(&self, number: u64) -> Option<Anchor> {
        let header = self.l1.get(&number)?.clone();
        Some(Anchor { number, hash: header.hash_slow(), header })
    }

    /// Wei that an account has.
    pub(crate) fn balance(&self, address: Address) -> U256 {
        self.chain.state().basic_ref(address).unwrap().map_or(U256::ZERO, |info| info.balance)
    }

    /// The code of an account.
    pub(crate) fn code(&self, address: Address) -> Bytes {
        self.chain.state().code(address).unwrap()
    }

    /// A slot of an account.
    pub(crate) fn slot(&self, address: Address, slot: U256) -> U256 {
        self.chain.state().storage_ref(address, slot).unwrap()
    }

    /// Gas that a block used.
    pub(crate) fn gas_used(&self, number: u64) -> u64 {
        self.chain.header(number).unwrap().unwrap().gas_used
    }

    /// How many transactions a block has.
    pub(crate) fn transactions(&self, number: u64) -> usize {
        self.chain.block(number).unwrap().unwrap().transactions().len()
    }

    /// The hash of batch 0.
    pub(crate) fn genesis_batch(&self) -> B256 {
        self.batches[0].hash()
    }

    /// The output root of a block.
    pub(crate) fn output(&self, number: u64) -> B256 {
        let header = self.chain.header(number).unwrap().unwrap();
        OutputRoot::of(&header, header.hash_slow()).hash()
    }

    /// What is true of a block.
    pub(crate) fn statement(&self, number: u64) -> Statement {
        let batch = self.batches.iter().find(|batch| (batch.firstBlock..=batch.lastBlock).contains(&number));
        Statement {
            parentOutput: self.output(number - 1),
            output: self.output(number),
            batchHash: batch.unwrap().hash(),
            blockNumber: number,
            configHash: self.config.hash(),
        }
    }

    /// What this node knows, for a statement.
    pub(crate) fn node(&self, statement: &Statement) -> Node {
        let mut node = self.node_after(statement.blockNumber - 1);
        node.known.insert_statement(statement);
        node
    }

    /// What is true of the batches from one to another.
    pub(crate) fn range(&self, batches: std::ops::RangeInclusive<usize>) -> RangeStatement {
        let (first, last) = (&self.batches[*batches.start()], &self.batches[*batches.end()]);
        RangeStatement {
            configHash: self.config.hash(),
            parentOutput: self.output(first.firstBlock - 1),
            firstBatch: first.hash(),
            lastBatch: last.hash(),
            output: self.output(last.lastBlock),
            prover: PROVER,
        }
    }

    /// All that executing a run of batches reads, and what it gives.
    pub(crate) fn range_witness(&self, statement: &RangeStatement) -> (Preimages, B256) {
        let (sections, output) = self.range_sections(statement, usize::MAX);
        let [all] = sections.try_into().unwrap();
        (all, output)
    }

    /// The same in sections of some bytes.
    pub(crate) fn range_sections(&self, statement: &RangeStatement, most: usize) -> (Vec<Preimages>, B256) {
        let first = self.batches.iter().find(|batch| batch.hash() == statement.firstBatch).unwrap();
        let recorder = Recorder::with_sections(self.node_after(first.firstBlock - 1), most);
        let output = range_output(&recorder, statement).unwrap();
        (recorder.into_sections(), output)
    }

    /// A chain of the same genesis that has nothing else.
    pub(crate) fn twin(&self) -> (TempDir, Chain) {
        open(&self.genesis)
    }

    /// Shows what every run of batches gives: on the node's data, and from the witness alone.
    #[track_caller]
    pub(crate) fn check_ranges(&self) {
        effects::check(self);
        for first in 1..self.batches.len() {
            for last in first..self.batches.len() {
                let statement = self.range(first..=last);
                let (witness, output) = self.range_witness(&statement);
                assert_eq!(output, statement.output, "batches {first} to {last}");
                assert_eq!(range_output(&witness, &statement).unwrap(), output, "{first} to {last}");
                assert_bundle(&statement, &[witness]);
                // Small sections: all is forgotten again and again.
                let (sections, output) = self.range_sections(&statement, 1 << 12);
                assert_eq!(output, statement.output, "batches {first} to {last} in sections");
                let statement =
                    RangeStatement { prover: Address::repeat_byte(sections.len() as u8), ..statement };
                assert_bundle(&statement, &sections);
            }
        }
    }

    /// What this node knows after a block.
    pub(crate) fn node_after(&self, before: u64) -> Node {
        let mut known = self.preimages.clone();
        let mut header = self.chain.header(before).unwrap().unwrap();
        known.insert_block(&header);
        while header.number > 0 {
            header = self.chain.header(header.number - 1).unwrap().unwrap();
            known.insert_header(&header);
        }
        let state = Mutex::new(self.chain.state_at(before).unwrap().unwrap());
        Node { known, chain: self.chain.clone(), state }
    }

    /// All that executing a block reads, and whether the statement holds.
    pub(crate) fn witness(&self, statement: &Statement) -> (Preimages, bool) {
        let recorder = Recorder::new(self.node(statement));
        let holds = run(&recorder).unwrap();
        (recorder.into_preimages(), holds)
    }

    /// [Checks](Self::check) some blocks.
    #[track_caller]
    pub(crate) fn check_all(&self, numbers: std::ops::RangeInclusive<u64>) {
        for number in numbers {
            self.check(number);
        }
        self.check_ranges();
    }

    /// Shows a block's output, and that no other is shown: natively on the node's data, from the
    /// witness alone, and in the machine. Gives the steps of the machine.
    #[track_caller]
    pub(crate) fn check(&self, number: u64) -> u64 {
        let statement = self.statement(number);
        let (witness, holds) = self.witness(&statement);
        assert!(holds, "block {number}");
        assert_eq!(run(&witness), Ok(true), "block {number} from its witness");
        let (exit, steps) = execute(witness.clone());
        assert_eq!(exit, Some(0), "block {number} in the machine");

        let lie = Statement { output: keccak256(statement.output), ..statement };
        let mut lying = witness;
        lying.insert_statement(&lie);
        assert_eq!(run(&lying), Ok(false));
        assert_eq!(execute(lying).0, Some(1), "a false output of block {number} in the machine");
        steps
    }
}

/// The bundle that a prover gets, and the same from it. With `DUPLEX_BUNDLES`, it is kept there.
fn assert_bundle(statement: &RangeStatement, sections: &[Preimages]) {
    // Nothing is one if what stands for a blob can be none.
    let Some(bundle) = bundle(statement, sections) else { return };
    let decoded = Bundle::decode(&bundle.clone().into(), holds).unwrap();
    assert_eq!(range_output(&decoded, statement).unwrap(), statement.output);
    if let Some(dir) = std::env::var_os("DUPLEX_BUNDLES").map(PathBuf::from) {
        std::fs::write(dir.join(format!("{}.bundle", statement.hash())), bundle).unwrap();
    }
}

/// What a node knows.
pub(crate) struct Node {
    pub(crate) known: Preimages,
    chain: Chain,
    /// What later blocks change is in the program's memory, unless it forgets that.
    state: Mutex<StateAt>,
}

impl Oracle for Node {
    type Error = Missing;

    fn read(&self, what: What<'_>, key: &B256) -> Result<Bytes, Missing> {
        let state = self.state.lock().unwrap();
        let found = match what {
            What::Node(path) => state.node(path, key).unwrap(),
            What::Code => Some(state.code_by_hash_ref(*key).unwrap().original_bytes()),
            _ => return self.known.read(what, key),
        };
        let found = found.ok_or(Missing { what: what.to_string(), kind: Kind::Keccak, key: *key })?;
        assert_eq!(keccak256(&found), *key, "{what}");
        Ok(found)
    }

    fn forgets(&self, number: u64) -> Result<bool, Missing> {
        *self.state.lock().unwrap() = self.chain.state_at(number).unwrap().unwrap();
        Ok(true)
    }
}

/// The program for the machine, as it is committed.
pub(crate) fn program() -> Arc<Program> {
    static PROGRAM: LazyLock<Arc<Program>> = LazyLock::new(|| {
        let elf = std::env::var("DUPLEX_GUEST").unwrap_or_else(|_| {
            concat!(env!("CARGO_MANIFEST_DIR"), "/../../guest/duplex-program.elf").into()
        });
        let elf = std::fs::read(elf).unwrap();
        Arc::new(Program::from_elf(&elf).unwrap())
    });
    PROGRAM.clone()
}

/// Preimages for the machine.
pub(crate) struct Fed(pub(crate) Preimages);

impl duplex_vm::Preimages for Fed {
    fn get(&mut self, kind: duplex_vm::Kind, key: &B256) -> Option<Bytes> {
        let kind = match kind {
            duplex_vm::Kind::Statement => Kind::Statement,
            duplex_vm::Kind::Keccak => Kind::Keccak,
            duplex_vm::Kind::Blob => Kind::Blob,
        };
        self.0.get(kind, key).cloned()
    }
}

/// Runs the machine on these preimages: its exit code and steps.
///
/// # Errors
/// If one is missing.
pub(crate) fn try_execute(preimages: Preimages) -> Result<(Option<u64>, u64), duplex_vm::Missing> {
    let mut machine = Machine::new(program());
    machine.run(1 << 36, &mut Fed(preimages))?;
    Ok((machine.exit_code(), machine.steps()))
}

/// The same, where nothing is missing.
pub(crate) fn execute(preimages: Preimages) -> (Option<u64>, u64) {
    try_execute(preimages).unwrap()
}
