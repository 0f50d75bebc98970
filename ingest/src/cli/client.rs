//! Talking to a running server.

use std::{fmt, str::FromStr};

use anyhow::{Context, bail};
use serde::{Deserialize, de::DeserializeOwned};
use ureq::http::Uri;

/// A server's address, such as `http://127.0.0.1:8080`.
#[derive(Clone, Debug)]
pub(super) struct Address(String);

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let whole = text.parse::<Uri>().is_ok_and(|uri| {
            matches!(uri.scheme_str(), Some("http" | "https"))
                && uri.host().is_some_and(|host| !host.is_empty())
                && uri.query().is_none()
        });
        if whole {
            return Ok(Self(text.trim_end_matches('/').to_owned()));
        }
        Err("expected an address like http://127.0.0.1:8080, with its scheme".to_owned())
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A server by its address.
pub(super) struct Client {
    base: Address,
    agent: ureq::Agent,
}

#[derive(Deserialize)]
struct Problem {
    code: String,
    detail: String,
}

impl Client {
    pub(super) fn new(server: Address) -> Self {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(std::time::Duration::from_mins(2)));
        Self { base: server, agent: config.build().into() }
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

#[cfg(test)]
mod tests {
    use super::Address;

    #[test]
    fn an_address_has_a_scheme_and_a_host() {
        for (text, address) in [
            ("http://127.0.0.1:8080", Some("http://127.0.0.1:8080")),
            ("https://traffic.example.org/map/", Some("https://traffic.example.org/map")),
            ("http://[::1]:80", Some("http://[::1]:80")),
            ("foo", None),
            ("localhost:8080", None),
            ("127.0.0.1:8080", None),
            ("ftp://traffic.example.org", None),
            ("http://", None),
            ("http://a b", None),
            ("http://a/?b=c", None),
            ("", None),
        ] {
            let parsed = text.parse::<Address>().ok();
            assert_eq!(parsed.map(|a| a.to_string()).as_deref(), address, "{text}");
        }
    }
}
