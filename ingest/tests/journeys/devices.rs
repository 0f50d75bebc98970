//! Devices come and go: a second phone by invitation, a lost one signed out.

use hexmile_trace::{
    DeviceId,
    sign::{Signer, SoftwareSigner},
};
use serde_json::{Value, json};

use crate::support::{
    driver::{
        Driver, Road, account_request, base64, device_request, invited_request, signed_request,
        upload,
    },
    http::{Answer, Client},
    now_ms,
    process::Folder,
};

fn challenge(client: &Client, driver: &Driver) -> String {
    let opened = client.post_json("/v1/accounts", &account_request(&driver.account)).json();
    opened["challenge"].as_str().unwrap().to_owned()
}

fn id(key: &SoftwareSigner) -> DeviceId {
    DeviceId::of_key(&key.public_key())
}

fn ask(client: &Client, method: &str, path: &str, authorization: &str) -> Answer {
    client.send_with(method, path, &[("Authorization", authorization)])
}

fn by_account(client: &Client, driver: &Driver, method: &str, path: &str) -> Answer {
    let id = driver.account_id().0;
    let authorization = signed_request(&driver.account, id, now_ms(), method, path);
    ask(client, method, path, &authorization)
}

fn by_device(client: &Client, device: &SoftwareSigner, method: &str, path: &str) -> Answer {
    ask(client, method, path, &signed_request(device, id(device).0, now_ms(), method, path))
}

/// Ids of an account's devices, with whether each was signed out.
fn devices(overview: &Value) -> Vec<(String, bool)> {
    let devices = overview["devices"].as_array().unwrap();
    let of = |d: &Value| (d["device_id"].as_str().unwrap().to_owned(), d["revoked_at_ms"].is_u64());
    devices.iter().map(of).collect()
}

#[test]
fn a_second_phone_joins_by_invitation_and_the_lost_one_is_signed_out() {
    let folder = Folder::new();
    let server = folder.start();
    let client = server.client();
    let driver = Driver::enrolled(1, client);
    let second = SoftwareSigner::from_seed(&[77; 32]);
    let third = SoftwareSigner::from_seed(&[78; 32]);

    let challenge = challenge(client, &driver);
    let invited = invited_request(&driver.account, &second, &challenge);
    let joined = client.post_json("/v1/devices", &invited).json();
    assert_eq!(joined["device_id"], id(&second).to_string());
    assert_eq!(joined["account_id"], driver.account_id().to_string());
    assert_eq!(client.post_json("/v1/devices", &invited).json(), joined, "a repeat is harmless");
    client
        .post_json("/v1/devices", &invited_request(&driver.account, &third, &challenge))
        .problem(409, "invitation_used");

    let sent = driver.drive(1, Road::number(0), 60, now_ms());
    upload(client, std::slice::from_ref(&sent)).json();
    let first = upload(client, std::slice::from_ref(&sent)).json();

    let path = format!("/v1/devices/{}", driver.device_id());
    by_device(client, &second, "DELETE", &path).problem(403, "account_key_needed");
    let known = by_account(client, &driver, "GET", "/v1/me").json();
    let mut want = [(driver.device_id().to_string(), false), (id(&second).to_string(), false)];
    want.sort();
    assert_eq!(devices(&known), want);
    assert_eq!(by_device(client, &second, "GET", "/v1/me").json(), known);

    let revoked = by_account(client, &driver, "DELETE", &path).json();
    assert!(revoked["revoked_at_ms"].is_u64());
    assert_eq!(by_account(client, &driver, "DELETE", &path).json(), revoked);
    let known = by_account(client, &driver, "GET", "/v1/me").json();
    assert!(devices(&known).contains(&(driver.device_id().to_string(), true)));

    // What it sent before has its receipt; nothing more is taken from it, and it asks for nothing.
    assert_eq!(upload(client, std::slice::from_ref(&sent)).json(), first);
    let late = driver.drive(2, Road::number(0), 60, now_ms());
    upload(client, std::slice::from_ref(&late)).problem(403, "device_revoked");
    by_device(client, &driver.device, "GET", "/v1/me").problem(403, "device_revoked");
    by_device(client, &driver.device, "DELETE", "/v1/me").problem(403, "device_revoked");
    let again = device_request(&driver.account, &driver.device, &challenge);
    client.post_json("/v1/devices", &again).problem(409, "device_revoked");

    // The second phone drives on, and may sign itself out.
    let path = format!("/v1/devices/{}", id(&second));
    assert!(by_device(client, &second, "DELETE", &path).json()["revoked_at_ms"].is_u64());
    by_device(client, &second, "DELETE", &path).problem(403, "device_revoked");
}

