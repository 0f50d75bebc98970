package org.hexmile

import java.io.File
import java.io.IOException
import kotlin.io.path.createTempDirectory
import kotlinx.coroutines.runBlocking

/**
 * Calls of every kind, again and again: what the process holds must not grow. The README has the command for
 * ten million.
 */
internal object Leaks {
    /** A JVM whose heap is all there from the start, so that what grows is the library's or the bridge's. */
    val jvmFlags = listOf("-Xms192m", "-Xmx192m", "-XX:+AlwaysPreTouch", "-XX:+UseSerialGC")

    @JvmStatic
    fun main(args: Array<String>) {
        val calls = args.firstOrNull()?.toLong() ?: 10_000_000
        val dir = createTempDirectory("hexmile-leaks").toFile()
        try {
            App(dir).use { app ->
                app.calls(calls / 6)
                val before = residentKb()
                var made = app.calls(calls / 2)
                val between = residentKb()
                made += app.calls(calls / 2)
                println("$made calls: $before kB before, $between kB half way, ${residentKb()} kB after")
            }
        } finally {
            dir.deleteRecursively()
        }
    }

    /** Memory of the process that is no file's, kB. */
    private fun residentKb(): Long {
        repeat(3) {
            System.gc()
            // What the collector found is freed by the cleaner's thread.
            Thread.sleep(100)
        }
        val line = File("/proc/self/status").readLines().first { it.startsWith("RssAnon:") }
        return line.filter(Char::isDigit).toLong()
    }

    /** An app of a long life: it records, asks, signs, and its transport and one of its keys throw. */
    private class App(dir: File) : AutoCloseable {
        private val clock = SetClock()
        private var second = 0
        private var rounds = 0
        private val key = object : Signer {
            private val key = SoftwareSigner(seed(5))
            override val publicKey = key.publicKey
            override fun sign(purpose: SignPurpose, message: ByteArray) = key.sign(purpose, message)
        }
        private val throwing = object : Signer {
            override val publicKey = SoftwareSigner(seed(7)).use { it.publicKey }
            override fun sign(purpose: SignPurpose, message: ByteArray): ByteArray = error("not now")
        }

        // Small, so that what fills it is not taken for a leak.
        private val config = RecorderConfig(File(dir, "journal"), "test", journalLimitBytes = 500_000)
        private val recorder = Recorder(config, key, FolderSecrets(File(dir, "keys")), clock).apply {
            grantConsent()
            startTrip()
        }

        fun calls(atLeast: Long): Long {
            var made = 0L
            while (made < atLeast) made += round()
            return made
        }

        private fun round(): Long {
            repeat(SINGLE) { recorder.record(next()) }
            repeat(PACKS) { recorder.recordAll(listOf(next(), next())) }
            repeat(OTHERS) {
                recorder.verdicts()
                recorder.setConditions(Conditions(Connection.WIFI, batteryPercent = it))
                refused<HexmileException.Argument> { recorder.setConditions(Conditions(batteryPercent = 101)) }
                SoftwareSigner(seed(6)).use { key -> key.sign(SignPurpose.TRACE, ByteArray(100)) }
                refused<HexmileException.Signing> { runBlocking { recorder.enrol(throwing, { error("nothing to send") }) } }
            }
            if (rounds++ % 32 == 0) runBlocking { recorder.drain { throw IOException("no network") } }
            return SINGLE + PACKS + OTHERS * 6L
        }

        private inline fun <reified E : HexmileException> refused(call: () -> Unit) {
            val thrown = runCatching(call).exceptionOrNull()
            check(thrown is E) { "$thrown" }
        }

        private fun next(): Fix {
            clock.advance(1000)
            // There and back.
            second = (second + 1) % 20_000
            return fix(clock.millis(), second)
        }

        override fun close() = recorder.close()
    }

    /** Calls of a round, by kind. */
    private const val SINGLE = 500
    private const val PACKS = 250
    private const val OTHERS = 10
}
