//! Fixes to observations to traffic state to published snapshot to tile bytes.
