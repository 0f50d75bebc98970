package org.hexmile.android

import java.io.File
import java.net.URI
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.cancel
import kotlinx.coroutines.currentCoroutineContext
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import kotlinx.coroutines.withTimeoutOrNull
import org.hexmile.Place
import org.hexmile.Zone
import org.junit.jupiter.api.AfterEach
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertNotEquals
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.BeforeEach
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir

/** What a driver decides while something else goes on, or before it is over. */
class DecisionsTest {
    @TempDir
    lateinit var dir: File
    private lateinit var platform: TestPlatform
    private val server = TakingServer()
    private val phones = mutableListOf<Phone>()
    private val zone = Privacy(listOf(Zone.Circle(Place(10.0, 20.0), 5000)))
    private val kept get() = File(platform.folder, "values").list()!!.toSet()

    @BeforeEach
    fun `a phone that is new`() {
        TestKeystore.reset()
        platform = TestPlatform(dir)
    }

    @AfterEach
    fun `nothing goes on`() = runBlocking { phones.forEach { it.close() } }

    private fun phone() = Phone(platform, PhoneSettings(URI("http://server.test"), "test"), server).also(phones::add)

    private fun test(call: suspend CoroutineScope.() -> Unit) = runBlocking { withTimeout(40_000, call) }

    private suspend fun Phone.until(holds: (PhoneState) -> Boolean) = state.first(holds)

    /** Does something else now, to its end if nothing holds it up: then it is done later. */
    private fun CoroutineScope.meanwhile(call: suspend () -> Unit) {
        val other = launch(Dispatchers.Default) { call() }
        runBlocking { withTimeoutOrNull(1000) { other.join() } }
    }

    /** The same, once, when this value was read and is about to be used. */
    private fun CoroutineScope.whenRead(name: String, call: suspend () -> Unit) {
        platform.values.read = { read ->
            if (read == name) {
                platform.values.read = {}
                meanwhile(call)
            }
        }
    }

    @Test
    fun `a withdrawal holds that comes in the midst of agreeing`() = test {
        val phone = phone()
        val withdrawn = CompletableDeferred<Unit>()
        whenRead("privacy") {
            phone.withdraw()
            withdrawn.complete(Unit)
        }
        phone.agree()
        withdrawn.await()
        assertFalse(phone.ask { it.status.value.consent })
        assertFalse("agreed" in kept)
    }

    @Test
    fun `zones hold that are set in the midst of agreeing`() = test {
        val phone = phone()
        val set = CompletableDeferred<Unit>()
        whenRead("privacy") {
            phone.setPrivacy(zone)
            set.complete(Unit)
        }
        phone.agree()
        set.await()
        phone.startTrip()
        phone.ask { recorder ->
            recorder.record(fix(System.currentTimeMillis(), 0))
            recorder.flush()
        }
        assertEquals(mapOf("zone" to 1L), phone.state.value.status.fixesDropped)
    }

    @Test
    fun `who is erased while they set a zone leaves none behind`() = test {
        val answered = CompletableDeferred<Unit>()
        server.taking = { if (it.method == "DELETE") answered.await() }
        val phone = phone()
        phone.agree()
        phone.erase()
        platform.values.writing = { name ->
            if (name == "privacy") {
                answered.complete(Unit)
                meanwhile { phone.until { it == PhoneState() } }
            }
        }
        phone.setPrivacy(zone)
        phone.until { it == PhoneState() }
        assertEquals(emptySet<String>(), kept)
    }

    @Test
    fun `what was decided is done, whether somebody waits for it or not`() = test {
        val phone = phone()
        suspend fun left(call: suspend () -> Unit) = launch {
            currentCoroutineContext().cancel()
            call()
        }.join()
        server.online = false
        phone.agree()
        phone.startTrip()
        left { phone.stopTrip() }
        assertFalse(phone.until { it.opened }.status.recording)
        left { phone.withdraw() }
        assertFalse(phone.state.value.status.consent)
        left { phone.erase() }
        assertTrue(phone.state.value.erasing)
        left { phone.close() }
        assertTrue(runCatching { phone.agree() }.exceptionOrNull() is PhoneClosedException)
    }

