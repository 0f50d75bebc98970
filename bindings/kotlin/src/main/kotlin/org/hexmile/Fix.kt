package org.hexmile

import java.nio.ByteBuffer
import java.nio.ByteOrder

/** Where a fix came from. */
// In the order of their packed form.
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

/**
 * What became of fixes that came together.
 *
 * @property kept fixes that joined a trace to be.
 * @property held fixes that wait until enough of the trip lies behind them.
 * @property dropped fixes that are gone; [Status.fixesDropped] says why.
 */
public data class Batch(val kept: Int, val held: Int, val dropped: Int) {
    internal operator fun plus(other: Batch) =
        Batch(kept + other.kept, held + other.held, dropped + other.dropped)

    internal companion object {
        val NONE = Batch(0, 0, 0)
    }
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

internal fun org.hexmile.ffi.Batch.fromNative() = Batch(kept.toInt(), held.toInt(), dropped.toInt())

/** Bytes of a packed fix. */
private const val PACKED_LEN = 64

/** Fixes as the library's packed call takes them; the library's `record_packed` tells the layout. */
internal fun pack(fixes: List<Fix>): ByteArray {
    val bytes = ByteBuffer.allocate(fixes.size * PACKED_LEN).order(ByteOrder.LITTLE_ENDIAN)
    for (fix in fixes) {
        bytes.putLong(fix.timeMs)
        bytes.putDouble(fix.latitudeDeg)
        bytes.putDouble(fix.longitudeDeg)
        bytes.putDouble(fix.accuracyM ?: Double.NaN)
        bytes.putDouble(fix.speedMps ?: Double.NaN)
        bytes.putDouble(fix.courseDeg ?: Double.NaN)
        bytes.putDouble(fix.altitudeM ?: Double.NaN)
        bytes.put(if (fix.mock) 1 else 0)
        bytes.put(fix.provider.ordinal.toByte())
        bytes.putInt(0).putShort(0)
    }
    return bytes.array()
}
