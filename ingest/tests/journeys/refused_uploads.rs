//! Uploads that are not taken: each has its own status and code.

use hexmile_trace::{
    MAX_BATCH, MAX_PAYLOAD, MAX_SIGNED_TRACE, MEDIA_TYPE, NetworkId, SdkVersion, SignedTrace,
    TraceHeader, sign::Alg,
};

use crate::support::{
    driver::{Driver, Road, batch, upload},
    http::{Client, check_problem},
    now_ms,
    process::Folder,
};

const ROAD: Road = Road::number(0);
const DAY_MS: u64 = 24 * 3600 * 1000;

fn post(client: &Client, body: &[u8]) -> crate::support::http::Answer {
    client.post("/v1/traces", MEDIA_TYPE, body)
}

#[test]
fn what_cannot_be_cut_into_traces() {
    let folder = Folder::new();
    let server = folder.start();
    let client = server.client();
    let driver = Driver::enrolled(1, client);
    let good = driver.drive(0, ROAD, 20, now_ms()).to_bytes();
    post(client, b"").problem(400, "body_empty");
    for cut in [1, 3, 4, 100, good.len() - 64, good.len() - 1] {
        post(client, &good[..cut]).problem(400, "trace_truncated");
    }
    // One that is cut short refuses the whole: nothing tells where the next would begin.
    post(client, &[&good[..], &good[..50]].concat()).problem(400, "trace_truncated");
    let claim = [&(MAX_PAYLOAD as u32 + 1).to_le_bytes()[..], &good[4..]].concat();
    post(client, &claim).problem(413, "trace_too_large");
    post(client, &[0xff; 100]).problem(413, "trace_too_large");
    post(client, &good.repeat(MAX_BATCH + 1)).problem(413, "batch_too_large");

    for media_type in ["application/octet-stream", "application/vnd.hexmile.tracer", "text/plain"] {
        client.post("/v1/traces", media_type, &good).problem(415, "media_type_unknown");
    }
    client.send("POST", "/v1/traces").problem(415, "media_type_unknown");

    let id = SignedTrace::from_bytes(&good).unwrap().id();
    client.get(&format!("/v1/traces/{id}")).problem(404, "not_found");
    let typed = client.post("/v1/traces", &format!("{MEDIA_TYPE}; v=1"), &good).json();
    assert_eq!(typed["results"][0]["status"], "accepted");
}

#[test]
fn a_body_over_the_limit_is_refused_before_it_is_read() {
    let folder = Folder::new();
    let server = folder.start();
    let length = MAX_BATCH * MAX_SIGNED_TRACE + 1;
    let answer = server.client().raw(
        format!(
            "POST /v1/traces HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\
             Content-Type: {MEDIA_TYPE}\r\nContent-Length: {length}\r\n\r\n"
        )
        .as_bytes(),
    );
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 413 "), "{answer}");
    assert!(head.to_lowercase().contains("content-type: application/problem+json"), "{answer}");
    let problem: serde_json::Value = serde_json::from_str(body).unwrap();
    check_problem(&problem);
    assert_eq!(problem["code"], "body_too_large");
}

#[test]
fn what_is_no_trace_of_a_known_device() {
    let folder = Folder::new();
    let server = folder.start();
    let client = server.client();
    let (driver, other) = (Driver::enrolled(1, client), Driver::enrolled(2, client));
    let good = driver.drive(0, ROAD, 60, now_ms());
    let bytes = good.to_bytes();
    let fixes = good.decode().unwrap().fixes().to_vec();
    let header = driver.header(0);

    let mut only_signature = 0;
    for bit in (32..(bytes.len() - 64) * 8).step_by(13) {
        let mut flipped = bytes.clone();
        flipped[bit / 8] ^= 1 << (bit % 8);
        let answer = post(client, &flipped);
        // A flip that still decodes to a trace of this device is found by the signature alone.
        let decoded = SignedTrace::from_bytes(&flipped).unwrap().decode();
        if decoded.is_ok_and(|trace| *trace.header() == header) {
            answer.problem(403, "signature_invalid");
            only_signature += 1;
        } else {
            assert!([400, 403, 422].contains(&answer.status), "bit {bit}: {}", answer.text());
        }
    }
    assert!(only_signature > 10, "{only_signature}");
    for bit in [0, 255, 256, 511] {
        let mut flipped = bytes.clone();
        let at = bytes.len() - 64 + bit / 8;
        flipped[at] ^= 1 << (bit % 8);
        post(client, &flipped).problem(403, "signature_invalid");
    }
    post(client, &[&4u32.to_le_bytes()[..], &[0; 68]].concat()).problem(400, "trace_malformed");

    let refused = |signer: &Driver, header: TraceHeader| {
        upload(client, &[signer.seal(header, fixes.clone())])
    };
    let elsewhere = NetworkId::of_name("elsewhere");
    refused(&driver, TraceHeader { network: elsewhere, ..header }).problem(422, "wrong_network");
    let old = SdkVersion::new(0, 0, 1023);
    refused(&driver, TraceHeader { sdk_version: old, ..header }).problem(422, "sdk_too_old");
    refused(&driver, TraceHeader { alg: Alg::Es256, ..header }).problem(403, "signature_invalid");
    refused(&other, header).problem(403, "signature_invalid");
    let stranger = Driver::new(9);
    let problem = refused(&stranger, stranger.header(0)).problem(403, "unknown_device");
    assert_eq!(problem["temporary"], true, "the device may be added yet");

    client.get(&format!("/v1/traces/{}", good.id())).problem(404, "not_found");
    assert_eq!(upload(client, &[good]).json()["results"][0]["status"], "accepted");
}

