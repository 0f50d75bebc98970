import Foundation
import Hexmile

// Prints what recording a fix costs, one by one and in batches of 64; with a number, makes so many calls of
// every kind, some of which fail, ask a key of the app's or open a recorder, and prints how the memory grew
// after the first tenth of them.
let rounds = 7, batches = 300, batch = 64

final class Clock: @unchecked Sendable {
    private let lock = NSLock()
    private var seconds: TimeInterval = 1_700_000_000

    var now: Date {
        lock.lock()
        defer { lock.unlock() }
        return Date(timeIntervalSince1970: seconds)
    }

    func advance(_ by: TimeInterval) {
        lock.lock()
        seconds += by
        lock.unlock()
    }
}

let folder = FileManager.default.temporaryDirectory.appendingPathComponent("hexmile-cost-\(UUID())")
let clock = Clock()
let secrets = FolderSecretStore(folder.appendingPathComponent("secrets"))
let calls = CommandLine.arguments.dropFirst().first.flatMap(Int.init)
var config = RecorderConfig(journal: folder.appendingPathComponent("journal"), network: "cost")
// Small, so that what waits for a server, and its list in memory, has its full size soon.
if calls != nil { config.journalLimitBytes = 1_000_000 }
let recorder = try Recorder(
    config, device: try SoftwareSigner(seed: Data(repeating: 5, count: 32)), secrets: secrets, clock: { clock.now })
try recorder.grantConsent()
try recorder.startTrip()

/// Northwards at 20 m/s, from the clock's time on, with the small unrest of a real receiver.
var metres = 0.0, fixes = 0
@MainActor
func next(after seconds: TimeInterval) -> Fix {
    fixes += 1
    metres += 20 * seconds
    clock.advance(seconds)
    let unrest = Double(fixes * 7 % 5) * 0.3
    return Fix(
        time: clock.now, latitudeDeg: 10 + (metres.truncatingRemainder(dividingBy: 2_000_000) + unrest) / 111_195,
        longitudeDeg: 20 + Double(fixes * 11 % 7) * 2e-6, accuracyM: 4, speedMps: 20, courseDeg: 0,
        altitudeM: 100, provider: .gnss)
}

func nanoseconds(_ work: () throws -> Void) rethrows -> Double {
    let started = DispatchTime.now().uptimeNanoseconds
    try work()
    return Double(DispatchTime.now().uptimeNanoseconds - started)
}

/// A key of the app's, so that signing comes back over the border; every other time it throws.
final class AppKey: Signer, @unchecked Sendable {
    struct Locked: Error {}

    private let key: SoftwareSigner
    private var signed = 0

    init() throws {
        key = try SoftwareSigner(seed: Data(repeating: 6, count: 32))
    }

    var algorithm: KeyAlgorithm { .ed25519 }
    var publicKey: Data { key.publicKey }

    func sign(_ message: Data, for purpose: SignPurpose) throws -> Data {
        signed += 1
        if signed % 2 == 0 { throw Locked() }
        return try key.sign(message, for: purpose)
    }
}

struct Nowhere: Transport {
    func send(_ request: Request) async throws -> Answer { throw URLError(.notConnectedToInternet) }
}

/// Resident memory in KiB, where the system tells it as Linux does.
func residentKiB() -> Int {
    let pages = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8))?.split(separator: " ")
    return (pages.flatMap { $0.count > 1 ? Int($0[1]) : nil } ?? 0) * 4
}

/// Opens a recorder whose key is the app's, and closes it.
@MainActor
func openAndClose() async throws {
    let lent = try Recorder(
        RecorderConfig(journal: folder.appendingPathComponent("lent"), network: "cost"), device: AppKey(),
        secrets: secrets)
    let statuses = lent.statuses
    for _ in 0..<2 { _ = try? await lent.export(over: Nowhere()) }
    try lent.close()
    for await _ in statuses {}
}

if let calls {
    var begun = 0
    for call in 1...calls {
        if call % 1000 == 0 {
            try await openAndClose()
            // Seals, as an app's delivery does.
            _ = try await recorder.drain(over: Nowhere())
        }
        if call % 100 == 0 { _ = try? recorder.setPrivacy(secret: Data(count: 31)) }
        if call % 10 == 0 { _ = recorder.status }
        if call % 64 == 0 {
            try recorder.record((0..<4).map { _ in next(after: 1) })
        } else {
            try recorder.record(next(after: 1))
        }
        if call == calls / 10 { begun = residentKiB() }
    }
    print("\(calls) calls: \(begun) KiB after a tenth of them, \(residentKiB()) KiB at the end")
    try recorder.close()
    try FileManager.default.removeItem(at: folder)
    exit(0)
}

/// Nanoseconds of handing over fixes; the disk is waited for in between, which no drive of a fix a second
/// ever makes anybody do.
@MainActor
func round(_ handOver: ([Fix]) throws -> Void) throws -> Double {
    var spent = 0.0
    for _ in 0..<batches {
        // Of half a second, so that the first of 64 is not too old yet when the last is there.
        let fixes = (0..<batch).map { _ in next(after: 0.5) }
        spent += try nanoseconds { try handOver(fixes) }
        try recorder.flush()
    }
    return spent / Double(batches * batch)
}

var singles: [Double] = [], batched: [Double] = []
for _ in 0..<rounds {
    singles.append(try round { for fix in $0 { try recorder.record(fix) } })
    batched.append(try round { try recorder.record($0) })
}

func median(_ costs: [Double]) -> String { String(format: "%.2f", costs.sorted()[rounds / 2] / 1000) }
print("record: \(median(singles)) us a fix; in batches of \(batch): \(median(batched)) us a fix")
let status = recorder.status
print("kept \(status.fixesKept), dropped \(status.fixesDropped)")
// What was dropped cost less than it should have.
guard status.fixesKept > rounds * batches * batch * 19 / 10 else { exit(1) }
try recorder.close()
try FileManager.default.removeItem(at: folder)
