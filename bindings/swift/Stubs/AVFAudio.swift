import Foundation

// Apple's are not Sendable either.
open class AVAudioSession: NSObject {
    public struct Port: Equatable, Sendable {
        public static let carAudio = Port()
    }

    public static let routeChangeNotification = Notification.Name("AVAudioSessionRouteChangeNotification")
    public class func sharedInstance() -> AVAudioSession { AVAudioSession() }
    public var currentRoute: AVAudioSessionRouteDescription { AVAudioSessionRouteDescription() }
}

open class AVAudioSessionRouteDescription: NSObject {
    public var outputs: [AVAudioSessionPortDescription] { [] }
}

open class AVAudioSessionPortDescription: NSObject {
    public var portType: AVAudioSession.Port { .carAudio }
}
