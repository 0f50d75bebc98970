//! The server: HTTP, stores, jobs, configuration.
