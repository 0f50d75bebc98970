//! What the phone holds of the driver, for the driver to see and to take along.

use std::io::Write;

use hexmile_trace::{SignedTrace, Trace};

use super::{Recorder, RecorderError, TripStatus};
use crate::{
    cells::Cells,
    export::{ExportFormat, Exporter},
    journal::{Entry, Journal},
};

impl Recorder {
    /// Writes everything of the driver's that is on this phone: traces that wait and traces that are
    /// kept for an appeal, fixes that are no trace yet, receipts. Zones and the end of the trip under
    /// way are not among them.
    ///
    /// # Errors
    /// No consent, the journal, or the writer.
    pub fn export(&self, format: ExportFormat, out: &mut dyn Write) -> Result<(), RecorderError> {
        let journal = self.journal.as_ref().ok_or(RecorderError::NoConsent)?;
        let mut exporter = Exporter::begin(format, self.device, self.config.network, out)?;
        for_each_trace(journal, |signed, trace| {
            let waits = journal.unsettled_id(trace.header().sequence) == Some(signed.id());
            Ok(exporter.trace(signed, trace, waits)?)
        })?;
        for trip in journal.open_trips() {
            for (context, fixes) in trip.stretches() {
                if fixes.len() > usize::from(context) {
                    exporter.open(trip.id, context, &fixes)?;
                }
            }
        }
        journal.for_each_entry(|entry| match entry {
            Entry::Settled { receipt: Some(receipt), .. } => {
                Ok::<(), RecorderError>(exporter.receipt(&receipt)?)
            }
            _ => Ok(()),
        })?;
        Ok(exporter.finish()?)
    }

    /// The H3 cells, at resolution 10 or 11, that the driver's own traces on this phone pass, in the order
    /// of their numbers: 20,000 at most, those passed last. It reads the journal whole; call it where
    /// that does not hold up a map.
    ///
    /// # Errors
    /// Another resolution, no consent, or the journal.
    pub fn own_cells(&self, resolution: u8) -> Result<Vec<u64>, RecorderError> {
        let journal = self.journal.as_ref().ok_or(RecorderError::NoConsent)?;
        let mut cells = Cells::new(resolution).ok_or(RecorderError::Resolution(resolution))?;
        for_each_trace(journal, |_, trace| {
            cells.pass(trace.fixes());
            Ok(())
        })?;
        for trip in journal.open_trips() {
            trip.stretches().for_each(|(_, fixes)| cells.pass(&fixes));
        }
        Ok(cells.into_cells())
    }

    pub(super) fn trip_status(&self) -> Option<TripStatus> {
        let (started_ms, path_m, fixes_held) = self.capture.progress()?;
        Some(TripStatus { started_ms, distance_m: path_m.max(0.0) as u64, fixes_held })
    }
}

/// Calls `take` with each trace in the journal, in the order of sealing. What was sealed anew comes
/// twice.
fn for_each_trace(
    journal: &Journal,
    mut take: impl FnMut(&SignedTrace, &Trace) -> Result<(), RecorderError>,
) -> Result<(), RecorderError> {
    journal.for_each_entry(|entry| {
        let Entry::Sealed { bytes, .. } = entry else { return Ok(()) };
        let Ok(signed) = SignedTrace::from_bytes(&bytes) else { return Ok(()) };
        let Ok(trace) = signed.decode() else { return Ok(()) };
        take(&signed, &trace)
    })
}
