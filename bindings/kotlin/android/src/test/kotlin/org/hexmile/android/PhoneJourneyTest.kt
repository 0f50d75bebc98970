package org.hexmile.android

import java.io.File
import java.io.IOException
import java.net.URI
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.BeforeEach
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows
import org.junit.jupiter.api.condition.EnabledIfSystemProperty
import org.junit.jupiter.api.io.TempDir

/** A driver's first day and last, against the running server that `hexmile.server` names. */
class PhoneJourneyTest {
    @TempDir
    lateinit var dir: File

    @BeforeEach
    fun `a phone that is new`() = TestKeystore.reset()

    @Test
    @EnabledIfSystemProperty(named = "hexmile.server", matches = "http.+")
    fun `a driver joins, drives, sees what became of it, and leaves`() = runBlocking {
        val server = URI(System.getProperty("hexmile.server"))
        val settings = ServerIdentity.fetch(server).settings(server)
        val platform = TestPlatform(dir)
        val phone = Phone(platform, settings)
        withTimeout(50_000) {
            phone.agree()
            // The server takes a key of the Keystore, and what hardware says of it.
            phone.state.first { it.enrolled }
            phone.startTrip()
            platform.locations.requests.first { it.lastOrNull()?.satellites == true }
            val startMs = System.currentTimeMillis() - 400_000
            platform.locations.sink(List(400) { fix(startMs + it * 1000L, it) })
            phone.state.first { it.fixes == 400L }
            phone.stopTrip()
            phone.state.first { it.status.tracesReceived > 0 && it.status.tracesWaiting + it.status.tracesUnsealed == 0L }
            val status = phone.state.value.status
            assertEquals(0L to emptyMap<String, Long>(), status.receiptsInvalid to status.tracesRefused)

            val export = phone.exportFromServer().decodeToString()
            assertTrue("android-key" in export && phone.ask { it.deviceId } in export, export.take(400))

            phone.erase()
            phone.state.first { it == PhoneState() }
            assertEquals(emptyMap<String, Any>(), TestKeystore.entries.toMap())
        }
        phone.close()
    }

    @Test
    fun `a server says who it is, and others are told from it`() {
        val key = ByteArray(32) { it.toByte() }
        val base64 = java.util.Base64.getEncoder().encodeToString(key)
        val identity = ServerIdentity.read("""{"network_name":"test","server_key":"$base64","more":1}""".toByteArray())
        assertEquals("test", identity.network)
        assertArrayEquals(key, identity.key)
        val others = listOf(
            "", "<html>", "{}", """{"network_name":"test"}""", """{"network_name":"test","server_key":"?"}""",
            """{"network_name":"test","server_key":"AAAA"}""",
        )
        for (other in others) assertThrows<IOException> { ServerIdentity.read(other.toByteArray()) }
        // Nobody listens on this port.
        assertThrows<IOException> { runBlocking { ServerIdentity.fetch(URI("http://127.0.0.1:9")) } }
    }
}
