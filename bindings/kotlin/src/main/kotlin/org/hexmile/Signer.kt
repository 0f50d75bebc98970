package org.hexmile

import java.io.Closeable
import org.hexmile.ffi.HostSigner
import org.hexmile.ffi.SignFailure
import org.hexmile.ffi.softwareSigner

/** What a signature is for; told for the key store's own records. */
public enum class SignPurpose {
    /** A trace. */
    TRACE,

    /** Opening an account. */
    ACCOUNT,

    /** Adding a device. */
    DEVICE,

    /** A request for the account's own data, or to erase it. */
    REQUEST,
}

/**
 * An Ed25519 key, held by the platform's key store or in memory ([SoftwareSigner]).
 *
 * Called from any thread that calls a [Recorder]. What [sign] throws comes out of the recorder's call
 * as the cause of a [HexmileException.Signing]; nothing recorded is lost by it. It must not call the
 * recorder.
 */
public interface Signer {
    /** The public key, 32 bytes. */
    public val publicKey: ByteArray

    /** Signs exactly these bytes: 64 bytes of signature. The purpose is in the message already. */
    public fun sign(purpose: SignPurpose, message: ByteArray): ByteArray
}

/**
 * A key in memory, made of a secret seed that the app keeps.
 *
 * @param seed 32 bytes that nobody can guess.
 * @throws HexmileException.Argument where the seed has another length.
 */
public class SoftwareSigner(seed: ByteArray) : Signer, Closeable {
    private val native: HostSigner
    private var closed = false

    init {
        NativeLibrary.ensureLoaded()
        native = calling { softwareSigner(seed) }
    }

    override val publicKey: ByteArray
        get() = lend { it.publicKey() }

    override fun sign(purpose: SignPurpose, message: ByteArray): ByteArray =
        try {
            lend { it.sign(purpose.toNative(), message) }
        } catch (e: SignFailure.KeyStore) {
            throw HexmileException.Signing(e.why, e)
        }

    /**
     * Hands the key to a call. The generated code does not look whether an object that it is given was
     * freed, so that nobody may free it meanwhile.
     */
    @Synchronized
    internal fun <T> lend(call: (HostSigner) -> T): T = calling({ closed }) { call(native) }

    /** Lets go of the key. Recorders that were made with it keep theirs. */
    @Synchronized
    override fun close() {
        closed = true
        (native as? AutoCloseable)?.close()
    }
}

/** A host's signer as the library calls it: nothing but [SignFailure] leaves it. */
internal class SignerBridge private constructor(private val signer: Signer) : HostSigner {
    // Asked once, and outside of the library, so that what it throws reaches the caller as it is.
    private val key = signer.publicKey

    override fun publicKey(): ByteArray = key

    override fun sign(purpose: org.hexmile.ffi.SignPurpose, message: ByteArray): ByteArray =
        try {
            signer.sign(purpose.fromNative(), message)
        } catch (@Suppress("TooGenericExceptionCaught") e: Throwable) {
            // Errors, too: an `Error` that crosses the border unseen leaves the library without an answer.
            failure.set(e)
            throw SignFailure.KeyStore(e.message ?: e.javaClass.name)
        }

    companion object {
        // Calls are synchronous: what a signer throws is of the call that its thread is in.
        private val failure = ThreadLocal<Throwable?>()

        fun takeFailure(): Throwable? = failure.get().also { failure.remove() }

        /** Hands a signer to a call, as the library takes it. */
        fun <T> lend(signer: Signer, call: (HostSigner) -> T): T = when (signer) {
            is SoftwareSigner -> signer.lend(call)
            else -> SignerBridge(signer).let { bridge -> calling { call(bridge) } }
        }
    }
}

private fun SignPurpose.toNative() = when (this) {
    SignPurpose.TRACE -> org.hexmile.ffi.SignPurpose.TRACE
    SignPurpose.ACCOUNT -> org.hexmile.ffi.SignPurpose.ACCOUNT
    SignPurpose.DEVICE -> org.hexmile.ffi.SignPurpose.DEVICE
    SignPurpose.REQUEST -> org.hexmile.ffi.SignPurpose.REQUEST
}

private fun org.hexmile.ffi.SignPurpose.fromNative() = when (this) {
    org.hexmile.ffi.SignPurpose.TRACE -> SignPurpose.TRACE
    org.hexmile.ffi.SignPurpose.ACCOUNT -> SignPurpose.ACCOUNT
    org.hexmile.ffi.SignPurpose.DEVICE -> SignPurpose.DEVICE
    org.hexmile.ffi.SignPurpose.REQUEST -> SignPurpose.REQUEST
}
