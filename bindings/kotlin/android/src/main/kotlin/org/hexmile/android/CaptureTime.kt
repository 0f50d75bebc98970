package org.hexmile.android

import kotlin.math.abs

/** GPS counts 1024 weeks, and begins again; receivers that do not know fall back by as much. */
private const val ROLLOVER_MS = 1024L * 7 * 86_400_000

/** A phone's clock that is off by more than this says nothing about a receiver's. */
private const val NEAR_MS = 86_400_000L

/**
 * When a location was captured, Unix milliseconds.
 *
 * @param toldMs what the provider says; 0 where it says nothing.
 * @param ageMs how old the location is, by the clock that runs since the phone was started.
 * @param nowMs the phone's clock.
 */
internal fun captureTimeMs(toldMs: Long, ageMs: Long, nowMs: Long): Long {
    val byPhone = nowMs - ageMs
    if (toldMs <= 0) return byPhone
    for (rollovers in 1..2) {
        val ahead = toldMs + rollovers * ROLLOVER_MS
        if (abs(ahead - byPhone) <= NEAR_MS) return ahead
    }
    // Satellites know the time better than the phone: the recorder measures its clock by theirs.
    return toldMs
}
