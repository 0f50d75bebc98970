//! Journeys through the server as its users see it: the built binary, over HTTP.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

mod journeys;
mod support;
