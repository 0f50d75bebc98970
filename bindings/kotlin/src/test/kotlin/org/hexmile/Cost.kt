package org.hexmile

import java.io.File
import java.lang.management.ManagementFactory
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
        println("record: $single; recordAll, $BATCH at a time: $packed")
        dir.deleteRecursively()
    }

    /** What a fix costs, in microseconds: by the clock, and of the calling thread's processor alone. */
    private data class Micros(val elapsed: Double, val thread: Double) {
        override fun toString() = "%.2f us a fix (%.2f us of the caller's processor)".format(elapsed, thread)
    }

    private val threads = ManagementFactory.getThreadMXBean()

    /** The median of rounds, of which the first warm the JVM. */
    private fun costs(dir: File, record: (Recorder, List<Fix>) -> Unit): Micros {
        val clock = SetClock()
        val rounds = recorder(dir, clock).use { recorder ->
            recorder.grantConsent()
            recorder.startTrip()
            var second = 0
            List(ROUNDS) {
                val batches = List(BATCHES) { List(BATCH) { fix(1_700_000_000_000 + ++second * 1000L, second) } }
                clock.set(1_700_000_000_000 + second * 1000L)
                val (started, busy) = System.nanoTime() to threads.currentThreadCpuTime
                batches.forEach { record(recorder, it) }
                val (ended, busyUntil) = System.nanoTime() to threads.currentThreadCpuTime
                recorder.flush()
                val fixes = BATCHES * BATCH * 1000.0
                (ended - started) / fixes to (busyUntil - busy) / fixes
            }
        }
        fun median(costs: List<Double>) = costs.sorted()[ROUNDS / 2]
        return Micros(median(rounds.map { it.first }), median(rounds.map { it.second }))
    }
}
