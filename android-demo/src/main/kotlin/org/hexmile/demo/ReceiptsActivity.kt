package org.hexmile.demo

import android.text.format.DateUtils
import android.view.ViewGroup
import android.widget.TextView
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.flow.distinctUntilChanged
import kotlinx.coroutines.flow.map
import kotlinx.coroutines.launch
import org.hexmile.Earnings
import org.hexmile.android.Phone
import org.hexmile.demo.model.Outcome
import org.hexmile.demo.model.ReceiptLine
import org.hexmile.demo.model.epochs
import org.hexmile.demo.model.kilometres
import org.hexmile.demo.model.receipts
import org.hexmile.demo.model.tokens

/** What arrived at the server, what its rules said of it, and what was credited. */
class ReceiptsActivity : Screen(R.layout.receipts) {
    override fun built() = Unit

    override fun seen(scope: CoroutineScope) {
        val phone = phone ?: return
        scope.launch {
            // The recorder asks the server by itself; whenever its status moves, there may be news.
            // One after another, or what was older might stay.
            phone.state.map { it.status }.distinctUntilChanged().collect { report({}) { draw(phone) } }
        }
    }

    private suspend fun draw(phone: Phone) {
        val (verdicts, earnings) = phone.ask { it.verdicts() to it.earnings() }
        earnings?.let(::draw)
        val lines = receipts(verdicts)
        show(R.id.receipts_none, lines.isEmpty())
        fill(R.id.receipts, lines.map(::words))
    }

    private fun draw(earnings: Earnings) {
        text(R.id.balance, getString(R.string.earnings_balance, tokens(earnings.balance, locale)))
        fill(R.id.epochs, epochs(earnings, locale).map { getString(R.string.earnings_epoch, it.epoch, it.tokens) })
    }

    private fun words(line: ReceiptLine): String {
        val outcome = when (line.outcome) {
            Outcome.WAITING -> R.string.receipts_waiting
            Outcome.ACCEPTED -> R.string.receipts_accepted
            Outcome.REJECTED -> R.string.receipts_rejected
        }
        val flags = DateUtils.FORMAT_SHOW_DATE or DateUtils.FORMAT_SHOW_TIME
        val time = DateUtils.formatDateTime(this, line.receivedAtMs, flags)
        return listOfNotNull(
            getString(R.string.receipts_line, time, getString(outcome), line.id),
            line.distanceM?.let { getString(R.string.receipts_distance, kilometres(it, locale)) },
            line.reasons.joinToString(", ").ifEmpty { null }?.let { getString(R.string.receipts_reasons, it) },
        ).joinToString("\n")
    }

    private fun fill(id: Int, lines: List<String>) {
        val list = view<ViewGroup>(id)
        list.removeAllViews()
        for (line in lines) {
            val view = layoutInflater.inflate(R.layout.line, list, false) as TextView
            view.text = line
            list.addView(view)
        }
    }
}
