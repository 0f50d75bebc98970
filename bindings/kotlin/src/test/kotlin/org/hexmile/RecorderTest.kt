package org.hexmile

import java.io.File
import java.io.IOException
import java.util.concurrent.Callable
import java.util.concurrent.Executors
import kotlinx.coroutines.CompletableDeferred
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.awaitCancellation
import kotlinx.coroutines.cancelAndJoin
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.test.runTest
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows
import org.junit.jupiter.api.io.TempDir

/** A server that takes every trace, has nothing to tell, and remembers what was uploaded. */
private class Taking : Transport {
    val requests = mutableListOf<Request>()

    override suspend fun send(request: Request): Answer {
        val body = request.body ?: return Answer(404, ByteArray(0))
        requests += request
        val results = signedTraces(body).joinToString(",") { (payload, _) ->
            """{"trace_id":"${traceId(payload)}","status":"accepted","receipt":{"received_at_ms":7}}"""
        }
        return Answer(200, """{"results":[$results]}""".toByteArray())
    }
}

class RecorderTest {
    @TempDir
    lateinit var dir: File
    private val clock = SetClock()

    @Test
    fun `nothing is written without consent`() {
        recorder(dir, clock).use { recorder ->
            assertThrows<HexmileException.NoConsent> { recorder.startTrip() }
            assertEquals(Recorded.Dropped("no_consent"), recorder.record(fix(clock.millis(), 0)))
            recorder.flush()
            assertFalse(recorder.status.value.consent)
        }
        assertFalse(File(dir, "journal").exists())
    }

    @Test
    fun `a drive is sealed, uploaded and received`() = runTest {
        recorder(dir, clock).use { recorder ->
            recorder.grantConsent()
            recorder.startTrip()
            assertTrue(recorder.status.value.recording)
            val recorded = recorder.drive(clock, 400)
            assertEquals(setOf("trip_start"), recorded.filterIsInstance<Recorded.Dropped>().map { it.reason }.toSet())
            assertTrue(Recorded.Held in recorded)
            recorder.stopTrip()
            recorder.flush()
            // What happens is told from collecting on.
            val events = mutableListOf<Event>()
            val watching = backgroundScope.launch(Dispatchers.Unconfined) { recorder.events.collect(events::add) }
            val server = Taking()
            recorder.drain(server)
            watching.cancelAndJoin()

            val request = server.requests.single()
            assertEquals("POST" to "/v1/traces", request.method to request.path)
            assertEquals(mapOf("Content-Type" to "application/vnd.hexmile.trace"), request.headers)
            val body = request.body!!
            val traces = signedTraces(body)
            val key = SoftwareSigner(seed(5)).publicKey
            assertTrue(traces.all { (payload, signature) -> verifies(key, TRACE_TAG + payload, signature) })
            val received = events.filterIsInstance<Event.Received>()
            assertEquals(traces.map { Event.Received(traceId(it.first), 7) }, received)
            val status = recorder.status.value
            assertEquals(0L to traces.size.toLong(), status.tracesWaiting to status.tracesReceived)
            assertFalse(status.recording)
            assertTrue(status.fixesKept > 300 && status.bytesUploaded == body.size.toLong())
        }
    }

    @Test
    fun `a recorder opened again delivers what the last one left`() = runTest {
        recorder(dir, clock).use { it.grantConsent(); it.startTrip(); it.drive(clock, 400); it.stopTrip() }
        recorder(dir, clock).use { recorder ->
            recorder.grantConsent()
            val server = Taking()
            recorder.drain(server)
            assertTrue(signedTraces(server.requests.single().body!!).isNotEmpty())
        }
    }

