package org.hexmile

import java.io.IOException
import java.net.HttpURLConnection
import java.net.URI
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.runInterruptible

/**
 * A POST for the app's HTTP stack.
 *
 * @property path on the server; it begins with a slash.
 * @property contentType value of the `Content-Type` header.
 */
public class Request internal constructor(
    public val path: String,
    public val contentType: String,
    /** The body, exactly as it must be sent. */
    public val body: ByteArray,
)

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
    public suspend fun post(request: Request): Answer
}

/**
 * The platform's own HTTP stack, on the JVM and on Android.
 *
 * @param server the server's address, such as `https://hexmile.example`.
 */
public class HttpTransport(private val server: URI) : Transport {
    override suspend fun post(request: Request): Answer =
        runInterruptible(Dispatchers.IO) { send(request) }

    private fun send(request: Request): Answer {
        val address = URI(server.toString().trimEnd('/') + request.path).toURL()
        val connection = address.openConnection() as HttpURLConnection
        try {
            connection.requestMethod = "POST"
            connection.connectTimeout = CONNECT_MS
            connection.readTimeout = READ_MS
            connection.instanceFollowRedirects = false
            connection.doOutput = true
            connection.setFixedLengthStreamingMode(request.body.size)
            connection.setRequestProperty("Content-Type", request.contentType)
            connection.outputStream.use { it.write(request.body) }
            val status = connection.responseCode
            if (status < 0) throw IOException("the answer is not HTTP")
            val stream = if (status < 400) connection.inputStream else connection.errorStream
            val body = stream?.use { it.readAtMost(BODY_LIMIT) } ?: ByteArray(0)
            // The header may also be a date; then the recorder waits by its own rules.
            return Answer(status, body, connection.getHeaderField("Retry-After")?.trim()?.toIntOrNull()?.takeIf { it >= 0 })
        } finally {
            connection.disconnect()
        }
    }

    private companion object {
        const val CONNECT_MS = 15_000
        const val READ_MS = 30_000

        /** An answer tells of at most a few hundred traces. */
        const val BODY_LIMIT = 4 shl 20
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
