import Foundation
import Hexmile

// Prints what recording a fix costs, one by one and in batches of 64.
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
let recorder = try Recorder(
    RecorderConfig(journal: folder.appendingPathComponent("journal"), network: "cost"),
    device: try SoftwareSigner(seed: Data(repeating: 5, count: 32)), clock: { clock.now })
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
