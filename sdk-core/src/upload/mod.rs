//! When to upload, and what the answer means.

mod policy;
mod reply;

pub use policy::{Decision, UploadPolicy};
pub use reply::{Reply, TraceResult, Verdict};
