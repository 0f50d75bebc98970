package org.hexmile.android

import java.io.File
import java.io.IOException
import java.net.URI
import java.nio.ByteBuffer
import java.nio.ByteOrder
import java.security.MessageDigest
import java.util.HexFormat
import java.util.concurrent.CopyOnWriteArrayList
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import org.hexmile.Answer
import org.hexmile.ExportFormat
import org.hexmile.Hint
import org.hexmile.HexmileException
import org.hexmile.LocationRequest
import org.hexmile.MotionState
import org.hexmile.Place
import org.hexmile.Request
import org.hexmile.Transport
import org.hexmile.Zone
import org.junit.jupiter.api.AfterEach
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertNotEquals
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.BeforeEach
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows
import org.junit.jupiter.api.io.TempDir

/** A server that takes every trace and every farewell, and knows no accounts. */
internal class TakingServer : Transport {
    val requests = CopyOnWriteArrayList<Request>()

    @Volatile
    var online = true

    /** What happens before a request is taken. */
    @Volatile
    var taking: suspend (Request) -> Unit = {}

    override suspend fun send(request: Request): Answer {
        if (!online) throw IOException("no network")
        taking(request)
        requests += request
        val body = request.body
        return when {
            request.method == "DELETE" -> Answer(200, """{"devices":1,"forgotten_at_ms":1}""".toByteArray())
            request.path != "/v1/traces" || body == null -> Answer(404, ByteArray(0))
            else -> Answer(200, """{"results":[${ids(body).joinToString(",", transform = ::taken)}]}""".toByteArray())
        }
    }

    private fun taken(id: String) = """{"trace_id":"$id","status":"accepted","receipt":{"received_at_ms":7}}"""

    /** Ids of the signed traces in an upload, as FORMAT.md lays them out. */
    private fun ids(body: ByteArray): List<String> = buildList {
        val bytes = ByteBuffer.wrap(body).order(ByteOrder.LITTLE_ENDIAN)
        while (bytes.hasRemaining()) {
            val payload = ByteArray(bytes.getInt()).also(bytes::get)
            bytes.get(ByteArray(64))
            val hash = MessageDigest.getInstance("SHA-256")
            hash.update("hexmile/trace-id/v1\u0000".toByteArray())
            add(HexFormat.of().formatHex(hash.digest(payload)))
        }
    }
}

class PhoneTest {
    @TempDir
    lateinit var dir: File
    private lateinit var platform: TestPlatform
    private val server = TakingServer()
    private val phones = mutableListOf<Phone>()

    @BeforeEach
    fun `a phone that is new`() {
        TestKeystore.reset()
        platform = TestPlatform(dir)
    }

    @AfterEach
    fun `nothing goes on`() = runBlocking { phones.forEach { it.close() } }

    private fun phone(followMotion: Boolean = false): Phone {
        val settings = PhoneSettings(URI("http://server.test"), "test", followMotion = followMotion)
        return Phone(platform, settings, server).also(phones::add)
    }

    private fun test(call: suspend () -> Unit) = runBlocking { withTimeout(40_000) { call() } }

    private suspend fun Phone.until(holds: (PhoneState) -> Boolean) = state.first(holds)

    private suspend fun TestLocations.until(holds: (LocationRequest) -> Boolean) =
        requests.first { it.lastOrNull()?.let(holds) == true }

    /** Drives so many seconds, which end by now. */
    private suspend fun drive(phone: Phone, seconds: Int = 400) {
        platform.locations.until { it.intervalMs > 0 }
        val startMs = System.currentTimeMillis() - seconds * 1000L
        val before = phone.state.value.fixes
        (0 until seconds).chunked(7).forEach { platform.locations.sink(it.map { s -> fix(startMs + s * 1000L, s) }) }
        phone.until { it.fixes - before == seconds.toLong() }
    }

