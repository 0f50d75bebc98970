import Foundation

/// Fixes as the library takes many at once: crossing the border costs more than recording one. 64 bytes
/// each, little endian: the time in Unix milliseconds; latitude, longitude, accuracy, speed, course and
/// altitude, NaN where it is not known; a byte that is 1 for a mock; a byte for the provider; six zeros.
func packed(_ fixes: some Sequence<Fix>) -> Data {
    var bytes: [UInt8] = []
    bytes.reserveCapacity(fixes.underestimatedCount * 64)
    for fix in fixes {
        append(UInt64(bitPattern: fix.time.unixMs), to: &bytes)
        append(fix.latitudeDeg.bitPattern, to: &bytes)
        append(fix.longitudeDeg.bitPattern, to: &bytes)
        for known in [fix.accuracyM, fix.speedMps, fix.courseDeg, fix.altitudeM] {
            append((known ?? .nan).bitPattern, to: &bytes)
        }
        append((fix.mock ? 1 : 0) | fix.provider.packed << 8, to: &bytes)
    }
    return Data(bytes)
}

private func append(_ word: UInt64, to bytes: inout [UInt8]) {
    withUnsafeBytes(of: word.littleEndian) { bytes.append(contentsOf: $0) }
}

extension FixProvider {
    fileprivate var packed: UInt64 {
        switch self {
        case .unknown: return 0
        case .gnss: return 1
        case .fused: return 2
        case .network: return 3
        }
    }
}