    @Test
    fun `without an answer traces wait for their time, and a refusal is told`() = runTest {
        recorder(dir, clock).use { recorder ->
            recorder.grantConsent()
            recorder.startTrip()
            recorder.drive(clock, 400)
            recorder.stopTrip()
            recorder.flush()
            val againMs = recorder.drain(uploads { throw IOException("no network") })
            assertTrue(againMs!! > clock.millis())
            assertTrue(recorder.status.value.tracesWaiting > 0)

            // Later than any wait of the policy's or the upload's.
            clock.advance(3_600_000)
            val kind = "https://hexmile.org/problems/"
            recorder.drain(uploads { sent ->
                val results = signedTraces(sent).joinToString(",") { (payload, _) ->
                    """{"trace_id":"${traceId(payload)}","status":"refused","problem":""" +
                        """{"type":"${kind}device_unknown","code":"device_unknown","temporary":false}}"""
                }
                Answer(200, """{"results":[$results]}""".toByteArray())
            })
            // Whatever the server means by it, no trace is lost without being counted.
            val status = recorder.status.value
            assertTrue(status.tracesWaiting + status.tracesRefused.values.sum() > 0)
        }
    }

    @Test
    fun `delivery goes on until it is cancelled, and a cancelled upload is tried again`() = runBlocking {
        recorder(dir, clock).use { recorder ->
            recorder.grantConsent()
            recorder.startTrip()
            recorder.drive(clock, 400)
            recorder.stopTrip()
            recorder.flush()
            val posted = CompletableDeferred<Unit>()
            val hung = launch {
                recorder.deliver { request ->
                    if (request.body == null) throw IOException()
                    posted.complete(Unit)
                    awaitCancellation()
                }
            }
            posted.await()
            hung.cancelAndJoin()
            clock.advance(3_600_000)
            val delivery = launch { recorder.deliver(Taking()) }
            recorder.status.first { it.tracesReceived > 0 && it.tracesWaiting == 0L }
            delivery.cancelAndJoin()
        }
    }

    @Test
    fun `delivery ends when the recorder is closed`() = runBlocking {
        val recorder = recorder(dir, clock)
        recorder.grantConsent()
        val begun = CompletableDeferred<Unit>()
        val running = launch(Dispatchers.Default) {
            begun.complete(Unit)
            recorder.deliver(Taking())
        }
        begun.await()
        recorder.close()
        running.join()
    }

    @Test
    fun `in a zone and in quiet hours nothing is kept`() {
        recorder(dir, clock).use { recorder ->
            recorder.grantConsent()
            val home = Place(10.0, 20.0)
            val corners = listOf(Place(9.9, 19.9), Place(9.9, 20.1), Place(10.1, 20.1), Place(10.1, 19.9))
            recorder.startTrip()
            for (zone in listOf(Zone.Around(home), Zone.Circle(home, 5000), Zone.Polygon(corners))) {
                recorder.setPrivacy(seed(9), listOf(zone))
                clock.advance(1000)
                assertEquals(Recorded.Dropped("zone"), recorder.record(fix(clock.millis(), 0)))
            }
            // 1,700,000,000 s is 22:13 UTC.
            recorder.setPrivacy(seed(9), quietHours = listOf(QuietHours(1320, 300)))
            clock.advance(1000)
            assertEquals(Recorded.Dropped("quiet_hours"), recorder.record(fix(clock.millis(), 0)))
        }
    }

