package org.hexmile.demo.model

import java.net.URI
import java.net.URISyntaxException

/** A server's address as a driver types it. */
sealed interface ServerAddress {
    /** It can be used. */
    data class Usable(val uri: URI) : ServerAddress

    /** It cannot, and why. */
    data class Wrong(val why: Fault) : ServerAddress

    enum class Fault { EMPTY, NOT_AN_ADDRESS, NOT_ENCRYPTED, MORE_THAN_AN_ADDRESS }

    companion object {
        /** Servers on the developer's own machine, which the emulator knows by 10.0.2.2. */
        private val OWN = setOf("localhost", "127.0.0.1", "10.0.2.2")

        fun read(typed: String): ServerAddress {
            val text = typed.trim()
            if (text.trim('/').isEmpty()) return Wrong(Fault.EMPTY)
            val uri = try {
                URI(if ("://" in text) text else "https://$text")
            } catch (_: URISyntaxException) {
                return Wrong(Fault.NOT_AN_ADDRESS)
            }
            val host = uri.host
            val more = listOf(uri.rawPath?.trim('/'), uri.rawQuery, uri.rawFragment, uri.rawUserInfo)
            return when {
                host == null || uri.scheme !in setOf("http", "https") || uri.port == 0 || uri.port > 65_535 ->
                    Wrong(Fault.NOT_AN_ADDRESS)
                more.any { !it.isNullOrEmpty() } -> Wrong(Fault.MORE_THAN_AN_ADDRESS)
                // Locations go over it.
                uri.scheme == "http" && host !in OWN -> Wrong(Fault.NOT_ENCRYPTED)
                else -> Usable(URI(uri.scheme, null, host, uri.port, null, null, null))
            }
        }
    }
}
