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
    private var isClosing = false

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
        var closing = native
        native = nil
        let isMine = closing != nil
        if isMine { isClosing = true }
        // Who closes it meanwhile waits, too: before that the folder is not free.
        while underWay > 0 || (isClosing && !isMine) { changed.wait() }
        changed.unlock()
        guard isMine else { return false }
        defer { closed() }
        try Self.end(&closing, last)
        return true
    }

    /// The library's memory is free after it.
    private static func end(
        _ native: inout HexmileFFI.Recorder?, _ last: (HexmileFFI.Recorder) throws -> Void
    ) throws {
        defer { native = nil }
        if let native { try calling { try last(native) } }
    }

    private func closed() {
        changed.lock()
        isClosing = false
        changed.broadcast()
        changed.unlock()
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