#[test]
fn what_is_no_permission_lets_nobody_in() {
    let folder = Folder::new();
    let server = folder.start();
    let client = server.client();
    let (driver, other) = (Driver::enrolled(1, client), Driver::enrolled(2, client));
    let device = SoftwareSigner::from_seed(&[77; 32]);
    let challenge = challenge(client, &driver);
    let good = invited_request(&driver.account, &device, &challenge);
    let direct = device_request(&driver.account, &device, &challenge);
    let with = |field: &str, value: Value| {
        let mut changed = good.clone();
        changed[field] = value;
        changed
    };
    let mut neither = good.clone();
    neither.as_object_mut().unwrap().remove("invitation_signature");
    let attestation = |format: &str, object: String| json!({ "format": format, "object": object });
    let by_other = invited_request(&other.account, &device, &challenge);
    for (request, status, code) in [
        (neither, 400, "field_invalid"),
        (with("account_signature", direct["account_signature"].clone()), 400, "field_invalid"),
        (
            with("invitation_signature", direct["account_signature"].clone()),
            403,
            "signature_invalid",
        ),
        (
            with("invitation_signature", by_other["invitation_signature"].clone()),
            403,
            "signature_invalid",
        ),
        (with("attestation", attestation("Apple", base64(&[1]))), 400, "field_invalid"),
        (with("attestation", attestation("", base64(&[1]))), 400, "field_invalid"),
        (with("attestation", attestation("x", String::new())), 400, "field_invalid"),
        (with("attestation", attestation("x", base64(&[1; 8193]))), 400, "field_invalid"),
        (with("attestation", json!({ "format": "x" })), 400, "json_invalid"),
    ] {
        client.post_json("/v1/devices", &request).problem(status, code);
    }
    let path = format!("/v1/devices/{}", driver.device_id());
    by_account(client, &other, "DELETE", &path).problem(404, "not_found");
    by_account(client, &driver, "DELETE", "/v1/devices/xyz").problem(400, "parameter_invalid");
    client.send_with("DELETE", &path, &[]).problem(401, "authorization_missing");

    let attested = with("attestation", attestation("android-key", base64(&[1; 8192])));
    client.post_json("/v1/devices", &attested).json();
    let export = by_account(client, &driver, "GET", "/v1/me/export").json();
    let devices = export["devices"].as_array().unwrap();
    let [mine] =
        &devices.iter().filter(|d| d["id"] == id(&device).to_string()).collect::<Vec<_>>()[..]
    else {
        panic!("{export}")
    };
    assert_eq!(mine["attestation"], attested["attestation"]);
}

#[test]
fn an_account_has_so_many_devices_and_no_more() {
    let folder = Folder::new();
    let server = folder.start();
    let client = server.client();
    let driver = Driver::enrolled(1, client);
    let challenge = challenge(client, &driver);
    let key = |n: u8| SoftwareSigner::from_seed(&[100 + n; 32]);
    let add =
        |n| client.post_json("/v1/devices", &device_request(&driver.account, &key(n), &challenge));
    for n in 1..64 {
        add(n).json();
    }
    add(64).problem(409, "devices_full");
    add(63).json();
    by_account(client, &driver, "DELETE", &format!("/v1/devices/{}", id(&key(5)))).json();
    add(64).json();
}
