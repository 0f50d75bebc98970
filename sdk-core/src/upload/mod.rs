//! When to upload, and what the answer means.

mod backoff;
mod policy;
mod reply;
mod server_policy;

pub(crate) use backoff::Backoff;
pub(crate) use policy::{Decision, UploadPolicy};
pub(crate) use reply::{Problem, Reception, Reply, Verdict};
pub(crate) use server_policy::PolicyWatch;
pub use server_policy::ServerPolicy;
