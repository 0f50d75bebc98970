package org.hexmile.demo.model

import org.hexmile.Status
import org.hexmile.TripStatus
import org.hexmile.android.LocationState
import org.hexmile.android.PhoneState
import org.hexmile.android.Refusal
import org.hexmile.android.Trouble
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

class HomeTest {
    private val idle = PhoneState(Status(consent = true), opened = true)
    private val driving = idle.copy(
        status = Status(
            consent = true, recording = true, trip = TripStatus(1, 12_300, 40), fixesKept = 500,
            fixesDropped = mapOf("zone" to 3, "trip_start" to 20), tracesWaiting = 2,
        ),
        locations = LocationState.On("gps"),
        speedMps = 13.9,
    )

    private fun home(phone: PhoneState?, step: PermissionStep = PermissionStep.READY) = HomeScreen.of(phone, step)

    @Test
    fun `a driver goes from consent through permissions to a trip, and out again`() {
        val stages = listOf(
            home(null), home(PhoneState()), home(idle, PermissionStep.ASK_LOCATION), home(idle), home(driving),
            home(idle.copy(erasing = true)), home(PhoneState(Status(erasuresWaiting = 1))),
        ).map { it.stage }
        val want = listOf(
            Stage.CONSENT, Stage.CONSENT, Stage.PERMISSION, Stage.IDLE, Stage.DRIVING, Stage.ERASING, Stage.ERASING,
        )
        assertEquals(want, stages)
        // What is nice to have holds nobody up, and a trip under way can be stopped whatever was withdrawn.
        assertTrue(home(idle, PermissionStep.EXPLAIN_BACKGROUND).mayStart)
        assertTrue(home(driving, PermissionStep.OPEN_SETTINGS).mayStop)
        assertFalse(home(driving).mayStart || home(idle).mayStop || home(idle, PermissionStep.ASK_EXACT).mayStart)
    }

    @Test
    fun `a trip shows what it is, and nothing of the one before`() {
        val home = home(driving)
        assertEquals(50 to 12_300L, home.speedKmh to home.distanceM)
        assertEquals(Triple(500L, 40L, 23L), Triple(home.kept, home.heldBack, home.left))
        assertNull(home(driving.copy(speedMps = null)).speedKmh)
        assertNull(home(idle.copy(speedMps = 13.9)).speedKmh)
    }

    @Test
    fun `the upload is one line`() {
        fun line(status: Status) = home(PhoneState(status)).upload
        assertEquals(UploadLine.NOTHING, line(Status()))
        assertEquals(UploadLine.WAITING, line(Status(tracesUnsealed = 1, tracesReceived = 4)))
        assertEquals(UploadLine.WAITING_FOR_WIFI, line(Status(tracesWaiting = 1, uploadsWait = "waiting_for_wifi")))
        assertEquals(UploadLine.PAUSED, line(Status(tracesWaiting = 1, uploadsPaused = "sdk_too_old")))
        assertEquals(UploadLine.DONE, line(Status(tracesReceived = 4)))
    }

    @Test
    fun `of several problems the worst is told, and those of the location only while driving`() {
        val offline = Trouble.Offline("no route")
        val cases = listOf(
            driving to null,
            driving.copy(trouble = offline) to Problem.OFFLINE,
            driving.copy(trouble = offline, locations = LocationState.Forbidden) to Problem.NO_LOCATION,
            driving.copy(trouble = Trouble.Lost, locations = LocationState.Forbidden) to Problem.KEYS_LOST,
            driving.copy(trouble = Trouble.Locked) to Problem.KEYS_LOCKED,
            driving.copy(trouble = Trouble.KeyStore("broken")) to Problem.KEY_STORE,
            driving.copy(locations = LocationState.Approximate) to Problem.APPROXIMATE,
            driving.copy(locations = LocationState.SwitchedOff, refusal = Refusal.IN_BACKGROUND) to Problem.LOCATION_OFF,
            driving.copy(refusal = Refusal.IN_BACKGROUND) to Problem.NOT_IN_BACKGROUND,
            driving.copy(refusal = Refusal.OTHER) to null,
            driving.copy(trouble = Trouble.Refused("device_unknown")) to Problem.REFUSED,
            driving.copy(trouble = Trouble.Unexpected(Error())) to Problem.OTHER,
            idle.copy(locations = LocationState.Forbidden) to null,
        )
        for ((phone, want) in cases) assertEquals(want, home(phone).problem, "$phone")
    }

    @Test
    fun `erasing is asked once, done once, and over when the server says so`() {
        val model = ErasingModel()
        assertFalse(model.confirm())
        model.ask()
        model.cancel()
        assertEquals(Erasing.NONE, model.state)
        model.ask()
        assertTrue(model.confirm())
        assertFalse(model.confirm())
        // It could not even be asked for.
        model.failed()
        assertEquals(Erasing.NONE, model.state)
        model.ask()
        model.confirm()
        model.phone(idle)
        assertEquals(Erasing.WAITING, model.state)
        model.phone(idle.copy(erasing = true))
        model.cancel()
        assertEquals(Erasing.WAITING, model.state)
        assertTrue(model.phone(PhoneState()))
        assertEquals(Erasing.DONE, model.state)
        // Said once: who agrees after it stays.
        assertFalse(model.phone(PhoneState()) || model.phone(idle))
        // A screen that is opened meanwhile finds it so.
        val later = ErasingModel()
        later.phone(PhoneState(Status(erasuresWaiting = 1)))
        assertEquals(Erasing.WAITING, later.state)
        // A phone that is new, and met a trouble since, is still one that was erased.
        assertTrue(later.phone(PhoneState(trouble = Trouble.Locked)))
        // One that will not be erased may be asked again.
        val refused = ErasingModel()
        refused.phone(idle.copy(erasing = true))
        assertFalse(refused.phone(idle.copy(trouble = Trouble.Refused("signature_invalid"))))
        assertEquals(Erasing.NONE, refused.state)
        // What was over before anybody saw it begin.
        val fast = ErasingModel()
        fast.ask()
        fast.confirm()
        assertTrue(fast.phone(PhoneState()))
        val never = ErasingModel()
        never.phone(PhoneState())
        assertEquals(Erasing.NONE, never.state)
    }
}