    @Test
    fun `a trip is recorded, delivered, and nothing is left to do`() = test {
        // The job for what waits is there before nothing waits any more.
        server.taking = { request ->
            if (request.path == "/v1/traces") platform.plans.first { plans -> plans.any { it != null } }
        }
        val phone = phone()
        assertThrows<HexmileException.NoConsent> { runBlocking { phone.startTrip() } }
        phone.agree()
        assertEquals(LocationState.Off, phone.state.value.locations)
        phone.startTrip()
        assertTrue(phone.state.value.status.recording)
        drive(phone)
        assertEquals(LocationRequest(1000, satellites = true), platform.locations.requests.value.last())
        assertEquals(true, platform.alive.value.last())
        assertTrue(phone.state.value.speedMps!! > 19)
        phone.stopTrip()
        phone.until { it.status.tracesReceived > 0 && it.status.tracesWaiting + it.status.tracesUnsealed == 0L }
        platform.locations.until { it.intervalMs == 0L }
        platform.alive.first { !it.last() }
        // The job is called off.
        platform.plans.first { it.last() == null }
    }

    @Test
    fun `a process that died goes on where it was`() = test {
        phone().run {
            agree()
            setPrivacy(Privacy(listOf(Zone.Circle(Place(50.0, 9.0), 800))))
            startTrip()
            drive(this, 60)
            // As the system ends a process: nobody stops the trip.
            close()
        }
        val phone = phone()
        phone.wake()
        assertTrue(phone.state.value.status.recording)
        assertEquals(LocationRequest(1000, satellites = true), platform.locations.until { it.intervalMs > 0 }.last())
        assertEquals(listOf(Zone.Circle(Place(50.0, 9.0), 800)), phone.privacy().zones)
        assertEquals(true, platform.alive.value.last())
    }

    @Test
    fun `a withdrawal holds, whatever fails, and in the next process`() = test {
        val phone = phone()
        phone.agree()
        phone.startTrip()
        drive(phone, 30)
        phone.withdraw()
        assertFalse(phone.state.value.status.consent || phone.state.value.status.recording)
        platform.locations.until { it.intervalMs == 0L }
        phone.close()
        val next = phone()
        next.wake()
        assertFalse(next.state.value.status.consent)
        assertThrows<PhoneClosedException> { runBlocking { phone.agree() } }
    }

    @Test
    fun `zones that cannot be read stop everything, until the driver sets them anew`() = test {
        phone().run {
            agree()
            setPrivacy(Privacy(listOf(Zone.Circle(Place(50.0, 9.0), 800))))
            close()
        }
        platform.values.failures["privacy"] = KeystoreException.Lost("the key is gone")
        val phone = phone()
        phone.wake()
        assertEquals(Trouble.Lost, phone.state.value.trouble)
        assertFalse(phone.state.value.status.consent)
        assertThrows<KeystoreException.Lost> { runBlocking { phone.agree() } }
        assertThrows<KeystoreException.Lost> { runBlocking { phone.privacy() } }
        phone.setPrivacy(Privacy(listOf(Zone.Circle(Place(51.0, 9.0), 800))))
        assertTrue(phone.state.value.status.consent)
        assertNotEquals(Trouble.Lost, phone.state.value.trouble)
        assertEquals(Zone.Circle(Place(51.0, 9.0), 800), phone.privacy().zones.single())
    }

    @Test
    fun `who cannot read the zones any more may withdraw, and leave`() = test {
        phone().run { agree(); setPrivacy(Privacy(listOf(Zone.Circle(Place(50.0, 9.0), 800)))); close() }
        platform.values.failures["privacy"] = KeystoreException.Lost("the key is gone")
        val phone = phone()
        phone.withdraw()
        assertFalse(phone.state.value.status.consent)
        phone.erase()
        phone.until { it == PhoneState() }
        assertEquals(emptyList<String>(), File(platform.folder, "values").list()!!.toList())
    }

