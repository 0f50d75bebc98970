package org.hexmile.android

import android.security.keystore.KeyPermanentlyInvalidatedException
import android.security.keystore.UserNotAuthenticatedException
import java.io.File
import java.security.KeyStoreException
import java.security.ProviderException
import java.security.Signature
import java.security.UnrecoverableKeyException
import javax.crypto.AEADBadTagException
import kotlinx.coroutines.test.runTest
import org.hexmile.SecretsLockedException
import org.hexmile.SignPurpose
import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertNotEquals
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertSame
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.BeforeEach
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows
import org.junit.jupiter.api.io.TempDir

class KeystoreTest {
    @TempDir
    lateinit var dir: File

    @BeforeEach
    fun `a phone that is new`() = TestKeystore.reset()

    private fun signer(strongBox: Boolean = true, sdk: Int = 35) = KeystoreSigner.open("key", strongBox, sdk)

    private fun values(unlocked: () -> Boolean = { true }) = SealedFiles(File(dir, "values"), "value.", unlocked, 35)

    @Test
    fun `a key is made once, in a chip where there is one, with a challenge`() {
        val first = signer()
        assertArrayEquals(first.publicKey, signer().publicKey)
        val spec = TestKeystore.asked.single()
        assertTrue(spec.isStrongBoxBacked)
        assertEquals(32, spec.attestationChallenge.size)
        // It signs while the phone is locked, and asks nobody.
        assertFalse(spec.isUnlockedDeviceRequired || spec.isUserAuthenticationRequired)
        assertEquals(2, first.certificates.size)
        KeystoreSigner.keys().deleteEntry("key")
        assertFalse(first.publicKey.contentEquals(signer().publicKey))
    }

    @Test
    fun `hardware that refuses gets another chance, place by place`() {
        TestKeystore.takes = { !it.isStrongBoxBacked && it.attestationChallenge == null }
        assertEquals(1, signer().certificates.size)
        assertEquals(listOf(true, false, false), TestKeystore.asked.map { it.isStrongBoxBacked })
        TestKeystore.reset()
        TestKeystore.takes = { false }
        assertThrows<KeystoreException.Broken> { signer(strongBox = false) }
        TestKeystore.reset()
        signer(sdk = 26)
        assertFalse(TestKeystore.asked.single().isStrongBoxBacked)
    }

    @Test
    fun `signatures verify, and the public key is the point`() {
        val signer = signer()
        val message = "hexmile".toByteArray()
        val chain = KeystoreSigner.chain("key")!!
        val verified = Signature.getInstance("SHA256withECDSA").run {
            initVerify(chain.first().publicKey)
            update(message)
            verify(signer.sign(SignPurpose.TRACE, message))
        }
        assertTrue(verified)
        val point = (chain.first().publicKey as java.security.interfaces.ECPublicKey).w
        assertEquals(33, signer.publicKey.size)
        assertEquals(point.affineX, java.math.BigInteger(1, signer.publicKey.copyOfRange(1, 33)))
        assertEquals(if (point.affineY.testBit(0)) 3 else 2, signer.publicKey[0].toInt())
    }

    @Test
    fun `a key that went is lost, and one that cannot be used is not`() {
        val signer = signer()
        TestKeystore.entries.clear()
        assertThrows<KeystoreException.Lost> { signer.sign(SignPurpose.TRACE, ByteArray(1)) }
        TestKeystore.failure = ProviderException("the daemon died")
        assertThrows<KeystoreException.Broken> { signer.sign(SignPurpose.TRACE, ByteArray(1)) }
        TestKeystore.failure = ProviderException(UserNotAuthenticatedException())
        assertThrows<KeystoreException.Locked> { signer.sign(SignPurpose.TRACE, ByteArray(1)) }
    }

