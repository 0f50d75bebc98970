package org.hexmile.android

import org.hexmile.LocationRequest

/**
 * What to ask the platform's location service for.
 *
 * @property provider as Android names it.
 * @property intervalMs time between two locations.
 * @property batchMs how long locations may be gathered before they are handed over; 0 for not at all.
 * @property highAccuracy whether satellites are worth their power.
 */
internal data class LocationPlan(
    val provider: String,
    val intervalMs: Long,
    val batchMs: Long,
    val highAccuracy: Boolean,
) {
    companion object {
        private const val GPS = "gps"
        private const val NETWORK = "network"
        private const val FUSED = "fused"

        /** Intervals that may be gathered, so that the processor sleeps between. */
        private const val BATCH = 5

        /**
         * The best there is among enabled providers; `null` where none serves. Satellites alone give
         * fixes that a trace is worth; where they are not wanted, they are not woken either.
         */
        fun of(request: LocationRequest, enabled: Set<String>): LocationPlan? {
            if (request.intervalMs <= 0) return null
            val order = if (request.satellites) listOf(GPS, FUSED) else listOf(NETWORK, FUSED)
            val provider = order.firstOrNull { it in enabled } ?: return null
            val batchMs = if (request.satellites) request.intervalMs * BATCH else 0
            return LocationPlan(provider, request.intervalMs, batchMs, request.satellites)
        }
    }
}
