//! Bytes per fix on real 1 Hz drives, and that what comes out is what went in.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod highway;

use hexmile_trace::{
    DeviceId, NetworkId, SdkVersion, SignedTrace, Trace, TraceHeader, TripId,
    sign::{Alg, Signer, SoftwareSigner},
};

#[test]
fn real_drives_cost_few_bytes_and_come_back_whole() {
    let Some(drives) = highway::drives() else {
        eprintln!("PASSED OVER: no real drives at ../shared/data; set HEXMILE_DATA to measure");
        return;
    };
    let key = SoftwareSigner::from_seed(&[1; 32]);
    for (name, fixes) in drives {
        let (mut bytes, mut count) = (0, 0);
        for (sequence, chunk) in fixes.chunks_exact(300).enumerate() {
            let header = TraceHeader {
                alg: Alg::Ed25519,
                device: DeviceId::of_key(&key.public_key()),
                network: NetworkId::of_name("test"),
                sequence: 1000 + sequence as u64,
                trip: TripId([9; 8]),
                sdk_version: SdkVersion::new(0, 1, 0),
                clock_offset_ms: Some(-120),
                context: sequence > 0,
                checkpoint: None,
            };
            let trace = Trace::new(header, chunk.to_vec()).unwrap();
            let signed = SignedTrace::seal(&trace, &key).unwrap();
            assert_eq!(signed.decode().unwrap(), trace);
            bytes += signed.to_bytes().len();
            count += chunk.len();
        }
        let per_fix = bytes as f64 / count as f64;
        println!("{name}: {per_fix:.3} bytes a fix over {count} fixes, all included");
        assert!(per_fix <= 3.5, "{name}: {per_fix}");
    }
}
