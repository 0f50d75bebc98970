//! What the server counts, in the Prometheus text format.

use std::{borrow::Cow, sync::Arc, time::Duration};

use prometheus_client::{
    encoding::{EncodeLabelSet, text::encode},
    metrics::{
        counter::Counter,
        family::Family,
        gauge::Gauge,
        histogram::{Histogram, exponential_buckets},
    },
    registry::{Registry, Unit},
};

/// A route and its answer.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct RouteLabels {
    /// The route's pattern, never the path asked for.
    pub route: Cow<'static, str>,
    /// HTTP status.
    pub status: u16,
}

/// A named outcome.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct CodeLabels {
    /// Its stable code.
    pub code: String,
}

/// A named transaction.
#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub struct TransactionLabels {
    /// Its name.
    pub name: &'static str,
    /// `ok` or `failed`.
    pub outcome: &'static str,
}

/// Histograms by labels.
type Histograms<Labels> = Family<Labels, Histogram, fn() -> Histogram>;

fn seconds() -> Histogram {
    Histogram::new(exponential_buckets(0.000_1, 2.5, 14))
}

/// Times of the store's named transactions.
#[derive(Clone, Debug, Default)]
pub struct Transactions(Option<Histograms<TransactionLabels>>);

impl Transactions {
    /// Notes one transaction.
    pub fn observe(&self, name: &'static str, took: Duration, ok: bool) {
        if let Some(family) = &self.0 {
            let outcome = if ok { "ok" } else { "failed" };
            family.get_or_create(&TransactionLabels { name, outcome }).observe(took.as_secs_f64());
        }
    }
}

/// Everything counted.
#[derive(Debug)]
pub struct Metrics {
    registry: Registry,
    requests: Histograms<RouteLabels>,
    /// Uploaded traces by outcome: `accepted`, `duplicate`, or the code of a refusal.
    pub traces: Family<CodeLabels, Counter>,
    /// Folded traces: `accepted`, or the first reason of a rejection.
    pub folds: Family<CodeLabels, Counter>,
    /// Fixes dropped by the rules, by reason.
    pub fixes_dropped: Family<CodeLabels, Counter>,
    /// Fixes folded.
    pub fixes: Counter,
    /// Traces a commit.
    pub commit_batch: Histogram,
    /// Seconds from receipt to fold.
    pub fold_lag: Histogram,
    /// Traces that wait to be folded.
    pub pending: Gauge,
    /// Position up to which this node's traffic has followed the log.
    pub position: Gauge,
    /// Cell directions in the published snapshot.
    pub lines: Gauge,
    /// Tiles rendered.
    pub tiles_rendered: Counter,
    /// Tiles served from the cache.
    pub tiles_cached: Counter,
    /// Compactions into typical traffic by this node.
    pub compactions: Counter,
    /// Cell directions of which something typical is known.
    pub typical_lines: Gauge,
    /// Observations that live traffic left out since it held as many roads as it may.
    pub crowded_out: Gauge,
    /// Sums that typical traffic left out likewise.
    pub typical_crowded_out: Gauge,
    /// Closed epochs.
    pub epochs: Gauge,
    /// Store transactions.
    pub transactions: Transactions,
}

impl Metrics {
    /// All zero.
    pub fn new() -> Arc<Self> {
        let mut registry = Registry::with_prefix("hexmile");
        let requests: Histograms<RouteLabels> = Family::new_with_constructor(seconds);
        let transactions: Histograms<TransactionLabels> = Family::new_with_constructor(seconds);
        let metrics = Self {
            requests: requests.clone(),
            traces: Family::default(),
            folds: Family::default(),
            fixes_dropped: Family::default(),
            fixes: Counter::default(),
            commit_batch: Histogram::new(exponential_buckets(1.0, 2.0, 10)),
            fold_lag: Histogram::new(exponential_buckets(0.01, 2.5, 12)),
            pending: Gauge::default(),
            position: Gauge::default(),
            lines: Gauge::default(),
            compactions: Counter::default(),
            typical_lines: Gauge::default(),
            crowded_out: Gauge::default(),
            typical_crowded_out: Gauge::default(),
            tiles_rendered: Counter::default(),
            tiles_cached: Counter::default(),
            epochs: Gauge::default(),
            transactions: Transactions(Some(transactions.clone())),
            registry: Registry::default(),
        };
        let r = &mut registry;
        let s = Unit::Seconds;
        r.register_with_unit("http_request", "Requests by route and status", s.clone(), requests);
        r.register_with_unit("transaction", "Store transactions by name", s.clone(), transactions);
        r.register_with_unit("fold_lag", "From receipt to fold", s, metrics.fold_lag.clone());
        r.register("traces", "Uploaded traces by outcome", metrics.traces.clone());
        r.register("folds", "Folded traces by verdict", metrics.folds.clone());
        r.register("fixes_dropped", "Fixes dropped, by reason", metrics.fixes_dropped.clone());
        r.register("fixes", "Fixes folded", metrics.fixes.clone());
        r.register("commit_batch", "Traces a commit", metrics.commit_batch.clone());
        r.register("pending", "Traces that wait to be folded", metrics.pending.clone());
        r.register("position", "Log position that traffic has followed", metrics.position.clone());
        r.register("lines", "Cell directions published", metrics.lines.clone());
        r.register("tiles_rendered", "Tiles rendered", metrics.tiles_rendered.clone());
        r.register("tiles_cached", "Tiles served from the cache", metrics.tiles_cached.clone());
        let (compactions, lines) = (metrics.compactions.clone(), metrics.typical_lines.clone());
        r.register("compactions", "Compactions into typical traffic here", compactions);
        r.register("typical_lines", "Cell directions with something typical", lines);
        let (live, typical) = (metrics.crowded_out.clone(), metrics.typical_crowded_out.clone());
        r.register("crowded_out", "Observations left out: live traffic is full", live);
        r.register("typical_crowded_out", "Sums left out: typical traffic is full", typical);
        r.register("epochs", "Closed epochs", metrics.epochs.clone());
        Arc::new(Self { registry, ..metrics })
    }

    /// Seconds that requests took, by route and status. It is looked up under a lock: who asks often keeps it.
    pub fn requests(&self, route: Cow<'static, str>, status: u16) -> Histogram {
        self.requests.get_or_create(&RouteLabels { route, status }).clone()
    }

    /// Adds one under a code.
    pub fn count(family: &Family<CodeLabels, Counter>, code: &str) {
        Self::count_by(family, code, 1);
    }

    /// Adds several under a code.
    pub fn count_by(family: &Family<CodeLabels, Counter>, code: &str, by: u64) {
        family.get_or_create(&CodeLabels { code: code.to_owned() }).inc_by(by);
    }

    /// The text that `/metrics` answers with.
    pub fn render(&self) -> String {
        let mut out = String::new();
        // Writing to a string does not fail.
        let _ = encode(&mut out, &self.registry);
        out
    }
}
