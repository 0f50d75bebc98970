package org.hexmile

import java.io.File
import java.io.IOException
import java.lang.management.ManagementFactory
import kotlin.io.path.createTempDirectory
import kotlinx.coroutines.runBlocking

/** Prints what recording a fix costs, one by one and in batches of 64. */
internal object Cost {
    private const val ROUNDS = 9
    private const val BATCHES = 300
    private const val BATCH = 64
    private const val START_MS = 1_700_000_000_000

    @JvmStatic
    fun main(args: Array<String>) {
        val dir = createTempDirectory("hexmile-cost").toFile()
        // Two recorders, so that neither pays for what the other wrote.
        val single = costs(File(dir, "single")) { recorder, fixes ->
            fixes.count { recorder.record(it) is Recorded.Dropped }
        }
        val packed = costs(File(dir, "packed")) { recorder, fixes -> recorder.recordAll(fixes).dropped }
        println("record: $single; recordAll, $BATCH at a time: $packed")
        dir.deleteRecursively()
    }

    /** What a fix costs, in microseconds: by the clock, and of the calling thread's processor alone. */
    private data class Micros(val elapsed: Double, val thread: Double) {
        override fun toString() = "%.2f us a fix (%.2f us of the caller's processor)".format(elapsed, thread)
    }

    private val threads = ManagementFactory.getThreadMXBean()

    /** The median of rounds, of which the first warm the JVM. */
    private fun costs(dir: File, record: (Recorder, List<Fix>) -> Int): Micros {
        val clock = SetClock()
        val rounds = recorder(dir, clock).use { recorder ->
            recorder.grantConsent()
            recorder.startTrip()
            var second = 0
            List(ROUNDS) {
                val batches = List(BATCHES) { List(BATCH) { fix(START_MS + ++second * 1000L, second) } }
                var (dropped, elapsed, busy) = Triple(0, 0L, 0L)
                for ((n, batch) in batches.withIndex()) {
                    // Neither a minute old nor ten seconds ahead, or they would be dropped, which costs less.
                    clock.set(batch.first().timeMs + 54_000)
                    val (started, busySince) = System.nanoTime() to threads.currentThreadCpuTime
                    dropped += record(recorder, batch)
                    elapsed += System.nanoTime() - started
                    busy += threads.currentThreadCpuTime - busySince
                    // Seals what is due, as an app's delivery does meanwhile.
                    if (n % 4 == 0) runBlocking { recorder.drain { throw IOException("offline") } }
                }
                check(dropped * 20 < BATCHES * BATCH) { "$dropped fixes were dropped: ${recorder.status.value.fixesDropped}" }
                val fixes = BATCHES * BATCH * 1000.0
                elapsed / fixes to busy / fixes
            }
        }
        fun median(costs: List<Double>) = costs.sorted()[ROUNDS / 2]
        return Micros(median(rounds.map { it.first }), median(rounds.map { it.second }))
    }
}
