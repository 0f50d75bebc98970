import Foundation
import Hexmile

// Prints what recording a fix costs, one by one and in batches of 64; with a number, makes so many calls,
// some of which fail or ask a key of the app's, and prints how the memory grew meanwhile.
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
let recorder = try Recorder(
    RecorderConfig(journal: folder.appendingPathComponent("journal"), network: "cost"),
    device: try SoftwareSigner(seed: Data(repeating: 5, count: 32)), secrets: secrets, clock: { clock.now })
try recorder.grantConsent()
try recorder.startTrip()

var second = 0
@MainActor
func next() -> Fix {
    second += 1
    let unrest = Double(second * 7 % 5) * 0.3
    return Fix(
        time: Date(timeIntervalSince1970: 1_700_000_000 + Double(second)),
        latitudeDeg: 10 + (Double(second % 100_000) * 20 + unrest) / 111_195,
        longitudeDeg: 20 + Double(second * 11 % 7) * 2e-6, accuracyM: 4, speedMps: 20, courseDeg: 0,
        altitudeM: 100, provider: .gnss)
}

func nanoseconds(_ work: () throws -> Void) rethrows -> Double {
    let started = DispatchTime.now().uptimeNanoseconds
    try work()
    return Double(DispatchTime.now().uptimeNanoseconds - started)
}

/// A key of the app's, so that signing comes back over the border.
struct AppKey: Signer {
    let key: SoftwareSigner

    var algorithm: KeyAlgorithm { .ed25519 }
    var publicKey: Data { key.publicKey }
    func sign(_ message: Data, for purpose: SignPurpose) throws -> Data { try key.sign(message, for: purpose) }
}

struct Nowhere: Transport {
    func send(_ request: Request) async throws -> Answer { throw URLError(.notConnectedToInternet) }
}

/// Resident memory in KiB, where the system tells it as Linux does.
func residentKiB() -> Int {
    let pages = (try? String(contentsOfFile: "/proc/self/statm", encoding: .utf8))?.split(separator: " ")
    return (pages.flatMap { $0.count > 1 ? Int($0[1]) : nil } ?? 0) * 4
}

if let calls = CommandLine.arguments.dropFirst().first.flatMap(Int.init) {
    let key = AppKey(key: try SoftwareSigner(seed: Data(repeating: 6, count: 32)))
    let lent = try Recorder(
        RecorderConfig(journal: folder.appendingPathComponent("lent"), network: "cost"), device: key,
        secrets: secrets)
    var begun = 0
    for call in 1...calls {
        if call % 1000 == 0 { _ = try? await lent.export(over: Nowhere()) }
        if call % 100 == 0 { _ = try? recorder.setPrivacy(secret: Data(count: 31)) }
        if call % 10 == 0 { _ = recorder.status }
        clock.advance(1)
        try recorder.record(next())
        if call == calls / 10 { begun = residentKiB() }
    }
    print("\(calls) calls: \(begun) KiB after a tenth of them, \(residentKiB()) KiB at the end")
    exit(0)
}

var singles: [Double] = [], batched: [Double] = []
for _ in 0..<rounds {
    let fixes = (0..<batches * batch).map { _ in next() }
    singles.append(
        try nanoseconds {
            for fix in fixes {
                clock.advance(1)
                try recorder.record(fix)
            }
        })
    try recorder.startTrip()
    let groups = (0..<batches).map { _ in (0..<batch).map { _ in next() } }
    batched.append(
        try nanoseconds {
            for group in groups {
                clock.advance(Double(batch))
                try recorder.record(group)
            }
        })
    try recorder.startTrip()
}

func median(_ costs: [Double]) -> String {
    String(format: "%.2f", costs.sorted()[rounds / 2] / Double(batches * batch * 1000))
}
print("record: \(median(singles)) us a fix; in batches of \(batch): \(median(batched)) us a fix")
print("kept \(recorder.status.fixesKept), dropped \(recorder.status.fixesDropped)")
try recorder.close()
try FileManager.default.removeItem(at: folder)
