package org.hexmile.android

import android.content.BroadcastReceiver
import android.content.Context
import android.content.Intent
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.launch
import kotlinx.coroutines.withTimeoutOrNull

/**
 * The phone was started and unlocked, the app was updated, or the time zone changed: what was under way
 * goes on. An app that does not run before the first unlock hears of a start only after it.
 */
public class WakeReceiver : BroadcastReceiver() {
    override fun onReceive(context: Context, intent: Intent) {
        if (intent.action !in ACTIONS) return
        val phone = phoneOf(context) ?: return
        working { phone.wake() }
    }

    internal companion object {
        val ACTIONS = setOf(
            Intent.ACTION_BOOT_COMPLETED,
            Intent.ACTION_MY_PACKAGE_REPLACED,
            Intent.ACTION_TIMEZONE_CHANGED,
        )
    }
}

/** Work for a broadcast, on a thread that may block, for as long as the system lets a receiver live. */
internal fun BroadcastReceiver.working(call: suspend () -> Unit) {
    val result = goAsync()
    CoroutineScope(Dispatchers.Default).launch {
        try {
            withTimeoutOrNull(RECEIVER_MS) { call() }
        } finally {
            result.finish()
        }
    }
}

/** The system gives ten seconds. */
private const val RECEIVER_MS = 9_000L
