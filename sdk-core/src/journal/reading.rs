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
        for segment in self.segments.values() {
            segment::for_each_frame(&segment.read()?, |_, body| {
                let entry = Entry::read(body);
                if let Some(Entry::Settled { receipt, .. }) = &entry {
                    receipts.extend(*receipt);
                }
                entry.is_some()
            });
        }
        Ok(receipts)
    }
}
