package org.hexmile

import java.io.File
import java.util.concurrent.CopyOnWriteArrayList
import java.util.concurrent.CountDownLatch
import java.util.concurrent.Executors
import java.util.concurrent.Future
import java.util.concurrent.TimeUnit
import java.util.concurrent.atomic.AtomicInteger
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.launch
import kotlinx.coroutines.runBlocking
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.Timeout
import org.junit.jupiter.api.assertThrows
import org.junit.jupiter.api.condition.EnabledOnOs
import org.junit.jupiter.api.condition.OS
import org.junit.jupiter.api.io.TempDir

/** What no app does on purpose. */
class RobustnessTest {
    @TempDir
    lateinit var dir: File
    private val clock = SetClock()

    /** A host's key that counts how often it is asked, and may wait or throw. */
    private class Asked(private val before: () -> Unit = {}) : Signer {
        private val key = SoftwareSigner(seed(5))
        val asked = AtomicInteger()
        override val publicKey = key.publicKey

        override fun sign(purpose: SignPurpose, message: ByteArray): ByteArray {
            asked.incrementAndGet()
            before()
            return key.sign(purpose, message)
        }
    }

    private fun <T> threads(n: Int, call: (Int) -> T): List<T> {
        val pool = Executors.newFixedThreadPool(n)
        try {
            return List(n) { i -> pool.submit<T> { call(i) } }.map(Future<T>::get)
        } finally {
            pool.shutdownNow()
        }
    }

    @Test
    @Timeout(value = 4, unit = TimeUnit.MINUTES)
    @EnabledOnOs(OS.LINUX, disabledReason = "what a process holds is read from /proc")
    fun `nothing is left behind by many calls`() {
        val java = File(System.getProperty("java.home"), "bin/java").path
        val leaks = ProcessBuilder(
            listOf(java) + Leaks.jvmFlags + listOf(
                "-Djna.library.path=${System.getProperty("jna.library.path")}",
                "-cp", System.getProperty("java.class.path"), Leaks::class.java.name, "300000",
            ),
        ).redirectError(ProcessBuilder.Redirect.INHERIT).apply { environment()["MALLOC_ARENA_MAX"] = "2" }.start()
        val said = leaks.inputStream.bufferedReader().readText()
        assertEquals(0, leaks.waitFor(), said)
        println(said)
        val (calls, before, between, after) = Regex("\\d+").findAll(said).map { it.value.toLong() }.toList()
        // A leak goes on in both halves; what a JVM takes once, it takes in one. Forty bytes a call would be more.
        assertTrue(calls >= 300_000 && minOf(between - before, after - between) < 6_000, said)
    }

    @Test
    fun `what came of a call is told before what came of the next`() = runBlocking {
        var locked = false
        val keys = FolderSecrets(File(dir, "keys"))
        val secrets = object : SecretStore {
            override fun create(name: String) = if (locked) throw SecretsLockedException() else keys.create(name)
            override fun read(name: String) = keys.read(name)
            override fun destroy(name: String) = keys.destroy(name)
        }
        recorder(dir, clock, secrets = secrets).use { recorder ->
            recorder.grantConsent()
            repeat(2) { recorder.startTrip(); recorder.drive(clock, 400); recorder.stopTrip() }
            locked = true
            val told = CopyOnWriteArrayList<String>()
            val watching = launch(Dispatchers.Unconfined) {
                recorder.events.collect { event ->
                    told += event.javaClass.simpleName
                    // In the midst of what the server answered, somebody else calls, as long as it is let.
                    if (event is Event.Received && told.count { it == "Received" } == 1) {
                        Thread { recorder.startTrip() }.run { start(); join(1000) }
                    }
                }
            }
            var first = 0
            recorder.drain(uploads { sent ->
                val traces = signedTraces(sent)
                if (first == 0) first = traces.size
                val results = traces.joinToString(",") { (payload, _) ->
                    """{"trace_id":"${traceId(payload)}","status":"accepted","receipt":{"received_at_ms":7}}"""
                }
                Answer(200, """{"results":[$results]}""".toByteArray())
            })
            while ("HeldInMemory" !in told) kotlinx.coroutines.yield()
            watching.cancel()
            val before = told.takeWhile { it != "HeldInMemory" }.count { it == "Received" }
            assertTrue(first > 1 && before >= first, "$first: $told")
        }
    }

    @Test
    fun `keys are asked all at once, each for its own call`() {
        // Each waits in its callback until all are in one.
        val inside = CountDownLatch(4)
        val keys = List(4) { Asked { inside.countDown(); inside.await() } }
        threads(4) { i ->
            recorder(File(dir, "$i"), clock).use { recorder ->
                runBlocking(Dispatchers.Unconfined) {
                    runCatching { recorder.enrol(keys[i], { Answer(503, ByteArray(0)) }) }
                }
            }
        }
        assertEquals(0, inside.count)
        assertEquals(List(4) { 1 }, keys.map { it.asked.get() })
    }

    @Test
    fun `a callback that throws harms nobody else's call`() {
        recorder(dir, clock).use { recorder ->
            recorder.grantConsent()
            recorder.startTrip()
            val failures = threads(8) { i ->
                (0 until 50).count { n ->
                    if (i % 2 == 0) {
                        val thrown = Error("of $i, $n")
                        val key = Asked { throw thrown }
                        val told = assertThrows<HexmileException.Signing> {
                            runBlocking { recorder.enrol(key, { error("nothing to send") }) }
                        }
                        // One's own, and nobody else's.
                        told.cause === thrown
                    } else {
                        recorder.record(fix(clock.millis() + n * 1000L, n))
                        recorder.verdicts()
                        false
                    }
                }
            }
            assertEquals(List(8) { if (it % 2 == 0) 50 else 0 }, failures)
        }
    }

    @Test
    fun `a key that is closed under a call is a typed error, and nothing worse`() {
        recorder(dir, clock).use { recorder ->
            repeat(20) {
                val key = SoftwareSigner(seed(6))
                val outcomes = threads(4) { i ->
                    if (i == 0) {
                        key.close()
                        null
                    } else {
                        runCatching { repeat(100) { key.sign(SignPurpose.TRACE, ByteArray(64)) } }.exceptionOrNull()
                    }
                }
                assertTrue(outcomes.all { it == null || it is HexmileException.Closed }, "$outcomes")
            }
            recorder.verdicts()
        }
    }

    @Test
    fun `a recorder closed under its delivery and its callers is closed, and nothing worse`() = runBlocking {
        repeat(10) { round ->
            val recorder = recorder(File(dir, "$round"), clock)
            recorder.grantConsent()
            recorder.startTrip()
            recorder.drive(clock, 100)
            val delivery = launch(Dispatchers.IO) { recorder.deliver(uploads { Answer(503, ByteArray(0)) }) }
            val outcomes = threads(4) { i ->
                if (i == 0) {
                    recorder.close()
                    null
                } else {
                    val calls = listOf<() -> Unit>(
                        { recorder.stopTrip() }, { recorder.flush() }, { recorder.recordAll(List(9) { fix(clock.millis(), it) }) },
                    )
                    runCatching { repeat(50) { calls[i - 1]() } }.exceptionOrNull()
                }
            }
            assertTrue(outcomes.all { it == null || it is HexmileException.Closed }, "$outcomes")
            delivery.join()
        }
    }
}
