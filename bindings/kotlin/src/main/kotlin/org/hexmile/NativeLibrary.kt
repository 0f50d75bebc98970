package org.hexmile

import org.hexmile.ffi.EnrolException
import org.hexmile.ffi.InternalException
import org.hexmile.ffi.RecorderException
import org.hexmile.ffi.uniffiEnsureInitialized

/** Loads the native library once, and tells its failures apart. */
internal object NativeLibrary {
    private val failure: HexmileException? by lazy(::load)

    /** @throws HexmileException.LibraryMissing and [HexmileException.LibraryMismatch] */
    fun ensureLoaded() {
        // A fresh one each time: a shared exception would carry the first caller's stack.
        when (val failure = failure) {
            null -> return
            is HexmileException.LibraryMissing ->
                throw HexmileException.LibraryMissing(failure.message, failure)
            else -> throw HexmileException.LibraryMismatch(failure.message, failure)
        }
    }

    private fun load(): HexmileException? {
        try {
            // Loading apart from the generated code's own checks tells what is missing from what differs.
            com.sun.jna.NativeLibrary.getInstance(name)
        } catch (e: LinkageError) {
            return HexmileException.LibraryMissing("the native library \"$name\" cannot be loaded: ${e.message}", e)
        }
        try {
            uniffiEnsureInitialized()
        } catch (e: LinkageError) {
            val why = (e.cause ?: e).message
            return HexmileException.LibraryMismatch(
                "the native library \"$name\" is not of this package's version: $why", e,
            )
        }
        return null
    }

    /** The name that the generated code looks for. */
    private val name: String
        get() = System.getProperty("uniffi.component.hexmile.libraryOverride") ?: "hexmile"
}

/** What hosts' keys and stores threw, until the call that they were asked in tells of it. */
internal class HostFailure private constructor() {
    // Calls are synchronous: what a host throws is of the call that its thread is in.
    private val thrown = ThreadLocal<Throwable?>()

    fun set(failure: Throwable) = thrown.set(failure)

    fun take(): Throwable? = thrown.get().also { thrown.remove() }

    companion object {
        val ofSigner = HostFailure()
        val ofSecrets = HostFailure()

        /** What an earlier call survived is not the cause of what comes now. */
        fun forget() {
            ofSigner.take()
            ofSecrets.take()
        }
    }
}

/** Runs a call into the library; its errors come out as [HexmileException]s. */
internal inline fun <T> calling(isClosed: () -> Boolean = { false }, call: () -> T): T {
    if (isClosed()) throw HexmileException.Closed()
    try {
        return call()
    } catch (e: RecorderException) {
        throw e.fromNative()
    } catch (e: EnrolException) {
        throw e.fromNative()
    } catch (e: InternalException) {
        throw HexmileException.Defect(e.message ?: "a call into the library failed", e)
    } catch (e: IllegalStateException) {
        // The generated code's word for an object that was closed meanwhile.
        throw if (isClosed()) HexmileException.Closed() else e
    }
}

internal fun RecorderException.fromNative(): HexmileException = when (this) {
    is RecorderException.Journal -> HexmileException.Journal(reason)
    is RecorderException.Sign -> HexmileException.Signing(reason, HostFailure.ofSigner.take())
    is RecorderException.Secret -> HexmileException.Secrets(reason, HostFailure.ofSecrets.take())
    is RecorderException.NoConsent -> HexmileException.NoConsent()
    is RecorderException.Argument -> HexmileException.Argument(reason)
}

internal fun EnrolException.fromNative(): HexmileException = when (this) {
    is EnrolException.KeyStore -> HexmileException.Signing(reason, HostFailure.ofSigner.take())
    is EnrolException.Refused -> HexmileException.Refused(code, detail)
    is EnrolException.Unexpected -> HexmileException.UnexpectedAnswer(status.toInt())
    is EnrolException.Argument -> HexmileException.Argument(reason)
}
