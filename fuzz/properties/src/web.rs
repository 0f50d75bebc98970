//! JSON bodies and addresses, as anybody may send them.

use std::fmt::Write as _;

use serde_json::{Map, Value};

use crate::{
    client::Answer,
    server::{assert_problem, served},
};

/// Any bytes as a request to open an account or to add a device. The first byte says which; bodies
/// whose fields have the right names are made of the other bytes too, since few bytes are JSON.
pub fn registration(data: &[u8]) {
    let Some((form, data)) = data.split_first() else { return };
    let (path, names): (_, &[&str]) = if form & 1 == 0 {
        ("/v1/accounts", &["alg", "public_key", "signature"])
    } else {
        let names = &[
            "account_id",
            "alg",
            "public_key",
            "challenge",
            "account_signature",
            "device_signature",
        ];
        ("/v1/devices", names)
    };
    let body = if form & 2 == 0 { data.to_vec() } else { object(names, data) };
    let answer = served().post(path, "application/json", &body);
    served().assert_documented("post", path, &answer);
    // A request that was signed is the same when it comes again.
    if answer.status == 200 {
        let again = served().post(path, "application/json", &body);
        assert_eq!(again.status, 200, "{}", again.text());
    }
}

/// An object of these names, whose values are the lines of `data`.
fn object(names: &[&str], data: &[u8]) -> Vec<u8> {
    let text = String::from_utf8_lossy(data);
    let fields = names.iter().zip(text.split('\n'));
    let fields = fields.map(|(name, value)| ((*name).to_owned(), Value::from(value)));
    Value::Object(fields.collect::<Map<_, _>>()).to_string().into_bytes()
}

/// Where parameters stand.
const ROUTES: [&str; 8] = [
    "/",
    "/v1/tiles/traffic/",
    "/v1/cells/",
    "/v1/epochs/",
    "/v1/epochs?",
    "/v1/epochs/0/scores?",
    "/v1/traces/",
    "/v1/accounts/",
];

/// Visible characters that no address may hold as they are (RFC 3986, appendix A).
const NOT_IN_ADDRESSES: [char; 11] = ['"', '<', '>', '\\', '^', '`', '{', '|', '}', '[', ']'];

/// Any bytes as path and query. The first byte says which route they go on.
pub fn query(data: &[u8]) {
    let Some((route, data)) = data.split_first() else { return };
    let route = ROUTES[usize::from(*route) % ROUTES.len()];
    let target = format!("{route}{}", printable(data));
    let answer = served().get(&target);
    let path = target.split(['?', '#']).next().unwrap_or_default();
    assert!(answer.status < 500, "GET {target}: {}", answer.text());
    if answer.status == 400 && answer.body.is_empty() {
        // The HTTP library says so itself, before there is a route.
        return assert!(target.contains(NOT_IN_ADDRESSES), "GET {target}: refused without a word");
    }
    match served().pattern(path) {
        // A route of another method alone has no answers to GET that are written down.
        Some(_) if answer.status == 405 => assert_problem(&answer),
        Some(pattern) => {
            served().assert_documented("get", pattern, &answer);
            assert_numbers(pattern, &answer);
        }
        // The page and the description stand beside the API.
        None if answer.status == 200 => assert!(!answer.body.is_empty(), "{target}"),
        None => assert_problem(&answer),
    }
}

/// Asserts that a page of numbers lies within its limits.
fn assert_numbers(pattern: &str, answer: &Answer) {
    if answer.status != 200 || !pattern.starts_with("/v1/epochs") {
        return;
    }
    let page: Value = serde_json::from_slice(&answer.body).expect("a page is JSON");
    let rows = page["epochs"].as_array().or_else(|| page["scores"].as_array());
    assert!(rows.is_none_or(|rows| rows.len() <= 1000));
}

/// These bytes as a request line may hold them: any other than visible ASCII is escaped.
fn printable(data: &[u8]) -> String {
    let mut out = String::new();
    for byte in data.iter().take(2048) {
        match byte {
            b'!'..=b'~' => out.push(char::from(*byte)),
            // Writing to text does not fail.
            _ => drop(write!(out, "%{byte:02X}")),
        }
    }
    out
}
