package org.hexmile

import com.sun.net.httpserver.HttpExchange
import com.sun.net.httpserver.HttpServer
import java.io.IOException
import java.net.InetAddress
import java.net.InetSocketAddress
import java.net.URI
import kotlinx.coroutines.test.runTest
import org.junit.jupiter.api.AfterEach
import org.junit.jupiter.api.Assertions.assertArrayEquals
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertNull
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows

class HttpTransportTest {
    private val server = HttpServer.create(InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0)
    private val transport = HttpTransport(URI("http://127.0.0.1:${server.address.port}/"))
    private val sent = ByteArray(70_000) { it.toByte() }
    private val request =
        Request("POST", "/v1/traces", mapOf("Content-Type" to "application/vnd.hexmile.trace"), sent)

    private fun answering(answer: (HttpExchange) -> Unit) {
        server.createContext("/v1/traces") { exchange -> exchange.use(answer) }
        server.start()
    }

    private fun HttpExchange.use(answer: (HttpExchange) -> Unit) = try { answer(this) } finally { close() }

    @AfterEach
    fun stop() = server.stop(0)

    @Test
    fun `a request arrives whole, and its answer comes back`() = runTest {
        answering { exchange ->
            assertEquals("POST", exchange.requestMethod)
            assertEquals(request.headers["Content-Type"], exchange.requestHeaders.getFirst("Content-Type"))
            val body = exchange.requestBody.readBytes()
            exchange.sendResponseHeaders(200, body.size.toLong())
            exchange.responseBody.write(body)
        }
        val answer = transport.send(request)
        assertEquals(200, answer.status)
        assertArrayEquals(sent, answer.body)
        assertNull(answer.retryAfterS)
    }

    @Test
    fun `a request without a body has its method, and is signed`() = runTest {
        answering { exchange ->
            val said = "${exchange.requestMethod} ${exchange.requestHeaders.getFirst("Authorization")}"
            val body = exchange.requestBody.readBytes()
            exchange.sendResponseHeaders(200, 0)
            exchange.responseBody.write("$said ${body.size}".toByteArray())
        }
        for (method in listOf("GET", "DELETE")) {
            val answer = transport.send(Request(method, "/v1/traces", mapOf("Authorization" to "Hexmile x")))
            assertEquals("$method Hexmile x 0", answer.body.decodeToString())
        }
    }

    @Test
    fun `a refusal is an answer, with the server's wish to wait`() = runTest {
        answering { exchange ->
            exchange.requestBody.readBytes()
            exchange.responseHeaders.add("Retry-After", "120")
            exchange.sendResponseHeaders(503, 2)
            exchange.responseBody.write("no".toByteArray())
        }
        val answer = transport.send(request)
        assertEquals(503 to 120, answer.status to answer.retryAfterS)
        assertEquals("no", answer.body.decodeToString())
    }

    @Test
    fun `a redirect is not followed`() = runTest {
        answering { exchange ->
            exchange.requestBody.readBytes()
            exchange.responseHeaders.add("Location", "http://127.0.0.1:1/")
            exchange.responseHeaders.add("Retry-After", "-1")
            exchange.sendResponseHeaders(307, -1)
        }
        val answer = transport.send(request)
        assertEquals(307 to null, answer.status to answer.retryAfterS)
    }

    @Test
    fun `no answer, and one without end, are errors of input and output`() = runTest {
        assertThrows<IOException> { kotlinx.coroutines.runBlocking { HttpTransport(URI("http://127.0.0.1:1")).send(request) } }
        answering { exchange ->
            exchange.requestBody.readBytes()
            exchange.sendResponseHeaders(200, 0)
            val chunk = ByteArray(1 shl 16)
            try {
                repeat(1000) { exchange.responseBody.write(chunk) }
            } catch (_: IOException) {
                // The client went away, as it should.
            }
        }
        assertThrows<IOException> { kotlinx.coroutines.runBlocking { transport.send(request) } }
    }
}
