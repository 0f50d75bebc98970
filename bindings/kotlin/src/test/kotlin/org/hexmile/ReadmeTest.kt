package org.hexmile

import contribute
import java.io.File
import java.net.URI
import kotlinx.coroutines.flow.asFlow
import kotlinx.coroutines.runBlocking
import kotlinx.coroutines.withTimeout
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.condition.EnabledIfSystemProperty
import org.junit.jupiter.api.io.TempDir

class ReadmeTest {
    private val example = File("src/example/kotlin/Example.kt").readText()

    @Test
    fun `the README shows the example that is compiled`() {
        val shown = File("README.md").readText().substringAfter("```kotlin\n").substringBefore("```\n")
        assertEquals(example, shown)
    }

    @Test
    fun `the example's function has at most 20 lines`() {
        val function = example.lines().dropWhile { !it.startsWith("suspend fun") }.takeWhile { it != "}" }
        assertEquals(true, function.size + 1 <= 20, "${function.size + 1} lines")
    }

    @Test
    @EnabledIfSystemProperty(named = "hexmile.server", matches = "http.+")
    fun `the example delivers a trip`(@TempDir folder: File) = runBlocking {
        val server = URI(System.getProperty("hexmile.server"))
        val policy = server.resolve("/v1/policy").toURL().readText()
        val network = policy.substringAfter("\"network_name\":\"").substringBefore('"')
        val startMs = System.currentTimeMillis() - 400_000
        val trip = (0 until 400).asFlow()
        val fixes = kotlinx.coroutines.flow.flow { trip.collect { emit(fix(startMs + it * 1000L, it)) } }
        val seed = ByteArray(32).also(java.security.SecureRandom()::nextBytes)
        withTimeout(60_000) { contribute(server, network, folder, seed, fixes) }
    }
}
