package org.hexmile

import java.io.File
import java.net.URI
import java.net.http.HttpClient
import java.net.http.HttpRequest
import java.net.http.HttpRequest.BodyPublishers
import java.net.http.HttpResponse.BodyHandlers
import java.security.SecureRandom
import java.util.Base64
import kotlin.math.PI
import kotlin.math.asinh
import kotlin.math.tan
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.delay
import kotlinx.coroutines.future.await
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows
import org.junit.jupiter.api.condition.EnabledIfSystemProperty
import org.junit.jupiter.api.io.TempDir

/** A phone's app in a process of its own: it drives the first half of the road, and is killed. */
internal object KilledPhone {
    @JvmStatic
    fun main(args: Array<String>) {
        val (dir, network, seed, clockMs, longitude) = args
        val clock = SetClock(clockMs.toLong())
        val recorder = recorder(File(dir), clock, SoftwareSigner(hex.parseHex(seed)), network)
        recorder.grantConsent()
        recorder.startTrip()
        recorder.drive(clock, 0 until JourneyTest.HALF, longitudeDeg = longitude.toDouble())
        recorder.flush()
        println("driven")
        Thread.sleep(Long.MAX_VALUE)
    }
}

/** Three drivers' first day, against the running server that `hexmile.server` names. */
@EnabledIfSystemProperty(named = "hexmile.server", matches = "http.+")
class JourneyTest {
    @TempDir
    lateinit var dir: File
    private val server = System.getProperty("hexmile.server").orEmpty()
    private val http = HttpClient.newHttpClient()
    private val random = SecureRandom()

    /** A road of this run's own. */
    private val longitudeDeg = 30 + random.nextInt(900) / 10.0

    /** Java's HTTP client, as an app brings its own. */
    private val transport = Transport { request ->
        val body = request.body?.let(BodyPublishers::ofByteArray) ?: BodyPublishers.noBody()
        val sent = HttpRequest.newBuilder(URI(server + request.path)).method(request.method, body)
        request.headers.forEach(sent::header)
        val answer = http.sendAsync(sent.build(), BodyHandlers.ofByteArray()).await()
        val retryAfterS = answer.headers().firstValue("Retry-After").map(String::toIntOrNull).orElse(null)
        Answer(answer.statusCode(), answer.body(), retryAfterS)
    }

    private suspend fun get(path: String): Answer = transport.send(Request.get(path))

