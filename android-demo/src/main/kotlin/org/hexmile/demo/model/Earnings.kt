package org.hexmile.demo.model

import java.math.BigDecimal
import java.text.NumberFormat
import java.util.Locale
import org.hexmile.Earnings
import org.hexmile.Verdict

/** The decimals of a token: amounts are counted in millionths. */
private const val DECIMALS = 6

/** An amount of millionths of a token, exactly, as the driver's language writes it. */
fun tokens(millionths: Long, locale: Locale): String = NumberFormat.getNumberInstance(locale)
    .apply { maximumFractionDigits = DECIMALS }
    .format(BigDecimal.valueOf(millionths, DECIMALS))

/** What became of a trace. */
enum class Outcome { WAITING, ACCEPTED, REJECTED }

/**
 * A line of the list of receipts.
 *
 * @property id of the trace, short enough to read out.
 * @property reasons stable codes, in words that a driver may look up.
 */
data class ReceiptLine(
    val id: String,
    val receivedAtMs: Long,
    val outcome: Outcome,
    val reasons: List<String>,
    val distanceM: Long?,
)

/** Receipts, newest first. */
fun receipts(verdicts: List<Verdict>): List<ReceiptLine> = verdicts.sortedByDescending { it.receivedAtMs }.map {
    val outcome = when (it.accepted) {
        null -> Outcome.WAITING
        true -> Outcome.ACCEPTED
        false -> Outcome.REJECTED
    }
    val reasons = it.reasons.map { code -> code.replace('_', ' ') }
    ReceiptLine(it.trace.take(SHORT_ID), it.receivedAtMs, outcome, reasons, it.distanceM)
}

/** What was credited in an epoch. */
data class EpochLine(val epoch: Long, val tokens: String)

/** Epochs, newest first. */
fun epochs(earnings: Earnings, locale: Locale): List<EpochLine> =
    earnings.epochs.map { EpochLine(it.epoch, tokens(it.pay, locale)) }

private const val SHORT_ID = 8
