package org.hexmile

/** How soon traces leave. */
public enum class UploadMode {
    /** As soon as they are sealed. */
    LIVE,

    /** Together: the cellular radio is woken up at most four times an hour. */
    ECONOMY,
}

/**
 * What the driver and the app allow.
 *
 * @property mode how soon traces leave.
 * @property wifiOnly only over Wi-Fi, or a cable, that is not metered.
 * @property onRoaming over a cellular network abroad, too.
 * @property minBatteryPercent battery below which nothing leaves unless it charges, 0 to 100.
 * @property cellularBytesPerDay bytes that all requests of a day may take on cellular and metered
 *   connections; `null` for any number.
 * @property cellularBytesPerMonth the same of 31 days.
 */
public data class UploadRules(
    val mode: UploadMode = UploadMode.LIVE,
    val wifiOnly: Boolean = false,
    val onRoaming: Boolean = false,
    val minBatteryPercent: Int = 15,
    val cellularBytesPerDay: Long? = null,
    val cellularBytesPerMonth: Long? = null,
)

/** How the phone reaches the Internet. */
public enum class Connection {
    /** Not known; taken for cellular. */
    UNKNOWN,

    /** It does not. */
    NONE,

    /** Wi-Fi, or a cable. */
    WIFI,

    /** A cellular network. */
    CELLULAR,
}

/**
 * What the app knows of the phone.
 *
 * @property connection how it reaches the Internet.
 * @property metered whether a Wi-Fi is paid by volume: it counts as cellular.
 * @property roaming whether the cellular network is a foreign one.
 * @property batteryPercent 0 to 100, where it is known.
 * @property charging whether the battery charges.
 * @property lowPowerMode whether the driver asked the phone to spare its battery.
 * @property dataSaver whether the driver asked apps to spare the data plan.
 */
public data class Conditions(
    val connection: Connection = Connection.UNKNOWN,
    val metered: Boolean = false,
    val roaming: Boolean = false,
    val batteryPercent: Int? = null,
    val charging: Boolean = false,
    val lowPowerMode: Boolean = false,
    val dataSaver: Boolean = false,
)

internal fun UploadRules.toNative() = org.hexmile.ffi.UploadRules(
    mode = when (mode) {
        UploadMode.LIVE -> org.hexmile.ffi.UploadMode.LIVE
        UploadMode.ECONOMY -> org.hexmile.ffi.UploadMode.ECONOMY
    },
    wifiOnly = wifiOnly,
    onRoaming = onRoaming,
    minBatteryPercent = percent("minBatteryPercent", minBatteryPercent),
    cellularBytesPerDay = cellularBytesPerDay?.let { unsigned("cellularBytesPerDay", it) },
    cellularBytesPerMonth = cellularBytesPerMonth?.let { unsigned("cellularBytesPerMonth", it) },
)

internal fun Conditions.toNative() = org.hexmile.ffi.Conditions(
    connection = when (connection) {
        Connection.UNKNOWN -> org.hexmile.ffi.Connection.UNKNOWN
        Connection.NONE -> org.hexmile.ffi.Connection.NONE
        Connection.WIFI -> org.hexmile.ffi.Connection.WIFI
        Connection.CELLULAR -> org.hexmile.ffi.Connection.CELLULAR
    },
    metered = metered,
    roaming = roaming,
    batteryPercent = batteryPercent?.let { percent("batteryPercent", it) },
    charging = charging,
    lowPowerMode = lowPowerMode,
    dataSaver = dataSaver,
)

private fun percent(name: String, value: Int): UByte =
    if (value in 0..100) value.toUByte()
    else throw HexmileException.Argument("$name: $value is no percentage")

private fun unsigned(name: String, value: Long): ULong =
    if (value >= 0) value.toULong() else throw HexmileException.Argument("$name: $value is negative")
