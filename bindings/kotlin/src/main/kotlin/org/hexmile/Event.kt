package org.hexmile

/** What happened, for the app to show or log; nothing needs to be done about it. */
public sealed interface Event {
    /** A trace was sealed: signed, and kept until the server has it. [trace] is its id, hexadecimal. */
    public data class Sealed(val trace: String) : Event

    /** The server has a trace since [receivedAtMs], Unix milliseconds by its clock. */
    public data class Received(val trace: String, val receivedAtMs: Long) : Event

    /** The server will never take a trace; [code] is stable. */
    public data class Refused(val trace: String, val code: String) : Event

    /** The server's rules have judged a trace. */
    public data class Judged(val verdict: Verdict) : Event

    /** The account's earnings were told: [Recorder.earnings]. */
    public data object Earned : Event

    /** An upload failed and will be tried again; [why] is a stable code, or the transport's words. */
    public data class Delayed(val why: String) : Event

    /**
     * The server takes nothing that this app sends; what waits is kept, and tried again at [untilMs],
     * Unix milliseconds. [code] is stable.
     */
    public data class Paused(val code: String, val untilMs: Long) : Event

    /** A trace was sealed anew, under another id. */
    public data class Resealed(val was: String, val now: String) : Event

    /** The server holds nothing of the account any more. */
    public data object Erased : Event

    /** The server will not erase the account for what was signed; it was given up. [code] is stable. */
    public data class ErasureRefused(val code: String) : Event

    /** The driver comes back to this place, and it has a zone from now on: [Recorder.knownPlaces]. */
    public data class PlaceFound(val place: Place) : Event

    /** The places that were known cannot be read any more; they are learned anew. */
    public data object PlacesLost : Event

    /**
     * The trip that was under way when the app died goes on: hand on its fixes. It ends by itself where
     * none comes within a few minutes of the last. [trip] is its id, hexadecimal.
     */
    public data class TripResumed(val trip: String) : Event

    /** What was held back at the end of a trip when the app died is lost, or part of it. */
    public data class HeldLost(val reason: String) : Event

    /** What is held back cannot be kept on disk for now: if the app died, it would be lost. */
    public data class HeldInMemory(val why: String) : Event

    /** Files in the journal's folder belong to another device key or version, and were renamed. */
    public data class SetAside(val segments: Long) : Event

    /** Delivery met an error, and goes on. */
    public data class Troubled(val error: HexmileException) : Event
}