    private fun told(json: String, field: String) =
        checkNotNull(Regex(""""$field":"([^"]*)"""").find(json)) { "no $field in $json" }.groupValues[1]

    /** A driver with one phone, whose drive ends by now: its clock is the phone's, set back. */
    private inner class Phone(val number: Int, policy: String) {
        val seed = ByteArray(32).also(random::nextBytes)
        val code = RecoveryCode.generate()
        val account = code.accountSigner()
        val network = told(policy, "network_name")
        val folder = File(dir, "$number")
        val clock = SetClock(System.currentTimeMillis() - 460_000 - number * 10_000)
        val events = mutableListOf<Event>()
        private val key = Base64.getDecoder().decode(told(policy, "server_key"))

        fun open() = recorder(folder, clock, SoftwareSigner(seed), network, listOf(key))

        /** Drives the whole road. */
        suspend fun drive() = open().use { recorder ->
            recorder.enrol(account, transport)
            recorder.enrol(RecoveryCode.read(code.text).accountSigner(), transport)
            recorder.grantConsent()
            recorder.startTrip()
            recorder.drive(clock, 0 until ROAD, number, longitudeDeg)
            recorder.stopTrip()
        }

        /** Drives half the road, is killed, and drives the rest. */
        suspend fun driveAndDie() {
            val java = File(System.getProperty("java.home"), "bin/java").path
            val app = ProcessBuilder(
                java, "-Djna.library.path=${System.getProperty("jna.library.path")}",
                "-cp", System.getProperty("java.class.path"), KilledPhone::class.java.name,
                folder.path, network, hex.formatHex(seed), "${clock.millis()}", "$longitudeDeg",
            ).redirectError(ProcessBuilder.Redirect.INHERIT).start()
            assertEquals("driven", app.inputStream.bufferedReader().readLine())
            app.destroyForcibly().waitFor()
            clock.advance(HALF * 1000L)
            open().use { recorder ->
                collecting(recorder) {
                    recorder.grantConsent()
                    assertTrue(events.any { it is Event.TripResumed }, "$events")
                    recorder.drive(clock, HALF until ROAD, number, longitudeDeg)
                    recorder.stopTrip()
                    recorder.enrol(account, transport)
                }
            }
        }

        suspend fun collecting(recorder: Recorder, call: suspend () -> Unit) = runBlocking {
            val watching = launch(Dispatchers.Unconfined) { recorder.events.collect(events::add) }
            call()
            watching.cancel()
        }

        /** Delivers until this holds; the phone's clock goes ahead to what is due. */
        suspend fun deliver(recorder: Recorder, until: () -> Boolean) = withTimeout(50_000) {
            while (!until()) {
                val againMs = recorder.drain(transport)
                recorder.flush()
                if (againMs != null && againMs > clock.millis()) clock.set(againMs)
                delay(50)
            }
        }
    }

    @Test
    fun `three drive, one app is killed, the tile changes, and a driver leaves with everything`() = runBlocking {
        val policy = get("/v1/policy").body.decodeToString()
        val phones = List(3) { Phone(it, policy) }
        assertEquals(204, get(tile()).status)
        phones[0].driveAndDie()
        phones.drop(1).forEach { it.drive() }
        for (phone in phones) {
            phone.clock.set(System.currentTimeMillis())
            phone.open().use { recorder -> phone.collecting(recorder) { upload(phone, recorder) } }
        }
        withTimeout(30_000) { while (get(tile()).status != 200) delay(100) }
        assertTrue(get(tile()).body.isNotEmpty())

        val phone = phones[0]
        phone.clock.set(System.currentTimeMillis())
        phone.open().use { recorder ->
            phone.collecting(recorder) {
                recorder.grantConsent()
                takeAlong(phone, recorder)
                secondPhone(phone, recorder)
                leave(phone, recorder)
            }
        }
    }

    /** Everything arrives, every receipt verifies, and every verdict is good. */
    private suspend fun upload(phone: Phone, recorder: Recorder) {
        recorder.grantConsent()
        recorder.setConditions(Conditions(Connection.WIFI, charging = true))
        recorder.setAccount(phone.account)
        phone.deliver(recorder) {
            val status = recorder.status.value
            status.tracesReceived > 0 && status.tracesWaiting + status.tracesUnsealed == 0L
        }
        val status = recorder.status.value
        assertEquals(0L to 0L, status.receiptsInvalid to status.tracesRefused.values.sum())
        val received = phone.events.filterIsInstance<Event.Received>().map { it.trace }
        assertEquals(status.tracesReceived, received.size.toLong())
        phone.deliver(recorder) { recorder.verdicts().all { it.accepted != null } && recorder.earnings() != null }
        val verdicts = recorder.verdicts()
        assertEquals(received.toSet(), verdicts.map { it.trace }.toSet())
        assertTrue(verdicts.all { it.accepted == true }, "$verdicts")
        assertTrue(phone.events.any { it is Event.Judged } && Event.Earned in phone.events)
        assertTrue(recorder.ownCells(10).isNotEmpty())
    }

    /** What the phone holds, and what the server holds. */
    private suspend fun takeAlong(phone: Phone, recorder: Recorder) {
        val file = File(phone.folder, "export.json")
        recorder.export(ExportFormat.JSON, file)
        assertTrue(file.length() > 0)
        for (key in listOf(null, phone.account)) {
            val export = recorder.exportFromServer(transport, key).decodeToString()
            assertTrue("hexmile-export/1" in export && recorder.deviceId in export, export.take(200))
        }
    }

    /** A second phone joins by an invitation, and is signed out. */
    private suspend fun secondPhone(phone: Phone, recorder: Recorder) {
        val invitation = recorder.invite(phone.account, transport)
        val other = SoftwareSigner(ByteArray(32).also(random::nextBytes))
        recorder(File(dir, "other"), phone.clock, other, phone.network).use { second ->
            second.join(invitation.text, transport)
            val both = setOf(recorder.deviceId, second.deviceId)
            val overview = second.overview(transport)
            assertEquals(both, overview.devices.map { it.deviceId }.toSet())
            assertThrows<HexmileException.Refused> {
                runBlocking { second.signOut(recorder.deviceId, transport) }
            }
            recorder.signOut(second.deviceId, transport, phone.account)
            val devices = recorder.overview(transport, phone.account).devices
            assertEquals(second.deviceId, devices.single { it.revokedAtMs != null }.deviceId)
            assertThrows<HexmileException.Refused> { runBlocking { second.overview(transport) } }
        }
    }

    /** The server confirms that it holds nothing of the driver any more. */
    private suspend fun leave(phone: Phone, recorder: Recorder) {
        recorder.erase(phone.account)
        assertEquals(1, recorder.status.value.erasuresWaiting)
        phone.deliver(recorder) { recorder.status.value.erasuresWaiting == 0L }
        assertTrue(Event.Erased in phone.events, "${phone.events.takeLast(3)}")
        val gone = assertThrows<HexmileException.Refused> {
            runBlocking { recorder.overview(transport, phone.account) }
        }
        assertTrue(gone.code.isNotEmpty())
        val left = File(phone.folder, "journal").walk().filter(File::isFile).toList()
        assertTrue(left.isEmpty(), "$left")
    }

    /** The tile at zoom 14 where the road is half way. */
    private fun tile(): String {
        val latitude = (10.0 + ROAD * 10.0 / 111_195.0) * PI / 180
        val tiles = 1 shl 14
        val x = ((longitudeDeg + 180) / 360 * tiles).toInt()
        val y = ((1 - asinh(tan(latitude)) / PI) / 2 * tiles).toInt()
        return "/v1/tiles/traffic/14/$x/$y"
    }

    internal companion object {
        /** Seconds that the road takes. */
        const val ROAD = 400
        const val HALF = 200
    }
}
