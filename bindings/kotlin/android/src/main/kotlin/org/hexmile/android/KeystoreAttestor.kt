package org.hexmile.android

import android.content.Context
import android.os.Build
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.withContext
import org.hexmile.Attestation
import org.hexmile.Attestor

/**
 * Android key attestation. Hardware attests a key when it is made, so a second key, made for this and
 * destroyed at once, carries the server's challenge, which the device's key is part of. The object is
 * certificates in DER, one after another: those of the second key up to the root, then those of the
 * device's own key that are not among them, where there is room.
 */
public class KeystoreAttestor internal constructor(
    private val device: KeystoreSigner,
    private val strongBox: Boolean,
    private val sdk: Int,
) : Attestor {
    public constructor(context: Context, device: KeystoreSigner) :
        this(device, KeystoreSigner.hasStrongBox(context), Build.VERSION.SDK_INT)

    /** `null` where the phone has no hardware that attests: a device without is one like others. */
    override suspend fun attest(challenge: ByteArray): Attestation? = withContext(Dispatchers.IO) {
        try {
            keystore(sdk) { witness(challenge) }?.let { Attestation("android-key", it) }
        } catch (_: KeystoreException) {
            null
        }
    }

    private fun witness(challenge: ByteArray): ByteArray? {
        try {
            KeystoreSigner.generate(WITNESS_ALIAS, challenge, strongBox, sdk)
            val chain = KeystoreSigner.chain(WITNESS_ALIAS)?.map { it.encoded }
            // A certificate alone is the phone's own word.
            if (chain == null || chain.size < 2) return null
            return attestationObject(chain, device.certificates)
        } finally {
            KeystoreSigner.keys().deleteEntry(WITNESS_ALIAS)
        }
    }

    private companion object {
        const val WITNESS_ALIAS = "hexmile.witness"
    }
}

/** Bytes of an attestation that a server takes at most. */
private const val MOST_BYTES = 8192

/** Certificates one after another, none of them twice; `null` where even the first chain is too long. */
internal fun attestationObject(witness: List<ByteArray>, device: List<ByteArray>): ByteArray? {
    val more = device.filter { own -> witness.none { it.contentEquals(own) } }
    return listOf(witness + more, witness)
        .map { chain -> chain.fold(ByteArray(0), ByteArray::plus) }
        .firstOrNull { it.size <= MOST_BYTES }
}
