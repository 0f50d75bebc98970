import Foundation
import HexmileFFI

/// The library's recorder until it is closed.
///
/// A call holds on to it, so that closing meanwhile frees nothing that is in use; closing waits for the
/// calls under way, so that the journal's folder is free once it is over.
final class OpenRecorder: @unchecked Sendable {
    private let changed = NSCondition()
    private var native: HexmileFFI.Recorder?
    private var underWay = 0

    init(_ native: HexmileFFI.Recorder) {
        self.native = native
    }

    /// - Throws: ``HexmileError/closed``, ``HexmileError/calledFromWithin``, and what the call throws.
    func call<T>(_ body: (HexmileFFI.Recorder) throws -> T) throws -> T {
        // The library holds its own lock while a key signs: waiting for it here would be for ever.
        if HostThread.isInside { throw HexmileError.calledFromWithin }
        let native = try begin()
        defer { end() }
        return try calling { try body(native) }
    }

    /// Lets go of the recorder, after a last call. False where it was closed before.
    func close(_ last: (HexmileFFI.Recorder) throws -> Void) throws -> Bool {
        if HostThread.isInside { throw HexmileError.calledFromWithin }
        changed.lock()
        let closing = native
        native = nil
        while underWay > 0 { changed.wait() }
        changed.unlock()
        guard let closing else { return false }
        try calling { try last(closing) }
        return true
    }

    private func begin() throws -> HexmileFFI.Recorder {
        changed.lock()
        defer { changed.unlock() }
        guard let native else { throw HexmileError.closed }
        underWay += 1
        return native
    }

    private func end() {
        changed.lock()
        underWay -= 1
        if underWay == 0 { changed.broadcast() }
        changed.unlock()
    }
}
