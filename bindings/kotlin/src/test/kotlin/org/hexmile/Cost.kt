package org.hexmile

import kotlin.io.path.createTempDirectory

/** Prints what recording a fix costs, one by one and in batches of 64. */
internal object Cost {
    private const val ROUNDS = 7
    private const val BATCHES = 300
    private const val BATCH = 64

    @JvmStatic
    fun main(args: Array<String>) {
        val dir = createTempDirectory("hexmile-cost").toFile()
        val clock = SetClock()
        recorder(dir, clock).use { recorder ->
            recorder.grantConsent()
            recorder.startTrip()
            var second = 0
            fun next() = fix(1_700_000_000_000 + ++second * 1000L, second)
            // The first rounds warm the JVM; the median is what stays.
            val costs = List(ROUNDS) {
                val single = List(BATCHES * BATCH) { next() }
                val started = System.nanoTime()
                single.forEach { fix -> clock.advance(1000); recorder.record(fix) }
                val between = System.nanoTime()
                recorder.startTrip()
                val batches = List(BATCHES) { List(BATCH) { next() } }
                val again = System.nanoTime()
                batches.forEach { fixes -> clock.advance(64_000); recorder.record(fixes) }
                val ended = System.nanoTime()
                val fixes = BATCHES * BATCH * 1000.0
                (between - started) / fixes to (ended - again) / fixes
            }
            val singles = costs.map { it.first }.sorted()[ROUNDS / 2]
            val batched = costs.map { it.second }.sorted()[ROUNDS / 2]
            println("record: %.1f us a fix; in batches of %d: %.1f us a fix".format(singles, BATCH, batched))
        }
        dir.deleteRecursively()
    }
}
