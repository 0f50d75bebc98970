//! Rules over one trace, and over a set of traces.
