//! Signed traces and batches of them: the bytes of `POST /v1/traces`.

use std::mem::size_of;

use hexmile_ingest::{admission::Refusal, fold::fold, store::PendingTrace};
use hexmile_rewards::merkle;
use hexmile_trace::{
    AccountId, EnvelopeError, Fix, KeyId, MAX_BATCH, MAX_FIXES, MAX_PAYLOAD, MAX_SEQUENCE,
    MAX_SPAN_MS, MEDIA_TYPE, RawFix, Receipt, ReceiptBody, SignedTrace, Trace, TraceId,
    sign::{Domain, Signer},
};
use hexmile_validation::Rules;
use serde_json::Value;

use crate::{
    assert_code, memory,
    server::{assert_problem_body, device_key, served},
};

/// What decoding holds beside its input, whatever that is: every fix that a trace may have, the
/// models of its columns, and an error's text.
const DECODING: usize = 64 * 1024;

/// Any bytes as a signed trace, and as the payload of one that some device signed.
pub fn trace(data: &[u8]) {
    match SignedTrace::from_bytes(data) {
        Ok(signed) => {
            assert_eq!(signed.to_bytes(), data, "an envelope has one form");
            payload(signed.payload());
        }
        Err(error) => envelope_error(&error, data),
    }
    payload(data);
}

fn envelope_error(error: &EnvelopeError, data: &[u8]) {
    match error {
        EnvelopeError::Truncated { missing, .. } => assert!(*missing > 0),
        EnvelopeError::TooLarge { len, .. } => assert!(*len > MAX_PAYLOAD),
        EnvelopeError::Empty => assert!(data.is_empty()),
        _ => {}
    }
    // What was cut off on the way may come whole another time; no time makes other bytes of the rest.
    let cut = matches!(error, EnvelopeError::Truncated { .. });
    refusal(&error.clone().into(), cut);
}

/// A refusal is one line for people, a code for programs and a status for HTTP.
fn refusal(refusal: &Refusal, temporary: bool) {
    assert_code(refusal.code());
    assert!([400, 413, 422].contains(&refusal.status()), "{refusal}");
    assert_eq!(refusal.is_temporary(), temporary, "{refusal}");
    let text = refusal.to_string();
    assert!(!text.is_empty() && text.len() < 512, "{text:?}");
    assert!(!text.contains(char::is_control), "{text:?}");
}

fn payload(bytes: &[u8]) {
    let decode = || SignedTrace::decode_payload(bytes);
    match memory::within(DECODING + 2 * bytes.len(), bytes, decode) {
        Ok(trace) => {
            bounds(&trace);
            encoding(&trace, bytes);
            folding(&trace, bytes);
        }
        Err(error) => refusal(&error.into(), false),
    }
}

fn bounds(trace: &Trace) {
    let fixes = trace.fixes();
    assert!((1..=MAX_FIXES).contains(&fixes.len()) && !trace.own_fixes().is_empty());
    assert!(trace.last_ms() - trace.first_ms() <= MAX_SPAN_MS);
    assert!(trace.header().sequence <= MAX_SEQUENCE);
    for fix in fixes {
        assert!((trace.first_ms()..=trace.last_ms()).contains(&fix.time_ms()));
        assert_eq!(Fix::from_parts(&fix.parts()), Ok(*fix));
        assert_eq!(Fix::quantise(&RawFix::from(fix)), Ok(*fix), "quantising is done once");
    }
}

/// Whatever was decoded can be sealed again, to the same bytes: a trace has one payload.
fn encoding(trace: &Trace, bytes: &[u8]) {
    let key = device_key();
    let sealed = SignedTrace::seal(trace, &key).expect("a software key signs");
    assert!(sealed.payload().len() <= MAX_PAYLOAD, "{} bytes", sealed.payload().len());
    assert_eq!(sealed.payload(), bytes, "a payload is what its trace is written as");
    let again = sealed.decode().expect("what was sealed can be decoded");
    assert_eq!(again, *trace);
    let twice = SignedTrace::seal(&again, &key).expect("a software key signs");
    assert_eq!(twice, sealed, "the encoder gives one trace one payload");
}

