package org.hexmile.demo

import android.content.Context
import java.net.URI
import java.util.Base64
import org.hexmile.android.ServerIdentity
import org.hexmile.demo.model.ServerAddress

/** Which server, and who it is; nothing secret. */
class ServerChoice(private val context: Context) {
    private val settings = context.getSharedPreferences("server", Context.MODE_PRIVATE)

    /** Its address; only one that can be used is ever kept. */
    var address: URI
        get() {
            val text = settings.getString(ADDRESS, null) ?: context.getString(R.string.server_default)
            return (ServerAddress.read(text) as ServerAddress.Usable).uri
        }
        set(value) = settings.edit().putString(ADDRESS, value.toString()).apply()

    /** Who it was when the driver joined; `null` before. */
    val identity: ServerIdentity?
        get() {
            val network = settings.getString(NETWORK, null) ?: return null
            val key = settings.getString(KEY, null) ?: return null
            return ServerIdentity(network, Base64.getDecoder().decode(key))
        }

    fun joined(identity: ServerIdentity) {
        val key = Base64.getEncoder().encodeToString(identity.key)
        settings.edit().putString(NETWORK, identity.network).putString(KEY, key).apply()
    }

    fun left() = settings.edit().remove(NETWORK).remove(KEY).apply()

    private companion object {
        const val ADDRESS = "address"
        const val NETWORK = "network"
        const val KEY = "key"
    }
}
