import Foundation
import HexmileFFI

/// The trip under way.
public struct TripStatus: Equatable, Sendable {
    /// When its first fix was captured.
    public let started: Date?
    /// Path so far, metres: all of it, with what is cut away at the ends and in zones.
    public let distanceM: Int
    /// Fixes that wait at its end until it lies elsewhere.
    public let fixesHeld: Int
}

/// What the server's rules said of a trace.
public struct Verdict: Equatable, Sendable {
    /// Which trace, hexadecimal.
    public let trace: String
    /// When it arrived, by the server's clock.
    public let received: Date
    /// Whether it counts; `nil` while nothing was said.
    public let accepted: Bool?
    /// Stable codes of what was found.
    public let reasons: [String]
    /// Quality, parts per million.
    public let qualityPpm: Int?
    /// Distance that counts, metres.
    public let distanceM: Int?
}

/// What an account has earned, as the server last told.
public struct Earnings: Equatable, Sendable {
    /// What the ledger holds for it, 1e-6 token.
    public let balance: Int64
    /// When that was told.
    public let told: Date
    /// The newest epochs in which it scored, newest first.
    public let epochs: [EpochEarnings]
}

/// What an account got in one epoch.
public struct EpochEarnings: Equatable, Sendable {
    /// Which.
    public let epoch: UInt64
    /// 1e-6 token.
    public let pay: Int64
}

/// How what the phone holds is written.
public enum ExportFormat: Sendable {
    /// Tracks, one a trip: GPX 1.1.
    case gpx
    /// All of it.
    case json
}

extension Recorder {
    /// Places that the driver came back to, which have a zone by themselves.
    ///
    /// - Throws: ``HexmileError/closed``.
    public func knownPlaces() throws -> [Place] {
        try open.call { $0.knownPlaces().map(Place.init(native:)) }
    }

    /// Forgets such a place, and its zone with it; it may become known again.
    ///
    /// - Throws: ``HexmileError/argument(_:)``, ``HexmileError/journal(_:)`` and
    ///   ``HexmileError/secrets(_:cause:)``.
    public func forgetPlace(_ place: Place) throws {
        try act { try $0.forgetPlace(place: place.native); return [] }
    }

    /// Whose earnings the driver wants to see, by its key; nobody's until this is called.
    ///
    /// - Throws: ``HexmileError/argument(_:)``, and what the key's ``Signer/publicKey`` throws.
    public func setAccount(_ account: (any Signer)?) throws {
        let account = try account.map(SignerBridge.native)
        try act { try $0.setAccount(account: account); return [] }
    }

    /// What became of the traces that arrived, oldest first.
    ///
    /// - Throws: ``HexmileError/closed``.
    public func verdicts() throws -> [Verdict] {
        try open.call { $0.verdicts().map(Verdict.init(native:)) }
    }

    /// What the account has earned, as the server last told in this run.
    ///
    /// - Throws: ``HexmileError/closed``.
    public func earnings() throws -> Earnings? {
        try open.call { $0.earnings().map(Earnings.init(native:)) }
    }

    /// The H3 cells, at resolution 10 or 11, that the driver's own traces on this phone pass.
    ///
    /// - Throws: ``HexmileError/argument(_:)`` and ``HexmileError/noConsent``.
    public func ownCells(resolution: Int) throws -> [UInt64] {
        let resolution: UInt8 = try narrow("resolution", resolution)
        return try open.call { try $0.ownCells(resolution: resolution) }
    }

    /// Writes everything of the driver's that is on this phone into a file, in place of what is there. What
    /// the server holds comes with ``export(over:account:)``.
    ///
    /// - Throws: ``HexmileError/noConsent``, and ``HexmileError/argument(_:)`` where the file cannot be
    ///   written.
    public func export(_ format: ExportFormat, to file: URL) throws {
        try open.call { try $0.export(format: format == .gpx ? .gpx : .json, path: file.path) }
    }
}

extension TripStatus {
    init(native: HexmileFFI.TripStatus) {
        self.init(
            started: native.startedMs.map { Date(timeIntervalSince1970: Double($0) / 1000) },
            distanceM: Int(clamping: native.distanceM), fixesHeld: Int(clamping: native.fixesHeld))
    }
}

extension Verdict {
    init(native: HexmileFFI.TraceVerdict) {
        self.init(
            trace: native.trace, received: Date(unixMs: native.receivedAtMs), accepted: native.accepted,
            reasons: native.reasons, qualityPpm: native.qualityPpm.map(Int.init),
            distanceM: native.distanceM.map(Int.init))
    }
}

extension Earnings {
    fileprivate init(native: HexmileFFI.Earnings) {
        self.init(
            balance: native.balance, told: Date(unixMs: native.toldAtMs),
            epochs: native.epochs.map { EpochEarnings(epoch: $0.epoch, pay: $0.pay) })
    }
}