    @Test
    fun `arguments that cannot be used are typed errors`() {
        recorder(dir, clock).use { recorder ->
            recorder.grantConsent()
            val home = Place(10.0, 20.0)
            val bad = listOf<() -> Unit>(
                { recorder.setPrivacy(ByteArray(31)) },
                { recorder.setPrivacy(seed(9), listOf(Zone.Around(Place(Double.NaN, 0.0)))) },
                { recorder.setPrivacy(seed(9), listOf(Zone.Circle(home, 0))) },
                { recorder.setPrivacy(seed(9), listOf(Zone.Circle(home, -1))) },
                { recorder.setPrivacy(seed(9), listOf(Zone.Polygon(listOf(home, home)))) },
                { recorder.setPrivacy(seed(9), quietHours = listOf(QuietHours(65_536, 1))) },
                { recorder.setPrivacy(seed(9), quietHours = listOf(QuietHours(-1, 1))) },
                { recorder.setPrivacy(seed(9), utcOffsetMinutes = 65_536) },
                { recorder(dir, serverKeys = listOf(ByteArray(3))) },
                { recorder(dir, predecessors = listOf("nobody")) },
                { recorder.forgetPlace(Place(91.0, 0.0)) },
                { recorder.setConditions(Conditions(batteryPercent = 101)) },
                { recorder.setUploadRules(UploadRules(minBatteryPercent = -1)) },
                { recorder.setUploadRules(UploadRules(cellularBytesPerDay = -1)) },
                { recorder.ownCells(3) },
                { recorder.ownCells(-1) },
                { recorder.export(ExportFormat.JSON, File(dir, "no/such/folder")) },
                { runBlocking { recorder.join("what?", Taking()) } },
                { runBlocking { recorder.signOut("nobody", Taking()) } },
                { RecoveryCode.read("hexmile1") },
                { Recorder(RecorderConfig(dir, "test", journalLimitBytes = -1), SoftwareSigner(seed(5)), FolderSecrets(dir)) },
                { SoftwareSigner(ByteArray(31)) },
            )
            for (call in bad) assertThrows<HexmileException.Argument> { call() }
        }
    }

    @Test
    fun `fixes in packs are recorded as one by one`() {
        val start = clock.millis()
        val fixes = List(2500) { second ->
            val fix = fix(start + second * 1000L, second)
            when (second % 100) {
                7 -> fix.copy(accuracyM = null, speedMps = null, courseDeg = null, altitudeM = null)
                13 -> fix.copy(mock = true)
                21 -> fix.copy(latitudeDeg = Double.NaN)
                34 -> fix.copy(provider = FixProvider.NETWORK, accuracyM = 900.0)
                55 -> fix.copy(timeMs = fix.timeMs - 30_000)
                else -> fix
            }
        }
        clock.advance(2_500_000)
        fun record(name: String, record: (Recorder) -> Batch): Pair<Batch, Status> =
            recorder(File(dir, name), clock).use { recorder ->
                recorder.grantConsent()
                recorder.startTrip()
                val batch = record(recorder)
                recorder.stopTrip()
                recorder.flush()
                // Bytes on disk hold random numbers.
                batch to recorder.status.value.copy(journalBytes = 0, bytesQueued = 0)
            }
        val single = record("single") { recorder ->
            val recorded = fixes.map(recorder::record)
            Batch(
                recorded.count { it == Recorded.Kept }, recorded.count { it == Recorded.Held },
                recorded.count { it is Recorded.Dropped },
            )
        }
        val packed = record("packed") { it.recordAll(fixes) }
        assertEquals(single, packed)
        assertTrue(single.second.fixesDropped.size >= 4, "${single.second.fixesDropped}")
        recorder(dir, clock).use { assertEquals(Batch.NONE, it.recordAll(emptyList())) }
    }

    @Test
    fun `conditions and rules are obeyed`() = runTest {
        recorder(dir, clock).use { recorder ->
            recorder.grantConsent()
            recorder.startTrip()
            recorder.drive(clock, 400)
            recorder.stopTrip()
            recorder.flush()
            recorder.setUploadRules(UploadRules(UploadMode.ECONOMY, wifiOnly = true))
            recorder.setConditions(Conditions(Connection.CELLULAR, batteryPercent = 50))
            val server = Taking()
            recorder.drain(server)
            assertTrue(server.requests.isEmpty())
            val status = recorder.status.value
            assertEquals("waiting_for_wifi" to null, status.uploadsWait to status.uploadsWaitUntilMs)
            assertTrue(status.bytesQueued > 0)
            recorder.setConditions(Conditions(Connection.WIFI, charging = true))
            recorder.drain(server)
            assertEquals(0L, recorder.status.value.tracesWaiting)
        }
    }

