//! What the server asks of phones (`GET /v1/policy`), and when to ask for it.

use hexmile_trace::{FORMAT_VERSION, NetworkId, SdkVersion};

use super::Backoff;
use crate::json::Value;

/// What the server asks of phones.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ServerPolicy {
    /// Oldest SDK whose traces it takes.
    pub min_sdk: SdkVersion,
    /// Traces an upload, at most.
    pub max_batch: usize,
    /// Bytes an upload, at most; a trace alone always goes.
    pub max_upload_bytes: usize,
    /// Why it takes nothing of this app, if it does not; a stable code.
    pub obstacle: Option<&'static str>,
}

fn version(text: &str) -> Option<SdkVersion> {
    let mut parts = text.split('.').map(|part| part.parse::<u32>().ok());
    let mut part = || parts.next().flatten();
    let version = SdkVersion::new(part()?, part()?, part()?);
    // A part beyond its bounds would be another version.
    (version.to_string() == text).then_some(version)
}

impl ServerPolicy {
    /// Reads an answer, and the server's time with it, Unix milliseconds; `None` where it is not a
    /// Hexmile server's.
    pub(crate) fn read(
        status: u16,
        body: &[u8],
        network: NetworkId,
        sdk: SdkVersion,
    ) -> Option<(Self, u64)> {
        let body = Value::read(body).filter(|_| status == 200)?;
        let size = |name| usize::try_from(body.field(name)?.u64()?).ok();
        let min_sdk = version(body.field("min_sdk")?.text()?)?;
        let theirs: NetworkId = body.field("network_id")?.text()?.parse().ok()?;
        let mut knows_format = false;
        for known in body.field("trace_versions")?.array()? {
            knows_format |= u8::try_from(known.u64()?).ok()? == FORMAT_VERSION;
        }
        let obstacle = if theirs != network {
            Some("wrong_network")
        } else if sdk < min_sdk {
            Some("sdk_too_old")
        } else if !knows_format {
            Some("trace_version_unknown")
        } else {
            None
        };
        let (max_batch, max_upload_bytes) = (size("max_batch")?.max(1), size("max_upload_bytes")?);
        let server_time_ms = body.field("server_time_ms")?.u64()?;
        Some((Self { min_sdk, max_batch, max_upload_bytes, obstacle }, server_time_ms))
    }
}

/// How long a policy holds, milliseconds.
const LIFE_MS: u64 = 24 * 3600 * 1000;
/// How long one holds that stands in the way of every upload.
const OBSTACLE_LIFE_MS: u64 = 6 * 3600 * 1000;
/// Drawn on top, so that phones do not come back together.
const SPREAD_MS: u64 = 3600 * 1000;

/// When to ask for the policy: before the first upload of a run, then once a day, and when the
/// server refused what the policy knows better.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PolicyWatch {
    known: Option<ServerPolicy>,
    /// The wait for the next question.
    wait: Backoff,
    sent_ms: Option<u64>,
}

impl Default for PolicyWatch {
    fn default() -> Self {
        Self { known: None, wait: Backoff::NONE, sent_ms: None }
    }
}

impl PolicyWatch {
    /// The last that was told.
    pub(crate) const fn known(&self) -> Option<ServerPolicy> {
        self.known
    }

    /// Whether to ask now; then the question counts as asked. One without an answer for `answer_ms`
    /// has failed.
    pub(crate) fn ask(&mut self, now_ms: u64, answer_ms: u64, random: u64) -> bool {
        if let Some(sent_ms) = self.sent_ms {
            if (sent_ms..sent_ms.saturating_add(answer_ms)).contains(&now_ms) {
                return false;
            }
            self.failed(now_ms, None, random);
        }
        let due = self.wait.until_ms(now_ms).is_none();
        if due {
            self.sent_ms = Some(now_ms);
        }
        due
    }

    /// When to ask again, or to give up waiting for the answer, Unix milliseconds.
    pub(crate) fn again_ms(&self, now_ms: u64, answer_ms: u64) -> u64 {
        let answered_ms = self.sent_ms.map(|sent_ms| sent_ms.saturating_add(answer_ms));
        answered_ms.or(self.wait.until_ms(now_ms)).unwrap_or(now_ms)
    }

