package org.hexmile.android

import java.io.ByteArrayOutputStream
import java.io.IOException
import java.io.InputStream
import java.net.HttpURLConnection
import java.net.URI
import java.util.Base64
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.runInterruptible
import org.json.JSONException
import org.json.JSONObject

/**
 * What a server says of itself: an app asks once, when the driver chooses the server, and keeps it. A later
 * answer that differs is another server's.
 *
 * @property network its network, by name.
 * @property key the Ed25519 key with which it signs receipts.
 */
public class ServerIdentity(public val network: String, public val key: ByteArray) {
    /** What a [Phone] for this server is set up with. */
    public fun settings(server: URI, followMotion: Boolean = false): PhoneSettings =
        PhoneSettings(server, network, listOf(key), followMotion)

    public companion object {
        /**
         * Asks a server.
         *
         * @throws IOException where it cannot be reached, or is no Hexmile server.
         */
        public suspend fun fetch(server: URI): ServerIdentity = runInterruptible(Dispatchers.IO) {
            val address = URI(server.toString().trimEnd('/') + "/v1/policy").toURL()
            val connection = address.openConnection() as HttpURLConnection
            try {
                connection.connectTimeout = TIMEOUT_MS
                connection.readTimeout = TIMEOUT_MS
                connection.instanceFollowRedirects = false
                if (connection.responseCode != HttpURLConnection.HTTP_OK) {
                    throw IOException("the answer has status ${connection.responseCode}")
                }
                read(connection.inputStream.use { it.readAtMost(POLICY_LIMIT) })
            } finally {
                connection.disconnect()
            }
        }

        /**
         * Reads a server's policy.
         *
         * @throws IOException where it is none.
         */
        public fun read(policy: ByteArray): ServerIdentity {
            try {
                val json = JSONObject(policy.decodeToString())
                val key = Base64.getDecoder().decode(json.getString("server_key"))
                if (key.size != KEY_LEN) throw IOException("a key of ${key.size} bytes")
                return ServerIdentity(json.getString("network_name"), key)
            } catch (e: JSONException) {
                throw IOException("this is no Hexmile server's policy", e)
            } catch (e: IllegalArgumentException) {
                throw IOException("this is no key", e)
            }
        }

        private const val TIMEOUT_MS = 15_000
        private const val KEY_LEN = 32
        private const val POLICY_LIMIT = 64 * 1024
    }
}

private fun InputStream.readAtMost(limit: Int): ByteArray {
    val out = ByteArrayOutputStream()
    val chunk = ByteArray(4096)
    while (true) {
        val n = read(chunk)
        if (n < 0) return out.toByteArray()
        out.write(chunk, 0, n)
        if (out.size() > limit) throw IOException("the answer is larger than $limit bytes")
    }
}
