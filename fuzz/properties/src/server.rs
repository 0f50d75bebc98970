//! A server inside this process, under a clock that stands.

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use base64::{Engine as _, engine::general_purpose::STANDARD as BASE64};
use hexmile_ingest::{
    config::Settings,
    environment::{Environment, System},
    http::openapi,
    serve,
};
use hexmile_trace::{
    AccountId, NetworkId,
    enrol::{account_message, device_message},
    sign::{Domain, Signer, SoftwareSigner},
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Runtime;

use crate::{
    assert_code,
    client::{Answer, Connection},
};

/// A day in March 2026, at noon; the same input is always answered the same.
const NOW_MS: u64 = 1_772_712_000_000;

struct Standing;

impl Environment for Standing {
    fn now_ms(&self) -> u64 {
        NOW_MS
    }

    fn fill_random(&self, out: &mut [u8]) {
        System.fill_random(out);
    }
}

/// The server that every property of HTTP asks.
pub(crate) struct Served {
    connection: Mutex<Connection>,
    api: Value,
    // Held, so that both live as long as the process.
    _runtime: Runtime,
    _folder: TempDir,
}

/// The key of the account that the server knows, and of its device.
pub(crate) fn device_key() -> SoftwareSigner {
    SoftwareSigner::from_seed(&[7; 32])
}

/// The server, started at first use.
pub(crate) fn served() -> &'static Served {
    static SERVED: OnceLock<Served> = OnceLock::new();
    SERVED.get_or_init(Served::start)
}

impl Served {
    fn start() -> Self {
        let folder = tempfile::tempdir().expect("there is room for a store");
        let settings = Settings {
            store: Some(format!("sqlite:{}", folder.path().join("hexmile.sqlite").display())),
            listen: Some("127.0.0.1:0".to_owned()),
            workers: Some(1),
            epoch_seconds: Some(0),
            ..Settings::default()
        };
        let config = settings.check().expect("the settings are right");
        let runtime = Runtime::new().expect("threads can be started");
        let running = runtime
            .block_on(serve::start(config, Arc::new(Standing)))
            .expect("a server starts on a new store");
        let connection = Mutex::new(Connection::new(running.address()));
        runtime.spawn(running.run_until(std::future::pending()));
        let api = openapi().to_json().expect("the description can be written");
        let api = serde_json::from_str(&api).expect("the description is JSON");
        let served = Self { connection, api, _runtime: runtime, _folder: folder };
        served.enrol(&device_key());
        served
    }

    /// Opens an account with this key, and adds a device that has the same.
    fn enrol(&self, key: &SoftwareSigner) {
        let public = key.public_key();
        let (network, account) = (NetworkId::of_name("hexmile"), AccountId::of_key(&public));
        let sign = |domain, message: &[u8]| {
            BASE64.encode(key.sign(domain, message).expect("a software key signs"))
        };
        let encoded = BASE64.encode(public.as_bytes());
        let opened = self.post_json(
            "/v1/accounts",
            &json!({
                "alg": "ed25519",
                "public_key": encoded,
                "signature": sign(Domain::Account, &account_message(network, &public)),
            }),
        );
        let challenge = opened["challenge"].as_str().expect("an account comes with a challenge");
        let bytes = BASE64.decode(challenge).expect("a challenge is Base64");
        let bytes = bytes.try_into().expect("a challenge has its length");
        let signature = sign(Domain::Device, &device_message(network, account, &bytes, &public));
        self.post_json(
            "/v1/devices",
            &json!({
                "account_id": account.to_string(),
                "alg": "ed25519",
                "public_key": encoded,
                "challenge": challenge,
                "account_signature": signature,
                "device_signature": signature,
            }),
        );
    }

    fn post_json(&self, path: &str, body: &Value) -> Value {
        let answer = self.post(path, "application/json", body.to_string().as_bytes());
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        serde_json::from_slice(&answer.body).expect("an answer is JSON")
    }

    fn ask(&self, head: &[u8], body: &[u8]) -> Answer {
        // An input that failed says nothing of the next one.
        let mut connection = self.connection.lock().unwrap_or_else(PoisonError::into_inner);
        connection.ask(head, body)
    }

    /// Asks for a target as it stands: path and query in bytes that a request line may hold.
    pub(crate) fn get(&self, target: &str) -> Answer {
        self.ask(format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n").as_bytes(), &[])
    }

    /// Posts a body.
    pub(crate) fn post(&self, path: &str, media_type: &str, body: &[u8]) -> Answer {
        let length = body.len();
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: {media_type}\r\n\
             Content-Length: {length}\r\n\r\n"
        );
        self.ask(head.as_bytes(), body)
    }

    /// The path of the description that a path goes by.
    pub(crate) fn pattern(&self, path: &str) -> Option<&str> {
        let patterns = self.api["paths"].as_object().expect("a description has paths").keys();
        let fits = |pattern: &str| {
            let (mut want, mut have) = (pattern.split('/'), path.split('/'));
            loop {
                match (want.next(), have.next()) {
                    (None, None) => return true,
                    (Some(want), Some(have)) if want == have => {}
                    (Some(want), Some(have)) if want.starts_with('{') && !have.is_empty() => {}
                    _ => return false,
                }
            }
        };
        patterns.map(String::as_str).find(|pattern| fits(pattern))
    }

    /// Asserts that an answer is one that the description knows, and well-formed.
    pub(crate) fn assert_documented(&self, method: &str, pattern: &str, answer: &Answer) {
        let status = answer.status.to_string();
        let documented = &self.api["paths"][pattern][method]["responses"][&status];
        assert!(documented.is_object(), "{method} {pattern}: {status} is not documented");
        assert!(answer.status < 500, "{method} {pattern}: {}", answer.text());
        let media_type = answer.header("content-type").split(';').next().unwrap_or_default();
        let known = documented["content"].as_object();
        let known = known.is_none_or(|content| content.contains_key(media_type));
        assert!(known, "{method} {pattern}: {status} as {media_type:?}");
        if answer.status >= 400 {
            assert_problem(answer);
        }
    }
}

/// Asserts that an answer is problem details (RFC 9457) with a stable code.
pub(crate) fn assert_problem(answer: &Answer) {
    assert_eq!(answer.header("content-type"), "application/problem+json", "{}", answer.text());
    let problem: Value = serde_json::from_slice(&answer.body).expect("a problem is JSON");
    assert_problem_body(&problem);
    assert_eq!(problem["status"], answer.status);
}

/// Asserts the form of a problem, wherever it stands.
pub(crate) fn assert_problem_body(problem: &Value) {
    let code = problem["code"].as_str().expect("a problem has a code");
    assert_code(code);
    assert_eq!(problem["type"], format!("urn:hexmile:problem:{code}"));
    assert!(problem["temporary"].is_boolean(), "{problem}");
    assert!(problem["detail"].as_str().is_some_and(|text| !text.is_empty()), "{problem}");
}
