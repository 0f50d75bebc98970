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

    init(_ opened: OpenedRecorder) {
        self.opened = opened
    }

    /// Writes an export.
    public func write(_ kind: Kind) async {
        isWorking = true
        defer { isWorking = false }
        discard()
        do {
            file = try await Self.write(kind, opened)
            problem = nil
        } catch {
            problem = Words.error(error)
        }
    }

    /// Deletes what was written: it says where the driver was.
    public func discard() {
        try? FileManager.default.removeItem(at: Self.folder)
        file = nil
    }

    private nonisolated static let folder = FileManager.default.temporaryDirectory.appendingPathComponent("hexmile-export")

    private nonisolated static func write(_ kind: Kind, _ opened: OpenedRecorder) async throws -> URL {
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
