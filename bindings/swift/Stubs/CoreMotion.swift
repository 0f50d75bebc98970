import Foundation

public enum CMMotionActivityConfidence: Int, Sendable { case low, medium, high }

// Apple's is not Sendable either.
open class CMMotionActivity: NSObject {
    public var confidence: CMMotionActivityConfidence { .low }
    public var stationary: Bool { false }
    public var walking: Bool { false }
    public var running: Bool { false }
    public var automotive: Bool { false }
}

public typealias CMMotionActivityHandler = (CMMotionActivity?) -> Void

open class CMMotionActivityManager: NSObject {
    public class func isActivityAvailable() -> Bool { false }
    public func startActivityUpdates(
        to queue: OperationQueue, withHandler handler: @escaping CMMotionActivityHandler
    ) {}
    public func stopActivityUpdates() {}
}