/// Signed by a device that was added, these bytes are folded: nothing in them may stop the server.
fn folding(trace: &Trace, payload: &[u8]) {
    let header = trace.header();
    let body = ReceiptBody {
        network: header.network,
        trace: TraceId::of_payload(payload),
        device: header.device,
        sequence: header.sequence,
        received_at_ms: trace.last_ms(),
        salt: [0; 16],
        key: KeyId([0; 8]),
    };
    let receipt = Receipt { body, signature: [0; 64] };
    let pending = PendingTrace { account: AccountId([0; 16]), receipt, payload: payload.to_vec() };
    let (folded, counts) = fold(&pending, None, &Rules::default(), trace.last_ms());
    let (held, _) = fold(&pending, Some(trace.clone()), &Rules::default(), trace.last_ms());
    assert_eq!(folded, held, "what was decoded before is what the bytes say");
    assert_eq!(folded.trace, body.trace);
    assert_eq!(folded.leaf, merkle::leaf_hash(&body.commitment()));
    assert_eq!(counts.fixes, trace.own_fixes().len() as u64);
    let evidence: Value = serde_json::from_str(&folded.verdict.evidence).expect("evidence is JSON");
    assert_eq!(evidence["fixes"], trace.fixes().len());
    if let Some(code) = &folded.verdict.rejected {
        assert_code(code);
        assert!(folded.observations.is_empty(), "a rejected trace is traffic");
        assert!(folded.contributions.is_empty(), "a rejected trace is paid for");
        return;
    }
    let observations =
        hexmile_tiles::unpack(&folded.observations).expect("packed observations can be unpacked");
    assert_eq!(hexmile_tiles::pack(&observations), folded.observations);
    let contributions = hexmile_rewards::unpack(folded.trace, &folded.contributions)
        .expect("packed contributions can be unpacked");
    assert_eq!(hexmile_rewards::pack(&contributions).ok().as_ref(), Some(&folded.contributions));
}

/// Any bytes as the body of an upload: cut into traces here, and sent to a server as they are; then,
/// where they can be cut, signed by a device that the server knows.
pub fn batch(data: &[u8]) {
    // Each of the batch is a copy of its part, and the list of them grows by doubling.
    let list = 2 * MAX_BATCH * size_of::<SignedTrace>() + 4096;
    let batch = memory::within(list + 2 * data.len(), data, || SignedTrace::read_batch(data));
    let answer = served().post("/v1/traces", MEDIA_TYPE, data);
    served().assert_documented("post", "/v1/traces", &answer);
    let batch = match batch {
        Ok(batch) => batch,
        Err(error) => {
            assert_ne!(answer.status, 200, "{}", answer.text());
            return envelope_error(&error, data);
        }
    };
    assert!((1..=MAX_BATCH).contains(&batch.len()));
    let bytes: Vec<u8> = batch.iter().flat_map(SignedTrace::to_bytes).collect();
    assert_eq!(bytes, data, "a batch is its traces one after another");
    for signed in &batch {
        assert_eq!(SignedTrace::from_bytes(&signed.to_bytes()).as_ref(), Ok(signed));
    }
    let body: Vec<u8> = batch.iter().flat_map(|signed| resigned(signed.payload())).collect();
    let (first, again) = (upload(&body, batch.len()), upload(&body, batch.len()));
    for (first, again) in first.iter().zip(&again) {
        assert_eq!(first["trace_id"], again["trace_id"]);
        assert_eq!(first["receipt"], again["receipt"], "what was taken once is not taken twice");
        assert!(again["status"] != "accepted", "{again}");
    }
}

/// A payload in an envelope that the server's device signed.
fn resigned(payload: &[u8]) -> Vec<u8> {
    let signature = device_key().sign(Domain::Trace, payload).expect("a software key signs");
    [&(payload.len() as u32).to_le_bytes(), payload, &signature].concat()
}

/// Uploads, and returns what became of each trace.
fn upload(body: &[u8], traces: usize) -> Vec<Value> {
    let answer = served().post("/v1/traces", MEDIA_TYPE, body);
    served().assert_documented("post", "/v1/traces", &answer);
    let mut document: Value = serde_json::from_slice(&answer.body).expect("an answer is JSON");
    let Value::Array(results) = document["results"].take() else {
        // One trace alone is refused by the answer itself.
        assert!(traces == 1 && answer.status >= 400, "{document}");
        return Vec::new();
    };
    assert_eq!(results.len(), traces, "every trace has a result");
    for result in &results {
        match result["status"].as_str() {
            Some("accepted" | "duplicate") => assert!(result["receipt"].is_object(), "{result}"),
            Some("refused") => assert_problem_body(&result["problem"]),
            other => panic!("{other:?} is no status"),
        }
    }
    results
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::seeds::seeds;

    /// Were seeds refused, nothing behind the signature would ever be reached.
    #[test]
    fn a_simulated_batch_is_taken() {
        let seeds = seeds().expect("the simulator drives");
        let batches = seeds.iter().filter(|seed| seed.target == "batch");
        let batches = batches.filter_map(|seed| SignedTrace::read_batch(&seed.bytes).ok());
        let largest = batches.max_by_key(Vec::len).expect("a batch is a seed");
        let body: Vec<u8> = largest.iter().flat_map(|s| resigned(s.payload())).collect();
        let results = upload(&body, largest.len());
        let taken = results.iter().filter(|r| r["status"] != "refused").count();
        assert!(taken >= 2, "{results:?}");
    }
}
