//! Receipts that are checked, kept, or no receipts at all.

use super::*;
use base64::{Engine, engine::general_purpose::STANDARD};
use hexmile_trace::{DeviceId, KeyId, Receipt, ReceiptBody};

fn server() -> SoftwareSigner {
    SoftwareSigner::from_seed(&[9; 32])
}

fn receipt(sequence: u64, trace: TraceId, key: &SoftwareSigner) -> Receipt {
    let body = ReceiptBody {
        network: NetworkId::of_name("test"),
        trace,
        device: DeviceId::of_key(&signer().public_key()),
        sequence,
        received_at_ms: START_MS,
        salt: [3; 16],
        key: KeyId::of_key(&key.public_key()),
    };
    Receipt::sign(body, key).unwrap()
}

fn answer(upload: &Upload, make: impl Fn(u64, TraceId) -> Receipt) -> String {
    let result = |(sequence, trace): &(u64, TraceId)| {
        let r = make(*sequence, *trace);
        let b = r.body;
        // A key's name has the length and the form of a network's.
        let key = NetworkId(b.key.0);
        format!(
            r#"{{"trace_id":"{trace}","status":"accepted","receipt":{{"network":"{}","trace_id":"{}",
            "device_id":"{}","sequence":{},"received_at_ms":{},"salt":"{}","key_id":"{key}",
            "signature":"{}"}}}}"#,
            b.network,
            b.trace,
            b.device,
            b.sequence,
            b.received_at_ms,
            STANDARD.encode(b.salt),
            STANDARD.encode(r.signature),
        )
    };
    let results: Vec<String> = upload.traces.iter().map(result).collect();
    format!(r#"{{"results":[{}]}}"#, results.join(","))
}

#[test]
fn a_trace_is_done_when_its_receipt_verifies_and_the_receipt_is_kept() {
    let dir = tempfile::tempdir().unwrap();
    drop(after_a_drive(dir.path(), 700));
    let pinned = RecorderConfig { server_keys: vec![server().public_key()], ..config(dir.path()) };
    let mut recorder = Recorder::new(pinned, signer());
    let mut effects = Vec::new();
    recorder.grant_consent(&mut effects).unwrap();
    let mut now = 700;
    let forged = SoftwareSigner::from_seed(&[8; 32]);
    let lies: [&dyn Fn(u64, TraceId) -> Receipt; 3] = [
        &|sequence, trace| receipt(sequence, trace, &forged),
        &|sequence, trace| receipt(sequence + 1, trace, &server()),
        &|sequence, _| receipt(sequence, TraceId([0; 32]), &server()),
    ];
    for (n, lie) in lies.iter().enumerate() {
        let upload = next_upload(&mut recorder, at(now)).unwrap();
        let body = answer(&upload, lie);
        recorder.uploaded(&upload, 200, body.as_bytes(), None, at(now), &mut effects).unwrap();
        let status = recorder.status();
        assert_eq!((status.traces_waiting, status.receipts_invalid), (3, 3 * (n as u64 + 1)));
        now += 3600;
    }
    let upload = next_upload(&mut recorder, at(now)).unwrap();
    let body = answer(&upload, |sequence, trace| receipt(sequence, trace, &server()));
    recorder.uploaded(&upload, 200, body.as_bytes(), None, at(now), &mut effects).unwrap();
    assert_eq!(recorder.status().traces_waiting, 0);
    let want: Vec<Receipt> =
        upload.traces.iter().map(|(n, trace)| receipt(*n, *trace, &server())).collect();
    assert_eq!(recorder.receipts().unwrap(), want);
    drop(recorder);
    let mut recorder = Recorder::new(config(dir.path()), signer());
    recorder.grant_consent(&mut effects).unwrap();
    assert_eq!(recorder.receipts().unwrap(), want);
}
