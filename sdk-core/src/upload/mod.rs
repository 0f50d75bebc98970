//! When to upload, and what the answer means.

mod policy;
mod reply;

pub(crate) use policy::{Decision, UploadPolicy};
pub(crate) use reply::{Reception, Reply, Verdict};
