#![no_main]

libfuzzer_sys::fuzz_target!(|data: &[u8]| hexmile_fuzz_properties::registration(data));
