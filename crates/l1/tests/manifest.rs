//! A rollup found on L1, and what others publish about it.

use std::{
    collections::{BTreeMap, HashMap},
    io::{BufRead, BufReader, Read, Write},
    net::{TcpListener, TcpStream},
    sync::Arc,
};

use alloy_primitives::{Address, B256, Bytes, U64, U256, address, keccak256};
use alloy_sol_types::{SolCall, SolEvent, SolValue};
use duplex_contracts::{
    artifact,
    bindings::{
        IAttestationVerifier, ICourier, IDisputes, IEndpoint, IExodus, IInbox, IManifest, IMessageQueue,
        IMessenger, IOutputVerifier, IRelayerRegistry, ISettlement, ITokenPort, IValidityVerifier, IVault,
    },
    l2_token_address,
};
use duplex_l1::{
    Crossing, Deployment, DevAccount, FaultProgram, L1Contracts, LaneContracts, ManifestError, Parameters,
    ProofParameters, RelayerContracts, RelayerTerms, Rpc, SettlementMode, TokenInfo, ValidityContracts,
    manifest::{decode, discover, encode},
};
use duplex_primitives::{ChainConfig, Genesis, GenesisAccount, predeploys};
use serde_json::{Value, json};

const DEPLOYER: Address = address!("a0Ee7A142d267C1f36714E4a8F75612F20a79720");
const STRANGER: Address = address!("15d34AAf54267DB7D7c367839AAf71A00a2C6A65");
/// One where things are worth something.
const L1_CHAIN: u64 = 1;

/// A rollup whose first contract had this nonce.
fn rollup(first: u64) -> Deployment {
    let at = |step: u64| DEPLOYER.create(first + step);
    let contracts = L1Contracts {
        message_queue: at(0),
        inbox: at(1),
        settlement: at(2),
        riscv_step: at(3),
        preimage_oracle: at(4),
        disputes: at(5),
        courier: at(6),
        vault: at(7),
        manifest: at(8),
    };
    let token = address!("6B175474E89094C44Da98b954EedeAC495271d0F");
    Deployment {
        version: Deployment::VERSION,
        l1_chain_id: L1_CHAIN,
        l2_chain_id: 901 + first,
        l1_rpc: "http://user:secret@l1".into(),
        l2_rpc: "http://l2".into(),
        contracts,
        lane: Some(LaneContracts {
            crossing: Crossing::Multisig,
            endpoint: at(20),
            messenger: at(21),
            verifier: at(22),
            port: at(25),
            relayers: Some(RelayerContracts {
                registry: at(23),
                prover: at(24),
                terms: RelayerTerms::new(U256::from(7), &Parameters::production()),
            }),
        }),
        validity: Some(ValidityContracts {
            verifier: at(30),
            proof_verifier: at(31),
            program_commitment: B256::repeat_byte(0x32),
            machine_commitment: B256::repeat_byte(0x33),
            parameters: ProofParameters::Production,
        }),
        start_block: 7,
        sequencer: DEPLOYER,
        parameters: Parameters::production(),
        program: FaultProgram { code_root: B256::repeat_byte(8), start_state: B256::repeat_byte(9) },
        tokens: vec![TokenInfo {
            symbol: "DAI".into(),
            name: "Dai Stablecoin".into(),
            decimals: 18,
            l1: token,
            l2: l2_token_address(token),
        }],
        accounts: vec![DevAccount { address: DEPLOYER, private_key: B256::repeat_byte(0x5e) }],
        genesis_hash: B256::repeat_byte(1),
        genesis_output: B256::repeat_byte(2),
        genesis: Genesis {
            config: ChainConfig::l2_dev(901 + first),
            timestamp: 1_800_000_000,
            anchor_number: 7,
            anchor_hash: B256::repeat_byte(3),
            alloc: BTreeMap::from([(
                DEPLOYER,
                GenesisAccount { code: vec![0x5b; 20_000].into(), ..Default::default() },
            )]),
            header: None,
        },
    }
}

/// What is published of it.
fn public(deployment: &Deployment) -> Deployment {
    Deployment { l1_rpc: String::new(), l2_rpc: String::new(), accounts: Vec::new(), ..deployment.clone() }
}

