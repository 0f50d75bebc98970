package org.hexmile.android

import android.location.Location
import org.hexmile.Fix
import org.hexmile.FixProvider
import org.hexmile.LocationRequest
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Test

/** Android's own class of locations, as the framework has it. */
class LocationTest {
    private val nowMs = 1_700_000_000_000
    private val elapsedMs = 5_000_000L

    private fun location(provider: String = "gps", ageMs: Long = 0, more: Location.() -> Unit = {}) =
        Location(provider).apply {
            time = nowMs - ageMs
            elapsedRealtimeNanos = (elapsedMs - ageMs) * 1_000_000
            latitude = 48.1
            longitude = 11.6
            more()
        }

    private fun fixes(vararg locations: Location, sdk: Int = 35) = fixes(locations.toList(), nowMs, elapsedMs, sdk)

    @Test
    fun `what a location does not know is null`() {
        val bare = Fix(nowMs, 48.1, 11.6, provider = FixProvider.GNSS)
        assertEquals(listOf(bare), fixes(location()))
        // A zero that was told is a zero.
        val zeros = location { accuracy = 0f; speed = 0f; bearing = 0f; altitude = 0.0 }
        assertEquals(listOf(bare.copy(accuracyM = 0.0, speedMps = 0.0, courseDeg = 0.0, altitudeM = 0.0)), fixes(zeros))
        val full = location { accuracy = 4.5f; speed = 13.5f; bearing = 270.5f; altitude = 520.25 }
        val want = bare.copy(accuracyM = 4.5, speedMps = 13.5, courseDeg = 270.5, altitudeM = 520.25)
        assertEquals(listOf(want), fixes(full))
    }

    @Test
    fun `providers and mock locations are told, on old systems and new ones`() {
        val names = mapOf(
            "gps" to FixProvider.GNSS, "network" to FixProvider.NETWORK, "fused" to FixProvider.FUSED,
            "passive" to FixProvider.UNKNOWN,
        )
        for ((name, provider) in names) assertEquals(provider, fixes(location(name)).single().provider)
        for (sdk in listOf(26, 30, 31, 36)) {
            assertEquals(true, fixes(location { isMock = true }, sdk = sdk).single().mock)
            assertEquals(false, fixes(location(), sdk = sdk).single().mock)
        }
    }

    @Test
    fun `a batch keeps its order, and what the system only remembered is none of it`() {
        val batch = fixes(location(ageMs = 600_000), location(ageMs = 3000), location(ageMs = 2000), location(ageMs = -5))
        assertEquals(listOf(nowMs - 3000, nowMs - 2000, nowMs + 5), batch.map { it.timeMs })
    }

    @Test
    fun `capture times are the satellites', except where a receiver counts weeks anew`() {
        val week = 7 * 86_400_000L
        val cases = listOf(
            // Told, age -> capture time.
            Triple(nowMs, 0L, nowMs),
            // A phone's clock that is off is measured by the satellites'.
            Triple(nowMs - 3_600_000, 0L, nowMs - 3_600_000),
            Triple(nowMs + 40 * week, 0L, nowMs + 40 * week),
            Triple(0L, 700L, nowMs - 700),
            Triple(-1L, 700L, nowMs - 700),
            Triple(nowMs - 1024 * week - 900, 1000L, nowMs - 900),
            Triple(nowMs - 2048 * week, 0L, nowMs),
            Triple(nowMs - 1000 * week, 0L, nowMs - 1000 * week),
        )
        for ((told, age, want) in cases) assertEquals(want, captureTimeMs(told, age, nowMs), "$told, $age")
    }

    @Test
    fun `satellites are asked for only where they are wanted`() {
        val all = setOf("passive", "network", "fused", "gps")
        val drive = LocationRequest(1000, satellites = true)
        val walk = LocationRequest(15_000, satellites = false)
        assertEquals(LocationPlan("gps", 1000, 5000, true), LocationPlan.of(drive, all))
        assertEquals(LocationPlan("network", 15_000, 0, false), LocationPlan.of(walk, all))
        assertEquals("fused", LocationPlan.of(drive, setOf("passive", "network", "fused"))?.provider)
        assertEquals("fused", LocationPlan.of(walk, setOf("passive", "fused", "gps"))?.provider)
        // Towers alone make no trace, and satellites are not woken for a walk.
        assertNull(LocationPlan.of(drive, setOf("passive", "network")))
        assertNull(LocationPlan.of(walk, setOf("passive", "gps")))
        assertNull(LocationPlan.of(LocationRequest(0, satellites = true), all))
    }
}