    @Test
    fun `hints begin a drive, and ask for satellites`() {
        recorder(dir, clock, followMotion = true).use { recorder ->
            recorder.grantConsent()
            clock.advance(1000)
            recorder.hint(Hint.InVehicle)
            assertTrue(recorder.status.value.motion in setOf(MotionState.STARTING, MotionState.DRIVING))
            assertTrue(recorder.locations.value!!.satellites)
            recorder.hint(Hint.Car(connected = true))
            recorder.hint(Hint.Power(low = false, charging = true))
            // Who withdrew is asked for no location any more.
            recorder.withdrawConsent()
            assertNull(recorder.locations.value)
            recorder.grantConsent()
            assertNull(recorder.locations.value)
            clock.advance(1000)
            recorder.hint(Hint.InVehicle)
            assertTrue(recorder.locations.value!!.satellites)
            recorder.erase()
            assertNull(recorder.locations.value)
        }
    }

    @Test
    fun `a driver sees the trip, and takes it along`() {
        recorder(dir, clock).use { recorder ->
            val file = File(dir, "drive.gpx")
            assertThrows<HexmileException.NoConsent> { recorder.export(ExportFormat.GPX, file) }
            recorder.grantConsent()
            recorder.startTrip()
            recorder.drive(clock, 400)
            recorder.flush()
            assertTrue(recorder.status.value.trip!!.distanceM in 7900..8100)
            recorder.stopTrip()
            assertTrue(recorder.ownCells(10).size > 50)
            recorder.export(ExportFormat.GPX, file)
            assertTrue(file.readText().endsWith("</gpx>\n"))
            recorder.setAccount(SoftwareSigner(seed(6)))
            assertEquals(emptyList<Verdict>() to null, recorder.verdicts() to recorder.earnings())
            assertEquals(emptyList<Place>(), recorder.knownPlaces())
        }
    }

    @Test
    fun `a disk that does not take the journal is a typed error`() {
        File(dir, "journal").writeText("a file in its place")
        recorder(dir, clock).use { assertThrows<HexmileException.Journal> { it.grantConsent() } }
    }

    @Test
    fun `a withdrawal stops at once, and erasing leaves no file`() = runTest {
        recorder(dir, clock).use { recorder ->
            recorder.grantConsent()
            recorder.startTrip()
            recorder.drive(clock, 100)
            recorder.withdrawConsent()
            assertFalse(recorder.status.value.recording)
            assertEquals(Recorded.Dropped("no_consent"), recorder.record(fix(clock.millis(), 100)))
            val server = Taking()
            recorder.drain(server)
            assertTrue(server.requests.isEmpty())

            recorder.grantConsent()
            recorder.startTrip()
            recorder.drive(clock, 400)
            recorder.stopTrip()
            recorder.erase()
            assertEquals(1, recorder.status.value.erasuresWaiting)
            var asked: Request? = null
            recorder.drain { request ->
                if (request.method != "DELETE") throw IOException()
                asked = request
                Answer(200, """{"devices":1,"forgotten_at_ms":1}""".toByteArray())
            }
            assertEquals("/v1/me" to setOf("Authorization"), asked!!.path to asked!!.headers.keys)
            assertEquals(0, recorder.status.value.erasuresWaiting)
            val left = File(dir, "journal").walk().filter(File::isFile).toList()
            assertTrue(left.isEmpty(), "$left")
        }
    }

    @Test
    fun `what was handed out before a withdrawal does not leave after it`() = runTest {
        val ways = listOf<(Recorder) -> Unit>(Recorder::withdrawConsent, { it.erase() })
        ways.forEachIndexed { i, end ->
            recorder(File(dir, "$i"), clock).use { recorder ->
                recorder.grantConsent()
                // Uploads begin after a look for a request to be erased.
                recorder.drain(Taking())
                recorder.startTrip()
                recorder.drive(clock, 400)
                recorder.stopTrip()
                recorder.flush()
                // An upload is due, and nobody delivers now.
                recorder.setConditions(Conditions(Connection.WIFI))
                assertTrue(recorder.status.value.bytesUploaded > 0)
                end(recorder)
                val server = Taking()
                recorder.drain(server)
                assertTrue(server.requests.isEmpty())
            }
        }
    }

