package org.hexmile.android

import org.hexmile.Status
import org.hexmile.UploadRules

/** Over which networks a job may deliver. */
public enum class DrainNetwork {
    /** Any. */
    ANY,

    /** Any at home. */
    NOT_ROAMING,

    /** Those that are not paid by volume. */
    UNMETERED,
}

/**
 * A job that delivers what waits, should the app not live until then.
 *
 * @property network over which networks.
 * @property delayMs not before, from now on.
 * @property bytes about how many leave.
 * @property urgent whether the driver waits for it.
 */
public data class DrainPlan(
    val network: DrainNetwork,
    val delayMs: Long,
    val bytes: Long,
    val urgent: Boolean,
) {
    internal companion object {
        /** The system gathers jobs; and what is asked for sooner is done by the app itself. */
        private const val LEAST_MS = 60_000L
        private const val MOST_MS = 6 * 3_600_000L

        /** Of a request without a trace in it. */
        private const val REQUEST_BYTES = 2048L

        /**
         * The job for what waits; `null` where nothing does.
         *
         * @param dueAtMs when more is due, as [org.hexmile.Recorder.drain] tells, if it was asked.
         */
        fun of(status: Status, rules: UploadRules, dueAtMs: Long?, nowMs: Long): DrainPlan? {
            val erasing = status.erasuresWaiting > 0
            val traces = status.tracesUnsealed + status.tracesWaiting
            if (!erasing && traces == 0L) return null
            val network = when {
                // The driver's wish to be forgotten waits for no Wi-Fi.
                erasing -> DrainNetwork.ANY
                rules.wifiOnly -> DrainNetwork.UNMETERED
                rules.onRoaming -> DrainNetwork.ANY
                else -> DrainNetwork.NOT_ROAMING
            }
            val waitMs = (dueAtMs ?: status.uploadsWaitUntilMs)?.let { it - nowMs } ?: 0
            val delayMs = if (erasing && waitMs <= 0) 0 else waitMs.coerceIn(LEAST_MS, MOST_MS)
            return DrainPlan(network, delayMs, status.bytesQueued + REQUEST_BYTES, erasing && delayMs == 0L)
        }
    }
}
