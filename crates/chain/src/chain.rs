//! A chain and what can be read from it.

use std::{
    collections::VecDeque,
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use alloy_consensus::constants::KECCAK_EMPTY;
use alloy_primitives::{B256, U256, keccak256};
use duplex_pool::{Pool, PoolConfig};
use duplex_primitives::{ChainConfig, Genesis, Header, Transaction};
use duplex_stf::Overlay;
use duplex_storage::{Database, Options, Reader};
use op_revm::{L1BlockInfo, OpSpecId};
use parking_lot::{Mutex, RwLock};
use tokio::sync::broadcast;

use crate::{
    BlockData, ChainError, ChainEvent, StateAt,
    genesis::genesis_block,
    write::{Writer, WriterState},
};

/// Blocks kept decoded in memory, for those who follow the head.
pub(crate) const RECENT: usize = 128;
/// Events that a slow subscriber may fall behind before it must catch up by reading.
const EVENTS: usize = 1024;

/// How a chain is kept.
#[derive(Debug, Clone)]
pub struct ChainOptions {
    /// The database's own options.
    pub storage: Options,
    /// The pool's limits.
    pub pool: PoolConfig,
    /// Trie nodes kept in memory (about 200 bytes each).
    pub trie_nodes: usize,
}

/// The newest block.
#[derive(Debug, Clone)]
pub struct Head {
    /// Its header.
    pub header: Header,
    /// Its hash.
    pub hash: B256,
    pub(crate) reader: Reader,
    /// What the L1 data fee follows from (L2 only).
    l1_info: Option<L1BlockInfo>,
}

impl Head {
    pub(crate) fn new(
        config: &ChainConfig,
        header: Header,
        hash: B256,
        reader: Reader,
    ) -> Result<Self, ChainError> {
        let mut head = Self { header, hash, reader, l1_info: None };
        if config.is_l2() {
            let mut state = Overlay::new(head.state());
            let info = L1BlockInfo::try_fetch(&mut state, U256::from(head.header.number), OpSpecId::KARST)?;
            head.l1_info = Some(info);
        }
        Ok(head)
    }

    /// The L1 data fee of a transaction in wei, at the prices of this block. `None` on L1.
    pub fn data_fee(&self, tx: &Transaction) -> Option<U256> {
        self.l1_info.clone().map(|mut info| info.calculate_tx_l1_cost(&tx.raw(), OpSpecId::KARST))
    }

    /// The state after this block.
    pub fn state(&self) -> StateAt {
        StateAt::new(self.reader.clone(), self.header.number, self.header.state_root)
    }
}

/// An EVM chain. Cloning it gives another handle to the same chain.
#[derive(Debug, Clone)]
pub struct Chain {
    pub(crate) inner: Arc<Inner>,
}

#[derive(Debug)]
pub(crate) struct Inner {
    pub(crate) config: ChainConfig,
    pub(crate) genesis_hash: B256,
    pub(crate) db: Database,
    pub(crate) pool: Pool,
    pub(crate) trie_nodes: usize,
    pub(crate) writer: Mutex<WriterState>,
    pub(crate) head: RwLock<Arc<Head>>,
    pub(crate) recent: RwLock<VecDeque<Arc<BlockData>>>,
    pub(crate) events: broadcast::Sender<ChainEvent>,
    pub(crate) arrivals: broadcast::Sender<B256>,
    safe: AtomicU64,
    finalized: AtomicU64,
}

impl Chain {
    /// Opens the chain in `dir`, or creates it from its genesis.
    ///
    /// # Errors
    /// If the directory is in use, holds another chain, or is damaged.
    pub fn open(dir: &Path, genesis: &Genesis, options: ChainOptions) -> Result<Self, ChainError> {
        let (block, changes, nodes) = genesis_block(genesis)?;
        let db = Database::open(dir, block.hash(), options.storage)?;
        if db.reader().head().is_none() {
            db.commit(&block.record(&changes, nodes))?;
        }
        let reader = db.reader();
        let number = reader.head().unwrap_or_default();
        let newest =
            BlockData::read(&reader, number)?.ok_or(ChainError::Corrupt { number, what: "header" })?;
        let head = Head::new(&genesis.config, newest.header().clone(), newest.hash(), reader)?;
        let inner = Inner {
            config: genesis.config,
            genesis_hash: block.hash(),
            pool: Pool::new(options.pool),
            trie_nodes: options.trie_nodes,
            writer: Mutex::new(WriterState::new(head.header.state_root)),
            head: RwLock::new(Arc::new(head)),
            recent: RwLock::new(VecDeque::from([Arc::new(newest)])),
            events: broadcast::channel(EVENTS).0,
            arrivals: broadcast::channel(EVENTS * 16).0,
            safe: AtomicU64::new(0),
            finalized: AtomicU64::new(0),
            db,
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// What distinguishes this chain.
    pub fn config(&self) -> &ChainConfig {
        &self.inner.config
    }

    /// Hash of block 0.
    pub fn genesis_hash(&self) -> B256 {
        self.inner.genesis_hash
    }

    /// The newest block.
    pub fn head(&self) -> Arc<Head> {
        self.inner.head.read().clone()
    }

    /// Publishes a new head. The old one may be the last user of a database snapshot: readers go
    /// on before that is closed.
    pub(crate) fn set_head(&self, head: Head) {
        let old = std::mem::replace(&mut *self.inner.head.write(), Arc::new(head));
        drop(old);
    }

    /// The transaction pool.
    pub fn pool(&self) -> &Pool {
        &self.inner.pool
    }

    /// The state after the newest block.
    pub fn state(&self) -> StateAt {
        self.head().state()
    }

    /// The state after block `number`. `None` if there is no such block.
    ///
    /// # Errors
    /// If the state of that block is not kept any more, or the database fails.
    pub fn state_at(&self, number: u64) -> Result<Option<StateAt>, ChainError> {
        let head = self.head();
        if number == head.header.number {
            return Ok(Some(head.state()));
        }
        let Some(header) = self.header(number)? else { return Ok(None) };
        let state = StateAt::new(head.reader.clone(), number, header.state_root);
        // Any read says whether this block's state is still kept.
        head.reader.account(&KECCAK_EMPTY, number)?;
        Ok(Some(state))
    }

    fn recent(&self, find: impl Fn(&BlockData) -> bool) -> Option<Arc<BlockData>> {
        self.inner.recent.read().iter().rev().find(|block| find(block)).cloned()
    }

    /// Block `number` with its receipts.
    ///
    /// # Errors
    /// If the database fails.
    pub fn block(&self, number: u64) -> Result<Option<Arc<BlockData>>, ChainError> {
        if let Some(block) = self.recent(|block| block.number() == number) {
            return Ok(Some(block));
        }
        Ok(BlockData::read(&self.head().reader, number)?.map(Arc::new))
    }

    /// The number of the block with this hash.
    ///
    /// # Errors
    /// If the database fails.
    pub fn number_of(&self, hash: B256) -> Result<Option<u64>, ChainError> {
        if let Some(block) = self.recent(|block| block.hash() == hash) {
            return Ok(Some(block.number()));
        }
        Ok(self.head().reader.number_of(&hash)?)
    }

    /// The header of block `number`.
    ///
    /// # Errors
    /// If the database fails.
    pub fn header(&self, number: u64) -> Result<Option<Header>, ChainError> {
        if let Some(block) = self.recent(|block| block.number() == number) {
            return Ok(Some(block.header().clone()));
        }
        match self.head().reader.header(number)? {
            None => Ok(None),
            Some(bytes) => {
                let what = ChainError::Corrupt { number, what: "header" };
                Ok(Some(crate::block::decode(&bytes).ok_or(what)?))
            }
        }
    }

    /// The hash of block `number`.
    ///
    /// # Errors
    /// If the database fails.
    pub fn hash_of(&self, number: u64) -> Result<Option<B256>, ChainError> {
        if let Some(block) = self.recent(|block| block.number() == number) {
            return Ok(Some(block.hash()));
        }
        Ok(self.head().reader.hash_of(number)?)
    }

    /// Where a transaction is: its block, and its index there.
    ///
    /// # Errors
    /// If the database fails.
    pub fn transaction(&self, hash: B256) -> Result<Option<(Arc<BlockData>, usize)>, ChainError> {
        let Some((number, index)) = self.head().reader.transaction(&hash)? else { return Ok(None) };
        let index = index as usize;
        // The chain may have been taken back between the two look-ups.
        Ok(self
            .block(number)?
            .filter(|block| block.tx_hashes.get(index) == Some(&hash))
            .map(|block| (block, index)))
    }

    /// The oldest block whose state can be read.
    ///
    /// # Errors
    /// If the database fails.
    pub fn history_floor(&self) -> Result<u64, ChainError> {
        Ok(self.head().reader.history_floor())
    }

    /// Follows the canonical chain.
    pub fn subscribe(&self) -> broadcast::Receiver<ChainEvent> {
        self.inner.events.subscribe()
    }

    /// Follows the hashes of transactions that become executable in the pool.
    pub fn subscribe_pending(&self) -> broadcast::Receiver<B256> {
        self.inner.arrivals.subscribe()
    }

    /// The newest safe block: L2 blocks derivable from L1; on L1 a block that will stay.
    pub fn safe(&self) -> u64 {
        self.inner.safe.load(Ordering::Relaxed)
    }

    /// The newest final block: on L2 its claim is final on L1.
    pub fn finalized(&self) -> u64 {
        self.inner.finalized.load(Ordering::Relaxed)
    }

    /// Records what is safe and final; both may fall when L1 reorganises.
    pub fn set_safety(&self, safe: u64, finalized: u64) {
        self.inner.safe.store(safe, Ordering::Relaxed);
        self.inner.finalized.store(finalized.min(safe), Ordering::Relaxed);
    }

    /// Takes the writer: whoever builds, imports or unwinds.
    pub(crate) fn writer(&self) -> Writer<'_> {
        Writer { chain: self, state: self.inner.writer.lock() }
    }
}

/// `keccak256` of an address, as the state trie keys it.
pub(crate) fn hashed(address: alloy_primitives::Address) -> B256 {
    keccak256(address)
}
