package org.hexmile.play

import android.app.PendingIntent
import android.content.BroadcastReceiver
import android.content.Context
import android.content.Intent
import android.os.Build
import com.google.android.gms.location.ActivityRecognition
import com.google.android.gms.location.ActivityTransition
import com.google.android.gms.location.ActivityTransitionRequest
import com.google.android.gms.location.ActivityTransitionResult
import com.google.android.gms.location.DetectedActivity
import org.hexmile.Hint
import org.hexmile.android.hint
import org.hexmile.android.phoneOf

/**
 * What Play services take the phone's bearer to do. They wake a process that died, and let it start a
 * service; they need the driver's permission ACTIVITY_RECOGNITION.
 */
public class ActivityHints : BroadcastReceiver() {
    override fun onReceive(context: Context, intent: Intent) {
        val result = ActivityTransitionResult.extractResult(intent) ?: return
        val phone = phoneOf(context) ?: return
        // The newest says how it is now.
        result.transitionEvents.mapNotNull { hint(it.activityType) }.lastOrNull()?.let { hint(phone, it) }
    }

    private fun hint(activity: Int): Hint? = when (activity) {
        DetectedActivity.IN_VEHICLE -> Hint.InVehicle
        DetectedActivity.ON_FOOT, DetectedActivity.WALKING, DetectedActivity.RUNNING -> Hint.OnFoot
        DetectedActivity.STILL -> Hint.Still
        else -> null
    }

    public companion object {
        private val ACTIVITIES = listOf(
            DetectedActivity.IN_VEHICLE, DetectedActivity.WALKING, DetectedActivity.RUNNING, DetectedActivity.STILL,
        )

        /** Asks for them from now on, until the phone is restarted; false without the permission. */
        public fun start(context: Context): Boolean {
            val transitions = ACTIVITIES.map {
                ActivityTransition.Builder()
                    .setActivityType(it)
                    .setActivityTransition(ActivityTransition.ACTIVITY_TRANSITION_ENTER)
                    .build()
            }
            return try {
                ActivityRecognition.getClient(context)
                    .requestActivityTransitionUpdates(ActivityTransitionRequest(transitions), pending(context))
                true
            } catch (_: SecurityException) {
                false
            }
        }

        /** Asks for no more of them. */
        public fun stop(context: Context) {
            try {
                ActivityRecognition.getClient(context).removeActivityTransitionUpdates(pending(context))
            } catch (_: SecurityException) {
                // The permission went, and with it what was asked for.
            }
        }

        private fun pending(context: Context): PendingIntent {
            // Play services write the transition into it.
            val mutable = if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.S) PendingIntent.FLAG_MUTABLE else 0
            val flags = PendingIntent.FLAG_UPDATE_CURRENT or mutable
            return PendingIntent.getBroadcast(context, 0, Intent(context, ActivityHints::class.java), flags)
        }
    }
}
