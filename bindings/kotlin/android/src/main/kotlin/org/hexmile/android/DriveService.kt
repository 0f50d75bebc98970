package org.hexmile.android

import android.app.ForegroundServiceStartNotAllowedException
import android.app.Service
import android.content.Context
import android.content.Intent
import android.content.pm.ServiceInfo.FOREGROUND_SERVICE_TYPE_LOCATION
import android.os.Build
import android.os.IBinder
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.cancel
import kotlinx.coroutines.flow.distinctUntilChanged
import kotlinx.coroutines.flow.map
import kotlinx.coroutines.launch

/**
 * Keeps the process alive while locations are wanted, and shows the driver so by a notification from which
 * the trip can be stopped. After the system has killed the process, it starts this again, and the trip
 * goes on.
 */
public class DriveService : Service() {
    private val scope = CoroutineScope(SupervisorJob() + Dispatchers.Default)

    override fun onBind(intent: Intent?): IBinder? = null

    override fun onStartCommand(intent: Intent?, flags: Int, startId: Int): Int {
        val phone = phoneOf(this)
        if (phone == null) {
            stopSelf()
            return START_NOT_STICKY
        }
        if (intent?.action == ACTION_STOP) {
            // Whatever it throws the trip is over, and what was recorded is sealed later.
            scope.launch { phone.unattended { phone.stopTrip() } }
            return START_STICKY
        }
        if (!toFront(phone)) {
            stopSelf()
            return START_NOT_STICKY
        }
        // Also what the system starts again by itself, with no intent.
        scope.launch {
            phone.wake()
            phone.state.map { notice(it) }.distinctUntilChanged().collect { DriveNotification.show(this@DriveService, it) }
        }
        return START_STICKY
    }

    private fun toFront(phone: Phone): Boolean {
        val notification = DriveNotification.of(this, notice(phone.state.value))
        try {
            if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.Q) {
                startForeground(DriveNotification.ID, notification, FOREGROUND_SERVICE_TYPE_LOCATION)
            } else {
                startForeground(DriveNotification.ID, notification)
            }
        } catch (e: IllegalStateException) {
            phone.refused(refusal(e, Build.VERSION.SDK_INT))
            return false
        } catch (e: SecurityException) {
            phone.refused(refusal(e, Build.VERSION.SDK_INT))
            return false
        }
        inFront = true
        phone.refused(null)
        return true
    }

    override fun onDestroy() {
        inFront = false
        scope.cancel()
    }

    public companion object {
        private const val ACTION_STOP = "org.hexmile.android.STOP"

        /** Whether the system shows it now: then it need not be asked again, nor may it refuse. */
        @Volatile
        private var inFront = false

        internal fun stopping(context: Context) = Intent(context, DriveService::class.java).setAction(ACTION_STOP)

        /** Starts it or stops it; what is in the way, `null` where nothing is. */
        internal fun keepAlive(app: Context, wanted: Boolean): Refusal? {
            val intent = Intent(app, DriveService::class.java)
            if (!wanted) {
                app.stopService(intent)
                return null
            }
            if (inFront) return null
            return try {
                app.startForegroundService(intent)
                null
            } catch (e: IllegalStateException) {
                refusal(e, Build.VERSION.SDK_INT)
            } catch (e: SecurityException) {
                refusal(e, Build.VERSION.SDK_INT)
            }
        }
    }
}

/** What a system says that does not let a service come to the front. */
internal fun refusal(e: RuntimeException, sdk: Int): Refusal = when {
    e is SecurityException -> Refusal.NO_PERMISSION
    // The class is not there before; till then, it is what the system throws for any start in the background.
    sdk < Build.VERSION_CODES.S || e is ForegroundServiceStartNotAllowedException -> Refusal.IN_BACKGROUND
    else -> Refusal.OTHER
}
