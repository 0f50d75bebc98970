//! What the driver sees: the trip under way, verdicts, earnings, and what can be taken along.

use hexmile_sdk_core as core;

/// The trip under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Record)]
pub struct TripStatus {
    /// When its first fix was captured, Unix milliseconds.
    pub started_ms: Option<u64>,
    /// Path so far, metres: all of it, with what is cut away at the ends and in zones.
    pub distance_m: u64,
    /// Fixes that wait at its end until it lies elsewhere.
    pub fixes_held: u64,
}

impl From<core::TripStatus> for TripStatus {
    fn from(trip: core::TripStatus) -> Self {
        let core::TripStatus { started_ms, distance_m, fixes_held } = trip;
        Self { started_ms, distance_m, fixes_held: fixes_held as u64 }
    }
}

/// A GET for the app's HTTP stack; it is handed back with its answer.
#[derive(Debug, uniffi::Object)]
pub struct Inquiry(pub(crate) core::Inquiry);

#[uniffi::export]
impl Inquiry {
    /// Path on the server.
    pub fn path(&self) -> String {
        self.0.path.clone()
    }
}

/// What the server's rules said of a trace.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct TraceVerdict {
    /// Which trace, hexadecimal.
    pub trace: String,
    /// When it arrived, Unix milliseconds by the server's clock.
    pub received_at_ms: u64,
    /// Whether it counts; absent while nothing was said.
    pub accepted: Option<bool>,
    /// Stable codes of what was found.
    pub reasons: Vec<String>,
    /// Quality, parts per million.
    pub quality_ppm: Option<u32>,
    /// Distance that counts, metres.
    pub distance_m: Option<u32>,
}

impl From<core::TraceVerdict> for TraceVerdict {
    fn from(verdict: core::TraceVerdict) -> Self {
        let core::TraceVerdict {
            trace,
            received_at_ms,
            accepted,
            reasons,
            quality_ppm,
            distance_m,
        } = verdict;
        Self {
            trace: trace.to_string(),
            received_at_ms,
            accepted,
            reasons,
            quality_ppm,
            distance_m,
        }
    }
}

/// What an account has earned, as the server last told.
#[derive(Clone, Debug, PartialEq, Eq, uniffi::Record)]
pub struct Earnings {
    /// What the ledger holds for it, 1e-6 token.
    pub balance: i64,
    /// When that was told, Unix milliseconds.
    pub told_at_ms: u64,
    /// The newest epochs in which it scored, newest first.
    pub epochs: Vec<EpochEarnings>,
}

/// What an account got in one epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Record)]
pub struct EpochEarnings {
    /// Which.
    pub epoch: u64,
    /// 1e-6 token.
    pub pay: i64,
}

impl From<core::Earnings> for Earnings {
    fn from(earnings: core::Earnings) -> Self {
        let core::Earnings { balance, told_at_ms, epochs, .. } = earnings;
        let epochs = epochs.into_iter();
        let epochs = epochs.map(|e| EpochEarnings { epoch: e.epoch, pay: e.pay }).collect();
        Self { balance, told_at_ms, epochs }
    }
}

/// How what the phone holds is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, uniffi::Enum)]
pub enum ExportFormat {
    /// Tracks, one a trip: GPX 1.1.
    Gpx,
    /// All of it.
    Json,
}

impl From<ExportFormat> for core::ExportFormat {
    fn from(format: ExportFormat) -> Self {
        match format {
            ExportFormat::Gpx => Self::Gpx,
            ExportFormat::Json => Self::Json,
        }
    }
}
