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
import kotlinx.coroutines.Job
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.cancel
import kotlinx.coroutines.flow.distinctUntilChanged
import kotlinx.coroutines.flow.map
import kotlinx.coroutines.isActive
import kotlinx.coroutines.launch

/**
 * Keeps the process alive while locations are wanted, and shows the driver so by a notification from which
 * the trip can be stopped. After the system has killed the process, it starts this again, and the trip
 * goes on.
 */
public class DriveService : Service() {
    private val scope = CoroutineScope(SupervisorJob() + Dispatchers.Default)
    private var watching: Job? = null

    override fun onBind(intent: Intent?): IBinder? = null

    override fun onStartCommand(intent: Intent?, flags: Int, startId: Int): Int {
        val phone = phoneOf(this)
        if (phone != null && intent?.action == ACTION_STOP) {
            // Whatever it throws the trip is over, and what was recorded is sealed later.
            scope.launch { phone.unattended { phone.stopTrip() } }
            return START_STICKY
        }
        // Before anything else: the system ends an app whose service it was asked for, and that did not come.
        val stays = toFront(phone) && turn.came()
        if (phone == null || !stays) {
            if (phone == null) turn.refused()
            // This start alone: another may have been asked for meanwhile.
            stopSelf(startId)
            return START_NOT_STICKY
        }
        // Also what the system starts again by itself, with no intent.
        watching?.cancel()
        watching = scope.launch {
            phone.wake()
            phone.state.map { notice(it) }.distinctUntilChanged().collect(::show)
        }
        return START_STICKY
    }

    /** A notification of a service that is gone would stay, and say for ever that something is recorded. */
    private fun show(notice: Notice) = synchronized(scope) {
        if (scope.isActive) DriveNotification.show(this, notice)
    }

    private fun toFront(phone: Phone?): Boolean {
        val notification = DriveNotification.of(this, phone?.let { notice(it.state.value) } ?: Notice.LOOKING)
        try {
            if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.Q) {
                startForeground(DriveNotification.ID, notification, FOREGROUND_SERVICE_TYPE_LOCATION)
            } else {
                startForeground(DriveNotification.ID, notification)
            }
        } catch (e: IllegalStateException) {
            return refused(phone, e)
        } catch (e: SecurityException) {
            return refused(phone, e)
        }
        phone?.refused(null)
        return true
    }

    private fun refused(phone: Phone?, e: RuntimeException): Boolean {
        turn.refused()
        phone?.refused(refusal(e, Build.VERSION.SDK_INT))
        return false
    }

    override fun onDestroy() {
        turn.gone()
        synchronized(scope) {
            scope.cancel()
            DriveNotification.hide(this)
        }
    }

    public companion object {
        private const val ACTION_STOP = "org.hexmile.android.STOP"

        private val turn = ServiceTurn()

        internal fun stopping(context: Context) = Intent(context, DriveService::class.java).setAction(ACTION_STOP)

        /** Starts it or stops it; what is in the way, `null` where nothing is. */
        @Synchronized
        internal fun keepAlive(app: Context, wanted: Boolean): Refusal? {
            val intent = Intent(app, DriveService::class.java)
            if (!wanted) {
                if (turn.unwant()) app.stopService(intent)
                return null
            }
            if (!turn.want()) return null
            return try {
                app.startForegroundService(intent)
                null
            } catch (e: IllegalStateException) {
                refused(e)
            } catch (e: SecurityException) {
                refused(e)
            }
        }

        private fun refused(e: RuntimeException): Refusal {
            turn.refused()
            return refusal(e, Build.VERSION.SDK_INT)
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
