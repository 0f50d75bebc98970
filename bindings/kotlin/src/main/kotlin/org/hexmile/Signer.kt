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

    /** Inviting a device. */
    INVITATION,

    /** A request for the account's own data, or to erase it. */
    REQUEST,
}

/** What a key signs with. */
public enum class KeyAlgorithm {
    /** Ed25519. */
    ED25519,

    /** ECDSA on P-256 with SHA-256, for key stores in hardware. */
    ES256,
}

/**
 * A key, held by the platform's key store or in memory ([SoftwareSigner]).
 *
 * Called from any thread that calls a [Recorder]. What [sign] throws comes out of the recorder's call
 * as the cause of a [HexmileException.Signing]; nothing recorded is lost by it. It must not call the
 * recorder.
 */
public interface Signer {
    /** What it signs with; the same for as long as it lives. */
    public val algorithm: KeyAlgorithm get() = KeyAlgorithm.ED25519

    /** The public key: 32 bytes, or for [KeyAlgorithm.ES256] 33, the point in its compressed form. */
    public val publicKey: ByteArray

    /**
     * Signs exactly these bytes; the purpose is in the message already. 64 bytes, or for
     * [KeyAlgorithm.ES256] DER as key stores give it.
     */
    public fun sign(purpose: SignPurpose, message: ByteArray): ByteArray
}

/** An Ed25519 key in memory. */
public class SoftwareSigner internal constructor(private val native: HostSigner) : Signer, Closeable {
    private var closed = false

    /**
     * Made of a secret seed that the app keeps.
     *
     * @param seed 32 bytes that nobody can guess.
     * @throws HexmileException.Argument where the seed has another length.
     */
    public constructor(seed: ByteArray) : this(ofSeed(seed))

    override val publicKey: ByteArray
        get() = lend { it.publicKey() }

    override fun sign(purpose: SignPurpose, message: ByteArray): ByteArray =
        try {
            lend { it.sign(purpose.toNative(), message) }
        } catch (e: SignFailure.KeyStore) {
            throw HexmileException.Signing(e.reason, e)
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

    private companion object {
        fun ofSeed(seed: ByteArray): HostSigner {
            NativeLibrary.ensureLoaded()
            return calling { softwareSigner(seed) }
        }
    }
}

/** A host's signer as the library calls it: nothing but [SignFailure] leaves it. */
internal class SignerBridge private constructor(private val signer: Signer) : HostSigner {
    // Asked once, and outside of the library, so that what it throws reaches the caller as it is.
    private val key = signer.publicKey
    private val algorithm = signer.algorithm.toNative()

    override fun algorithm(): org.hexmile.ffi.KeyAlgorithm = algorithm

    override fun publicKey(): ByteArray = key

    override fun sign(purpose: org.hexmile.ffi.SignPurpose, message: ByteArray): ByteArray =
        try {
            signer.sign(purpose.fromNative(), message)
        } catch (@Suppress("TooGenericExceptionCaught") e: Throwable) {
            // Errors, too: an `Error` that crosses the border unseen leaves the library without an answer.
            HostFailure.ofSigner.set(e)
            throw SignFailure.KeyStore(e.message ?: e.javaClass.name)
        }

    companion object {
        /** Hands a signer to a call, as the library takes it. */
        fun <T> lend(signer: Signer, call: (HostSigner) -> T): T = when (signer) {
            is SoftwareSigner -> signer.lend(call)
            else -> SignerBridge(signer).let { bridge -> calling { call(bridge) } }
        }

        /** The same for a key that there may be. */
        fun <T> lendAny(signer: Signer?, call: (HostSigner?) -> T): T =
            if (signer == null) call(null) else lend(signer, call)
    }
}

private fun SignPurpose.toNative() = when (this) {
    SignPurpose.TRACE -> org.hexmile.ffi.SignPurpose.TRACE
    SignPurpose.ACCOUNT -> org.hexmile.ffi.SignPurpose.ACCOUNT
    SignPurpose.DEVICE -> org.hexmile.ffi.SignPurpose.DEVICE
    SignPurpose.INVITATION -> org.hexmile.ffi.SignPurpose.INVITATION
    SignPurpose.REQUEST -> org.hexmile.ffi.SignPurpose.REQUEST
}

private fun org.hexmile.ffi.SignPurpose.fromNative() = when (this) {
    org.hexmile.ffi.SignPurpose.TRACE -> SignPurpose.TRACE
    org.hexmile.ffi.SignPurpose.ACCOUNT -> SignPurpose.ACCOUNT
    org.hexmile.ffi.SignPurpose.DEVICE -> SignPurpose.DEVICE
    org.hexmile.ffi.SignPurpose.INVITATION -> SignPurpose.INVITATION
    org.hexmile.ffi.SignPurpose.REQUEST -> SignPurpose.REQUEST
}

private fun KeyAlgorithm.toNative() = when (this) {
    KeyAlgorithm.ED25519 -> org.hexmile.ffi.KeyAlgorithm.ED25519
    KeyAlgorithm.ES256 -> org.hexmile.ffi.KeyAlgorithm.ES256
}
