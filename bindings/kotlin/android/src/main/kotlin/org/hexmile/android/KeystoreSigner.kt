package org.hexmile.android

import android.content.Context
import android.content.pm.PackageManager
import android.os.Build
import android.security.keystore.KeyGenParameterSpec
import android.security.keystore.KeyProperties
import java.security.KeyPairGenerator
import java.security.KeyStore
import java.security.PrivateKey
import java.security.SecureRandom
import java.security.Signature
import java.security.cert.Certificate
import java.security.interfaces.ECPublicKey
import java.security.spec.ECGenParameterSpec
import org.hexmile.KeyAlgorithm
import org.hexmile.SignPurpose
import org.hexmile.Signer

/** The provider of keys that never leave the phone's hardware. */
internal const val KEYSTORE = "AndroidKeyStore"

/**
 * The device's key in the Android Keystore: P-256, in a chip of its own (StrongBox) where there is one,
 * else in the processor's trusted part. It signs while the phone is locked, too, and survives until the
 * app's data are cleared.
 *
 * @property certificates the key's certificate, and those up to the maker's root, in DER: what hardware
 *   says of the key. A single one where the phone cannot attest.
 */
public class KeystoreSigner private constructor(
    private val alias: String,
    private val sdk: Int,
    chain: List<Certificate>,
) : Signer {
    override val algorithm: KeyAlgorithm get() = KeyAlgorithm.ES256

    override val publicKey: ByteArray = compressed(chain.first().publicKey as ECPublicKey)

    public val certificates: List<ByteArray> = chain.map { it.encoded }

    /**
     * DER, as the Keystore gives it.
     *
     * @throws KeystoreException
     */
    override fun sign(purpose: SignPurpose, message: ByteArray): ByteArray = keystore(sdk) {
        // Anew each time: a handle dies with the Keystore's own process.
        val key = keys().getKey(alias, null) as? PrivateKey
            ?: throw KeystoreException.Lost("there is no key $alias any more")
        Signature.getInstance("SHA256withECDSA").run {
            initSign(key)
            update(message)
            sign()
        }
    }

    public companion object {
        /** The name of the device's key unless the app has another. */
        public const val DEVICE_ALIAS: String = "hexmile.device"

        /**
         * The key of a name; a new one where there is none.
         *
         * @throws KeystoreException
         */
        public fun open(context: Context, alias: String = DEVICE_ALIAS): KeystoreSigner =
            open(alias, hasStrongBox(context), Build.VERSION.SDK_INT)

        /**
         * Destroys the key of a name for good. Where there is none, nothing happens.
         *
         * @throws KeystoreException
         */
        public fun destroy(alias: String = DEVICE_ALIAS): Unit = keystore { keys().deleteEntry(alias) }

        internal fun open(alias: String, strongBox: Boolean, sdk: Int): KeystoreSigner = keystore(sdk) {
            val chain = chain(alias) ?: run {
                generate(alias, ByteArray(CHALLENGE_LEN).also(SecureRandom()::nextBytes), strongBox, sdk)
                chain(alias) ?: throw KeystoreException.Broken("the key $alias was made, and is not there")
            }
            KeystoreSigner(alias, sdk, chain)
        }

        internal fun hasStrongBox(context: Context): Boolean =
            Build.VERSION.SDK_INT >= Build.VERSION_CODES.P &&
                context.packageManager.hasSystemFeature(PackageManager.FEATURE_STRONGBOX_KEYSTORE)

        internal fun chain(alias: String): List<Certificate>? =
            keys().getCertificateChain(alias)?.toList()?.ifEmpty { null }

        /** Makes a key in the best place that takes it: chips refuse, and some phones cannot attest. */
        internal fun generate(alias: String, challenge: ByteArray, strongBox: Boolean, sdk: Int) {
            val places = listOf(true to true, false to true, false to false).filter { strongBox || !it.first }
            for ((chip, attested) in places) {
                try {
                    return generate(alias, challenge.takeIf { attested }, chip, sdk)
                } catch (e: java.security.ProviderException) {
                    // `StrongBoxUnavailableException` among them, which older systems do not have.
                    if (chip || attested) continue
                    throw e
                }
            }
        }

        private fun generate(alias: String, challenge: ByteArray?, strongBox: Boolean, sdk: Int) {
            val spec = KeyGenParameterSpec.Builder(alias, KeyProperties.PURPOSE_SIGN)
                .setAlgorithmParameterSpec(ECGenParameterSpec("secp256r1"))
                .setDigests(KeyProperties.DIGEST_SHA256)
                .setAttestationChallenge(challenge)
            if (strongBox && sdk >= Build.VERSION_CODES.P) spec.setIsStrongBoxBacked(true)
            val generator = KeyPairGenerator.getInstance(KeyProperties.KEY_ALGORITHM_EC, KEYSTORE)
            generator.initialize(spec.build())
            generator.generateKeyPair()
        }

        internal fun keys(): KeyStore = KeyStore.getInstance(KEYSTORE).apply { load(null) }

        private const val CHALLENGE_LEN = 32
    }
}

/** A point of P-256 in its compressed form (SEC 1, 2.3.3): 33 bytes. */
internal fun compressed(key: ECPublicKey): ByteArray {
    val x = key.w.affineX.toByteArray().takeLast(COORDINATE_LEN).toByteArray()
    val sign: Byte = if (key.w.affineY.testBit(0)) 3 else 2
    return byteArrayOf(sign) + ByteArray(COORDINATE_LEN - x.size) + x
}

private const val COORDINATE_LEN = 32
