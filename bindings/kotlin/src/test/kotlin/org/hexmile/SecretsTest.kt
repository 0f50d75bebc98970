package org.hexmile

import java.io.File
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.launch
import kotlinx.coroutines.test.runTest
import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertSame
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows
import org.junit.jupiter.api.io.TempDir

/** A platform's store: keys in memory, with what tests make of it. */
private class HostStore(
    private val creating: () -> Unit = {},
    private val destroying: () -> Unit = {},
) : SecretStore {
    val keys = HashMap<String, ByteArray>()

    /** Keys of trips; the one of known places stays. */
    val trips get() = keys.keys - "known-places"

    override fun create(name: String): ByteArray {
        creating()
        return ByteArray(32) { name.hashCode().toByte() }.also { keys[name] = it }
    }

    override fun read(name: String) = keys[name]

    override fun destroy(name: String) {
        destroying()
        keys.remove(name)
    }
}

class SecretsTest {
    @TempDir
    lateinit var dir: File
    private val clock = SetClock()

    @Test
    fun `a folder keeps keys until they are destroyed`() {
        val secrets = FolderSecrets(File(dir, "keys"))
        val key = secrets.create("trip-1")
        assertEquals(32, key.size)
        assertArrayEquals(key, FolderSecrets(File(dir, "keys")).read("trip-1"))
        secrets.destroy("trip-1")
        secrets.destroy("trip-1")
        assertNull(secrets.read("trip-1"))
        File(dir, "file").writeText("a file in its place")
        assertThrows<HexmileException.Secrets> { FolderSecrets(File(dir, "file")).create("trip-1") }
    }

    @Test
    fun `a host's store has one key a trip, and none after it`() {
        val store = HostStore()
        recorder(dir, clock, secrets = store).use { recorder ->
            recorder.grantConsent()
            recorder.startTrip()
            recorder.drive(clock, 100)
            assertEquals(1, store.trips.size)
            assertNull(recorder.status.value.heldInMemory)
            recorder.stopTrip()
            recorder.flush()
            assertEquals(emptySet<String>(), store.trips)
        }
    }

    @Test
    fun `a store that is locked or throws is told, and the trip goes on`() = runTest {
        for (thrown in listOf(SecretsLockedException(), IllegalStateException("broken"), StackOverflowError("deep"))) {
            dir.listFiles()?.forEach(File::deleteRecursively)
            recorder(dir, clock, secrets = HostStore(creating = { throw thrown })).use { recorder ->
                val told = mutableListOf<Event>()
                val watching = backgroundScope.launch(Dispatchers.Unconfined) { recorder.events.collect(told::add) }
                recorder.grantConsent()
                recorder.startTrip()
                val why = told.filterIsInstance<Event.HeldInMemory>().single().why
                assertTrue(thrown.message!!.removePrefix("the secret store ") in why, why)
                assertEquals(why, recorder.status.value.heldInMemory)
                assertTrue(Recorded.Held in recorder.drive(clock, 100))
                // The places that were learned have no key either; a phone that is locked will have one.
                if (thrown is SecretsLockedException) {
                    recorder.stopTrip()
                } else {
                    assertThrows<HexmileException.Secrets> { recorder.stopTrip() }
                }
                assertFalse(recorder.status.value.recording)
                watching.cancel()
            }
        }
    }

    @Test
    fun `what a store throws is the cause where it fails a call`() {
        val thrown = IllegalStateException("broken")
        recorder(dir, clock, secrets = HostStore(destroying = { throw thrown })).use { recorder ->
            recorder.grantConsent()
            recorder.startTrip()
            assertSame(thrown, assertThrows<HexmileException.Secrets> { recorder.stopTrip() }.cause)
        }
    }

    @Test
    fun `a trip that the app left goes on under its key`() = runTest {
        val store = HostStore()
        recorder(dir, clock, secrets = store).use { recorder ->
            recorder.grantConsent()
            recorder.startTrip()
            recorder.drive(clock, 60)
        }
        recorder(dir, clock, secrets = store).use { recorder ->
            val told = mutableListOf<Event>()
            val watching = backgroundScope.launch(Dispatchers.Unconfined) { recorder.events.collect(told::add) }
            recorder.grantConsent()
            watching.cancel()
            assertTrue(told.single() is Event.TripResumed, "$told")
            assertTrue(recorder.status.value.recording)
            assertTrue(Recorded.Held in recorder.drive(clock, 60..70))
        }
    }
}
