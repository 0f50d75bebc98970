import DemoModel
import Foundation
import Hexmile

extension Phone {
    /// The phone that the app runs on: keys in the Keychain and the Secure Enclave, files out of backups.
    static var this: Phone {
        var folder = URL.applicationSupportDirectory.appending(path: "hexmile")
        try? FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        var values = URLResourceValues()
        values.isExcludedFromBackup = true
        try? folder.setResourceValues(values)
        return Phone(
            folder: folder, secrets: KeychainSecretStore(),
            deviceKey: { try deviceSigner(named: "device", in: $0) }, attest: AppAttest.attest,
            withdrawUploads: { BackgroundTransport.takeBack() })
    }
}