/// An L1 with some contracts that answer, and some logs.
#[derive(Clone, Default)]
struct L1 {
    answers: HashMap<(Address, [u8; 4]), Bytes>,
    logs: Vec<Value>,
    creations: HashMap<B256, (Address, u64)>,
    codes: HashMap<Address, Bytes>,
    newest: u64,
    /// Blocks that it gives logs of in one answer.
    range: u64,
}

impl L1 {
    fn new() -> Self {
        Self { newest: 100_000, range: u64::MAX, ..Self::default() }
    }

    fn says<C: SolCall>(&mut self, contract: Address, _: &C, answer: impl SolValue) {
        self.answers.insert((contract, C::SELECTOR), answer.abi_encode().into());
    }

    /// Puts the contracts of a rollup there.
    fn deploy(&mut self, d: &Deployment) {
        let (c, p) = (d.contracts, d.parameters);
        let queue = c.message_queue;
        self.says(queue, &IMessageQueue::vaultCall {}, c.vault);
        self.says(queue, &IMessageQueue::maxMessageGasCall {}, p.max_message_gas);
        self.says(queue, &IMessageQueue::maxMessageDataCall {}, p.max_message_data);
        self.says(queue, &IMessageQueue::gasBurnDivisorCall {}, U256::from(p.gas_burn_divisor));
        self.says(c.inbox, &IInbox::messageQueueCall {}, queue);
        self.says(c.inbox, &IInbox::sequencerCall {}, d.sequencer);
        self.says(c.inbox, &IInbox::batchHashCall { index: 0 }, d.genesis_batch().hash());
        self.says(c.inbox, &IInbox::sequencerTimeoutCall {}, p.sequencer_timeout);
        self.says(c.inbox, &IInbox::forcedInclusionDelayCall {}, p.forced_inclusion_delay);
        self.says(c.inbox, &IInbox::maxDriftCall {}, p.max_drift);
        self.says(c.inbox, &IInbox::maxBatchBlocksCall {}, p.max_batch_blocks);
        self.says(c.inbox, &IInbox::messageGasPerBlockCall {}, p.message_gas_per_block);
        self.says(c.inbox, &IInbox::maxBatchDataCall {}, p.max_batch_data);
        self.says(c.settlement, &ISettlement::inboxCall {}, c.inbox);
        self.says(c.settlement, &ISettlement::finalOutputRootCall { id: 0 }, d.genesis_output);
        self.says(c.settlement, &ISettlement::bondCall {}, p.bond);
        self.says(c.settlement, &ISettlement::challengeWindowCall {}, p.challenge_window);
        self.says(c.settlement, &ISettlement::maxClaimBlocksCall {}, p.max_claim_blocks);
        self.says(c.settlement, &ISettlement::disputesCall {}, c.disputes);
        let validity = d.validity.map_or(Address::ZERO, |validity| validity.verifier);
        self.says(c.settlement, &ISettlement::validityCall {}, validity);
        if let Some(validity) = d.validity {
            let verifier = validity.verifier;
            self.says(verifier, &IValidityVerifier::inboxCall {}, c.inbox);
            self.says(verifier, &IValidityVerifier::proofVerifierCall {}, validity.proof_verifier);
            self.says(verifier, &IValidityVerifier::configHashCall {}, d.program_config().hash());
            self.says(verifier, &IValidityVerifier::programCommitmentCall {}, validity.program_commitment);
            self.says(verifier, &IValidityVerifier::machineCommitmentCall {}, validity.machine_commitment);
        }
        if !c.disputes.is_zero() {
            self.says(c.disputes, &IDisputes::settlementCall {}, c.settlement);
            self.says(c.disputes, &IDisputes::oracleCall {}, c.preimage_oracle);
            self.says(c.disputes, &IDisputes::stepperCall {}, c.riscv_step);
            self.says(c.disputes, &IDisputes::codeRootCall {}, d.program.code_root);
            self.says(c.disputes, &IDisputes::startStateCall {}, d.program.start_state);
            self.says(c.disputes, &IDisputes::configHashCall {}, d.program_config().hash());
            self.says(c.disputes, &IDisputes::bondCall {}, p.dispute_bond);
            self.says(c.disputes, &IDisputes::defencePeriodCall {}, p.defence_period);
            self.says(c.disputes, &IDisputes::clockCall {}, p.dispute_clock);
        }
        self.says(c.vault, &IVault::messageQueueCall {}, queue);
        self.says(c.vault, &IVault::settlementCall {}, c.settlement);
        self.says(c.vault, &IVault::courierCall {}, c.courier);
        self.says(c.vault, &IExodus::exodusDelayCall {}, p.exodus_delay);
        self.says(c.courier, &ICourier::vaultCall {}, c.vault);
        self.says(c.vault, &IVault::endpointCall {}, d.lane.map_or(Address::ZERO, |lane| lane.endpoint));
        self.says(c.vault, &IVault::tokenPortCall {}, d.lane.map_or(Address::ZERO, |lane| lane.port));
        if let Some(lane) = d.lane {
            self.says(lane.endpoint, &IEndpoint::vaultCall {}, c.vault);
            self.says(lane.endpoint, &IEndpoint::peerCall {}, predeploys::ENDPOINT);
            self.says(lane.endpoint, &IEndpoint::peerChainIdCall {}, d.l2_chain_id);
            self.says(lane.endpoint, &IEndpoint::messengerCall {}, lane.messenger);
            self.says(lane.endpoint, &IEndpoint::verifierCall {}, lane.verifier);
            self.says(lane.messenger, &IMessenger::endpointCall {}, lane.endpoint);
            self.says(lane.port, &ITokenPort::endpointCall {}, lane.endpoint);
            self.says(lane.port, &ITokenPort::peerCall {}, predeploys::TOKEN_PORT);
            let prover = lane.relayers.map_or(lane.verifier, |relayers| relayers.prover);
            self.says(prover, &IOutputVerifier::vaultCall {}, c.vault);
            if let Some(RelayerContracts { registry, terms, .. }) = lane.relayers {
                self.says(lane.verifier, &IAttestationVerifier::endpointCall {}, lane.endpoint);
                self.says(lane.verifier, &IAttestationVerifier::vaultCall {}, c.vault);
                self.says(lane.verifier, &IAttestationVerifier::proverCall {}, prover);
                self.says(lane.verifier, &IAttestationVerifier::tellerCall {}, registry);
                self.says(lane.verifier, &IAttestationVerifier::windowCall {}, terms.l1_window);
                self.says(registry, &IRelayerRegistry::endpointCall {}, lane.endpoint);
                self.says(registry, &IRelayerRegistry::verifierCall {}, lane.verifier);
                self.says(registry, &IRelayerRegistry::vaultCall {}, c.vault);
                self.says(registry, &IRelayerRegistry::stakeCall {}, 7);
                self.says(registry, &IRelayerRegistry::unbondingCall {}, terms.unbonding);
                self.says(registry, &IRelayerRegistry::overlapCall {}, terms.overlap);
                self.says(registry, &IRelayerRegistry::answerPeriodCall {}, terms.answer_period);
            }
        }
    }

