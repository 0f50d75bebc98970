import Foundation
import Hexmile

/// Records one trip, and delivers it until every trace has its receipt.
public func contribute<Trip: AsyncSequence>(
    _ trip: Trip, to server: URL, network: String, folder: URL, seed: Data
) async throws where Trip.Element == Fix {
    let http = URLSessionTransport(server: server)
    let key = try SoftwareSigner(seed: seed) // or the Secure Enclave's, behind `Signer`
    let journal = folder.appendingPathComponent("journal")
    let secrets = FolderSecretStore(folder.appendingPathComponent("secrets")) // or the Keychain's
    let recorder = try Recorder(
        RecorderConfig(journal: journal, network: network), device: key, secrets: secrets)
    try await recorder.enrol(account: key, over: http) // once; harmless when repeated
    try recorder.grantConsent() // when the driver has agreed
    let delivery = Task { await recorder.deliver(over: http) }
    try recorder.startTrip()
    for try await fix in trip { try recorder.record(fix) }
    try recorder.stopTrip()
    for await status in recorder.statuses where status.isDelivered { break } // what an app shows
    delivery.cancel()
    try recorder.close()
}
