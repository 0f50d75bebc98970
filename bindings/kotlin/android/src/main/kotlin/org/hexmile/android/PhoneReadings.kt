package org.hexmile.android

import org.hexmile.Conditions
import org.hexmile.Connection

/**
 * What Android says of connection, battery and settings.
 *
 * @property online whether there is a network that reaches the Internet.
 * @property wifi whether its way is Wi-Fi or a cable; `null` where that is not told.
 * @property batteryLevel of [batteryScale].
 */
internal data class PhoneReadings(
    val online: Boolean = false,
    val wifi: Boolean? = null,
    val metered: Boolean = true,
    val roaming: Boolean = false,
    val batteryLevel: Int = -1,
    val batteryScale: Int = 0,
    val charging: Boolean = false,
    val lowPowerMode: Boolean = false,
    val dataSaver: Boolean = false,
) {
    fun conditions() = Conditions(
        connection = when {
            !online -> Connection.NONE
            wifi == null -> Connection.UNKNOWN
            wifi -> Connection.WIFI
            else -> Connection.CELLULAR
        },
        metered = metered,
        // A foreign network is of the cellular radio; a Wi-Fi abroad is none.
        roaming = roaming && wifi != true,
        batteryPercent = if (batteryLevel >= 0 && batteryScale > 0) {
            (batteryLevel * 100L / batteryScale).toInt().coerceIn(0, 100)
        } else {
            null
        },
        charging = charging,
        lowPowerMode = lowPowerMode,
        // The driver's wish is about what is paid by volume.
        dataSaver = dataSaver && metered,
    )
}
