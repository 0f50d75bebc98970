package org.hexmile

/**
 * Why a call failed. What could be kept was kept, and the app goes on: none of these is fatal.
 *
 * @property message in words, for a log; not for the driver.
 */
public sealed class HexmileException(
    override val message: String,
    cause: Throwable? = null,
) : RuntimeException(message, cause) {
    /** There is no native library for this machine, or it cannot be loaded. */
    public class LibraryMissing internal constructor(message: String, cause: Throwable) :
        HexmileException(message, cause)

    /** The native library is not of this package's version. */
    public class LibraryMismatch internal constructor(message: String, cause: Throwable) :
        HexmileException(message, cause)

    /** The recorder or key was closed. */
    public class Closed internal constructor() : HexmileException("it was closed")

    /** The driver has not agreed to recording. */
    public class NoConsent internal constructor() :
        HexmileException("the driver has not agreed to recording")

    /** The journal's folder or disk. */
    public class Journal internal constructor(message: String) : HexmileException(message)

    /** A key did not sign, or is unusable; the cause is what its [Signer] threw, if it threw. */
    public class Signing internal constructor(message: String, cause: Throwable?) :
        HexmileException(message, cause)

    /** The secret store failed; the cause is what the [SecretStore] threw, if it threw. */
    public class Secrets internal constructor(message: String, cause: Throwable?) :
        HexmileException(message, cause)

    /** An argument that cannot be used. */
    public class Argument internal constructor(message: String) : HexmileException(message)

    /**
     * The server refused what an account asked for.
     *
     * @property code stable code.
     */
    public class Refused internal constructor(public val code: String, detail: String) :
        HexmileException("$code: $detail")

    /**
     * The answer is none of a Hexmile server's.
     *
     * @property status of the answer.
     */
    public class UnexpectedAnswer internal constructor(public val status: Int) :
        HexmileException("the answer with status $status is not a Hexmile server's")

    /** A defect of the library; please report it. The recorder may be used further. */
    public class Defect internal constructor(message: String, cause: Throwable) :
        HexmileException(message, cause)
}
