package org.hexmile

/** What happened, for the app to show or log; nothing needs to be done about it. */
public sealed interface Event {
    /** A trace was sealed: signed, and kept until the server has it. [trace] is its id, hexadecimal. */
    public data class Sealed(val trace: String) : Event

    /** The server has a trace since [receivedAtMs], Unix milliseconds by its clock. */
    public data class Received(val trace: String, val receivedAtMs: Long) : Event

    /** The server will never take a trace; [code] is stable. */
    public data class Refused(val trace: String, val code: String) : Event

    /** An upload failed and will be tried again; [why] is a stable code, or the transport's words. */
    public data class Delayed(val why: String) : Event

    /**
     * The server takes nothing that this app sends; what waits is kept, and tried again at [untilMs],
     * Unix milliseconds. [code] is stable.
     */
    public data class Paused(val code: String, val untilMs: Long) : Event

    /** A trace was sealed anew, under another id. */
    public data class Resealed(val was: String, val now: String) : Event

    /** Files in the journal's folder belong to another device key or version, and were renamed. */
    public data class SetAside(val segments: Long) : Event

    /** Delivery met an error, and goes on. */
    public data class Troubled(val error: HexmileException) : Event
}
