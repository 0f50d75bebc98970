/// What a driver agrees to, in plain words.
public enum Consent {
    /// Whoever agreed to an earlier one is asked again.
    public static let version = 1

    /// A question that a driver has, and its answer.
    public struct Point: Identifiable, Equatable, Sendable {
        public let question: String
        public let answer: String
        public var id: String { question }
    }

    /// All of it, in order of reading.
    public static let points = [
        Point(
            question: "What is collected",
            answer: """
                While a trip is recorded: where the phone is, when, how precisely, how fast and in which \
                direction, and how high. With it go an ID of this phone's key and an ID of your account, \
                both made by this app. No name, no e-mail, no contacts, no advertising ID.
                """),
        Point(
            question: "What is not",
            answer: """
                Nothing before you agree and nothing while no trip is recorded. The places that you mark \
                as private, and places where you stop again and again, are cut away on the phone, with a \
                stretch around them. So are the ends of every other trip.
                """),
        Point(
            question: "Why",
            answer: """
                The server that you choose makes a public map of traffic from many drivers' trips. A road \
                shows only once several drivers were on it. Nobody is shown alone.
                """),
        Point(
            question: "Who gets it",
            answer: """
                The operator of that server, and nobody else by this app. What it keeps, for how long, and \
                what it could link is on its page, under Transparency.
                """),
        Point(
            question: "What it earns",
            answer: """
                The server credits your account for stretches that its published rules accept. Many trips \
                are credited little or nothing. Credits are no wage and no promise of money; what they are \
                good for is the operator's to say.
                """),
        Point(
            question: "How to stop",
            answer: """
                Stop a trip at any time. Withdraw here: recording ends at once, and what was open is \
                forgotten. Erase: the phone forgets everything, and the server is told to do the same; \
                the app shows when it has. Battery and data plan are used while a trip is recorded.
                """),
    ]
}
