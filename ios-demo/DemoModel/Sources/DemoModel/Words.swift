import Foundation
import Hexmile

/// Stable codes and errors in words for a driver. A code that this app does not know is shown as it is.
public enum Words {
    /// Why a fix was not kept.
    public static func drop(_ code: String) -> String {
        switch code {
        case "zone": return "in a private place"
        case "trip_start", "trip_end": return "at an end of the trip"
        case "quiet_hours": return "in quiet hours"
        case "inaccurate": return "too inaccurate"
        case "repeated", "stale", "out_of_order": return "nothing new"
        case "future", "out_of_range": return "not plausible"
        case "held_too_long", "no_room": return "no room left to keep it"
        case "no_trip", "no_consent": return "while nothing was recorded"
        default: return code
        }
    }

    /// Why what waits does not leave.
    static func wait(_ code: String) -> String {
        switch code {
        case "offline": return "there is no network."
        case "waiting_for_wifi": return "you chose Wi-Fi only."
        case "roaming": return "the network is a foreign one."
        case "battery_low": return "the battery is low."
        case "data_budget_spent": return "today's data budget is used up."
        case "radio_budget": return "they leave together, to spare the battery."
        case "server_pause", "server_retry": return "the server asked to wait."
        default: return code
        }
    }

    /// What a trace's verdict found.
    public static func reason(_ code: String) -> String {
        switch code {
        case "time_order": return "the clock ran backwards"
        case "duplicate_time": return "two positions at one moment"
        case "mock": return "positions made by an app"
        case "accuracy": return "too inaccurate to tell the road"
        case "speed": return "faster than any vehicle on a road"
        case "teleport": return "a jump to another place"
        case "acceleration": return "speeding up like no vehicle does"
        case "parked": return "the vehicle stood parked"
        case "too_few_fixes": return "too short"
        default: return code
        }
    }

    /// An amount of 1e-6, exactly.
    public static func credits(_ millionths: Int64) -> String {
        let (whole, part) = millionths.magnitude.quotientAndRemainder(dividingBy: 1_000_000)
        let digits = String(part)
        var decimals = String(repeating: "0", count: 6 - digits.count) + digits
        while decimals.hasSuffix("0") { decimals.removeLast() }
        return (millionths < 0 ? "-" : "") + "\(whole)" + (decimals.isEmpty ? "" : "." + decimals)
    }

    /// What went wrong, and what the driver can do about it.
    public static func error(_ error: any Error) -> String {
        switch error {
        case let error as HexmileError: return words(error)
        case let fault as ServerAddress.Fault: return words(fault)
        case Coordinates.Fault.latitude: return "The latitude is a number from -90 to 90."
        case Coordinates.Fault.longitude: return "The longitude is a number from -180 to 180."
        case is Network.Unknown: return "There is no Hexmile server at this address."
        case is SecretsLocked: return "Unlock the phone once, then this works."
        case is URLError: return "The server was not reached. Look at the network and the address."
        default: return String(describing: error)
        }
    }

    private static func words(_ error: HexmileError) -> String {
        switch error {
        case .closed: return "The recorder was closed. Open the app anew."
        case .noConsent: return "You have not agreed to recording."
        case .journal(let reason): return "The phone's storage does not take the trip: \(reason)"
        case .signing, .secrets:
            return "The phone's key store does not answer. Unlock the phone; what was recorded is kept."
        case .argument(let reason): return "That cannot be used: \(reason)"
        case .refused(let code, let detail): return "The server refused: \(detail) (\(code))"
        case .unexpectedAnswer(let status): return "There is no Hexmile server at this address (\(status))."
        case .calledFromWithin, .libraryMismatch, .defect: return "This app has a defect: \(error)"
        }
    }

    private static func words(_ fault: ServerAddress.Fault) -> String {
        switch fault {
        case .empty: return "Enter the server's address."
        case .unreadable: return "This is no address of a server, such as https://hexmile.example."
        case .unencrypted: return "Only https: without it, anybody on the way could read your trips."
        case .credentials: return "An address without a name and password."
        case .query: return "An address that ends before ? and #."
        }
    }
}
