package org.hexmile

/** Where a fix came from. */
public enum class FixProvider {
    /** Not told. */
    UNKNOWN,

    /** Satellites. */
    GNSS,

    /** The platform's fusion. */
    FUSED,

    /** Wi-Fi or cell towers. */
    NETWORK,
}

/**
 * A fix as the platform reports it; what it does not know is `null`.
 *
 * @property timeMs capture time, Unix milliseconds.
 * @property latitudeDeg degrees, WGS 84.
 * @property longitudeDeg degrees, WGS 84.
 * @property accuracyM horizontal accuracy, metres.
 * @property speedMps metres per second.
 * @property courseDeg degrees clockwise from true north.
 * @property altitudeM metres.
 * @property mock the platform's mock flag.
 * @property provider where it came from.
 */
public data class Fix(
    val timeMs: Long,
    val latitudeDeg: Double,
    val longitudeDeg: Double,
    val accuracyM: Double? = null,
    val speedMps: Double? = null,
    val courseDeg: Double? = null,
    val altitudeM: Double? = null,
    val mock: Boolean = false,
    val provider: FixProvider = FixProvider.UNKNOWN,
)

/** What became of a fix. */
public sealed interface Recorded {
    /** It joined a trace to be. */
    public data object Kept : Recorded

    /** It waits until enough of the trip lies behind it. */
    public data object Held : Recorded

    /**
     * It is gone, and counted.
     *
     * @property reason stable code.
     */
    public data class Dropped(val reason: String) : Recorded
}

internal fun Fix.toNative() = org.hexmile.ffi.Fix(
    timeMs, latitudeDeg, longitudeDeg, accuracyM, speedMps, courseDeg, altitudeM, mock,
    when (provider) {
        FixProvider.UNKNOWN -> org.hexmile.ffi.FixProvider.UNKNOWN
        FixProvider.GNSS -> org.hexmile.ffi.FixProvider.GNSS
        FixProvider.FUSED -> org.hexmile.ffi.FixProvider.FUSED
        FixProvider.NETWORK -> org.hexmile.ffi.FixProvider.NETWORK
    },
)

internal fun org.hexmile.ffi.Recorded.fromNative(): Recorded = when (this) {
    is org.hexmile.ffi.Recorded.Kept -> Recorded.Kept
    is org.hexmile.ffi.Recorded.Held -> Recorded.Held
    is org.hexmile.ffi.Recorded.Dropped -> Recorded.Dropped(reason)
}
