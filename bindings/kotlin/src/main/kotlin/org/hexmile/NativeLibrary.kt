package org.hexmile

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

/** Runs a call into the library; its errors come out as [HexmileException]s. */
internal inline fun <T> calling(isClosed: () -> Boolean = { false }, call: () -> T): T {
    if (isClosed()) throw HexmileException.Closed()
    try {
        return call()
    } catch (e: RecorderException) {
        throw when (e) {
            is RecorderException.Journal -> HexmileException.Journal(e.why)
            is RecorderException.Sign -> HexmileException.Signing(e.why, SignerBridge.takeFailure())
            is RecorderException.NoConsent -> HexmileException.NoConsent()
            is RecorderException.Argument -> HexmileException.Argument(e.why)
        }
    } catch (e: InternalException) {
        throw HexmileException.Defect(e.message ?: "a call into the library failed", e)
    } catch (e: IllegalStateException) {
        // The generated code's word for an object that was closed meanwhile.
        throw if (isClosed()) HexmileException.Closed() else e
    }
}
