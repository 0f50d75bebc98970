//! What a phone decides: filter, trip detection, privacy, sealing, journal, upload policy.
