import Foundation

/// Signed traces of an upload, as FORMAT.md lays them out: payload length, payload, signature.
func signedTraces(_ body: Data) -> [(payload: Data, signature: Data)] {
    var rest = [UInt8](body)[...]
    var traces: [(Data, Data)] = []
    while rest.count >= 4 {
        let length = rest.prefix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
        rest = rest.dropFirst(4)
        traces.append((Data(rest.prefix(length)), Data(rest.dropFirst(length).prefix(64))))
        rest = rest.dropFirst(length + 64)
    }
    return traces
}

/// Tags of what is signed and hashed; a zero byte ends each.
let traceTag = Data("hexmile/trace/v1\0".utf8)
let receiptTag = Data("hexmile/receipt/v1\0".utf8)
let deviceTag = Data("hexmile/device/v1\0".utf8)

/// The id of a trace with this payload.
func traceID(_ payload: Data) -> String {
    sha256(Data("hexmile/trace-id/v1\0".utf8) + payload).hex
}

extension Data {
    var hex: String { map { String(format: "%02x", $0) }.joined() }

    init?(hex: String) {
        let digits = hex.compactMap(\.hexDigitValue)
        guard digits.count == hex.count, digits.count.isMultiple(of: 2) else { return nil }
        self.init(stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] * 16 + digits[$0 + 1]) })
    }
}

/// FIPS 180-4, for tests on systems without CryptoKit.
func sha256(_ message: Data) -> Data {
    // Fractional parts of the cube roots of the first 64 primes, and of the square roots of the first 8.
    let primes: [Int] = (2...311).filter { n in !(2..<n).contains { n.isMultiple(of: $0) } }
    let fraction = { (root: Double) -> UInt32 in UInt32((root - root.rounded(.down)) * 4_294_967_296) }
    let k: [UInt32] = primes.map { fraction(cbrt(Double($0))) }
    var h: [UInt32] = primes.prefix(8).map { fraction(Double($0).squareRoot()) }
    var padded = [UInt8](message) + [0x80]
    padded += [UInt8](repeating: 0, count: (120 - padded.count % 64) % 64)
    padded += (0..<8).reversed().map { UInt8(truncatingIfNeeded: (message.count * 8) >> ($0 * 8)) }
    let rotated = { (x: UInt32, n: UInt32) -> UInt32 in (x >> n) | (x << (32 - n)) }
    for start in stride(from: 0, to: padded.count, by: 64) {
        var w: [UInt32] = stride(from: start, to: start + 64, by: 4).map { (word: Int) -> UInt32 in
            padded[word..<(word + 4)].reduce(UInt32(0)) { ($0 << 8) | UInt32($1) }
        }
        for i in 16..<64 {
            let a: UInt32 = rotated(w[i - 15], 7) ^ rotated(w[i - 15], 18) ^ (w[i - 15] >> 3)
            let b: UInt32 = rotated(w[i - 2], 17) ^ rotated(w[i - 2], 19) ^ (w[i - 2] >> 10)
            let next: UInt32 = w[i - 16] &+ a &+ w[i - 7]
            w.append(next &+ b)
        }
        var v = h
        for i in 0..<64 {
            let s1: UInt32 = rotated(v[4], 6) ^ rotated(v[4], 11) ^ rotated(v[4], 25)
            let choice: UInt32 = (v[4] & v[5]) ^ (~v[4] & v[6])
            let mixed: UInt32 = v[7] &+ s1 &+ choice
            let t1: UInt32 = mixed &+ k[i] &+ w[i]
            let s0: UInt32 = rotated(v[0], 2) ^ rotated(v[0], 13) ^ rotated(v[0], 22)
            let majority: UInt32 = (v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2])
            let t2: UInt32 = s0 &+ majority
            v = [v[7]] + v.dropLast()
            v[0] = t1 &+ t2
            v[4] = v[4] &+ t1
        }
        h = zip(h, v).map { $0 &+ $1 }
    }
    return Data(h.flatMap { word in (0..<4).reversed().map { UInt8(truncatingIfNeeded: word >> ($0 * 8)) } })
}
