#if canImport(DeviceCheck) && !os(macOS)
import DeviceCheck
import Foundation

/// Apple's word that the key of this phone belongs to this app, unchanged, on a genuine device.
///
/// Give ``attest`` to ``Recorder/enrol(account:over:attest:)`` or
/// ``Recorder/join(invitation:over:attest:)`` when a device is added first, not at every start: Apple
/// limits how often. An unattested device is a normal one whose word counts for less at first; where
/// Apple's service is not reached, enrol without, rather than make the driver wait.
public enum AppAttest {
    /// Makes the attestation, or `nil` where the device cannot: simulators, and most app extensions.
    public static var attest: Attest? {
        guard DCAppAttestService.shared.isSupported else { return nil }
        return { challenge in
            let service = DCAppAttestService.shared
            // A key is attested once, and this one signs nothing after it: no need to keep its name.
            let key = try await service.generateKey()
            // The challenge is a SHA-256 already.
            let object = try await service.attestKey(key, clientDataHash: challenge)
            return Attestation(format: "apple-appattest", object: object)
        }
    }
}
#endif
