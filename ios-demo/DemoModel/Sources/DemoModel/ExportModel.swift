import Foundation
import Hexmile
import Observation

/// What a driver takes away.
@MainActor
@Observable
public final class ExportModel {
    /// From where, and as what.
    public enum Kind: String, CaseIterable, Sendable {
        /// The trips on this phone, for maps and watches: GPX.
        case trips
        /// Everything on this phone: JSON.
        case phone
        /// Everything at the server: JSON.
        case server
    }

    /// What was written last, to be shared; it goes with the next.
    public private(set) var file: URL?
    /// Whether it is being written.
    public private(set) var isWorking = false
    /// What went wrong last, in words.
    public private(set) var problem: String?

    @ObservationIgnored private let opened: OpenedRecorder
    /// Which export is wanted; what comes of an earlier one is nobody's.
    @ObservationIgnored private var wanted = 0

    init(_ opened: OpenedRecorder) {
        self.opened = opened
    }

    /// Writes an export.
    public func write(_ kind: Kind) async {
        discard()
        let mine = wanted
        isWorking = true
        let folder = Self.all.appendingPathComponent("\(UUID())")
        let written: Result<URL, any Error>
        do {
            written = .success(try await Self.write(kind, opened, in: folder))
        } catch {
            written = .failure(error)
        }
        guard mine == wanted else {
            // The driver has left, or wants another.
            try? FileManager.default.removeItem(at: folder)
            return
        }
        isWorking = false
        switch written {
        case .success(let file): (self.file, problem) = (file, nil)
        case .failure(let error): problem = Words.error(error)
        }
    }

    /// Deletes what was written, and what is being written once it is: it says where the driver was.
    public func discard() {
        wanted += 1
        isWorking = false
        Self.discardAll()
        file = nil
    }

    /// Deletes what any app of before has written.
    static func discardAll() {
        try? FileManager.default.removeItem(at: all)
    }

    private nonisolated static let all = FileManager.default.temporaryDirectory.appendingPathComponent("hexmile-export")

    private nonisolated static func write(
        _ kind: Kind, _ opened: OpenedRecorder, in folder: URL
    ) async throws -> URL {
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let name = "hexmile-\(kind.rawValue)." + (kind == .trips ? "gpx" : "json")
        let file = folder.appendingPathComponent(name)
        if kind == .server {
            let export = try await opened.recorder.export(over: opened.transport, account: opened.account)
            try export.write(to: file, options: .atomic)
        } else {
            let format = kind == .trips ? ExportFormat.gpx : .json
            try await Work.run { try opened.recorder.export(format, to: file) }
        }
        return file
    }
}