    @Test
    fun `a consent that cannot be read any more is asked for anew`() = test {
        val code = phone().run { agree(); recoveryCode().also { close() } }
        val names = listOf("agreed", "erasing", "privacy-secret", "devices", "account", "enrolled")
        for (name in names) platform.values.failures[name] = KeystoreException.Lost("the keys are gone")
        val phone = phone()
        phone.wake()
        assertEquals(Trouble.Lost, phone.state.value.trouble)
        assertFalse(phone.state.value.status.consent)
        phone.agree()
        assertTrue(phone.state.value.status.consent)
        // Earnings hang on it: it is not replaced for what may be over soon.
        assertThrows<KeystoreException.Lost> { runBlocking { phone.recoveryCode() } }
        phone.close()
        platform.values.failures.clear()
        assertEquals(code.text, phone().recoveryCode().text)
    }

    @Test
    fun `a consent that can be read again holds again`() = test {
        phone().run { agree(); close() }
        platform.values.failures["agreed"] = KeystoreException.Lost("it cannot be loaded")
        val phone = phone()
        phone.wake()
        assertFalse(phone.state.value.status.consent)
        platform.values.failures.clear()
        phone.wake()
        assertTrue(phone.state.value.status.consent)
    }

    @Test
    fun `a key store that fails once leaves no phone that tells only half`() = test {
        phone().run { agree(); close() }
        platform.values.failures["erasing"] = KeystoreException.Broken("the daemon died")
        val phone = phone()
        phone.wake()
        assertEquals(Trouble.KeyStore("the daemon died"), phone.state.value.trouble)
        platform.values.failures.clear()
        phone.wake()
        phone.startTrip()
        drive(phone)
        phone.stopTrip()
        phone.until { it.status.tracesReceived > 0 }
    }

    @Test
    fun `who withdraws is not followed any more`() = test {
        val phone = phone(followMotion = true)
        phone.agree()
        phone.hint(Hint.InVehicle)
        platform.locations.until { it.satellites }
        phone.withdraw()
        platform.locations.until { it.intervalMs == 0L }
        platform.alive.first { !it.last() }
    }

    @Test
    fun `a phone that is locked waits, and says so`() = test {
        phone().run { agree(); close() }
        platform.values.failures["agreed"] = KeystoreException.Locked("not unlocked")
        val phone = phone()
        phone.wake()
        assertEquals(Trouble.Locked, phone.state.value.trouble)
        platform.values.failures.clear()
        phone.wake()
        assertTrue(phone.state.value.status.consent)
    }

    @Test
    fun `zones are obeyed, and those that cannot be used are not kept`() = test {
        val phone = phone()
        phone.agree()
        phone.setPrivacy(Privacy(listOf(Zone.Circle(Place(10.0, 20.0), 5000))))
        phone.startTrip()
        drive(phone, 60)
        phone.ask { it.flush() }
        val status = phone.state.value.status
        assertTrue(status.fixesKept == 0L && status.fixesDropped.getValue("zone") > 50, "$status")
        assertThrows<HexmileException.Argument> {
            runBlocking { phone.setPrivacy(Privacy(listOf(Zone.Circle(Place(95.0, 0.0), 500)))) }
        }
        assertEquals(1, phone.privacy().zones.size)
    }

    @Test
    fun `a device's key that is lost is replaced, and what it sealed is sent all the same`() = test {
        server.online = false
        val first = phone()
        first.agree()
        val device = first.ask { it.deviceId }
        first.startTrip()
        drive(first)
        first.stopTrip()
        first.close()
        platform.keyFailure = KeystoreException.Lost("invalidated")
        server.online = true
        val phone = phone()
        phone.wake()
        assertNotEquals(device, phone.ask { it.deviceId })
        phone.until { it.status.tracesReceived > 0 && it.status.tracesWaiting == 0L }
    }

    @Test
    fun `a server that refuses or is away is told, and what is recorded waits`() = test {
        server.online = false
        val phone = phone()
        phone.agree()
        phone.until { it.trouble is Trouble.Offline }
        phone.startTrip()
        drive(phone)
        phone.stopTrip()
        phone.until { it.status.tracesWaiting > 0 }
        assertFalse(phone.state.value.enrolled)
        val plan = platform.plans.first { it.lastOrNull() != null }.last()!!
        assertEquals(DrainNetwork.NOT_ROAMING to false, plan.network to plan.urgent)
        // The job comes, once there is a network.
        server.online = true
        while (phone.state.value.status.tracesWaiting > 0) phone.drain()
        assertNull(phone.drain())
    }