    @Test
    fun `Android's exceptions are told apart, however deep they lie`() {
        fun numbered(code: Int) = android.security.KeyStoreException(code, "told")
        val cases = listOf(
            UserNotAuthenticatedException() to KeystoreException.Locked::class,
            KeyPermanentlyInvalidatedException() to KeystoreException.Lost::class,
            UnrecoverableKeyException() to KeystoreException.Lost::class,
            AEADBadTagException() to KeystoreException.Lost::class,
            KeyStoreException() to KeystoreException.Broken::class,
            IllegalStateException() to KeystoreException.Broken::class,
            // The Keystore's own codes: not authenticated, no such key, and a damaged one.
            numbered(-26) to KeystoreException.Locked::class,
            numbered(7) to KeystoreException.Lost::class,
            numbered(8) to KeystoreException.Lost::class,
            numbered(-1000) to KeystoreException.Broken::class,
        )
        for ((thrown, meaning) in cases) {
            for (e in listOf(thrown, ProviderException(thrown), RuntimeException(ProviderException("deep", thrown)))) {
                val told = keystoreException(e, 35)
                assertEquals(meaning, told::class, "$e")
                assertSame(e, told.cause)
            }
        }
        // A key that cannot be loaded for now is not lost; nor is any of which that much is told.
        val codes = mapOf(-1000 to KeystoreException.Broken::class, 7 to KeystoreException.Lost::class)
        for ((code, meaning) in codes) {
            val thrown = UnrecoverableKeyException("of a kind").initCause(numbered(code))
            assertEquals(meaning, keystoreException(thrown, 35)::class)
        }
        assertEquals(KeystoreException.Lost::class, keystoreException(UnrecoverableKeyException(), 32)::class)
        // The class is not looked at where systems do not have it.
        assertEquals(KeystoreException.Broken::class, keystoreException(numbered(-26), 32)::class)
        val ring = RuntimeException("a")
        RuntimeException("b", ring).let(ring::initCause)
        assertEquals(KeystoreException.Broken::class, keystoreException(ring, 35)::class)
    }

    @Test
    fun `a witness carries the challenge, and is gone after it`() = runTest {
        val device = signer()
        val challenge = ByteArray(32) { it.toByte() }
        val attestation = KeystoreAttestor(device, strongBox = false, sdk = 35).attest(challenge)!!
        assertEquals("android-key", attestation.format)
        val spec = TestKeystore.asked.last()
        assertArrayEquals(challenge, spec.attestationChallenge)
        assertEquals(setOf("key"), TestKeystore.entries.keys)
        // The witness and the root, then the device's own certificate; the root is there already.
        val own = device.certificates.first()
        assertArrayEquals(own, attestation.bytes.takeLast(own.size).toByteArray())
        assertEquals(2 * own.size + TestPairs.ROOT.size, attestation.bytes.size)
    }

    @Test
    fun `a phone that cannot attest enrols without`() = runTest {
        val device = signer()
        val attestor = KeystoreAttestor(device, strongBox = true, sdk = 35)
        TestKeystore.takes = { it.attestationChallenge == null }
        assertNull(attestor.attest(ByteArray(32)))
        TestKeystore.failure = ProviderException("broken")
        assertNull(attestor.attest(ByteArray(32)))
        TestKeystore.failure = null
        assertEquals(setOf("key"), TestKeystore.entries.keys)
    }

    @Test
    fun `an attestation fits what a server takes`() {
        fun certificate(size: Int, byte: Int) = ByteArray(size) { byte.toByte() }
        val witness = listOf(certificate(4000, 1), certificate(4000, 2))
        assertEquals(8000, attestationObject(witness, listOf(certificate(300, 3), witness[1]))!!.size)
        assertEquals(8192, attestationObject(witness, listOf(certificate(192, 3), witness[1]))!!.size)
        assertNull(attestationObject(witness + certificate(300, 4), emptyList()))
    }

