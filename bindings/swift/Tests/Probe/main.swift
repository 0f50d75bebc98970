import Foundation
import Hexmile

// An app of a process of its own: `drive FOLDER` records a drive and is killed; without arguments it
// says what becomes of the library that the loader gives it.
if CommandLine.arguments.dropFirst().first == "drive" {
    let start = Date(timeIntervalSince1970: 1_700_000_000)
    let ticking = Ticking(start)
    var config = RecorderConfig(journal: URL(fileURLWithPath: CommandLine.arguments[2]), network: "test")
    config.live = false
    let key = try SoftwareSigner(seed: Data(repeating: 5, count: 32))
    // Beside the journal, and not in it: who opens it again has them, too.
    let secrets = FolderSecretStore(config.journal.deletingLastPathComponent().appendingPathComponent("secrets"))
    let recorder = try Recorder(config, device: key, secrets: secrets, clock: { ticking.now })
    try recorder.grantConsent()
    try recorder.startTrip()
    for second in 0..<400 {
        ticking.now = start + Double(second)
        let unrest = Double(second * 7 % 5) * 0.3
        try recorder.record(
            Fix(
                time: ticking.now, latitudeDeg: 10 + (Double(second) * 20 + unrest) / 111_195,
                longitudeDeg: 20 + Double(second * 11 % 7) * 2e-6, accuracyM: 4, speedMps: 20,
                courseDeg: 0, altitudeM: 100, provider: .gnss))
    }
    // A drive of minutes is on disk long before; here it took milliseconds.
    try recorder.flush()
    FileHandle.standardOutput.write(Data("driven\n".utf8))
    kill(getpid(), SIGKILL)
}

for _ in 0..<2 {
    do {
        _ = try SoftwareSigner(seed: Data(count: 32))
        print("loaded")
    } catch HexmileError.libraryMismatch {
        print("mismatch")
    } catch {
        print(error)
    }
}

/// A clock of one thread.
final class Ticking: @unchecked Sendable {
    var now: Date

    init(_ now: Date) {
        self.now = now
    }
}
