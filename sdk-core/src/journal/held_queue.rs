//! What the journal's thread is asked to do for the fixes that wait at the end of a trip.

use std::{io, path::PathBuf};

use super::held_file::{self, HeldFile};

/// Bytes of batches for which there is room from the start, so that handing over allocates nothing.
const ROOM: usize = 16 * 1024;

/// One thing to do.
enum HeldOp {
    /// A file is made, under a key of its own, with the next batch.
    Begin(Box<HeldFile>),
    /// So many of the bytes are a batch; with `anew`, it stands for all before it.
    Batch { anew: bool, len: usize },
    /// The file, whose key is destroyed, is deleted.
    End,
    /// An earlier file, whose key is destroyed, is deleted.
    Delete(PathBuf),
}

/// What there is to do, in order.
#[derive(Default)]
pub(super) struct HeldOps {
    ops: Vec<HeldOp>,
    bytes: Vec<u8>,
    #[cfg(test)]
    broken: bool,
}

impl HeldOps {
    pub(super) fn reserve(&mut self) {
        self.ops.reserve(16);
        self.bytes.reserve(ROOM);
    }

    /// Whether a test wants writes to fail.
    #[cfg(test)]
    const fn fails(&self) -> bool {
        self.broken
    }

    #[cfg(not(test))]
    #[expect(clippy::unused_self, reason = "a test says otherwise")]
    const fn fails(&self) -> bool {
        false
    }
}

/// What callers and the thread tell each other of the fixes that wait.
#[derive(Default)]
pub(super) struct HeldQueue {
    todo: HeldOps,
    /// Whether the file of the trip lacks what was handed over, so that the next batch must stand for
    /// all.
    stale: bool,
    /// Whether the file of the trip has been written.
    saved: bool,
    failed: Option<io::Error>,
}

/// What the thread did.
#[derive(Default)]
pub(super) struct Told {
    saved: Option<bool>,
    failed: Option<io::Error>,
}

impl HeldQueue {
    pub(super) fn reserve(&mut self) {
        self.todo.reserve();
    }

    pub(super) fn begin(&mut self, file: HeldFile) {
        self.todo.ops.push(HeldOp::Begin(Box::new(file)));
        self.stale = true;
        self.saved = false;
    }

    pub(super) fn end(&mut self) {
        self.todo.ops.push(HeldOp::End);
        self.saved = false;
        self.failed = None;
    }

    pub(super) fn delete(&mut self, path: PathBuf) {
        self.todo.ops.push(HeldOp::Delete(path));
    }

    /// Whether the next batch must stand for all.
    pub(super) const fn is_stale(&self) -> bool {
        self.stale
    }

    pub(super) const fn is_saved(&self) -> bool {
        self.saved
    }

    pub(super) fn mark_stale(&mut self) {
        self.stale = true;
    }

    pub(super) fn take_failure(&mut self) -> Option<io::Error> {
        self.failed.take()
    }

    /// Adds a batch; its bytes are what `write` appends.
    pub(super) fn batch(&mut self, anew: bool, write: impl FnOnce(&mut Vec<u8>)) -> usize {
        let before = self.todo.bytes.len();
        write(&mut self.todo.bytes);
        let len = self.todo.bytes.len() - before;
        self.todo.ops.push(HeldOp::Batch { anew, len });
        self.stale &= !anew;
        len
    }

    /// Gives the thread what there is to do, and takes its emptied lists for their room.
    pub(super) fn swap(&mut self, ops: &mut HeldOps) {
        #[cfg(test)]
        {
            ops.broken = self.todo.broken;
        }
        std::mem::swap(&mut self.todo.ops, &mut ops.ops);
        std::mem::swap(&mut self.todo.bytes, &mut ops.bytes);
    }

    pub(super) fn note(&mut self, told: Told) {
        self.saved = told.saved.unwrap_or(self.saved);
        if told.failed.is_some() {
            self.stale = true;
            self.saved = false;
            self.failed = told.failed;
        }
    }

    #[cfg(test)]
    pub(super) fn break_writes(&mut self, broken: bool) {
        self.todo.broken = broken;
    }
}

/// The thread's side: the file that is open.
#[derive(Default)]
pub(super) struct HeldWriter {
    file: Option<HeldFile>,
    /// Whether a batch is missing, so that those after it are of no use until one stands for all.
    broken: bool,
}

impl HeldWriter {
    /// Does what there is to do, and empties the lists. `synced` says that the journal is on disk, so that
    /// fixes that joined it need not wait here any longer.
    pub(super) fn carry_out(&mut self, todo: &mut HeldOps, synced: bool) -> Told {
        let mut told = Told::default();
        let mut at = 0;
        let fails = todo.fails();
        for op in todo.ops.drain(..) {
            let done = match op {
                HeldOp::Begin(file) => {
                    self.broken = true;
                    told.saved = Some(false);
                    self.file.replace(*file).map_or(Ok(()), HeldFile::delete)
                }
                HeldOp::Batch { anew, len } => {
                    let batch = &todo.bytes[at..at + len];
                    at += len;
                    self.write(anew, batch, synced, fails).map(|saved| told.saved = Some(saved))
                }
                HeldOp::End => {
                    told.saved = Some(false);
                    self.file.take().map_or(Ok(()), HeldFile::delete)
                }
                HeldOp::Delete(path) => held_file::delete(&path),
            };
            if let Err(cause) = done {
                told.failed = Some(cause);
            }
        }
        todo.bytes.clear();
        told
    }

    /// Writes a batch, where it is of use; returns whether the file has all that was handed over.
    fn write(&mut self, anew: bool, batch: &[u8], synced: bool, fails: bool) -> io::Result<bool> {
        let Some(file) = &mut self.file else { return Ok(false) };
        if !anew && self.broken {
            return Ok(false);
        }
        let written = if fails {
            Err(io::ErrorKind::StorageFull.into())
        } else if synced || !anew {
            file.write(anew, batch)
        } else {
            Err(io::Error::other("the journal could not be synced"))
        };
        self.broken = written.is_err();
        written.map(|()| true)
    }
}
