package org.hexmile.play

import android.content.Context
import android.util.Base64
import com.google.android.gms.tasks.Task
import com.google.android.play.core.integrity.IntegrityManagerFactory
import com.google.android.play.core.integrity.IntegrityTokenRequest
import java.util.concurrent.Executor
import kotlin.coroutines.resume
import kotlinx.coroutines.suspendCancellableCoroutine
import org.hexmile.Attestation
import org.hexmile.Attestor

/**
 * Play Integrity: what Google says of the app and the phone. The server's challenge, which the device's
 * key is part of, is the nonce; the object is the token as it is, for the operator to have it read.
 *
 * @param cloudProject the number of the operator's project at Google, where the app is not sold by Play.
 */
public class PlayIntegrityAttestor(
    private val context: Context,
    private val cloudProject: Long? = null,
) : Attestor {
    /** `null` where Play has nothing to say: a device without is one like others. */
    override suspend fun attest(challenge: ByteArray): Attestation? {
        val nonce = Base64.encodeToString(challenge, Base64.URL_SAFE or Base64.NO_WRAP or Base64.NO_PADDING)
        val request = IntegrityTokenRequest.builder().setNonce(nonce)
        cloudProject?.let(request::setCloudProjectNumber)
        val token = IntegrityManagerFactory.create(context).requestIntegrityToken(request.build()).orNull()?.token()
        val bytes = token?.toByteArray() ?: return null
        return if (bytes.size <= MOST_BYTES) Attestation("play-integrity", bytes) else null
    }

    private companion object {
        /** Bytes of an attestation that a server takes at most. */
        const val MOST_BYTES = 8192
    }
}

/** What a task comes to; `null` where it fails. */
private suspend fun <T> Task<T>.orNull(): T? = suspendCancellableCoroutine { waiting ->
    addOnCompleteListener(Executor(Runnable::run)) { task ->
        waiting.resume(if (task.isSuccessful) task.result else null)
    }
}