    @Test
    fun `a system that keeps trips in sight is told of`() = test {
        platform.refusal = Refusal.IN_BACKGROUND
        val phone = phone()
        phone.agree()
        phone.startTrip()
        assertEquals(Refusal.IN_BACKGROUND, phone.state.value.refusal)
        platform.refusal = null
        phone.wake()
        assertNull(phone.state.value.refusal)
    }

    @Test
    fun `trips begin by hints where the phone follows motion`() = test {
        val phone = phone(followMotion = true)
        phone.hint(Hint.InVehicle)
        assertFalse(phone.state.value.status.recording)
        phone.agree()
        // Sensors are listened to once somebody may.
        platform.hints.subscriptionCount.first { it > 0 }
        platform.hints.emit(Hint.InVehicle)
        phone.until { it.status.motion == MotionState.DRIVING || it.status.motion == MotionState.STARTING }
        platform.locations.until { it.satellites }
        assertEquals(true, platform.alive.value.last())
    }

    @Test
    fun `who leaves is gone, once the server has confirmed it`() = test {
        val phone = phone()
        phone.agree()
        val code = phone.recoveryCode().text
        val device = phone.ask { it.deviceId }
        phone.startTrip()
        drive(phone)
        phone.stopTrip()
        server.online = false
        phone.erase()
        phone.until { it.erasing && !it.status.consent }
        assertTrue(platform.plans.value.any { it?.urgent == true })
        phone.close()

        // The next process goes on with it.
        server.online = true
        val next = phone()
        next.wake()
        next.until { it == PhoneState() }
        assertEquals("DELETE", server.requests.last { it.method != "GET" }.method)
        assertEquals(emptyList<String>(), File(platform.folder, "values").list()!!.toList())
        assertEquals(emptyList<File>(), File(platform.folder, "journal").walk().filter(File::isFile).toList())
        // Who agrees again is somebody else.
        next.agree()
        assertNotEquals(code, next.recoveryCode().text)
        assertNotEquals(device, next.ask { it.deviceId })
    }

    @Test
    fun `a farewell that the server confirmed just before the process died is finished by the next`() = test {
        phone().run { agree(); withdraw(); close() }
        platform.values.put("erasing", byteArrayOf(1))
        val phone = phone()
        phone.wake()
        phone.state.first { TestKeystore.entries.isEmpty() && it == PhoneState() }
        assertEquals(emptyList<String>(), File(platform.folder, "values").list()!!.toList())
    }

    @Test
    fun `a key store that fails for now destroys nothing`() = test {
        phone().run { agree(); close() }
        platform.keyFailure = KeystoreException.Broken("the daemon died")
        val phone = phone()
        phone.wake()
        assertEquals(Trouble.KeyStore("the daemon died"), phone.state.value.trouble)
        assertThrows<KeystoreException.Broken> { runBlocking { phone.startTrip() } }
        assertEquals(setOf("device"), TestKeystore.entries.keys)
        platform.keyFailure = null
        phone.wake()
        assertTrue(phone.state.value.status.consent)
    }

    @Test
    fun `what is on the phone is exported`() = test {
        val phone = phone()
        val file = File(dir, "drive.gpx")
        assertThrows<HexmileException.NoConsent> { runBlocking { phone.export(ExportFormat.GPX, file) } }
        phone.agree()
        phone.startTrip()
        drive(phone)
        phone.stopTrip()
        phone.export(ExportFormat.GPX, file)
        assertTrue(file.readText().endsWith("</gpx>\n"))
        val refused = runCatching { phone.exportFromServer() }.exceptionOrNull()
        assertTrue(refused is HexmileException.UnexpectedAnswer, "$refused")
    }
}
