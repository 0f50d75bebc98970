package org.hexmile

import java.io.File
import java.util.Base64
import kotlinx.coroutines.test.runTest
import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir

class EnrolmentTest {
    @TempDir
    lateinit var dir: File

    @Test
    fun `a recovery code that was typed is the account again`() {
        val code = RecoveryCode.generate()
        assertEquals(10, code.groups.size)
        assertEquals(40, code.text.length)
        val typed = RecoveryCode.read(code.groups.joinToString(" ").uppercase())
        assertEquals(code.text, typed.text)
        code.accountSigner().use { first ->
            typed.accountSigner().use { assertArrayEquals(first.publicKey, it.publicKey) }
        }
        assertFalse(RecoveryCode.generate().text == code.text)
        assertFalse(code.text in "$code" || code.groups[1] in "$code")
    }

    @Test
    fun `an attestation is made over the challenge, and sent along`() = runTest {
        val account = RecoveryCode.generate().accountSigner()
        val challenge = Base64.getEncoder().encodeToString(ByteArray(40) { 9 })
        val id = accountId(account.publicKey)
        val opened = """{"account_id":"$id","challenge":"$challenge","challenge_expires_at_ms":9}"""
        val requests = mutableListOf<Request>()
        val server = Transport { request ->
            requests += request
            Answer(200, opened.toByteArray())
        }
        val challenges = mutableListOf<ByteArray>()
        val attestor = Attestor { over ->
            challenges += over
            Attestation("android-key", byteArrayOf(1))
        }
        recorder(dir).use { first ->
            first.enrol(account, server, attestor)
            assertEquals(listOf("/v1/accounts", "/v1/devices"), requests.map { it.path })
            assertTrue("\"format\":\"android-key\"" in requests.last().body!!.decodeToString())
            val invitation = first.invite(account, server)
            assertEquals(9, invitation.expiresAtMs)
            recorder(File(dir, "second"), device = SoftwareSigner(seed(6))).use { second ->
                second.join(invitation.text, server, attestor)
            }
        }
        assertEquals(listOf(32, 32), challenges.map { it.size })
    }

    @Test
    fun `a host that gives up ends nobody's work`() = runTest {
        val slow = Transport { kotlinx.coroutines.withTimeout(1) { kotlinx.coroutines.awaitCancellation() } }
        recorder(dir).use { recorder ->
            val account = SoftwareSigner(seed(6))
            val calls = listOf<suspend () -> Unit>(
                { recorder.enrol(account, slow) },
                { recorder.invite(account, slow) },
                { recorder.overview(slow) },
                { recorder.signOut(recorder.deviceId, slow) },
                { recorder.exportFromServer(slow) },
            )
            for (call in calls) {
                val thrown = runCatching { call() }.exceptionOrNull()
                assertTrue(thrown is java.io.IOException, "$thrown")
            }
        }
    }

    /** The id of an account: the first half of a hash of its key. */
    private fun accountId(key: ByteArray): String {
        val hash = java.security.MessageDigest.getInstance("SHA-256")
        hash.update("hexmile/account-id/v1\u0000".toByteArray())
        hash.update(byteArrayOf(1))
        hash.update(key)
        return hex.formatHex(hash.digest().copyOf(16))
    }
}
