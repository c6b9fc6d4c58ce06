//! What a sequencer makes comes back.

use duplex_derivation::BlockInput;
use duplex_primitives::{BatchContent, BlockContent, Header, L1Message, L2Extra, blob};
use proptest::{collection::vec, prelude::*};

use crate::model::{CHAIN, LIMIT, LONGEST, Taken, block, extra, l1_time, message, parent, sealed};

/// One turn of the sequencer: L1 grew by so many blocks with messages of so much gas; the wall clock
/// moved; users sent so many transactions; then a batch is sealed, or not.
type Turn = (u64, Vec<u64>, u64, Vec<u64>, bool);

fn turn() -> impl Strategy<Value = Turn> {
    let gas = prop_oneof![21_000..=200_000u64, 1_000_000..=LONGEST, Just(LONGEST), Just(LIMIT / 2)];
    (0..4u64, vec(gas, 0..6), 0..30u64, vec(any::<u64>(), 0..4), prop::bool::weighted(0.3))
}

/// Blocks as the sequencer makes them: messages whole and in order, while the anchor has them and
/// the block has room.
fn sequence(before: &Header, clock: u64, newest: u64, queue: &[L1Message], nonces: &[u64]) -> BlockInput {
    let was = extra(before);
    let anchor = newest.max(was.anchor_number);
    let mut gas = 0;
    let messages: Vec<_> = queue[was.message_count as usize..]
        .iter()
        .take_while(|message| {
            gas += message.gas_limit;
            message.l1_block <= anchor && gas <= LIMIT
        })
        .cloned()
        .collect();
    let timestamp = clock.max(before.timestamp).max(l1_time(anchor));
    let users = nonces.iter().map(|nonce| crate::model::transaction(nonce % 1000)).collect();
    block(before, timestamp, anchor, &messages, users)
}

/// Blocks as the batcher writes them.
fn content(mut before: Header, blocks: &[BlockInput]) -> BatchContent {
    let mut content = BatchContent::default();
    for input in blocks {
        let (was, is) = (extra(&before), input.attributes.l2);
        content.blocks.push(BlockContent {
            timestamp_delta: input.attributes.timestamp - before.timestamp,
            anchor_delta: is.anchor_number - was.anchor_number,
            messages: is.message_count - was.message_count,
            transactions: input.transactions.clone(),
        });
        before = sealed(&before, input);
    }
    content
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn what_a_sequencer_makes_comes_back(turns in vec(turn(), 1..40), in_blobs in any::<bool>()) {
        let genesis = parent(0, l1_time(5), L2Extra { anchor_number: 5, message_count: 0 });
        let (mut start, mut head) = (genesis.clone(), genesis);
        let (mut newest, mut clock, mut queue) = (5, l1_time(5), Vec::new());
        let mut blocks: Vec<BlockInput> = Vec::new();
        let last = turns.len() - 1;
        for (i, (grown, gas, passed, nonces, seal)) in turns.into_iter().enumerate() {
            for gas in gas {
                // In the L1 block that is not built on yet, as often as not.
                let at = newest + 1 + gas % (grown + 1);
                let at = queue.last().map_or(at, |message: &L1Message| message.l1_block.max(at));
                queue.push(message(queue.len() as u64, gas, at));
            }
            newest += grown;
            clock += passed;
            blocks.push(sequence(&head, clock, newest, &queue, &nonces));
            head = sealed(&head, &blocks[blocks.len() - 1]);
            if !seal && i != last {
                continue;
            }
            let (from, to) = (extra(&start), extra(&head));
            let messages = &queue[from.message_count as usize..to.message_count as usize];
            let taken = Taken::new(&start, blocks.len() as u64, head.timestamp, to.anchor_number, messages);
            let mut data = content(start.clone(), &blocks).encode(CHAIN).unwrap();
            if in_blobs {
                data = blob::decode(&blob::encode(&data).unwrap()).unwrap();
            }
            let derived = taken.derive(&data);
            prop_assert_eq!(&derived.undecodable, &None);
            prop_assert_eq!(&derived.blocks, &blocks);
            taken.assert_invariants(&derived);
            start = head.clone();
            blocks.clear();
        }
    }
}
