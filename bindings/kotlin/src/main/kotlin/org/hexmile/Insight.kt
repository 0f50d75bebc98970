package org.hexmile

/**
 * The trip under way.
 *
 * @property startedMs when its first fix was captured, Unix milliseconds.
 * @property distanceM path so far, metres: all of it, with what is cut away at the ends and in zones.
 * @property fixesHeld fixes that wait at its end until it lies elsewhere.
 */
public data class TripStatus(val startedMs: Long?, val distanceM: Long, val fixesHeld: Long)

/**
 * What the server's rules said of a trace.
 *
 * @property trace which, hexadecimal.
 * @property receivedAtMs when it arrived, Unix milliseconds by the server's clock.
 * @property accepted whether it counts; `null` while nothing was said.
 * @property reasons stable codes of what was found.
 * @property qualityPpm quality, parts per million.
 * @property distanceM distance that counts, metres.
 */
public data class Verdict(
    val trace: String,
    val receivedAtMs: Long,
    val accepted: Boolean?,
    val reasons: List<String>,
    val qualityPpm: Int?,
    val distanceM: Long?,
)

/**
 * What an account has earned, as the server last told.
 *
 * @property balance what the ledger holds for it, 1e-6 token.
 * @property toldAtMs when that was told, Unix milliseconds.
 * @property epochs the newest epochs in which it scored, newest first.
 */
public data class Earnings(val balance: Long, val toldAtMs: Long, val epochs: List<EpochEarnings>)

/**
 * What an account got in one epoch.
 *
 * @property pay 1e-6 token.
 */
public data class EpochEarnings(val epoch: Long, val pay: Long)

/** How what the phone holds is written. */
public enum class ExportFormat {
    /** Tracks, one a trip: GPX 1.1. */
    GPX,

    /** All of it. */
    JSON,
}

internal fun org.hexmile.ffi.TripStatus.fromNative() =
    TripStatus(startedMs?.toLong(), distanceM.toLong(), fixesHeld.toLong())

internal fun org.hexmile.ffi.TraceVerdict.fromNative() = Verdict(
    trace, receivedAtMs.toLong(), accepted, reasons, qualityPpm?.toInt(), distanceM?.toLong(),
)

internal fun org.hexmile.ffi.Earnings.fromNative() = Earnings(
    balance, toldAtMs.toLong(), epochs.map { EpochEarnings(it.epoch.toLong(), it.pay) },
)

internal fun ExportFormat.toNative() = when (this) {
    ExportFormat.GPX -> org.hexmile.ffi.ExportFormat.GPX
    ExportFormat.JSON -> org.hexmile.ffi.ExportFormat.JSON
}
