//! The UniFFI mirror of the SDK core.
