package org.hexmile

import java.io.IOException
import java.net.HttpURLConnection
import java.net.URI
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.currentCoroutineContext
import kotlinx.coroutines.ensureActive
import kotlinx.coroutines.runInterruptible

/**
 * A request for the app's HTTP stack.
 *
 * @property method in capitals.
 * @property path on the server; it begins with a slash.
 * @property headers what must be sent with it, by name: `Content-Type` of a body, and `Authorization`.
 */
public class Request internal constructor(
    public val method: String,
    public val path: String,
    public val headers: Map<String, String> = emptyMap(),
    /** The body, exactly as it must be sent; `null` where there is none. */
    public val body: ByteArray? = null,
) {
    internal companion object {
        fun get(path: String) = Request("GET", path)
    }
}

/**
 * A server's answer, whatever its status.
 *
 * @property status HTTP's status code.
 * @property retryAfterS the `Retry-After` header in seconds, if there is one.
 */
public class Answer(
    public val status: Int,
    /** The body. */
    public val body: ByteArray,
    public val retryAfterS: Int? = null,
)

/** The app's HTTP stack. */
public fun interface Transport {
    /**
     * Sends a request to the server.
     *
     * @throws IOException where there is no answer; it will be tried again.
     */
    public suspend fun send(request: Request): Answer
}

/**
 * What the host has to say. Its own time-outs come out as errors of input and output: a [CancellationException] of
 * theirs would end who asks without a word.
 */
internal suspend fun <T> answered(call: suspend () -> T): T = try {
    call()
} catch (e: CancellationException) {
    currentCoroutineContext().ensureActive()
    throw IOException(e.message ?: "it gave up", e)
}

/**
 * The platform's own HTTP stack, on the JVM and on Android.
 *
 * @param server the server's address, such as `https://hexmile.example`.
 */
public class HttpTransport(private val server: URI) : Transport {
    override suspend fun send(request: Request): Answer =
        runInterruptible(Dispatchers.IO) { exchange(request) }

    private fun exchange(request: Request): Answer {
        val address = URI(server.toString().trimEnd('/') + request.path).toURL()
        val connection = address.openConnection() as HttpURLConnection
        try {
            connection.requestMethod = request.method
            connection.connectTimeout = CONNECT_MS
            connection.readTimeout = READ_MS
            connection.instanceFollowRedirects = false
            connection.useCaches = false
            for ((name, value) in request.headers) connection.setRequestProperty(name, value)
            request.body?.let { body ->
                connection.doOutput = true
                connection.setFixedLengthStreamingMode(body.size)
                connection.outputStream.use { it.write(body) }
            }
            val status = connection.responseCode
            if (status < 0) throw IOException("the answer is not HTTP")
            val stream = if (status < 400) connection.inputStream else connection.errorStream
            val body = stream?.use { it.readAtMost(BODY_LIMIT) } ?: ByteArray(0)
            // The header may also be a date; then the recorder waits by its own rules.
            val retryAfterS = connection.getHeaderField("Retry-After")?.trim()?.toIntOrNull()
            return Answer(status, body, retryAfterS?.takeIf { it >= 0 })
        } finally {
            connection.disconnect()
        }
    }

    private companion object {
        const val CONNECT_MS = 15_000
        const val READ_MS = 30_000

        /** The largest answer is a driver's own data. */
        const val BODY_LIMIT = 32 shl 20
    }
}

private fun java.io.InputStream.readAtMost(limit: Int): ByteArray {
    val out = java.io.ByteArrayOutputStream()
    val chunk = ByteArray(8192)
    while (true) {
        val n = read(chunk)
        if (n < 0) return out.toByteArray()
        out.write(chunk, 0, n)
        if (out.size() > limit) throw IOException("the answer is larger than $limit bytes")
    }
}

internal fun org.hexmile.ffi.Request.fromNative() =
    Request("POST", path, mapOf("Content-Type" to contentType), body)

internal fun org.hexmile.ffi.SignedRequest.fromNative() =
    Request(method, path, mapOf("Authorization" to authorization))

/** A status that no 16 bits hold is no HTTP's; the library takes 0 for "not a Hexmile server's". */
internal val Answer.statusCode: UShort
    get() = if (status in 0..0xFFFF) status.toUShort() else 0u

internal val Answer.retryAfter: UInt?
    get() = retryAfterS?.coerceAtLeast(0)?.toUInt()
