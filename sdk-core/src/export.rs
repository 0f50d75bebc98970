//! Everything of the driver's that the phone holds, in formats that others read: GPX 1.1 and JSON.
//!
//! Both are written as they are read, a trace at a time. Zones and what is held back at the ends of a
//! trip are in neither: a file is passed on more easily than its owner thinks.

use std::io::{self, Write};

use hexmile_trace::{DeviceId, Fix, NetworkId, Receipt, SignedTrace, Trace, TripId};
use litemap::LiteMap;

use crate::json::{Decimal, ObjectWriter};

/// How what the phone holds is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExportFormat {
    /// Tracks, one a trip: GPX 1.1, speed and course in Garmin's `TrackPointExtension` 2.
    Gpx,
    /// All of it.
    Json,
}

/// A writer of one of the formats. Traces come first, then fixes that are no trace yet, then
/// receipts.
pub(crate) enum Exporter<'a> {
    Gpx(Gpx<'a>),
    Json(Json<'a>),
}

impl<'a> Exporter<'a> {
    pub(crate) fn begin(
        format: ExportFormat,
        device: DeviceId,
        network: NetworkId,
        out: &'a mut dyn Write,
    ) -> io::Result<Self> {
        Ok(match format {
            ExportFormat::Gpx => Self::Gpx(Gpx::begin(out)?),
            ExportFormat::Json => Self::Json(Json::begin(out, device, network)?),
        })
    }

    /// A sealed trace; `waits` says that it has no receipt, and is to be uploaded.
    pub(crate) fn trace(
        &mut self,
        signed: &SignedTrace,
        trace: &Trace,
        waits: bool,
    ) -> io::Result<()> {
        match self {
            Self::Gpx(gpx) => gpx.trace(trace),
            Self::Json(json) => json.trace(signed, trace, waits),
        }
    }

    /// Fixes of a trip that are no trace yet; the first may repeat the last of the trace before.
    pub(crate) fn open(&mut self, trip: TripId, context: bool, fixes: &[Fix]) -> io::Result<()> {
        match self {
            Self::Gpx(gpx) => gpx.run(trip, context, fixes),
            Self::Json(json) => json.open(trip, &fixes[usize::from(context).min(fixes.len())..]),
        }
    }

    pub(crate) fn receipt(&mut self, receipt: &Receipt) -> io::Result<()> {
        match self {
            // Receipts are no tracks.
            Self::Gpx(_) => Ok(()),
            Self::Json(json) => json.receipt(receipt),
        }
    }

    /// Ends the file.
    pub(crate) fn finish(self) -> io::Result<()> {
        match self {
            Self::Gpx(gpx) => gpx.finish(),
            Self::Json(json) => json.finish(),
        }
    }
}

/// Writes tracks.
pub(crate) struct Gpx<'a> {
    out: &'a mut dyn Write,
    trip: Option<TripId>,
    /// Traces so far: what was sealed anew is one track nonetheless.
    seen: LiteMap<(TripId, u64), ()>,
}

impl<'a> Gpx<'a> {
    fn begin(out: &'a mut dyn Write) -> io::Result<Self> {
        out.write_all(
            br#"<?xml version="1.0" encoding="UTF-8"?>
<gpx version="1.1" creator="Hexmile" xmlns="http://www.topografix.com/GPX/1/1" xmlns:tpx="http://www.garmin.com/xmlschemas/TrackPointExtension/v2">
"#,
        )?;
        Ok(Self { out, trip: None, seen: LiteMap::new() })
    }

    fn trace(&mut self, trace: &Trace) -> io::Result<()> {
        let header = trace.header();
        if self.seen.insert((header.trip, trace.first_ms()), ()).is_none() {
            self.run(header.trip, header.context, trace.fixes())?;
        }
        Ok(())
    }

    /// Consecutive fixes. With `context` they go on where the last ones of their trip ended.
    fn run(&mut self, trip: TripId, context: bool, fixes: &[Fix]) -> io::Result<()> {
        let goes_on = context && self.trip == Some(trip);
        let fixes = if goes_on { &fixes[1.min(fixes.len())..] } else { fixes };
        if fixes.is_empty() {
            return Ok(());
        }
        if self.trip != Some(trip) {
            self.end_track()?;
            writeln!(self.out, "<trk><name>{trip}</name>")?;
        } else if !goes_on {
            writeln!(self.out, "</trkseg>")?;
        }
        if !goes_on {
            writeln!(self.out, "<trkseg>")?;
        }
        self.trip = Some(trip);
        fixes.iter().try_for_each(|fix| self.point(fix))
    }

    fn point(&mut self, fix: &Fix) -> io::Result<()> {
        let (lat, lon) = (degrees(fix.parts().lat_e6), degrees(fix.parts().lon_e6));
        write!(self.out, r#"<trkpt lat="{lat}" lon="{lon}">"#)?;
        if let Some(altitude) = fix.altitude_dm() {
            write!(self.out, "<ele>{}</ele>", decimal(altitude, 1))?;
        }
        write!(self.out, "<time>{}</time>", date_time(fix.time_ms()))?;
        if fix.speed_cmps().is_some() || fix.course_ddeg().is_some() {
            write!(self.out, "<extensions><tpx:TrackPointExtension>")?;
            if let Some(speed) = fix.speed_cmps() {
                write!(self.out, "<tpx:speed>{}</tpx:speed>", decimal(speed, 2))?;
            }
            if let Some(course) = fix.course_ddeg() {
                write!(self.out, "<tpx:course>{}</tpx:course>", decimal(course, 1))?;
            }
            write!(self.out, "</tpx:TrackPointExtension></extensions>")?;
        }
        writeln!(self.out, "</trkpt>")
    }

    fn end_track(&mut self) -> io::Result<()> {
        if self.trip.take().is_some() {
            writeln!(self.out, "</trkseg></trk>")?;
        }
        Ok(())
    }

    fn finish(mut self) -> io::Result<()> {
        self.end_track()?;
        writeln!(self.out, "</gpx>")
    }
}

/// The arrays of the JSON file, in their order.
const TRACES: usize = 0;
const OPEN: usize = 1;
const RECEIPTS: usize = 2;
const ARRAYS: [&str; 3] = ["traces", "open", "receipts"];

/// Writes all of it.
pub(crate) struct Json<'a> {
    out: &'a mut dyn Write,
    array: usize,
    empty: bool,
}

