//! A server as far as a phone can tell: it knows a repeat by its id, has one content a number, and
//! signs receipts.

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::STANDARD};
use hexmile_trace::{
    DeviceId, KeyId, NetworkId, Receipt, ReceiptBody, SignedTrace, TraceId,
    sign::{PublicKey, Signer, SoftwareSigner},
};

/// The server of one device.
pub(crate) struct Server {
    key: SoftwareSigner,
    network: NetworkId,
    device: PublicKey,
    /// The first receipt of each trace, as JSON.
    receipts: BTreeMap<TraceId, String>,
    /// Which trace has a number.
    numbers: BTreeMap<u64, TraceId>,
    /// How often each fix came, by its latitude.
    pub(crate) fixes: BTreeMap<i32, u32>,
}

pub(crate) fn problem(code: &str, temporary: bool) -> String {
    format!(r#"{{"type":"urn:hexmile:problem:{code}","code":"{code}","temporary":{temporary}}}"#)
}

impl Server {
    pub(crate) fn new(network: NetworkId, device: PublicKey) -> Self {
        Self {
            key: Self::key(),
            network,
            device,
            receipts: BTreeMap::new(),
            numbers: BTreeMap::new(),
            fixes: BTreeMap::new(),
        }
    }

    fn key() -> SoftwareSigner {
        SoftwareSigner::from_seed(&[9; 32])
    }

    pub(crate) fn public_key() -> PublicKey {
        Self::key().public_key()
    }

    pub(crate) fn traces(&self) -> usize {
        self.receipts.len()
    }

    pub(crate) fn has(&self, trace: TraceId) -> bool {
        self.receipts.contains_key(&trace)
    }

    /// Takes an upload, but for the traces that it is too busy for, by their place.
    pub(crate) fn take(
        &mut self,
        body: &[u8],
        now_ms: u64,
        mut busy: impl FnMut() -> bool,
    ) -> String {
        let traces = SignedTrace::read_batch(body).unwrap();
        let results = traces.iter().map(|trace| {
            let id = trace.id();
            if busy() {
                return Self::refused(id, "busy", true);
            }
            self.take_one(trace, now_ms)
        });
        let results: Vec<String> = results.collect();
        format!(r#"{{"results":[{}]}}"#, results.join(","))
    }

    fn refused(id: TraceId, code: &str, temporary: bool) -> String {
        let problem = problem(code, temporary);
        format!(r#"{{"trace_id":"{id}","status":"refused","problem":{problem}}}"#)
    }

    fn take_one(&mut self, signed: &SignedTrace, now_ms: u64) -> String {
        let id = signed.id();
        signed.verify(&self.device).unwrap();
        let status = if self.receipts.contains_key(&id) { "duplicate" } else { "accepted" };
        if status == "accepted" {
            let trace = signed.decode().unwrap();
            let sequence = trace.header().sequence;
            if *self.numbers.entry(sequence).or_insert(id) != id {
                return Self::refused(id, "sequence_taken", false);
            }
            for fix in trace.own_fixes() {
                *self.fixes.entry(fix.parts().lat_e6).or_default() += 1;
            }
            self.receipts.insert(id, self.receipt(id, sequence, now_ms));
        }
        let receipt = &self.receipts[&id];
        format!(r#"{{"trace_id":"{id}","status":"{status}","receipt":{receipt}}}"#)
    }

    fn receipt(&self, trace: TraceId, sequence: u64, received_at_ms: u64) -> String {
        let (device, key) = (DeviceId::of_key(&self.device), KeyId::of_key(&self.key.public_key()));
        let salt = [3; 16];
        let network = self.network;
        let body = ReceiptBody { network, trace, device, sequence, received_at_ms, salt, key };
        let signature = Receipt::sign(body, &self.key).unwrap().signature;
        // A key's name has the length and the form of a network's.
        let key = NetworkId(key.0);
        format!(
            r#"{{"network":"{network}","trace_id":"{trace}","device_id":"{device}","sequence":{sequence},
            "received_at_ms":{received_at_ms},"salt":"{}","key_id":"{key}","signature":"{}"}}"#,
            STANDARD.encode(salt),
            STANDARD.encode(signature),
        )
    }
}