    @Test
    fun `a withdrawal is heard that comes while nothing can be opened`() = test {
        phone().run {
            agree()
            startTrip()
            platform.locations.requests.first { it.last().intervalMs > 0 }
            platform.locations.sink((0..400).map { fix(System.currentTimeMillis() - (400 - it) * 1000L, it) })
            until { it.fixes > 400 }
            close()
        }
        platform.keyFailure = KeystoreException.Broken("the daemon died")
        val phone = phone()
        assertTrue(runCatching { phone.withdraw() }.exceptionOrNull() is KeystoreException.Broken)
        platform.keyFailure = null
        phone.wake()
        assertFalse(phone.state.value.status.consent)
        phone.close()
        // The trip does not go on, whoever agrees, and in whichever process.
        phone().run {
            agree()
            assertFalse(state.value.status.recording)
            assertEquals(0, state.value.status.tracesUnsealed)
        }
    }

    @Test
    fun `an account is erased after it was opened, and not before`() = test {
        val opening = CompletableDeferred<Unit>()
        val opened = CompletableDeferred<Unit>()
        val erased = CompletableDeferred<Boolean>()
        server.taking = { request ->
            if (request.path == "/v1/accounts") {
                opening.complete(Unit)
                opened.await()
            }
            if (request.method == "DELETE") erased.complete(opened.isCompleted)
        }
        val phone = phone()
        phone.agree()
        opening.await()
        phone.erase()
        assertNull(withTimeoutOrNull(500) { erased.await() })
        opened.complete(Unit)
        phone.until { it == PhoneState() }
        assertTrue(erased.await())
        assertEquals(emptySet<String>(), kept)
    }

    @Test
    fun `who agrees before they are erased goes on, and is erased when they leave again`() = test {
        server.online = false
        val phone = phone()
        phone.agree()
        val (code, device) = phone.recoveryCode().text to phone.ask { it.deviceId }
        phone.erase()
        phone.agree()
        phone.startTrip()
        server.online = true
        phone.until { !it.erasing }
        assertTrue(phone.state.value.status.recording)
        assertEquals(code to device, phone.recoveryCode().text to phone.ask { it.deviceId })
        // The account is opened anew, and not before the server forgot it.
        while (server.requests.none { it.path == "/v1/accounts" }) kotlinx.coroutines.yield()
        val sent = server.requests.map { it.method to it.path }
        assertTrue(sent.indexOf("DELETE" to "/v1/me") in 0 until sent.indexOf("POST" to "/v1/accounts"), "$sent")
        phone.erase()
        phone.until { it == PhoneState() }
        assertEquals(emptySet<String>(), kept)
        phone.agree()
        assertNotEquals(code, phone.recoveryCode().text)
    }

    @Test
    fun `a key that cannot be destroyed now is destroyed later`() = test {
        platform.destroyFailure = KeystoreException.Broken("the daemon died")
        val phone = phone()
        phone.agree()
        phone.erase()
        phone.until { it.trouble == Trouble.KeyStore("the daemon died") }
        assertEquals(setOf("device"), TestKeystore.entries.keys)
        platform.destroyFailure = null
        phone.wake()
        phone.until { it == PhoneState() }
        assertEquals(emptySet<String>(), TestKeystore.entries.keys + kept)
    }

    @Test
    fun `a phone that was closed erases nobody`() = test {
        val phone = phone()
        phone.agree()
        phone.close()
        val before = kept
        // The server's word came, and another phone took its place.
        phone.erased()
        assertEquals(before, kept)
        assertEquals(setOf("device"), TestKeystore.entries.keys)
    }

    @Test
    fun `who comes too late for a recorder troubles nobody`() = test {
        val phone = phone()
        phone.agree()
        val recorder = phone.ask { it }
        phone.erase()
        phone.until { it == PhoneState() }
        phone.unattended { recorder.flush() }
        assertEquals(PhoneState(), phone.state.value)
    }
}
