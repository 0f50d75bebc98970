package org.hexmile.android

import android.security.keystore.KeyGenParameterSpec
import java.io.InputStream
import java.io.OutputStream
import java.security.Key
import java.security.KeyPair
import java.security.KeyPairGenerator
import java.security.KeyPairGeneratorSpi
import java.security.KeyStoreSpi
import java.security.Provider
import java.security.ProviderException
import java.security.PublicKey
import java.security.SecureRandom
import java.security.Security
import java.security.UnrecoverableKeyException
import java.security.cert.Certificate
import java.security.spec.AlgorithmParameterSpec
import java.security.spec.ECGenParameterSpec
import java.util.Collections
import java.util.Date
import java.util.Enumeration
import javax.crypto.KeyGenerator
import javax.crypto.KeyGeneratorSpi
import javax.crypto.SecretKey

/**
 * The Android Keystore's interface over keys in memory: the code under test asks it by the names, and with
 * the parameters, that it asks a phone's.
 */
internal object TestKeystore {
    class Entry(val key: Key, val chain: Array<Certificate>?)

    val entries = Collections.synchronizedMap(LinkedHashMap<String, Entry>())

    /** What was asked for, in order. */
    val asked = Collections.synchronizedList(mutableListOf<KeyGenParameterSpec>())

    /** Which keys this phone's hardware makes. */
    var takes: (KeyGenParameterSpec) -> Boolean = { true }

    /** What using it throws. */
    var failure: Exception? = null

    /** Keys that are there, and cannot be loaded. */
    val damaged: MutableSet<String> = Collections.synchronizedSet(mutableSetOf())

    fun reset() {
        damaged.clear()
        if (Security.getProvider(KEYSTORE) == null) Security.addProvider(TestProvider())
        entries.clear()
        asked.clear()
        takes = { true }
        failure = null
    }

    fun make(spec: KeyGenParameterSpec, entry: () -> Entry) {
        failure?.let { throw it }
        asked += spec
        if (!takes(spec)) throw ProviderException("not in this hardware")
        entries[spec.keystoreAlias] = entry()
        damaged -= spec.keystoreAlias
    }
}

private class TestProvider : Provider(KEYSTORE, "1", "keys in memory") {
    init {
        put("KeyStore.$KEYSTORE", TestKeyStoreSpi::class.java.name)
        put("KeyPairGenerator.EC", TestPairs::class.java.name)
        put("KeyGenerator.AES", TestSecretKeys::class.java.name)
    }
}

/** A certificate as far as anybody here looks into it. */
internal class TestCertificate(private val key: PublicKey?, private val bytes: ByteArray) : Certificate("X.509") {
    override fun getEncoded() = bytes
    override fun getPublicKey() = key
    override fun verify(key: PublicKey?) = Unit
    override fun verify(key: PublicKey?, sigProvider: String?) = Unit
    override fun toString() = "a certificate"
}

internal class TestPairs : KeyPairGeneratorSpi() {
    private lateinit var spec: KeyGenParameterSpec

    override fun initialize(size: Int, random: SecureRandom?) = error("by its parameters alone")

    override fun initialize(params: AlgorithmParameterSpec, random: SecureRandom?) {
        spec = params as KeyGenParameterSpec
    }

    override fun generateKeyPair(): KeyPair {
        val curve = spec.algorithmParameterSpec as ECGenParameterSpec
        val pair = KeyPairGenerator.getInstance("EC", "SunEC").apply { initialize(curve) }.generateKeyPair()
        TestKeystore.make(spec) {
            val leaf = TestCertificate(pair.public, pair.public.encoded + (spec.attestationChallenge ?: ByteArray(0)))
            val makers = if (spec.attestationChallenge == null) emptyList() else listOf(TestCertificate(null, ROOT))
            TestKeystore.Entry(pair.private, (listOf(leaf) + makers).toTypedArray())
        }
        return pair
    }

    companion object {
        val ROOT = ByteArray(500) { 7 }
    }
}

internal class TestSecretKeys : KeyGeneratorSpi() {
    private lateinit var spec: KeyGenParameterSpec

    override fun engineInit(random: SecureRandom?) = error("by its parameters alone")

    override fun engineInit(size: Int, random: SecureRandom?) = error("by its parameters alone")

    override fun engineInit(params: AlgorithmParameterSpec, random: SecureRandom?) {
        spec = params as KeyGenParameterSpec
    }

    override fun engineGenerateKey(): SecretKey {
        val key = KeyGenerator.getInstance("AES", "SunJCE").apply { init(spec.keySize) }.generateKey()
        TestKeystore.make(spec) { TestKeystore.Entry(key, null) }
        return key
    }
}

internal class TestKeyStoreSpi : KeyStoreSpi() {
    private fun entry(alias: String): TestKeystore.Entry? {
        TestKeystore.failure?.let { throw it }
        return TestKeystore.entries[alias]
    }

    override fun engineGetKey(alias: String, password: CharArray?): Key? {
        if (alias in TestKeystore.damaged) throw UnrecoverableKeyException("the blob of $alias is damaged")
        return entry(alias)?.key
    }

    override fun engineGetCertificateChain(alias: String): Array<Certificate>? = entry(alias)?.chain
    override fun engineGetCertificate(alias: String): Certificate? = entry(alias)?.chain?.first()
    override fun engineDeleteEntry(alias: String) {
        TestKeystore.failure?.let { throw it }
        TestKeystore.entries.remove(alias)
    }
    override fun engineAliases(): Enumeration<String> = Collections.enumeration(TestKeystore.entries.keys)
    override fun engineContainsAlias(alias: String) = entry(alias) != null
    override fun engineSize() = TestKeystore.entries.size
    override fun engineIsKeyEntry(alias: String) = engineContainsAlias(alias)
    override fun engineIsCertificateEntry(alias: String) = false
    override fun engineGetCertificateAlias(certificate: Certificate?): String? = null
    override fun engineGetCreationDate(alias: String?) = Date(0)
    override fun engineLoad(stream: InputStream?, password: CharArray?) = Unit
    override fun engineStore(stream: OutputStream?, password: CharArray?) = error("it keeps itself")
    override fun engineSetKeyEntry(a: String?, k: Key?, p: CharArray?, c: Array<out Certificate>?) = error("no import")
    override fun engineSetKeyEntry(a: String?, k: ByteArray?, c: Array<out Certificate>?) = error("no import")
    override fun engineSetCertificateEntry(a: String?, c: Certificate?) = error("no import")
}
