//! A client that takes every answer as data.

use std::{
    io::{Read, Write},
    net::TcpStream,
};

use serde_json::Value;
use ureq::{Agent, http::HeaderMap};

/// An answer in full.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    /// A header, or the empty text.
    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// The body as text.
    pub(crate) fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// The body of a success, as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.status, 200, "{}", self.text());
        assert_eq!(self.header("Content-Type"), "application/json");
        serde_json::from_slice(&self.body).unwrap()
    }

    /// Asserts that this is the problem of a status and code, in the form of all problems.
    #[track_caller]
    pub(crate) fn problem(&self, status: u16, code: &str) -> Value {
        let text = String::from_utf8_lossy(&self.body);
        assert_eq!(self.header("Content-Type"), "application/problem+json", "{text}");
        assert_eq!(self.header("Cache-Control"), "no-store");
        let problem: Value = serde_json::from_slice(&self.body).unwrap();
        assert_eq!((self.status, problem["code"].as_str()), (status, Some(code)), "{text}");
        check_problem(&problem);
        problem
    }
}

/// Asserts the form of a problem, wherever it stands.
#[track_caller]
pub(crate) fn check_problem(problem: &Value) {
    let code = problem["code"].as_str().unwrap();
    assert!(code.bytes().all(|c| c.is_ascii_lowercase() || c == b'_'), "{problem}");
    assert_eq!(problem["type"], format!("urn:hexmile:problem:{code}"));
    assert!((400..600).contains(&problem["status"].as_u64().unwrap()), "{problem}");
    for member in ["title", "detail"] {
        assert!(problem[member].as_str().is_some_and(|text| !text.is_empty()), "{problem}");
    }
    assert!(problem["temporary"].is_boolean(), "{problem}");
}

/// Asks one server; a connection a request.
#[derive(Clone)]
pub(crate) struct Client {
    base: String,
    agent: Agent,
}

fn read(
    answer: Result<ureq::http::Response<ureq::Body>, ureq::Error>,
) -> Result<Answer, ureq::Error> {
    let (parts, mut body) = answer?.into_parts();
    let body = body.with_config().limit(64 << 20).read_to_vec()?;
    Ok(Answer { status: parts.status.as_u16(), headers: parts.headers, body })
}

impl Client {
    pub(crate) fn new(base: &str) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .max_idle_connections(0)
            .timeout_global(Some(std::time::Duration::from_mins(1)));
        Self { base: base.to_owned(), agent: config.build().into() }
    }

    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.get_with(path, &[])
    }

    pub(crate) fn get_with(&self, path: &str, headers: &[(&str, &str)]) -> Answer {
        let request = self.agent.get(format!("{}{path}", self.base));
        read(headers.iter().fold(request, |r, (name, value)| r.header(*name, *value)).call())
            .unwrap()
    }

    pub(crate) fn head(&self, path: &str) -> Answer {
        read(self.agent.head(format!("{}{path}", self.base)).call()).unwrap()
    }

    pub(crate) fn post(&self, path: &str, content_type: &str, body: &[u8]) -> Answer {
        self.try_post(path, content_type, body).unwrap()
    }

    pub(crate) fn post_with(&self, path: &str, headers: &[(&str, &str)], body: &[u8]) -> Answer {
        let request = self.agent.post(format!("{}{path}", self.base));
        let request = headers.iter().fold(request, |r, (name, value)| r.header(*name, *value));
        read(request.send(body)).unwrap()
    }

    pub(crate) fn post_json(&self, path: &str, body: &Value) -> Answer {
        self.post(path, "application/json", body.to_string().as_bytes())
    }

    /// Closes the running epoch, as an operator.
    pub(crate) fn close_epoch(&self, token: &str) -> Answer {
        self.try_close_epoch(token).unwrap()
    }

    pub(crate) fn try_close_epoch(&self, token: &str) -> Result<Answer, ureq::Error> {
        let request = self.agent.post(format!("{}/v1/epochs", self.base));
        let request = request.header("Authorization", format!("Bearer {token}"));
        read(request.send_empty())
    }

    /// A request whose connection may break.
    pub(crate) fn try_post(
        &self,
        path: &str,
        content_type: &str,
        body: &[u8],
    ) -> Result<Answer, ureq::Error> {
        let request = self.agent.post(format!("{}{path}", self.base));
        read(request.header("Content-Type", content_type).send(body))
    }

    /// Any method, without a body.
    pub(crate) fn send(&self, method: &str, path: &str) -> Answer {
        self.send_with(method, path, &[])
    }

    pub(crate) fn send_with(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
        self.try_send_with(method, path, headers).unwrap()
    }

    pub(crate) fn try_send_with(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
    ) -> Result<Answer, ureq::Error> {
        let request = ureq::http::Request::builder().method(method);
        let request = headers.iter().fold(request, |r, (name, value)| r.header(*name, *value));
        let request = request.uri(format!("{}{path}", self.base)).body(()).unwrap();
        read(self.agent.run(request))
    }

    /// Sends bytes as they are, and reads what comes before the server closes.
    pub(crate) fn raw(&self, request: &[u8]) -> String {
        let mut stream = TcpStream::connect(self.base.strip_prefix("http://").unwrap()).unwrap();
        stream.write_all(request).unwrap();
        let mut answer = Vec::new();
        // A server that closes on unread bytes resets the connection, after its answer.
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    }
}