    /// Publishes data in a manifest that `creator` made with this nonce.
    fn publish(&mut self, creator: Address, nonce: u64, vault: Address, data: &[u8], block: u64) {
        let manifest = creator.create(nonce);
        self.says(manifest, &IManifest::vaultCall {}, vault);
        self.says(manifest, &IManifest::dataHashCall {}, keccak256(data));
        let hash = keccak256(format!("{creator} {nonce}"));
        self.creations.insert(hash, (creator, nonce));
        self.logs.push(json!({
            "address": manifest,
            "topics": [IManifest::Published::SIGNATURE_HASH, vault.into_word()],
            "data": Bytes::from(Bytes::copy_from_slice(data).abi_encode()),
            "blockNumber": U64::from(block),
            "transactionHash": hash,
            "transactionIndex": "0x0",
            "blockHash": B256::repeat_byte(9),
            "logIndex": "0x0",
            "removed": false,
        }));
    }

    /// Deploys a rollup and publishes it.
    fn rollup(&mut self, d: &Deployment, first: u64) {
        self.deploy(d);
        self.publish(DEPLOYER, first + 8, d.contracts.vault, &encode(d).unwrap(), 50_000 + first);
    }

    fn answer(&self, method: &str, params: &Value) -> Result<Value, String> {
        let number = |value: &Value| serde_json::from_value::<U64>(value.clone()).unwrap().to::<u64>();
        match method {
            "eth_chainId" => Ok(json!(U64::from(L1_CHAIN))),
            "eth_blockNumber" => Ok(json!(U64::from(self.newest))),
            "eth_getLogs" => {
                let (from, to) = (number(&params[0]["fromBlock"]), number(&params[0]["toBlock"]));
                if to - from >= self.range {
                    return Err(format!("at most {} blocks", self.range));
                }
                let wanted = &params[0]["topics"];
                let there = |log: &&Value| {
                    (from..=to).contains(&number(&log["blockNumber"]))
                        && wanted[0] == log["topics"][0]
                        && (wanted[1].is_null() || wanted[1] == log["topics"][1])
                };
                Ok(self.logs.iter().filter(there).cloned().collect())
            }
            "eth_getTransactionByHash" => {
                let hash: B256 = serde_json::from_value(params[0].clone()).unwrap();
                Ok(self.creations.get(&hash).map_or(
                    Value::Null,
                    |(from, nonce)| json!({ "from": from, "nonce": U64::from(*nonce), "to": null, "input": "0x" }),
                ))
            }
            "eth_getCode" => {
                let of: Address = serde_json::from_value(params[0].clone()).unwrap();
                Ok(json!(self.codes.get(&of).cloned().unwrap_or_default()))
            }
            "eth_call" => {
                let to: Address = serde_json::from_value(params[0]["to"].clone()).unwrap();
                let data: Bytes = serde_json::from_value(params[0]["data"].clone()).unwrap();
                let selector = data[..4].try_into().unwrap();
                // An account without code answers with nothing.
                Ok(json!(self.answers.get(&(to, selector)).cloned().unwrap_or_default()))
            }
            other => Err(format!("no method {other}")),
        }
    }