#[test]
fn what_comes_at_the_wrong_time_or_under_a_taken_number() {
    let folder = Folder::new();
    let server = folder.start();
    let client = server.client();
    let driver = Driver::enrolled(1, client);
    let now_ms = now_ms();
    let drive = |sequence, end_ms| driver.drive(sequence, ROAD, 20, end_ms);

    let future = upload(client, &[drive(0, now_ms + 5 * 60_000)]);
    let problem = future.problem(422, "captured_in_future");
    assert_eq!(problem["temporary"], true, "that time will come");
    let old = upload(client, &[drive(0, now_ms - 8 * DAY_MS)]);
    let problem = old.problem(422, "captured_too_long_ago");
    assert_eq!(problem["temporary"], false);
    // Just within the window on both sides.
    let edges = [drive(1, now_ms + 100_000), drive(2, now_ms - 7 * DAY_MS + 60_000)];
    let answer = upload(client, &edges).json();
    assert!(answer["results"].as_array().unwrap().iter().all(|r| r["status"] == "accepted"));

    let taken = upload(client, &[drive(1, now_ms)]).problem(409, "sequence_taken");
    assert!(taken["detail"].as_str().unwrap().contains(&edges[0].id().to_string()), "{taken}");
    assert_eq!(taken["temporary"], false);
    // Lower numbers may come late.
    assert_eq!(upload(client, &[drive(0, now_ms)]).json()["results"][0]["status"], "accepted");
}

#[test]
fn each_trace_of_a_batch_is_judged_alone() {
    let folder = Folder::new();
    let server = folder.start();
    let client = server.client();
    let (driver, stranger) = (Driver::enrolled(1, client), Driver::new(9));
    let now_ms = now_ms();
    let good = driver.drive(0, ROAD, 20, now_ms);
    let other_content = driver.drive(0, ROAD, 21, now_ms);
    let unknown = stranger.drive(0, ROAD, 20, now_ms);
    let late = driver.drive(1, ROAD, 20, now_ms - 8 * DAY_MS);

    let mixed = [&good, &unknown, &good, &other_content, &late].map(Clone::clone);
    let answer = upload(client, &mixed).json();
    let results = answer["results"].as_array().unwrap();
    let told: Vec<(&str, &str)> = results
        .iter()
        .map(|r| (r["status"].as_str().unwrap(), r["problem"]["code"].as_str().unwrap_or("")))
        .collect();
    assert_eq!(
        told,
        [
            ("accepted", ""),
            ("refused", "unknown_device"),
            ("duplicate", ""),
            ("refused", "sequence_taken"),
            ("refused", "captured_too_long_ago"),
        ]
    );
    assert_eq!(results[0]["receipt"], results[2]["receipt"]);
    for (result, trace) in results.iter().zip(&mixed) {
        assert_eq!(result["trace_id"], trace.id().to_string());
        assert_eq!(result["status"] == "refused", result.get("receipt").is_none());
        if let Some(problem) = result.get("problem") {
            check_problem(problem);
        }
    }

    // Where none is taken, the answer is the first problem, with every result beside it.
    let answer = post(client, &batch(&[late, unknown, other_content]));
    let problem = answer.problem(422, "captured_too_long_ago");
    let results = problem["results"].as_array().unwrap();
    let codes: Vec<&str> = results.iter().map(|r| r["problem"]["code"].as_str().unwrap()).collect();
    assert_eq!(codes, ["captured_too_long_ago", "unknown_device", "sequence_taken"]);
}
