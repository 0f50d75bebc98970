package org.hexmile

import java.nio.Buffer
import java.nio.ByteBuffer
import java.nio.ByteOrder
import org.hexmile.ffi.dropReasons

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

/** Hands a fix over as numbers alone, which cross the border cheapest. */
internal fun org.hexmile.ffi.Recorder.record(fix: Fix, nowMs: Long): Recorded = recorded(
    record(
        fix.timeMs, fix.latitudeDeg, fix.longitudeDeg, fix.accuracyM ?: Double.NaN, fix.speedMps ?: Double.NaN,
        fix.courseDeg ?: Double.NaN, fix.altitudeM ?: Double.NaN, fix.mock, fix.provider.ordinal.toUByte(),
        nowMs.toULong(),
    ).toInt(),
)

/** What the library's answers mean, from 0 on. */
private val answers: List<Recorded> by lazy {
    listOf(Recorded.Kept, Recorded.Held) + dropReasons().map { Recorded.Dropped(it) }
}

private fun recorded(answer: Int): Recorded = answers[answer]

/** Bits of a count in the packed call's answer. */
private const val COUNT_BITS = 21

/** What the packed call answers: three counts, the lowest first. */
internal fun batch(counts: ULong): Batch {
    fun count(place: Int) = (counts shr (place * COUNT_BITS)).toInt() and ((1 shl COUNT_BITS) - 1)
    return Batch(kept = count(0), held = count(1), dropped = count(2))
}

/** Bytes of a packed fix. */
private const val PACKED_LEN = 64

/** Fixes of one packed call at most. */
internal const val PACK = 1024

/** Memory outside of the JVM's, of each thread's own, which the library reads where it is. */
private val packed = ThreadLocal.withInitial {
    ByteBuffer.allocateDirect(PACK * PACKED_LEN).order(ByteOrder.LITTLE_ENDIAN)
}

/**
 * Fixes, at most [PACK], as the library's packed call takes them, for this thread until it packs others; the
 * library's `record_packed` tells the layout.
 */
internal fun pack(fixes: List<Fix>): ByteBuffer {
    val bytes = packed.get()
    // The supertype's methods: Android's ByteBuffer has none of its own before API 34.
    val buffer: Buffer = bytes
    buffer.clear()
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
    buffer.flip()
    return bytes
}
