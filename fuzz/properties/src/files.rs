//! Files of drives, as a person hands them to `hexmile-replay`.

use std::{
    io::BufReader,
    path::{Path, PathBuf},
};

use hexmile_fixtures::files::{
    CsvColumns, Drive, FileError, MAX_FIXES, read_from, write_csv, write_gpx, write_nmea,
};
use hexmile_trace::Fix;

use crate::{assert_code, memory};

/// What reading may hold for each byte of a file. The worst is a sealed trace, whose coded columns
/// may say three hundred times the same in less than two hundred bytes; then comes CSV with a trip a
/// row, where a few bytes make a drive with a name, a place in the index and room for its first fixes.
const TIMES_INPUT: usize = 512;
/// What reading holds whatever the file: buffers of the parsers.
const BUFFERS: usize = 512 * 1024;

/// Any bytes as CSV.
pub fn csv(data: &[u8]) {
    if let Some(drives) = read(data, "any.csv") {
        let written = to_csv(&drives);
        let again = read(&written, "any.csv").unwrap_or_default();
        assert_eq!(bare(&again), bare(&drives), "CSV keeps what it says");
        assert_eq!(to_csv(&again), written);
    }
}

/// Any bytes as GPX.
pub fn gpx(data: &[u8]) {
    if let Some(drives) = read(data, "any.gpx") {
        let written = to_gpx(&drives);
        let Some(again) = read(&written, "any.gpx") else { return assert!(drives.is_empty()) };
        assert_eq!(fixes(&again), fixes(&drives));
        assert_eq!(again.len(), drives.len());
        // Reading cuts a long name, and writing changes what XML cannot hold: two names may become
        // one, of which the second gets a number.
        let kept = |c: char| !c.is_control() && !matches!(c, '\u{fffe}' | '\u{ffff}');
        let kept = |name: &str| name.chars().count() <= 100 && name.chars().all(kept);
        if drives.iter().all(|drive| kept(&drive.trip_id)) {
            assert_eq!(to_gpx(&again), written, "GPX written twice is the same");
        }
    }
}

/// Any bytes as NMEA 0183.
pub fn nmea(data: &[u8]) {
    let path = Path::new("any.nmea");
    let drives = read(data, "any.nmea").unwrap_or_default();
    for drive in &drives {
        let mut written = Vec::new();
        match write_nmea(&mut written, drive, path) {
            Ok(()) => {
                let again = read(&written, "any.nmea").expect("what was written can be read");
                assert!(again.iter().map(|d| d.fixes.len()).sum::<usize>() <= drive.fixes.len());
            }
            Err(error) => assert_eq!(error.code(), "unwritable", "{error}"),
        }
    }
}

/// Any bytes as a file of sealed traces.
pub fn sealed(data: &[u8]) {
    for drive in read(data, "any.hexmile-trace").unwrap_or_default() {
        assert!(drive.device_id.is_some(), "a sealed trace names its device");
    }
}

/// Reads, and asserts what holds of every kind; `None` where the file is refused.
fn read(data: &[u8], name: &str) -> Option<Vec<Drive>> {
    let path = PathBuf::from(name);
    let whole = memory::within(BUFFERS + TIMES_INPUT * data.len(), data, || read_from(data, &path));
    // Where the parts come in pieces, nothing changes.
    let pieces = read_from(BufReader::with_capacity(4096, data), &path);
    match (&whole, &pieces) {
        (Ok(whole), Ok(pieces)) => assert_eq!(whole, pieces),
        (Err(whole), Err(pieces)) => assert_eq!(whole.to_string(), pieces.to_string()),
        _ => panic!("{whole:?} in one piece, {pieces:?} in several"),
    }
    match whole {
        Ok(drives) => {
            assert_drives(&drives);
            Some(drives)
        }
        Err(error) => {
            assert_error(&error, data, name);
            None
        }
    }
}

fn assert_drives(drives: &[Drive]) {
    assert!(drives.iter().map(|d| d.fixes.len()).sum::<usize>() <= MAX_FIXES);
    for drive in drives {
        assert!(!drive.fixes.is_empty(), "a drive without a fix");
        for raw in &drive.fixes {
            let fix = Fix::quantise(raw);
            assert!(fix.is_ok(), "{raw:?}: {fix:?}");
            let numbers = [raw.accuracy_m, raw.speed_mps, raw.course_deg, raw.altitude_m];
            assert!(numbers.iter().flatten().all(|n| n.is_finite()), "{raw:?}");
        }
    }
}

fn assert_error(error: &FileError, data: &[u8], name: &str) {
    assert_code(error.code());
    let text = error.to_string();
    assert!(text.starts_with(name) && text.ends_with(&format!("[{}]", error.code())), "{text}");
    assert!(text.len() < 1024 && !text.contains(char::is_control), "{text:?}");
    if let Some(line) = error.line {
        let lines = data.split(|b| *b == b'\n').count() as u64;
        assert!((1..=lines).contains(&line), "line {line} of {lines}: {text}");
    }
}

fn to_csv(drives: &[Drive]) -> Vec<u8> {
    let mut out = Vec::new();
    write_csv(&mut out, drives, CsvColumns::All).expect("memory can be written to");
    out
}

fn to_gpx(drives: &[Drive]) -> Vec<u8> {
    let mut out = Vec::new();
    write_gpx(&mut out, drives).expect("memory can be written to");
    out
}

/// Names and fixes as text, in which numbers are equal that are written the same.
fn bare(drives: &[Drive]) -> Vec<String> {
    drives.iter().map(|drive| format!("{drive:?}")).collect()
}

/// Every fix of the drives, quantised.
fn fixes(drives: &[Drive]) -> Vec<Fix> {
    drives.iter().flat_map(|d| &d.fixes).filter_map(|raw| Fix::quantise(raw).ok()).collect()
}