impl<'a> Json<'a> {
    fn begin(out: &'a mut dyn Write, device: DeviceId, network: NetworkId) -> io::Result<Self> {
        write!(out, r#"{{"device_id":"{device}","network_id":"{network}","{}":["#, ARRAYS[TRACES])?;
        Ok(Self { out, array: TRACES, empty: true })
    }

    fn item(&mut self, array: usize, item: &str) -> io::Result<()> {
        self.go_to(array)?;
        let comma = if self.empty { "\n" } else { ",\n" };
        self.empty = false;
        write!(self.out, "{comma}{item}")
    }

    fn go_to(&mut self, array: usize) -> io::Result<()> {
        while self.array < array {
            self.array += 1;
            self.empty = true;
            write!(self.out, "],\n\"{}\":[", ARRAYS[self.array])?;
        }
        Ok(())
    }

    fn trace(&mut self, signed: &SignedTrace, trace: &Trace, waits: bool) -> io::Result<()> {
        let header = trace.header();
        let mut item = ObjectWriter::new();
        item.text("trace_id", &signed.id().to_string()).text("trip_id", &header.trip.to_string());
        item.json("sequence", &header.sequence);
        item.text("sdk_version", &header.sdk_version.to_string());
        item.optional("clock_offset_ms", header.clock_offset_ms).json("waits", &waits);
        item.json("fixes", &fixes(trace.own_fixes()));
        item.base64("signed_trace", &signed.to_bytes());
        self.item(TRACES, &item.end())
    }

    fn open(&mut self, trip: TripId, own: &[Fix]) -> io::Result<()> {
        let mut item = ObjectWriter::new();
        item.text("trip_id", &trip.to_string()).json("fixes", &fixes(own));
        self.item(OPEN, &item.end())
    }

    fn receipt(&mut self, receipt: &Receipt) -> io::Result<()> {
        let body = &receipt.body;
        let mut item = ObjectWriter::new();
        item.text("trace_id", &body.trace.to_string()).json("sequence", &body.sequence);
        item.json("received_at_ms", &body.received_at_ms).base64("salt", &body.salt);
        // A key's name has the length and the form of a network's.
        item.text("key_id", &NetworkId(body.key.0).to_string());
        item.base64("signature", &receipt.signature);
        self.item(RECEIPTS, &item.end())
    }

    fn finish(mut self) -> io::Result<()> {
        self.go_to(RECEIPTS)?;
        writeln!(self.out, "]}}")
    }
}

/// An array of fixes.
fn fixes(fixes: &[Fix]) -> String {
    let fix = |fix: &Fix| {
        let parts = fix.parts();
        let mut json = ObjectWriter::new();
        json.json("time_ms", &parts.time_ms);
        json.json("latitude_deg", &degrees(parts.lat_e6));
        json.json("longitude_deg", &degrees(parts.lon_e6));
        json.optional("accuracy_m", fix.accuracy_dm().map(|dm| decimal(dm, 1)));
        json.optional("speed_mps", fix.speed_cmps().map(|cmps| decimal(cmps, 2)));
        json.optional("course_deg", fix.course_ddeg().map(|ddeg| decimal(ddeg, 1)));
        json.optional("altitude_m", fix.altitude_dm().map(|dm| decimal(dm, 1)));
        json.json("mock", &fix.is_mock()).end()
    };
    let fixes: Vec<String> = fixes.iter().map(fix).collect();
    format!("[{}]", fixes.join(","))
}

fn degrees(e6: i32) -> Decimal {
    decimal(e6, 6)
}

fn decimal(number: impl Into<i64>, decimals: u32) -> Decimal {
    Decimal { number: number.into(), decimals }
}

/// A time as XML Schema's `dateTime` writes it, in UTC, of Unix milliseconds.
fn date_time(unix_ms: u64) -> String {
    let (days, ms) = (unix_ms / 86_400_000, unix_ms % 86_400_000);
    let (seconds, ms) = (ms / 1000, ms % 1000);
    let (year, month, day) = civil(days);
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{ms:03}Z")
}

/// Year, month and day of days since 1970-01-01; Howard Hinnant's `civil_from_days`
/// (<https://howardhinnant.github.io/date_algorithms.html>).
const fn civil(days: u64) -> (u64, u64, u64) {
    let z = days + 719_468;
    let (era, of_era) = (z / 146_097, z % 146_097);
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let shifted = (5 * of_year + 2) / 153;
    let day = of_year - (153 * shifted + 2) / 5 + 1;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    (year + era * 400 + (month <= 2) as u64, month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_written_as_others_read_them() {
        for (ms, want) in [
            (0, "1970-01-01T00:00:00.000Z"),
            (951_782_400_001, "2000-02-29T00:00:00.001Z"),
            (1_700_000_000_000, "2023-11-14T22:13:20.000Z"),
            (4_107_542_399_999, "2100-02-28T23:59:59.999Z"),
            (4_107_542_400_000, "2100-03-01T00:00:00.000Z"),
        ] {
            assert_eq!(date_time(ms), want);
        }
    }
}