    /// Serves it until the test ends.
    fn serve(self) -> Rpc {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let l1 = Arc::new(self);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let l1 = l1.clone();
                std::thread::spawn(move || while l1.serve_one(&stream).is_some() {});
            }
        });
        Rpc::new(&url).unwrap()
    }

    fn serve_one(&self, mut stream: &TcpStream) -> Option<()> {
        let mut reader = BufReader::new(stream);
        let mut length = 0;
        loop {
            let mut line = String::new();
            reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
            let line = line.trim().to_lowercase();
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse().ok()?;
            }
            if line.is_empty() {
                break;
            }
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).ok()?;
        let request: Value = serde_json::from_slice(&body).ok()?;
        let mut reply = json!({ "jsonrpc": "2.0", "id": request["id"] });
        match self.answer(request["method"].as_str()?, &request["params"]) {
            Ok(result) => reply["result"] = result,
            Err(message) => reply["error"] = json!({ "code": -32005, "message": message }),
        }
        let body = reply.to_string();
        let head = "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n";
        // In one piece: the second of two small ones would wait for the other side to confirm the first.
        let reply = format!("{head}content-length: {}\r\n\r\n{body}", body.len());
        stream.write_all(reply.as_bytes()).ok()
    }
}

#[test]
fn what_is_written_is_read_without_keys_and_urls() {
    let deployment = rollup(0);
    let data = encode(&deployment).unwrap();
    assert_eq!(decode(DEPLOYER, &data).unwrap(), public(&deployment));
    // A hostile one with keys and URLs in it.
    let mut json = Vec::new();
    brotli::BrotliCompress(
        &mut &serde_json::to_vec(&deployment).unwrap()[..],
        &mut json,
        &brotli::enc::BrotliEncoderParams::default(),
    )
    .unwrap();
    assert_eq!(decode(DEPLOYER, &[&[0], &json[..]].concat()).unwrap(), public(&deployment));
}

fn packed(json: &[u8]) -> Vec<u8> {
    let mut out = vec![0];
    brotli::BrotliCompress(&mut &json[..], &mut out, &brotli::enc::BrotliEncoderParams::default()).unwrap();
    out
}

