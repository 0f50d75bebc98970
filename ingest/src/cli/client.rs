//! Talking to a running server.

use anyhow::{Context, bail};
use serde::{Deserialize, de::DeserializeOwned};

/// A server by its address.
pub(super) struct Client {
    base: String,
    agent: ureq::Agent,
}

#[derive(Deserialize)]
struct Problem {
    code: String,
    detail: String,
}

impl Client {
    pub(super) fn new(server: &str) -> Self {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(std::time::Duration::from_mins(2)));
        Self { base: server.trim_end_matches('/').to_owned(), agent: config.build().into() }
    }

    pub(super) fn get<T: DeserializeOwned>(&self, path: &str) -> anyhow::Result<T> {
        let url = format!("{}{path}", self.base);
        let response = self.agent.get(&url).call().with_context(|| format!("GET {url}"))?;
        read(response).with_context(|| format!("GET {url}"))
    }

    pub(super) fn post<T: DeserializeOwned>(&self, path: &str, token: &str) -> anyhow::Result<T> {
        let url = format!("{}{path}", self.base);
        let request = self.agent.post(&url).header("Authorization", format!("Bearer {token}"));
        let response = request.send_empty().with_context(|| format!("POST {url}"))?;
        read(response).with_context(|| format!("POST {url}"))
    }
}

fn read<T: DeserializeOwned>(mut response: ureq::http::Response<ureq::Body>) -> anyhow::Result<T> {
    let status = response.status();
    let body = response.body_mut().with_config().limit(64 << 20).read_to_vec()?;
    if status.is_success() {
        return Ok(serde_json::from_slice(&body)?);
    }
    match serde_json::from_slice::<Problem>(&body) {
        Ok(problem) => bail!("{}: {}", problem.code, problem.detail),
        Err(_) => bail!("the server answered {status}"),
    }
}
