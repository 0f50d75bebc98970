package org.hexmile.demo

import android.app.Application
import java.net.URI
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.NonCancellable
import kotlinx.coroutines.sync.Mutex
import kotlinx.coroutines.sync.withLock
import kotlinx.coroutines.withContext
import org.hexmile.android.AndroidPlatform
import org.hexmile.android.Phone
import org.hexmile.android.PhoneHost
import org.hexmile.android.ServerIdentity

/** The app: it has the one [Phone], which the services and jobs of the package find by it. */
class DemoApplication : Application(), PhoneHost {
    private val joining = Mutex()

    /** The server of the driver's choice, and what it said of itself when the driver joined. */
    val choice by lazy { ServerChoice(this) }

    @Volatile
    override var phone: Phone? = null
        private set

    override fun onCreate() {
        super.onCreate()
        // Only what is at hand: this runs before the first screen shows.
        choice.identity?.let { phone = open(it, choice.address) }
    }

    /**
     * The driver agreed.
     *
     * @throws java.io.IOException where the server cannot be reached, or is no Hexmile server.
     */
    suspend fun join() = joining.withLock {
        val joined = phone ?: run {
            val address = choice.address
            val identity = ServerIdentity.fetch(address)
            choice.joined(identity)
            open(identity, address).also { phone = it }
        }
        joined.agree()
    }

    /** Everything was erased: another server may be chosen. It is done though the screen that saw it goes. */
    suspend fun left() = withContext(NonCancellable) {
        joining.withLock {
            try {
                phone?.close()
            } finally {
                phone = null
                choice.left()
                // What was fetched while it was erased lies there.
                withContext(Dispatchers.IO) { ExportProvider.folder(this@DemoApplication).deleteRecursively() }
            }
        }
    }

    private fun open(identity: ServerIdentity, address: URI) = Phone(AndroidPlatform(this), identity.settings(address))
}