    @Test
    fun `values outlast the process, and nobody reads them from the files`() {
        val value = "what nobody else may know".toByteArray()
        values().put("one", value)
        assertArrayEquals(value, values().get("one"))
        assertNull(values().get("two"))
        assertFalse("nobody" in File(dir, "values/one").readBytes().decodeToString())
        values().put("one", value + 1)
        assertArrayEquals(value + 1, values().get("one"))
        assertEquals(listOf("one"), File(dir, "values").list()!!.toList())
        values().remove("one")
        values().remove("one")
        assertNull(values().get("one"))
        assertEquals(emptySet<String>(), TestKeystore.entries.keys)
        for (name in listOf("", "../x", "A", "x".repeat(65))) {
            assertThrows<IllegalArgumentException> { values().put(name, value) }
        }
    }

    @Test
    fun `a value is gone, too, whose key cannot be destroyed`() {
        values().put("one", ByteArray(1))
        TestKeystore.failure = ProviderException("the daemon died")
        assertThrows<KeystoreException.Broken> { values().remove("one") }
        TestKeystore.failure = null
        assertNull(values().get("one"))
    }

    @Test
    fun `a value that was damaged, moved, or whose key went, is lost`() {
        values().put("one", ByteArray(8))
        values().put("two", ByteArray(9))
        val (one, two) = listOf("one", "two").map { File(dir, "values/$it") }
        val good = one.readBytes()
        for (bytes in listOf(good.copyOf(3), good.copyOf(good.size - 1), good.also { it[20]++ }.copyOf(), two.readBytes())) {
            one.writeBytes(bytes)
            assertThrows<KeystoreException.Lost> { values().get("one") }
        }
        TestKeystore.entries.remove("value.two")
        assertThrows<KeystoreException.Lost> { values().get("two") }
        // It can be set anew.
        values().put("two", ByteArray(1))
        assertEquals(1, values().get("two")!!.size)
        TestKeystore.damaged += "value.two"
        assertThrows<KeystoreException.Lost> { values().get("two") }
        values().put("two", ByteArray(2))
        assertEquals(2, values().get("two")!!.size)
    }

    @Test
    fun `a crash between two values leaves one of them`() {
        values().put("one", ByteArray(8))
        File(dir, "values/one.new").writeBytes(ByteArray(5))
        assertEquals(8, values().get("one")!!.size)
        values().put("one", ByteArray(9))
        assertEquals(9, values().get("one")!!.size)
    }

    @Test
    fun `trips' keys are random, and destroyed with their key in the Keystore`() {
        val secrets = KeystoreSecrets(values())
        val key = secrets.create("trip-1")
        assertEquals(32, key.size)
        assertArrayEquals(key, secrets.read("trip-1"))
        val wrapping = TestKeystore.entries["value.trip-1"]!!.key
        assertFalse(key.contentEquals(secrets.create("trip-1")))
        assertNotEquals(wrapping, TestKeystore.entries["value.trip-1"]!!.key)
        val file = File(dir, "values/trip-1").readBytes()
        secrets.destroy("trip-1")
        // Who finds the deleted file has nothing to open it with.
        File(dir, "values/trip-1").writeBytes(file)
        assertNull(secrets.read("trip-1"))
    }

    @Test
    fun `before the first unlock the store is locked, and a broken one is not`() {
        var unlocked = false
        val secrets = KeystoreSecrets(values { unlocked })
        val calls = listOf<() -> Unit>({ secrets.create("a") }, { secrets.read("a") }, { secrets.destroy("a") })
        for (call in calls) assertThrows<SecretsLockedException> { call() }
        unlocked = true
        for (call in calls) call()
        TestKeystore.failure = ProviderException("the daemon died")
        for (call in calls.take(1)) assertThrows<KeystoreException.Broken> { call() }
        TestKeystore.failure = ProviderException(UserNotAuthenticatedException())
        for (call in calls.take(1)) assertThrows<SecretsLockedException> { call() }
    }
}