#[test]
fn garbage_has_an_error_that_says_why() {
    let data = encode(&rollup(0)).unwrap();
    let why = |data: &[u8]| match decode(STRANGER, data) {
        Err(ManifestError::Malformed { manifest: STRANGER, why }) => why,
        other => panic!("{other:?}"),
    };
    assert!(why(&[]).contains("first byte"));
    assert!(why(&[&[1], &data[1..]].concat()).contains("another version"));
    why(&data[..data.len() / 2]);
    why(&[0, 0xff, 0xff, 0xff]);
    why(&packed(b"{}"));
    why(&packed(b"[1, 2"));
    why(&packed("[".repeat(100_000).as_bytes()));
    let newer = packed(br#"{ "version": 9, "whatever": [] }"#);
    assert!(why(&newer).contains("form 9"), "{}", why(&newer));
    // A few bytes that become gigabytes.
    let bomb = packed(&vec![b' '; 64 << 20]);
    assert!(bomb.len() < 1000);
    assert!(why(&bomb).contains("longer than"), "{}", why(&bomb));
}

#[tokio::test]
async fn the_only_rollup_is_found_also_where_ranges_are_small() {
    let ours = rollup(0);
    for range in [u64::MAX, 10_000, 500] {
        let mut l1 = L1::new();
        l1.range = range;
        l1.rollup(&ours, 0);
        let rpc = l1.serve();
        assert_eq!(discover(&rpc, None).await.unwrap(), public(&ours), "{range} blocks");
        assert_eq!(discover(&rpc, Some(ours.contracts.vault)).await.unwrap(), public(&ours));
    }
    let mut l1 = L1::new();
    l1.range = 100;
    let refused = discover(&l1.serve(), None).await;
    assert!(matches!(refused, Err(ManifestError::Rpc(_))), "{refused:?}");
}

#[tokio::test]
async fn a_rollup_whose_proofs_anybody_can_forge_is_not_used() {
    let ours = rollup(0);
    let proof_verifier = ours.validity.unwrap().proof_verifier;
    let development = artifact("DevelopmentProofVerifier").deployed.clone();
    // Whatever is changed about it but the string.
    let disguised = [&[0x5b], &development[..], &[0]].concat().into();
    for code in [development, disguised] {
        let mut l1 = L1::new();
        l1.rollup(&ours, 0);
        l1.codes.insert(proof_verifier, code);
        let found = discover(&l1.serve(), None).await;
        assert!(
            matches!(found, Err(ManifestError::Forgeable { proof_verifier: at }) if at == proof_verifier),
            "{found:?}"
        );
    }
    let mut l1 = L1::new();
    l1.rollup(&ours, 0);
    l1.codes.insert(proof_verifier, artifact("Vault").deployed.clone());
    discover(&l1.serve(), None).await.unwrap();
}

#[tokio::test]
async fn none_and_several_say_what_to_do() {
    let rpc = L1::new().serve();
    let error = discover(&rpc, None).await.unwrap_err();
    assert!(error.to_string().contains("--deployment"), "{error}");
    let error = discover(&rpc, Some(STRANGER)).await.unwrap_err();
    assert!(error.to_string().contains(&STRANGER.to_string()), "{error}");

    let (one, other) = (rollup(0), rollup(100));
    let mut l1 = L1::new();
    l1.rollup(&one, 0);
    l1.rollup(&other, 100);
    let rpc = l1.serve();
    match discover(&rpc, None).await {
        Err(ManifestError::Several { vaults, .. }) => {
            assert_eq!(vaults, [one.contracts.vault, other.contracts.vault]);
        }
        found => panic!("{found:?}"),
    }
    assert_eq!(discover(&rpc, Some(other.contracts.vault)).await.unwrap(), public(&other));
    let none = discover(&rpc, Some(STRANGER)).await;
    assert!(matches!(none, Err(ManifestError::None { vault: Some(STRANGER), .. })), "{none:?}");
}

/// A stranger publishes the true rollup with another genesis configuration, which no contract knows,
/// and with itself as the manifest: all else agrees.
fn forge(l1: &mut L1, ours: &Deployment, nonce: u64, block: u64) {
    let mut forged = ours.clone();
    forged.contracts.manifest = STRANGER.create(nonce);
    forged.genesis.config.base_fee.min = 1;
    l1.publish(STRANGER, nonce, ours.contracts.vault, &encode(&forged).unwrap(), block);
}

#[tokio::test]
async fn what_strangers_publish_changes_nothing() {
    let ours = rollup(0);
    let mut l1 = L1::new();
    l1.deploy(&ours);
    let mut alone = l1.clone();
    forge(&mut alone, &ours, 3, 10);
    let foreign = discover(&alone.serve(), Some(ours.contracts.vault)).await;
    assert!(matches!(foreign, Err(ManifestError::Foreign { .. })), "{foreign:?}");

    // Before and after ours; and garbage.
    forge(&mut l1, &ours, 3, 10);
    l1.rollup(&ours, 0);
    forge(&mut l1, &ours, 4, 90_000);
    l1.publish(STRANGER, 5, ours.contracts.vault, b"garbage", 90_001);
    l1.publish(STRANGER, 6, STRANGER, &encode(&ours).unwrap(), 90_002);
    // Its own vault, which says it is ours.
    l1.publish(STRANGER, 8, STRANGER.create(7), &encode(&ours).unwrap(), 90_003);
    let rpc = l1.serve();
    assert_eq!(discover(&rpc, Some(ours.contracts.vault)).await.unwrap(), public(&ours));
    assert_eq!(discover(&rpc, None).await.unwrap(), public(&ours));
}

#[tokio::test]
async fn whatever_the_contracts_contradict_is_refused() {
    let hybrid = rollup(0);
    assert_eq!(hybrid.settlement_mode(), SettlementMode::Hybrid);
    contradicted_in(&hybrid, 64).await;
    let optimistic = Deployment { validity: None, ..hybrid.clone() };
    assert_eq!(optimistic.settlement_mode(), SettlementMode::Optimistic);
    contradicted_in(&optimistic, 59).await;
    let none = Address::ZERO;
    let contracts =
        L1Contracts { disputes: none, riscv_step: none, preimage_oracle: none, ..hybrid.contracts };
    let validity = Deployment { contracts, ..hybrid.clone() };
    assert_eq!(validity.settlement_mode(), SettlementMode::Validity);
    contradicted_in(&validity, 55).await;
    let lane = hybrid.lane.map(|lane| LaneContracts { crossing: Crossing::Spv, relayers: None, ..lane });
    contradicted_in(&Deployment { lane, ..hybrid }, 52).await;
}

/// A rollup is found, and none of what its contracts say can be something else.
async fn contradicted_in(ours: &Deployment, answers: usize) {
    let mut l1 = L1::new();
    l1.rollup(ours, 0);
    assert_eq!(discover(&l1.clone().serve(), None).await.unwrap(), public(ours));
    let all: Vec<_> = l1.answers.keys().copied().collect();
    assert_eq!(all.len(), answers);
    for key in all {
        let mut other = l1.clone();
        other.answers.insert(key, U256::from(77).abi_encode().into());
        let error = discover(&other.serve(), None).await.unwrap_err();
        assert!(matches!(error, ManifestError::Contradicted { .. }), "{key:?}: {error}");
        // No code there.
        let mut none = l1.clone();
        none.answers.remove(&key);
        let error = discover(&none.serve(), None).await.unwrap_err();
        assert!(matches!(error, ManifestError::Rpc(_)), "{key:?}: {error}");
    }
}

#[tokio::test]
async fn a_deployment_that_contradicts_itself_is_refused() {
    let changes: [fn(&mut Deployment); 9] = [
        |d| d.l1_chain_id += 1,
        |d| d.l2_chain_id += 1,
        |d| d.contracts.manifest = STRANGER,
        |d| d.contracts.vault = STRANGER,
        |d| d.tokens[0].l2 = STRANGER,
        |d| d.validity = None,
        |d| d.contracts.disputes = Address::ZERO,
        |d| d.lane = None,
        |d| d.lane = d.lane.map(|lane| LaneContracts { crossing: Crossing::Spv, ..lane }),
    ];
    for (i, change) in changes.into_iter().enumerate() {
        let ours = rollup(0);
        let mut l1 = L1::new();
        l1.deploy(&ours);
        let mut said = ours.clone();
        change(&mut said);
        l1.publish(DEPLOYER, 8, ours.contracts.vault, &encode(&said).unwrap(), 60_000);
        let error = discover(&l1.serve(), None).await.unwrap_err();
        assert!(matches!(error, ManifestError::Contradicted { .. }), "{i}: {error}");
    }
}

#[test]
fn blocks_have_room_for_what_is_forced_into_them() {
    let p = Parameters::production();
    assert!(p.fit(30_000_000));
    assert!(!Parameters { message_gas_per_block: 20_000_000, ..p }.fit(30_000_000));
    assert!(p.fit(29_000_000));
    assert!(!p.fit(28_999_999));
    assert!(!Parameters { message_gas_per_block: u64::MAX, ..p }.fit(u64::MAX - 1));
    assert!(Parameters::development().fit(30_000_000));
}
