package org.hexmile.android

import android.location.Location
import android.location.LocationManager
import android.os.Build
import android.os.SystemClock
import org.hexmile.Fix
import org.hexmile.FixProvider

/** A location older than this is what the system had at hand, and not where the phone is. */
private const val STALE_MS = 30_000L

/**
 * Locations as fixes, in their order; without those that the system only remembered.
 *
 * @param elapsedMs the clock that runs since the phone was started.
 */
public fun fixes(
    locations: List<Location>,
    nowMs: Long = System.currentTimeMillis(),
    elapsedMs: Long = SystemClock.elapsedRealtime(),
    sdk: Int = Build.VERSION.SDK_INT,
): List<Fix> = locations.mapNotNull { location ->
    val ageMs = elapsedMs - location.elapsedRealtimeNanos / NANOS_PER_MS
    // A batch is of the past by design, and younger than the longest that is asked for.
    if (ageMs > STALE_MS) null else fix(location, captureTimeMs(location.time, ageMs.coerceAtLeast(0), nowMs), sdk)
}

private fun fix(location: Location, timeMs: Long, sdk: Int) = Fix(
    timeMs = timeMs,
    latitudeDeg = location.latitude,
    longitudeDeg = location.longitude,
    accuracyM = if (location.hasAccuracy()) location.accuracy.toDouble() else null,
    speedMps = if (location.hasSpeed()) location.speed.toDouble() else null,
    courseDeg = if (location.hasBearing()) location.bearing.toDouble() else null,
    altitudeM = if (location.hasAltitude()) location.altitude else null,
    mock = isMock(location, sdk),
    provider = when (location.provider) {
        LocationManager.GPS_PROVIDER -> FixProvider.GNSS
        LocationManager.NETWORK_PROVIDER -> FixProvider.NETWORK
        // `LocationManager.FUSED_PROVIDER`, which Play services have called so for longer.
        "fused" -> FixProvider.FUSED
        else -> FixProvider.UNKNOWN
    },
)

@Suppress("DEPRECATION")
private fun isMock(location: Location, sdk: Int) =
    if (sdk >= Build.VERSION_CODES.S) location.isMock else location.isFromMockProvider

private const val NANOS_PER_MS = 1_000_000L