    @Test
    fun `a request to be erased outlives a withdrawal`() = runTest {
        recorder(dir, clock).use { recorder ->
            recorder.grantConsent()
            recorder.startTrip()
            recorder.drive(clock, 400)
            recorder.erase()
            recorder.withdrawConsent()
            val methods = mutableListOf<String>()
            recorder.drain { request ->
                methods += request.method
                Answer(200, """{"devices":1,"forgotten_at_ms":1}""".toByteArray())
            }
            assertEquals(listOf("DELETE"), methods)
        }
    }

    @Test
    fun `after close every call is a typed error, and closing again is none`() = runTest {
        val recorder = recorder(dir, clock)
        recorder.grantConsent()
        recorder.close()
        recorder.close()
        val calls = listOf<suspend () -> Unit>(
            { recorder.grantConsent() },
            { recorder.withdrawConsent() },
            { recorder.erase() },
            { recorder.setPrivacy(seed(9)) },
            { recorder.startTrip() },
            { recorder.stopTrip() },
            { recorder.record(fix(0, 0)) },
            { recorder.recordAll(listOf(fix(0, 0))) },
            { recorder.hint(Hint.Moved) },
            { recorder.setConditions(Conditions()) },
            { recorder.setUploadRules(UploadRules()) },
            { recorder.setAccount(null) },
            { recorder.knownPlaces() },
            { recorder.forgetPlace(Place(0.0, 0.0)) },
            { recorder.verdicts() },
            { recorder.earnings() },
            { recorder.ownCells(10) },
            { recorder.export(ExportFormat.GPX, File(dir, "gpx")) },
            { recorder.invite(SoftwareSigner(seed(1)), Taking()) },
            { recorder.join("HEXJOIN1", Taking()) },
            { recorder.overview(Taking()) },
            { recorder.signOut(recorder.deviceId, Taking()) },
            { recorder.exportFromServer(Taking()) },
            { recorder.flush() },
            { recorder.drain(Taking()) },
            { recorder.enrol(SoftwareSigner(seed(1)), Taking()) },
        )
        for (call in calls) assertThrows<HexmileException.Closed> { runBlocking { call() } }
        recorder.deliver(Taking())
        assertTrue(recorder.status.value.consent)

        val key = SoftwareSigner(seed(1))
        key.close()
        assertThrows<HexmileException.Closed> { key.publicKey }
        assertThrows<HexmileException.Closed> { key.sign(SignPurpose.TRACE, ByteArray(1)) }
        assertThrows<HexmileException.Closed> { recorder(dir, device = key) }
        recorder(dir, clock).use { open ->
            val lent = listOf<suspend () -> Unit>(
                { open.enrol(key, Taking()) },
                { open.invite(key, Taking()) },
                { open.overview(Taking(), key) },
                { open.signOut(open.deviceId, Taking(), key) },
                { open.exportFromServer(Taking(), key) },
                { open.setAccount(key) },
                { open.erase(key) },
            )
            for (call in lent) assertThrows<HexmileException.Closed> { runBlocking { call() } }
        }
    }

    @Test
    fun `many threads may call one recorder, and close it meanwhile`() {
        val recorder = recorder(dir, clock)
        recorder.grantConsent()
        recorder.startTrip()
        val threads = Executors.newFixedThreadPool(8)
        try {
            val counted = threads.invokeAll(List(8) { thread ->
                Callable {
                    (0 until 250).count {
                        recorder.record(fix(clock.millis() + it, it))
                        if (it % 50 == thread) recorder.flush()
                        true
                    }
                }
            }).sumOf { it.get() }
            assertEquals(2000, counted)
            // What was held back is counted once the trip is over.
            recorder.stopTrip()
            val status = recorder.status.value
            assertEquals(2000, status.fixesKept + status.fixesDropped.values.sum())

            val ended = List(8) { thread ->
                threads.submit(Callable {
                    assertThrows<HexmileException.Closed> {
                        while (true) recorder.record(fix(clock.millis(), thread))
                    }
                })
            }
            recorder.close()
            ended.forEach { it.get() }
        } finally {
            threads.shutdownNow()
        }
    }
}
