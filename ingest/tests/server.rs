//! Journeys through the server as its users see it: the built binary, over HTTP.

mod journeys;
mod support;
