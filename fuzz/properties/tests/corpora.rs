//! Every input that was ever worth keeping, through the property that it is for.

use std::{
    fs,
    panic::{AssertUnwindSafe, catch_unwind},
    path::{Path, PathBuf},
};

use hexmile_fuzz_properties::{TARGETS, seeds::seeds};

/// Bytes that all corpora may have together: they are cloned with the repository.
const MAX_BYTES: usize = 300_000;

fn corpora() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../corpus")
}

/// Inputs of a target by name, in a fixed order.
fn inputs(target: &str) -> Vec<(String, Vec<u8>)> {
    let folder = corpora().join(target);
    let files = fs::read_dir(&folder).unwrap_or_else(|e| panic!("{}: {e}", folder.display()));
    let mut inputs: Vec<_> = files
        .map(|file| {
            let path = file.expect("a folder can be listed").path();
            (path.display().to_string(), fs::read(&path).expect("an input can be read"))
        })
        .collect();
    inputs.sort();
    let seeds = seeds().expect("the simulator drives").into_iter();
    let seeds = seeds.filter(|seed| seed.target == target).enumerate();
    inputs.extend(seeds.map(|(i, seed)| (format!("seed {i} of {target}"), seed.bytes)));
    inputs
}

fn replay(target: &str) {
    let (_, property) = TARGETS.iter().find(|(name, _)| *name == target).expect("a target");
    let inputs = inputs(target);
    assert!(!inputs.is_empty(), "the corpus of {target} is gone");
    let fails = |bytes: &[u8]| catch_unwind(AssertUnwindSafe(|| property(bytes))).is_err();
    let failed = inputs.iter().filter(|(_, bytes)| fails(bytes));
    let failed: Vec<&str> = failed.map(|(name, _)| name.as_str()).collect();
    assert!(failed.is_empty(), "what fails, and why, stands above: {failed:#?}");
}

macro_rules! replayed {
    ($($target:ident)*) => {
        $(#[test]
        fn $target() {
            replay(stringify!($target));
        })*

        #[test]
        fn every_target_is_replayed_and_every_corpus_is_small() {
            assert_eq!(TARGETS.map(|(name, _)| name), [$(stringify!($target)),*]);
            let mut bytes = 0;
            for folder in fs::read_dir(corpora()).expect("there are corpora") {
                let folder = folder.expect("a folder can be listed").path();
                let name = folder.file_name().expect("a name").to_string_lossy().into_owned();
                assert!(TARGETS.iter().any(|(target, _)| *target == name), "no target {name}");
                for file in fs::read_dir(&folder).expect("a folder can be listed") {
                    let size = file.and_then(|f| f.metadata()).expect("an input has a size").len();
                    bytes += size as usize;
                }
            }
            assert!(bytes <= MAX_BYTES, "the corpora have {bytes} bytes; minimise them");
        }
    };
}

replayed!(trace batch registration query csv gpx nmea sealed);
