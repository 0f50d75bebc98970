package org.hexmile.android

import org.hexmile.Hint

/**
 * What steps say. One step may be a bump in the road; ten within half a minute are somebody's who walks.
 * Not told twice until a while has passed without.
 */
internal class StepRule {
    private val stepsMs = ArrayDeque<Long>()
    private var toldMs: Long? = null

    /** A step was noticed, by the clock that runs since the phone was started. */
    fun step(atMs: Long): Hint? {
        stepsMs.addLast(atMs)
        while (stepsMs.first() < atMs - WINDOW_MS) stepsMs.removeFirst()
        if (stepsMs.size < STEPS) return null
        stepsMs.clear()
        if (toldMs?.let { atMs - it < AGAIN_MS } == true) return null
        toldMs = atMs
        return Hint.OnFoot
    }

    private companion object {
        const val STEPS = 10
        const val WINDOW_MS = 30_000L
        const val AGAIN_MS = 60_000L
    }
}

/** Bluetooth's class of device, from its baseband's assigned numbers: audio and video. */
private const val CAR_AUDIO = 0x0420
private const val HANDS_FREE = 0x0408

/** Whether a Bluetooth device is a car, as far as its class tells. */
internal fun isCar(deviceClass: Int): Boolean = deviceClass == CAR_AUDIO || deviceClass == HANDS_FREE

/** The battery, by the platform's own measure of low. */
internal fun powerHint(level: Int, scale: Int, charging: Boolean): Hint? {
    if (level < 0 || scale <= 0) return null
    return Hint.Power(low = level * 100L / scale <= LOW_PERCENT, charging = charging)
}

/** Android's `config_lowBatteryWarningLevel`, where a maker has not changed it. */
private const val LOW_PERCENT = 15
