//! Accounts and devices that are not taken.

use hexmile_trace::sign::{Domain, Signer};
use serde_json::{Value, json};

use crate::support::{
    driver::{Driver, account_request, base64, device_request},
    process::Folder,
};

/// `request` with one field replaced.
fn with(request: &Value, field: &str, value: impl Into<Value>) -> Value {
    let mut changed = request.clone();
    changed[field] = value.into();
    changed
}

/// `request` without a field.
fn without(request: &Value, field: &str) -> Value {
    let mut changed = request.clone();
    changed.as_object_mut().unwrap().remove(field);
    changed
}

#[test]
fn accounts() {
    let folder = Folder::new();
    let server = folder.start();
    let client = server.client();
    let driver = Driver::new(1);
    let good = account_request(&driver.account);
    for (body, content_type) in [
        (&b"{"[..], "application/json"),
        (b"", "application/json"),
        (b"[]", "application/json"),
        (b"\xff\xfe", "application/json"),
        (with(&good, "extra", 1).to_string().as_bytes(), "application/json"),
        (without(&good, "alg").to_string().as_bytes(), "application/json"),
        (with(&good, "signature", 7).to_string().as_bytes(), "application/json"),
    ] {
        client.post("/v1/accounts", content_type, body).problem(400, "json_invalid");
    }
    let text = client.post("/v1/accounts", "text/plain", good.to_string().as_bytes());
    text.problem(415, "media_type_unknown");
    let long = with(&good, "signature", "A".repeat(20_000));
    client.post_json("/v1/accounts", &long).problem(413, "json_invalid");

    let by_another = Driver::new(2).account.sign(Domain::Account, b"something else").unwrap();
    let wrong_domain = driver.account.sign(Domain::Device, b"").unwrap();
    for (changed, status, code) in [
        (with(&good, "alg", "rsa"), 400, "alg_unknown"),
        (with(&good, "alg", "es256"), 400, "key_invalid"),
        (with(&good, "public_key", "not base64!"), 400, "key_invalid"),
        (with(&good, "public_key", base64(&[1; 31])), 400, "key_invalid"),
        // A point of small order, for which anybody can sign.
        (with(&good, "public_key", base64(&[0; 32])), 400, "key_invalid"),
        (with(&good, "signature", "AAAA"), 400, "field_invalid"),
        (with(&good, "signature", base64(&[0; 64])), 403, "signature_invalid"),
        (with(&good, "signature", base64(&by_another)), 403, "signature_invalid"),
        (with(&good, "signature", base64(&wrong_domain)), 403, "signature_invalid"),
    ] {
        client.post_json("/v1/accounts", &changed).problem(status, code);
    }
    client.get(&format!("/v1/accounts/{}", driver.account_id())).problem(404, "not_found");

    let first = client.post_json("/v1/accounts", &good).json();
    let again = client.post_json("/v1/accounts", &good).json();
    assert_eq!(first["opened_at_ms"], again["opened_at_ms"]);
    let shown = client.get(&format!("/v1/accounts/{}", driver.account_id())).json();
    assert_eq!((&shown["balance"], &shown["epochs"]), (&json!("0"), &json!([])));
}

#[test]
fn devices() {
    let folder = Folder::new();
    let server = folder.start();
    let client = server.client();
    let open = |driver: &Driver| {
        let opened = client.post_json("/v1/accounts", &account_request(&driver.account)).json();
        opened["challenge"].as_str().unwrap().to_owned()
    };
    let (driver, other) = (Driver::new(1), Driver::new(2));
    let (mine, theirs) = (open(&driver), open(&other));
    let good = device_request(&driver.account, &driver.device, &mine);
    let stranger = Driver::new(3);
    let unknown = device_request(&stranger.account, &stranger.device, &mine);
    let lent = device_request(&driver.account, &driver.device, &theirs);
    let forged = device_request(&driver.account, &driver.device, &base64(&[0xff; 40]));
    let by_other = device_request(&other.account, &driver.device, &theirs);
    for (request, status, code) in [
        (with(&good, "account_id", "abc"), 400, "parameter_invalid"),
        (with(&good, "alg", "ES256"), 400, "alg_unknown"),
        (with(&good, "public_key", ""), 400, "key_invalid"),
        (with(&good, "challenge", base64(&[1; 39])), 400, "field_invalid"),
        (with(&good, "device_signature", "?"), 400, "field_invalid"),
        (unknown, 404, "not_found"),
        (lent, 403, "challenge_invalid"),
        (forged, 403, "challenge_invalid"),
        (
            with(&good, "account_signature", good["device_signature"].clone()),
            403,
            "signature_invalid",
        ),
        (
            with(&good, "device_signature", good["account_signature"].clone()),
            403,
            "signature_invalid",
        ),
        (
            with(&good, "account_signature", by_other["account_signature"].clone()),
            403,
            "signature_invalid",
        ),
        (with(&good, "nickname", "x"), 400, "json_invalid"),
    ] {
        client.post_json("/v1/devices", &request).problem(status, code);
    }

    let first = client.post_json("/v1/devices", &good).json();
    assert_eq!(client.post_json("/v1/devices", &good).json(), first, "adding again is harmless");
    client.post_json("/v1/devices", &by_other).problem(409, "device_taken");
    // A second phone of the same account, over the same challenge.
    let second = device_request(&driver.account, &stranger.device, &mine);
    client.post_json("/v1/devices", &second).json();
}
