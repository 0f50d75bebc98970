package org.hexmile.android

import java.io.IOException
import kotlinx.coroutines.sync.Mutex
import kotlinx.coroutines.sync.withLock
import kotlinx.coroutines.withTimeoutOrNull
import org.hexmile.Attestor
import org.hexmile.Recorder
import org.hexmile.RecoveryCode
import org.hexmile.SoftwareSigner
import org.hexmile.Transport
import org.hexmile.enrol

/** The driver's account on this phone, and whether the server knows its devices. */
internal class Enrolling(private val values: Values) {
    private val one = Mutex()

    /** What the account's key follows from; made at the first call. */
    @Synchronized
    fun code(): RecoveryCode = known() ?: RecoveryCode.generate().also { values.put(CODE, it.text.toByteArray()) }

    /** The account's code; `null` where there is none yet. */
    fun known(): RecoveryCode? = values.get(CODE)?.let { RecoveryCode.read(it.decodeToString()) }

    /** The driver agrees: there is a code from now on. One that cannot be read is not given up: earnings hang on it. */
    fun begin() {
        try {
            code()
        } catch (_: KeystoreException.Lost) {
            // Told with each attempt to enrol.
        }
    }

    /** The account's key; `null` where it is not on this phone, or not any more. */
    fun signer(): SoftwareSigner? = try {
        known()?.accountSigner()
    } catch (_: KeystoreException.Lost) {
        null
    }

    fun <T> account(call: (SoftwareSigner?) -> T): T {
        val signer = signer() ?: return call(null)
        return signer.use(call)
    }

    fun isDone(recorder: Recorder): Boolean = try {
        values.get(ENROLLED)?.decodeToString() == recorder.deviceId
    } catch (_: KeystoreException.Lost) {
        // It does no harm to be told again.
        false
    }

    /**
     * Tells the server of the account and the device, unless that was done; whether it knows them now.
     *
     * @param wanted whether it may still, asked when nothing else goes on that would undo it.
     */
    suspend fun ensure(recorder: Recorder, transport: Transport, attestor: Attestor?, wanted: () -> Boolean): Boolean =
        one.withLock {
            if (!wanted()) return@withLock false
            if (isDone(recorder)) return@withLock true
            code().accountSigner().use { account ->
                // A request to erase may wait for it, and whoever attests has no end of its own.
                withTimeoutOrNull(MOST_MS) { recorder.enrol(account, transport, attestor) }
                    ?: throw IOException("the enrolment takes too long")
                recorder.setAccount(account)
            }
            values.put(ENROLLED, recorder.deviceId.toByteArray())
            true
        }

    /**
     * Carries a transport's requests to erase when no enrolment is under way: one that arrived after it would
     * open the account anew, of whose driver the server is to know nothing any more.
     */
    fun apart(transport: Transport): Transport = Transport { request ->
        if (request.method == "DELETE") one.withLock { transport.send(request) } else transport.send(request)
    }

    /** The server forgot the account, and the driver goes on with it. */
    fun again() = values.remove(ENROLLED)

    /** The driver left. */
    fun forget() {
        values.remove(ENROLLED)
        values.remove(CODE)
    }

    private companion object {
        const val CODE = "account"
        const val ENROLLED = "enrolled"
        const val MOST_MS = 120_000L
    }
}
