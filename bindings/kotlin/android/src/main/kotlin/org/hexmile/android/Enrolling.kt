package org.hexmile.android

import kotlinx.coroutines.sync.Mutex
import kotlinx.coroutines.sync.withLock
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

    fun <T> account(call: (SoftwareSigner?) -> T): T {
        val signer = known()?.accountSigner() ?: return call(null)
        return signer.use(call)
    }

    fun isDone(recorder: Recorder): Boolean = values.get(ENROLLED)?.decodeToString() == recorder.deviceId

    /** Tells the server of the account and the device, unless that was done. */
    suspend fun ensure(recorder: Recorder, transport: Transport, attestor: Attestor?) = one.withLock {
        if (isDone(recorder)) return@withLock
        code().accountSigner().use { account ->
            recorder.enrol(account, transport, attestor)
            recorder.setAccount(account)
        }
        values.put(ENROLLED, recorder.deviceId.toByteArray())
    }

    /** The driver left. */
    fun forget() {
        values.remove(ENROLLED)
        values.remove(CODE)
    }

    private companion object {
        const val CODE = "account"
        const val ENROLLED = "enrolled"
    }
}
