/// What the driver allowed an app of location.
public struct LocationAccess: Equatable, Sendable {
    /// When locations may be had.
    public enum Grant: Equatable, Sendable {
        /// The driver was not asked yet.
        case notAsked
        /// Never; the driver said so.
        case denied
        /// Never, and the driver cannot change it: parental controls, or an employer's.
        case restricted
        /// While the app is used, and while it goes on in the background after that.
        case whenInUse
        /// Always: the system may wake the app for them.
        case always
    }

    /// When locations may be had.
    public var grant: Grant
    /// Whether they are precise; else they are off by kilometres, and no trip can be recorded.
    public var isPrecise: Bool

    /// What is allowed.
    public init(_ grant: Grant, isPrecise: Bool = true) {
        self.grant = grant
        self.isPrecise = isPrecise
    }
}
