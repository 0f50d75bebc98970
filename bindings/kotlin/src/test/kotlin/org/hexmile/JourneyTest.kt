package org.hexmile

import java.io.File
import java.net.URI
import java.net.http.HttpClient
import java.net.http.HttpRequest
import java.net.http.HttpRequest.BodyPublishers
import java.net.http.HttpResponse.BodyHandlers
import java.security.SecureRandom
import java.util.Base64
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.delay
import kotlinx.coroutines.future.await
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.condition.EnabledIfSystemProperty
import org.junit.jupiter.api.io.TempDir

/** A driver's first day, against the running server that `hexmile.server` names. */
@EnabledIfSystemProperty(named = "hexmile.server", matches = "http.+")
class JourneyTest {
    @TempDir
    lateinit var dir: File
    private val server = System.getProperty("hexmile.server").orEmpty()
    private val http = HttpClient.newHttpClient()

    /** Java's HTTP client, as an app brings its own. */
    private val transport = Transport { request ->
        val post = HttpRequest.newBuilder(URI(server + request.path)).header("Content-Type", request.contentType)
        val answer = http.sendAsync(post.POST(BodyPublishers.ofByteArray(request.body)).build(), BodyHandlers.ofByteArray()).await()
        val retryAfterS = answer.headers().firstValue("Retry-After").map(String::toIntOrNull).orElse(null)
        Answer(answer.statusCode(), answer.body(), retryAfterS)
    }

    private suspend fun get(path: String): String {
        val get = HttpRequest.newBuilder(URI(server + path)).build()
        val answer = http.sendAsync(get, BodyHandlers.ofString()).await()
        assertEquals(200, answer.statusCode(), answer.body())
        return answer.body()
    }

    private fun told(json: String, field: String) =
        checkNotNull(Regex(""""$field":"([^"]*)"""").find(json)) { "no $field in $json" }.groupValues[1]

    @Test
    fun `join, drive, stop the app, reopen it, upload, and see every trace accepted`() = runBlocking {
        val policy = get("/v1/policy")
        val key = Base64.getDecoder().decode(told(policy, "server_key"))
        val random = SecureRandom()
        val device = SoftwareSigner(ByteArray(32).also(random::nextBytes))
        val account = SoftwareSigner(ByteArray(32).also(random::nextBytes))
        // The drive ended a minute ago: its clock is the phone's, set back.
        val clock = SetClock(System.currentTimeMillis() - 460_000)
        fun open() = recorder(dir, clock, device, told(policy, "network_name"), listOf(key))

        open().use { recorder ->
            recorder.enrol(account, transport)
            recorder.enrol(account, transport)
            recorder.grantConsent()
            recorder.startTrip()
            recorder.drive(clock, 400)
            recorder.stopTrip()
        }
        clock.advance(60_000)
        open().use { recorder ->
            val received = mutableListOf<String>()
            val watching = launch(Dispatchers.Unconfined) {
                recorder.events.collect { if (it is Event.Received) received += it.trace }
            }
            recorder.grantConsent()
            withTimeout(60_000) {
                while (recorder.status.value.tracesReceived == 0L || recorder.status.value.tracesWaiting > 0) {
                    val againMs = recorder.drain(transport)
                    clock.advance((againMs ?: 0) - clock.millis().coerceAtMost(againMs ?: 0))
                }
            }
            watching.cancel()
            val status = recorder.status.value
            assertEquals(0L to 0L, status.receiptsInvalid to status.tracesRefused.values.sum())
            assertEquals(status.tracesReceived, received.size.toLong())
            for (trace in received) assertEquals("accepted", verdict(trace), "trace $trace")
        }
    }

    /** The verdict, once the server has folded the trace. */
    private suspend fun verdict(trace: String): String = withTimeout(60_000) {
        var state = told(get("/v1/traces/$trace"), "status")
        while (state == "pending") {
            delay(100)
            state = told(get("/v1/traces/$trace"), "status")
        }
        state
    }
}