    /// The server told its policy. Returns how long that took, where it is known.
    pub(crate) fn told(&mut self, policy: ServerPolicy, now_ms: u64, random: u64) -> Option<u64> {
        let life_ms = if policy.obstacle.is_some() { OBSTACLE_LIFE_MS } else { LIFE_MS };
        self.known = Some(policy);
        self.wait = Backoff::of(now_ms, life_ms + random % SPREAD_MS);
        now_ms.checked_sub(self.sent_ms.take()?)
    }

    /// No answer, or none of use.
    pub(crate) fn failed(&mut self, now_ms: u64, retry_after_s: Option<u32>, random: u64) {
        self.sent_ms = None;
        self.wait.fail(now_ms, retry_after_s, random);
    }

    /// The server refused an upload for what a policy would have told: it is asked for anew.
    pub(crate) fn expire(&mut self) {
        self.wait = Backoff::NONE;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(network: &str, min_sdk: &str, versions: &str) -> String {
        let network = NetworkId::of_name(network);
        format!(
            r#"{{"network_name":"x","network_id":"{network}","server_time_ms":7,"trace_versions":{versions},
            "min_sdk":"{min_sdk}","max_batch":0,"max_upload_bytes":1000,"of_a_later_version":{{}}}}"#
        )
    }

    #[test]
    fn a_policy_says_what_stands_in_the_way() {
        let read = |status, body: &str| {
            let network = NetworkId::of_name("test");
            ServerPolicy::read(status, body.as_bytes(), network, SdkVersion::new(1, 2, 3))
        };
        let obstacle = |body: &str| read(200, body).unwrap().0.obstacle;
        let good = body("test", "1.2.3", "[1,2]");
        assert_eq!(obstacle(&good), None);
        assert_eq!(obstacle(&body("test", "1.2.4", "[1]")), Some("sdk_too_old"));
        assert_eq!(obstacle(&body("other", "1.2.4", "[1]")), Some("wrong_network"));
        assert_eq!(obstacle(&body("test", "0.9.9", "[2]")), Some("trace_version_unknown"));
        let (policy, server_ms) = read(200, &good).unwrap();
        assert_eq!((policy.max_batch, policy.max_upload_bytes, server_ms), (1, 1000, 7));
        for strange in
            ["", "{}", "<html>", &body("test", "1.2", "[1]"), &body("test", "1.2.1024", "[1]")]
        {
            assert_eq!(read(200, strange), None, "{strange}");
        }
        assert_eq!(read(503, &good), None);
    }

    #[test]
    fn a_policy_is_asked_for_once_and_once_a_day() {
        let mut watch = PolicyWatch::default();
        let policy = ServerPolicy::read(
            200,
            body("test", "0.0.0", "[1]").as_bytes(),
            NetworkId::of_name("test"),
            SdkVersion::new(0, 1, 0),
        );
        let (policy, _) = policy.unwrap();
        assert!(watch.ask(0, 100, 0));
        assert!(!watch.ask(99, 100, 0), "on its way");
        assert!(!watch.ask(100, 100, 1999), "failed, and waits");
        assert!(watch.ask(100_000, 100, 0));
        assert_eq!(watch.told(policy, 100_050, 5), Some(50));
        let day_ms = 100_050 + LIFE_MS;
        assert_eq!(watch.again_ms(day_ms, 100), day_ms + 5);
        assert!(!watch.ask(day_ms, 100, 0) && watch.ask(day_ms + 5, 100, 0));
        watch.told(ServerPolicy { obstacle: Some("sdk_too_old"), ..policy }, day_ms, 0);
        assert!(watch.ask(day_ms + OBSTACLE_LIFE_MS, 100, 0), "an obstacle may go sooner");
        watch.told(policy, day_ms, 0);
        watch.expire();
        assert!(watch.ask(day_ms + 1, 100, 0));
    }
}
