package org.hexmile

import java.io.File
import java.security.KeyPairGenerator
import java.security.Signature
import java.security.interfaces.ECPublicKey
import java.security.spec.ECGenParameterSpec
import kotlinx.coroutines.test.runTest
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertSame
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows
import org.junit.jupiter.api.io.TempDir

/** The platform's key: a software key behind an interface of the host's, with what tests make of it. */
private class HostKey(private val signing: (ByteArray) -> ByteArray = { it }) : Signer {
    private val key = SoftwareSigner(seed(5))
    val purposes = mutableListOf<SignPurpose>()
    override val publicKey: ByteArray get() = key.publicKey

    override fun sign(purpose: SignPurpose, message: ByteArray): ByteArray {
        purposes += purpose
        return signing(key.sign(purpose, message))
    }
}

class SignerTest {
    @TempDir
    lateinit var dir: File
    private val clock = SetClock()

    private fun sealing(device: Signer): HexmileException.Signing = recorder(dir, clock, device).use {
        it.grantConsent()
        it.startTrip()
        assertThrows<HexmileException.Signing> {
            it.drive(clock, 400)
            it.stopTrip()
            kotlinx.coroutines.runBlocking { it.drain { error("there is nothing to send") } }
        }
    }

    @Test
    fun `a host's key signs traces`() = runTest {
        val device = HostKey()
        recorder(dir, clock, device).use { recorder ->
            recorder.grantConsent()
            recorder.startTrip()
            recorder.drive(clock, 400)
            recorder.stopTrip()
            recorder.flush()
            var body = ByteArray(0)
            recorder.drain(uploads { sent -> body = sent; throw java.io.IOException("gone") })
            val traces = signedTraces(body)
            assertTrue(traces.isNotEmpty())
            for ((payload, signature) in traces) {
                assertTrue(verifies(device.publicKey, TRACE_TAG + payload, signature))
            }
            assertEquals(setOf(SignPurpose.TRACE), device.purposes.toSet())
        }
    }

    @Test
    fun `what a key throws is the cause, be it an exception or an error`() {
        for (thrown in listOf(IllegalArgumentException("locked"), StackOverflowError("deep"), Exception())) {
            assertSame(thrown, sealing(HostKey { throw thrown }).cause)
            dir.listFiles()?.forEach(File::deleteRecursively)
        }
    }

    @Test
    fun `a signature of another length is an error without a cause`() {
        val error = sealing(HostKey { it.copyOf(63) })
        assertNull(error.cause)
        assertTrue("63" in error.message, error.message)
    }

    @Test
    fun `traces that a locked key did not sign are signed once it is unlocked`() = runTest {
        var locked = true
        recorder(dir, clock, HostKey { if (locked) error("locked") else it }).use { recorder ->
            recorder.grantConsent()
            recorder.startTrip()
            val fixes = List(400) { clock.advance(1000); fix(clock.millis(), it) }
            recorder.recordAll(fixes)
            // Whichever call it is that seals; the fixes are kept all the same.
            runCatching { recorder.stopTrip() }
            recorder.flush()
            assertTrue(recorder.status.value.tracesUnsealed > 0)
            locked = false
            var traces = 0
            val failing = uploads { sent -> traces += signedTraces(sent).size; throw java.io.IOException() }
            recorder.drain(failing)
            assertTrue(traces > 0)
        }
    }

    @Test
    fun `a key that does not tell its public half reaches the caller as it is`() {
        val thrown = IllegalStateException("no such key")
        val nameless = object : Signer {
            override val publicKey: ByteArray get() = throw thrown
            override fun sign(purpose: SignPurpose, message: ByteArray) = ByteArray(64)
        }
        assertSame(thrown, assertThrows<IllegalStateException> { recorder(dir, clock, nameless) })
        val useless = object : Signer {
            override val publicKey = ByteArray(32)
            override fun sign(purpose: SignPurpose, message: ByteArray) = ByteArray(64)
        }
        assertThrows<HexmileException.Argument> { recorder(dir, clock, useless) }
    }

    @Test
    fun `an account's key that throws is the cause of a failed enrolment`() = runTest {
        val thrown = SecurityException("not now")
        recorder(dir, clock).use { recorder ->
            val error = runCatching { recorder.enrol(HostKey { throw thrown }, { error("nothing to send") }) }
            assertSame(thrown, (error.exceptionOrNull() as HexmileException.Signing).cause)
            val refusal = """{"code":"account_erased","detail":"gone"}""".toByteArray()
            val refused = runCatching { recorder.enrol(HostKey(), { Answer(410, refusal) }) }
            assertEquals("account_erased", (refused.exceptionOrNull() as HexmileException.Refused).code)
            for ((status, told) in listOf(403 to 403, -1 to 0)) {
                val odd = runCatching { recorder.enrol(HostKey(), { Answer(status, "no".toByteArray()) }) }
                assertEquals(told, (odd.exceptionOrNull() as HexmileException.UnexpectedAnswer).status)
            }
        }
    }

    @Test
    fun `a key of P-256 signs traces, in the form of its key store`() = runTest {
        val pair = KeyPairGenerator.getInstance("EC").apply { initialize(ECGenParameterSpec("secp256r1")) }.generateKeyPair()
        val point = (pair.public as ECPublicKey).w
        val x = point.affineX.toByteArray().takeLast(32).toByteArray()
        val device = object : Signer {
            override val algorithm = KeyAlgorithm.ES256
            override val publicKey =
                byteArrayOf(if (point.affineY.testBit(0)) 3 else 2) + ByteArray(32 - x.size) + x
            override fun sign(purpose: SignPurpose, message: ByteArray): ByteArray =
                Signature.getInstance("SHA256withECDSA").run {
                    initSign(pair.private)
                    update(message)
                    sign()
                }
        }
        recorder(dir, clock, device).use { recorder ->
            recorder.grantConsent()
            recorder.startTrip()
            recorder.drive(clock, 400)
            recorder.stopTrip()
            recorder.flush()
            var body = ByteArray(0)
            recorder.drain(uploads { sent -> body = sent; throw java.io.IOException("gone") })
            val traces = signedTraces(body)
            assertTrue(traces.isNotEmpty())
            for ((payload, signature) in traces) {
                val verified = Signature.getInstance("SHA256withECDSAinP1363Format").run {
                    initVerify(pair.public)
                    update(TRACE_TAG + payload)
                    verify(signature)
                }
                assertTrue(verified)
            }
        }
    }
}
