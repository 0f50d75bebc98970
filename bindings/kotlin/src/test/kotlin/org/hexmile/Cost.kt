package org.hexmile

import java.io.File
import kotlin.io.path.createTempDirectory

/** Prints what recording a fix costs, one by one and in batches of 64. */
internal object Cost {
    private const val ROUNDS = 9
    private const val BATCHES = 300
    private const val BATCH = 64

    @JvmStatic
    fun main(args: Array<String>) {
        val dir = createTempDirectory("hexmile-cost").toFile()
        // Two recorders, so that neither pays for what the other wrote.
        val single = costs(File(dir, "single")) { recorder, fixes -> fixes.forEach(recorder::record) }
        val packed = costs(File(dir, "packed")) { recorder, fixes -> recorder.recordAll(fixes) }
        println("record: %.2f us a fix; recordAll, %d at a time: %.2f us a fix".format(single, BATCH, packed))
        dir.deleteRecursively()
    }

    /** Microseconds a fix: the median of rounds, of which the first warm the JVM. */
    private fun costs(dir: File, record: (Recorder, List<Fix>) -> Unit): Double {
        val clock = SetClock()
        val rounds = recorder(dir, clock).use { recorder ->
            recorder.grantConsent()
            recorder.startTrip()
            var second = 0
            List(ROUNDS) {
                val batches = List(BATCHES) { List(BATCH) { fix(1_700_000_000_000 + ++second * 1000L, second) } }
                clock.set(1_700_000_000_000 + second * 1000L)
                val started = System.nanoTime()
                batches.forEach { record(recorder, it) }
                val ended = System.nanoTime()
                recorder.flush()
                (ended - started) / (BATCHES * BATCH * 1000.0)
            }
        }
        return rounds.sorted()[ROUNDS / 2]
    }
}
