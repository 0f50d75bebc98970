//! When to upload, and what the answer means.

mod backoff;
mod inquiry;
mod meter;
mod policy;
mod reply;
mod rules;
mod server_policy;

pub(crate) use backoff::Backoff;
pub(crate) use inquiry::Inquiries;
pub use inquiry::{Earnings, EpochEarnings, Inquiry, Subject, TraceVerdict};
pub(crate) use meter::Meter;
pub(crate) use policy::{Decision, UploadPolicy};
pub(crate) use reply::{Problem, Reception, Reply, Verdict};
pub(crate) use rules::Gate;
pub use rules::{Conditions, Connection, UploadHold, UploadMode, UploadRules, UploadWait};
pub(crate) use server_policy::PolicyWatch;
pub use server_policy::ServerPolicy;
