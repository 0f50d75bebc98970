import Foundation
import FoundationNetworking

// Apple's is not Sendable either.
open class BGTask: NSObject {
    public var expirationHandler: (() -> Void)?
    public func setTaskCompleted(success: Bool) {}
}

open class BGTaskRequest: NSObject {
    public var earliestBeginDate: Date?
}

open class BGProcessingTaskRequest: BGTaskRequest {
    public var requiresNetworkConnectivity = false
    public var requiresExternalPower = false
    public init(identifier: String) {}
}

open class BGTaskScheduler: NSObject, @unchecked Sendable {
    public static let shared = BGTaskScheduler()
    public func register(
        forTaskWithIdentifier identifier: String, using queue: DispatchQueue?,
        launchHandler: @escaping (BGTask) -> Void
    ) -> Bool { false }
    public func submit(_ taskRequest: BGTaskRequest) throws {}
}

// What Foundation has on Apple's systems alone.
extension URLSessionConfiguration {
    public class func background(withIdentifier identifier: String) -> URLSessionConfiguration { .default }

    public var sessionSendsLaunchEvents: Bool {
        get { true }
        set {}
    }
}
