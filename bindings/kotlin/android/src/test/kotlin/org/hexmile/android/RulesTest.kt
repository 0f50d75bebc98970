package org.hexmile.android

import android.app.ForegroundServiceStartNotAllowedException
import android.app.job.JobInfo
import org.hexmile.Conditions
import org.hexmile.Connection
import org.hexmile.Hint
import org.hexmile.Place
import org.hexmile.QuietHours
import org.hexmile.Status
import org.hexmile.UploadRules
import org.hexmile.Zone
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows

/** What is decided apart from Android. */
class RulesTest {
    @Test
    fun `conditions are what Android reads`() {
        val wifi = PhoneReadings(online = true, wifi = true, metered = false, batteryLevel = 30, batteryScale = 60)
        val cases = listOf(
            PhoneReadings() to Conditions(Connection.NONE, metered = true),
            wifi to Conditions(Connection.WIFI, batteryPercent = 50),
            // Of a tunnel it is not told what lies under it.
            wifi.copy(wifi = null) to Conditions(Connection.UNKNOWN, batteryPercent = 50),
            wifi.copy(wifi = false, metered = true, roaming = true, charging = true) to
                Conditions(Connection.CELLULAR, metered = true, roaming = true, batteryPercent = 50, charging = true),
            wifi.copy(roaming = true, dataSaver = true, lowPowerMode = true) to
                Conditions(Connection.WIFI, batteryPercent = 50, lowPowerMode = true),
            wifi.copy(metered = true, dataSaver = true, batteryLevel = 61) to
                Conditions(Connection.WIFI, metered = true, batteryPercent = 100, dataSaver = true),
            wifi.copy(batteryScale = 0) to Conditions(Connection.WIFI),
        )
        for ((readings, want) in cases) assertEquals(want, readings.conditions())
    }

    @Test
    fun `a walk is many steps close together, and is told once`() {
        val rule = StepRule()
        val bumps = (0L until 20).map { rule.step(it * 10_000) }
        assertTrue(bumps.all { it == null })
        val walk = (0L until 100).mapNotNull { rule.step(300_000 + it * 500) }
        assertEquals(listOf(Hint.OnFoot), walk)
        assertEquals(listOf(Hint.OnFoot), (0L until 10).mapNotNull { rule.step(900_000 + it * 500) })
    }

    @Test
    fun `cars are told from headphones by their class`() {
        assertTrue(isCar(0x0420) && isCar(0x0408))
        // Headphones, a loudspeaker, a watch, a phone.
        for (other in listOf(0x0418, 0x0414, 0x0704, 0x020C, 0)) assertFalse(isCar(other))
    }

    @Test
    fun `the battery is low by its share`() {
        assertEquals(Hint.Power(low = true, charging = false), powerHint(15, 100, false))
        assertEquals(Hint.Power(low = false, charging = true), powerHint(32, 200, true))
        assertNull(powerHint(-1, 100, true))
        assertNull(powerHint(50, 0, true))
    }

    @Test
    fun `a job is set up for what waits, by the driver's rules`() {
        val now = 1_000_000L
        val waits = Status(tracesWaiting = 2, bytesQueued = 5000)
        val erases = Status(erasuresWaiting = 1)
        fun plan(status: Status, rules: UploadRules = UploadRules(), dueAtMs: Long? = null) =
            DrainPlan.of(status, rules, dueAtMs, now)
        assertNull(plan(Status()))
        assertEquals(DrainPlan(DrainNetwork.NOT_ROAMING, 60_000, 7048, false), plan(waits))
        assertEquals(DrainNetwork.UNMETERED, plan(waits, UploadRules(wifiOnly = true))?.network)
        assertEquals(DrainNetwork.ANY, plan(waits, UploadRules(onRoaming = true))?.network)
        assertEquals(90_000, plan(waits, dueAtMs = now + 90_000)?.delayMs)
        assertEquals(6 * 3_600_000L, plan(waits, dueAtMs = Long.MAX_VALUE / 2)?.delayMs)
        assertEquals(120_000, plan(waits.copy(uploadsWaitUntilMs = now + 120_000))?.delayMs)
        assertEquals(DrainPlan(DrainNetwork.ANY, 0, 2048, true), plan(erases, UploadRules(wifiOnly = true)))
        assertEquals(false, plan(erases, dueAtMs = now + 1)?.urgent)
    }

    @Test
    fun `networks are named as Android's jobs name them`() {
        val types = DrainNetwork.entries.map(DrainJob::networkType)
        assertEquals(
            listOf(JobInfo.NETWORK_TYPE_ANY, JobInfo.NETWORK_TYPE_NOT_ROAMING, JobInfo.NETWORK_TYPE_UNMETERED), types,
        )
    }

    @Test
    fun `refusals of the system are told apart by its version`() {
        val late = ForegroundServiceStartNotAllowedException("in the background")
        assertEquals(Refusal.IN_BACKGROUND, refusal(late, 31))
        assertEquals(Refusal.IN_BACKGROUND, refusal(IllegalStateException("Not allowed to start service"), 26))
        assertEquals(Refusal.OTHER, refusal(IllegalStateException("no type"), 34))
        assertEquals(Refusal.NO_PERMISSION, refusal(SecurityException("needs a permission"), 34))
    }

    @Test
    fun `the notification says what goes on`() {
        val recording = PhoneState(Status(recording = true), locations = LocationState.On("gps"))
        assertEquals(Notice.RECORDING, notice(recording))
        assertEquals(Notice.LOOKING, notice(recording.copy(status = Status())))
        for (state in listOf(LocationState.Forbidden, LocationState.Approximate, LocationState.SwitchedOff)) {
            assertEquals(Notice.NO_LOCATION, notice(recording.copy(locations = state)))
        }
    }

    @Test
    fun `zones are read as they were written, and other bytes are an error`() {
        val place = Place(48.1, -11.6)
        val privacy = Privacy(
            listOf(Zone.Around(place), Zone.Circle(place, 700), Zone.Polygon(List(3) { Place(it.toDouble(), 0.5) })),
            listOf(QuietHours(1320, 360)),
        )
        val bytes = privacy.encoded()
        assertEquals(privacy, privacyOf(bytes))
        assertEquals(Privacy(), privacyOf(Privacy().encoded()))
        for (length in bytes.indices) assertThrows<java.io.IOException> { privacyOf(bytes.copyOf(length)) }
        assertThrows<java.io.IOException> { privacyOf(bytes.copyOf().also { it[0] = 2 }) }
        assertThrows<java.io.IOException> { privacyOf(bytes.copyOf().also { it[1] = 0x7f }) }
        assertThrows<java.io.IOException> { privacyOf(bytes.copyOf().also { it[5] = 9 }) }
    }
}
