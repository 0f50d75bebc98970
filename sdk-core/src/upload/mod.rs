//! When to upload, and what the answer means.

mod backoff;
mod policy;
mod reply;

pub(crate) use backoff::Backoff;
pub(crate) use policy::{Decision, UploadPolicy};
pub(crate) use reply::{Problem, Reception, Reply, Verdict};
