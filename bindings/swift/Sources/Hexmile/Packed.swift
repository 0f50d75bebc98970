import Foundation

/// Fixes as the library takes many at once. 64 bytes each, little endian: the time in Unix milliseconds;
/// latitude, longitude, accuracy, speed, course and altitude, NaN where it is not known; a byte that is 1
/// for a mock; a byte for the provider; six zeros.
func packed(_ fixes: some Collection<Fix>) -> Data {
    var data = Data(count: fixes.count * 64)
    data.withUnsafeMutableBytes { bytes in
        var at = 0
        func append(_ word: UInt64) {
            bytes.storeBytes(of: word.littleEndian, toByteOffset: at, as: UInt64.self)
            at += 8
        }
        for fix in fixes {
            append(UInt64(bitPattern: fix.time.unixMs))
            append(fix.latitudeDeg.bitPattern)
            append(fix.longitudeDeg.bitPattern)
            append((fix.accuracyM ?? .nan).bitPattern)
            append((fix.speedMps ?? .nan).bitPattern)
            append((fix.courseDeg ?? .nan).bitPattern)
            append((fix.altitudeM ?? .nan).bitPattern)
            append((fix.mock ? 1 : 0) | UInt64(fix.provider.code) << 8)
        }
    }
    return data
}
