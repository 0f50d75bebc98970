package org.hexmile

import java.io.File
import java.util.Base64
import kotlinx.coroutines.test.runTest
import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir

/** The vectors that the Rust tests and the server share, against this library and Java's own crypto. */
class VectorsTest {
    @TempDir
    lateinit var dir: File

    /** A line of the file by its name. */
    private val vectors = File("../../trace/vectors/v1.txt").readLines()
        .filter { it.isNotEmpty() && !it.startsWith("#") && !it.startsWith(" ") }
        .associate { line -> line.substringBefore(' ') to line.substringAfter(' ').substringBefore(' ') }

    private fun vector(name: String) = hex.parseHex(vectors.getValue(name))

    @Test
    fun `keys of the vectors' seeds are the vectors' keys`() {
        for (who in listOf("account", "device")) {
            SoftwareSigner(vector("${who}_seed")).use { assertArrayEquals(vector("${who}_key"), it.publicKey) }
        }
    }

    @Test
    fun `enrolment says and signs what the vectors say`() = runTest {
        val account = SoftwareSigner(vector("account_seed"))
        val device = SoftwareSigner(vector("device_seed"))
        val network = vector("network_name").decodeToString()
        // Behind the network's and the account's id, and before the algorithm and the device's key.
        val message = vector("device_message")
        val challenge = Base64.getEncoder().encodeToString(message.copyOfRange(24, message.size - 33))
        val requests = mutableListOf<Request>()
        recorder(dir, device = device, network = network).use { recorder ->
            val id = vectors.getValue("account_id")
            val opened = """{"account_id":"$id","challenge":"$challenge","challenge_expires_at_ms":9}"""
            recorder.enrol(account, { request ->
                requests += request
                Answer(200, opened.toByteArray())
            })
        }
        assertEquals(listOf("/v1/accounts", "/v1/devices"), requests.map { it.path })
        fun told(request: Int, field: String): ByteArray {
            val body = requests[request].body!!.decodeToString()
            val value = Regex(""""$field":"([^"]*)"""").find(body)!!.groupValues[1]
            return Base64.getDecoder().decode(value)
        }
        assertArrayEquals(vector("account_key"), told(0, "public_key"))
        assertArrayEquals(vector("account_signature"), told(0, "signature"))
        assertArrayEquals(vector("device_key"), told(1, "public_key"))
        assertArrayEquals(vector("device_signature"), told(1, "device_signature"))
        val signed = "hexmile/device/v1\u0000".toByteArray() + message
        assertTrue(verifies(vector("account_key"), signed, told(1, "account_signature")))
    }

    @Test
    fun `traces of the vectors verify, and have their ids`() {
        for (trace in listOf("small", "least", "drive", "extremes")) {
            val payload = vector("$trace.payload")
            assertEquals(vectors.getValue("$trace.trace_id"), traceId(payload))
            val signature = vector("$trace.signature")
            assertTrue(verifies(vector("device_key"), TRACE_TAG + payload, signature))
            val whole = signedTraces(vector("$trace.signed_trace")).single()
            assertArrayEquals(payload, whole.first)
            assertArrayEquals(signature, whole.second)
            SoftwareSigner(vector("device_seed")).use {
                assertArrayEquals(signature, it.sign(SignPurpose.TRACE, TRACE_TAG + payload))
            }
        }
    }

    @Test
    fun `the receipt of the vectors verifies`() {
        val message = "hexmile/receipt/v1\u0000".toByteArray() + vector("receipt_body")
        assertTrue(verifies(vector("server_key"), message, vector("receipt_signature")))
    }
}
