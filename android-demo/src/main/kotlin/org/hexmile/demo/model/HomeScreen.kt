package org.hexmile.demo.model

import java.util.Locale
import org.hexmile.android.LocationState
import org.hexmile.android.PhoneState
import org.hexmile.android.Refusal
import org.hexmile.android.Trouble

/** What the first screen is about. */
enum class Stage {
    /** What is collected, why, and how to stop: nothing happens before the driver agrees. */
    CONSENT,

    /** The driver agreed, and something has to be allowed first. */
    PERMISSION,

    /** Nothing is recorded. */
    IDLE,

    /** A trip is recorded. */
    DRIVING,

    /** The driver wants everything gone, and the server has not confirmed it. */
    ERASING,
}

/** How the upload stands. */
enum class UploadLine { NOTHING, WAITING, WAITING_FOR_WIFI, PAUSED, DONE }

/** What is in the way, in the order of how much it matters. */
enum class Problem {
    KEYS_LOST, KEYS_LOCKED, KEY_STORE,
    NO_LOCATION, LOCATION_OFF, APPROXIMATE, NOT_IN_BACKGROUND,
    REFUSED, OFFLINE, OTHER,
}

/**
 * The first screen.
 *
 * @property speedKmh of the last fix, where a trip is under way and it has one.
 * @property distanceM of the trip, metres; with what stays on the phone.
 * @property kept fixes that are part of a trace, or will be.
 * @property heldBack fixes at the trip's end that wait, and are forgotten if it ends here.
 * @property left fixes that were left out: in zones, near the start, or useless.
 */
data class HomeScreen(
    val stage: Stage,
    val permission: PermissionStep,
    val speedKmh: Int? = null,
    val distanceM: Long = 0,
    val kept: Long = 0,
    val heldBack: Long = 0,
    val left: Long = 0,
    val upload: UploadLine = UploadLine.NOTHING,
    val waiting: Long = 0,
    val received: Long = 0,
    val problem: Problem? = null,
) {
    val mayStart: Boolean get() = stage == Stage.IDLE
    val mayStop: Boolean get() = stage == Stage.DRIVING

    companion object {
        private const val KMH_PER_MPS = 3.6

        fun of(phone: PhoneState?, permission: PermissionStep): HomeScreen {
            if (phone == null) return HomeScreen(Stage.CONSENT, permission)
            val status = phone.status
            val stage = when {
                phone.erasing || status.erasuresWaiting > 0 -> Stage.ERASING
                !status.consent -> Stage.CONSENT
                status.recording -> Stage.DRIVING
                !permission.mayDrive -> Stage.PERMISSION
                else -> Stage.IDLE
            }
            val driving = stage == Stage.DRIVING
            return HomeScreen(
                stage = stage,
                permission = permission,
                speedKmh = phone.speedMps?.takeIf { driving }?.let { Math.round(it * KMH_PER_MPS).toInt() },
                distanceM = status.trip?.distanceM ?: 0,
                kept = status.fixesKept,
                heldBack = status.trip?.fixesHeld ?: 0,
                left = status.fixesDropped.values.sum(),
                upload = upload(phone),
                waiting = status.tracesWaiting + status.tracesUnsealed,
                received = status.tracesReceived,
                problem = problem(phone, driving),
            )
        }

        private fun upload(phone: PhoneState): UploadLine {
            val status = phone.status
            return when {
                status.uploadsPaused != null -> UploadLine.PAUSED
                status.uploadsWait == "waiting_for_wifi" -> UploadLine.WAITING_FOR_WIFI
                status.tracesWaiting + status.tracesUnsealed > 0 -> UploadLine.WAITING
                status.tracesReceived > 0 -> UploadLine.DONE
                else -> UploadLine.NOTHING
            }
        }

        private fun problem(phone: PhoneState, driving: Boolean): Problem? = ofKeys(phone.trouble)
            ?: ofLocation(phone).takeIf { driving }
            ?: when (phone.trouble) {
                is Trouble.Refused -> Problem.REFUSED
                is Trouble.Offline -> Problem.OFFLINE
                is Trouble.Failed, is Trouble.Unexpected -> Problem.OTHER
                else -> null
            }

        private fun ofKeys(trouble: Trouble?) = when (trouble) {
            is Trouble.Lost -> Problem.KEYS_LOST
            is Trouble.Locked -> Problem.KEYS_LOCKED
            is Trouble.KeyStore -> Problem.KEY_STORE
            else -> null
        }

        private fun ofLocation(phone: PhoneState) = when {
            phone.locations is LocationState.Forbidden -> Problem.NO_LOCATION
            phone.locations is LocationState.Approximate -> Problem.APPROXIMATE
            phone.locations is LocationState.SwitchedOff -> Problem.LOCATION_OFF
            phone.refusal in setOf(Refusal.NO_PERMISSION, Refusal.IN_BACKGROUND) -> Problem.NOT_IN_BACKGROUND
            else -> null
        }
    }
}

/** A distance in kilometres, with one decimal, as the driver's language writes it. */
fun kilometres(metres: Long, locale: Locale): String = String.format(locale, "%.1f", metres / 1000.0)
