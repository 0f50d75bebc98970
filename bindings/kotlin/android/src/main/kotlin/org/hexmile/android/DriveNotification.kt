package org.hexmile.android

import android.app.Notification
import android.app.NotificationChannel
import android.app.NotificationManager
import android.app.PendingIntent
import android.content.Context
import android.graphics.drawable.Icon
import android.os.Build

/** What the driver reads while the app is out of sight. */
internal enum class Notice {
    /** A trip is recorded. */
    RECORDING,

    /** Something moved, and it is looked whether that is a drive. */
    LOOKING,

    /** Location is switched off, or not allowed. */
    NO_LOCATION,
}

internal fun notice(state: PhoneState): Notice = when {
    state.locations is LocationState.Forbidden || state.locations is LocationState.Approximate ||
        state.locations is LocationState.SwitchedOff -> Notice.NO_LOCATION
    state.status.recording -> Notice.RECORDING
    else -> Notice.LOOKING
}

/** The notification of [DriveService]. An app changes its words by strings of the same names. */
internal object DriveNotification {
    const val ID = 0x4845
    private const val CHANNEL = "hexmile-drive"

    fun show(context: Context, notice: Notice) {
        // Where the driver allows no notifications, the system shows none, and the service goes on.
        context.systemService<NotificationManager>().notify(ID, of(context, notice))
    }

    /** Takes away what was shown when the service was about to go. */
    fun hide(context: Context) = context.systemService<NotificationManager>().cancel(ID)

    fun of(context: Context, notice: Notice): Notification {
        // Quiet: it is there for as long as the drive is. Made again, it stays as the driver set it.
        val channel = NotificationChannel(
            CHANNEL, context.getString(R.string.hexmile_channel), NotificationManager.IMPORTANCE_LOW,
        )
        context.systemService<NotificationManager>().createNotificationChannel(channel)
        val builder = Notification.Builder(context, CHANNEL)
            .setSmallIcon(R.drawable.hexmile_drive)
            .setContentTitle(context.getString(title(notice)))
            .setContentText(context.getString(R.string.hexmile_text))
            .setCategory(Notification.CATEGORY_SERVICE)
            .setOngoing(true)
            .setOnlyAlertOnce(true)
            .setShowWhen(false)
            .addAction(stopAction(context))
        launching(context)?.let(builder::setContentIntent)
        if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.S) {
            // Not ten seconds later: the driver sees at once that recording began.
            builder.setForegroundServiceBehavior(Notification.FOREGROUND_SERVICE_IMMEDIATE)
        }
        return builder.build()
    }

    private fun title(notice: Notice) = when (notice) {
        Notice.RECORDING -> R.string.hexmile_recording
        Notice.LOOKING -> R.string.hexmile_looking
        Notice.NO_LOCATION -> R.string.hexmile_no_location
    }

    private fun stopAction(context: Context): Notification.Action {
        val stop = PendingIntent.getService(context, 0, DriveService.stopping(context), PendingIntent.FLAG_IMMUTABLE)
        val icon = Icon.createWithResource(context, R.drawable.hexmile_drive)
        return Notification.Action.Builder(icon, context.getString(R.string.hexmile_stop), stop).build()
    }

    private fun launching(context: Context): PendingIntent? {
        val launch = context.packageManager.getLaunchIntentForPackage(context.packageName) ?: return null
        return PendingIntent.getActivity(context, 0, launch, PendingIntent.FLAG_IMMUTABLE)
    }
}
