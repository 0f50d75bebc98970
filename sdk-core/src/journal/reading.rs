//! What is read of a journal while it is open: sealed traces and receipts.

use hexmile_trace::{Receipt, TraceId};

use super::{Entry, Journal, JournalError, segment};

impl Journal {
    /// Sequence numbers of the traces without a receipt that are on disk, oldest first. One that is not
    /// must not leave: if the power went, its fixes would be sealed again under another number.
    pub(crate) fn durable(&self) -> impl Iterator<Item = u64> {
        let durable = self.writer.durable();
        self.unsettled.iter().filter(move |(_, p)| p.written <= durable).map(|(n, _)| *n)
    }

    /// Which trace without a receipt has a number.
    pub(crate) fn unsettled_id(&self, sequence: u64) -> Option<TraceId> {
        self.unsettled.get(&sequence).map(|place| place.trace)
    }

    /// Bytes of the traces without a receipt.
    pub(crate) fn unsettled_bytes(&self) -> u64 {
        self.unsettled.values().map(|place| place.len as u64).sum()
    }

    pub(crate) fn unsettled_len(&self) -> usize {
        self.unsettled.len()
    }

    /// The signed trace of a sequence number, read back and checked; `None` where it is damaged.
    pub(crate) fn sealed(&self, sequence: u64) -> Result<Option<Vec<u8>>, JournalError> {
        let Some(place) = self.unsettled.get(&sequence) else { return Ok(None) };
        let Some(segment) = self.segments.get(&place.segment) else { return Ok(None) };
        let body = segment.read_frame(place.offset, place.len)?;
        Ok(match body.and_then(|body| Entry::read(&body)) {
            Some(Entry::Sealed { sequence: found, bytes, .. }) if found == sequence => Some(bytes),
            _ => None,
        })
    }

    /// The receipts that are still on disk, oldest first.
    pub(crate) fn receipts(&self) -> Result<Vec<Receipt>, JournalError> {
        let mut receipts = Vec::new();
        self.for_each_entry(|entry| {
            if let Entry::Settled { receipt, .. } = entry {
                receipts.extend(receipt);
            }
            Ok::<_, JournalError>(())
        })?;
        Ok(receipts)
    }

    /// Calls `take` with each entry on disk, oldest first, until it fails; one segment is in memory at
    /// a time.
    pub(crate) fn for_each_entry<E: From<JournalError>>(
        &self,
        mut take: impl FnMut(Entry) -> Result<(), E>,
    ) -> Result<(), E> {
        for segment in self.segments.values() {
            let mut done = Ok(());
            segment::for_each_frame(&segment.read()?, |_, body| {
                let entry = Entry::read(body);
                let is_entry = entry.is_some();
                if let (Some(entry), Ok(())) = (entry, &done) {
                    done = take(entry);
                }
                is_entry
            });
            done?;
        }
        Ok(())
    }
}
