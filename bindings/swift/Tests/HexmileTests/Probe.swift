import Foundation
import XCTest

/// A program of the package in a process of its own.
struct Probe {
    let said: [String]
    /// The signal that ended it; 0 where it ended by itself.
    let signal: Int32

    static func run(
        _ arguments: [String] = [], environment: [String: String] = [:], program: String = "HexmileProbe"
    ) -> Probe {
        let process = Process()
        process.executableURL = products.appendingPathComponent(program)
        process.arguments = arguments
        process.environment = ProcessInfo.processInfo.environment.merging(environment) { _, new in new }
        let output = Pipe()
        process.standardOutput = output
        do {
            try process.run()
        } catch {
            XCTFail("\(error)")
            return Probe(said: [], signal: 0)
        }
        let said = output.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        let ended = process.terminationReason == .uncaughtSignal
        return Probe(
            said: String(decoding: said, as: UTF8.self).split(separator: "\n").map(String.init),
            signal: ended ? process.terminationStatus : 0)
    }
}

#if os(Linux)
private let products = Bundle.main.bundleURL
#else
private final class InTheBundle {}
private let products = Bundle(for: InTheBundle.self).bundleURL.deletingLastPathComponent()
#endif
