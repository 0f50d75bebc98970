package org.hexmile

import java.io.File
import org.hexmile.ffi.HostSecrets
import org.hexmile.ffi.SecretFailure
import org.hexmile.ffi.folderSecrets

/**
 * Keeps a key for each trip, by name, in the platform's own store: on this device alone, out of backups,
 * and readable in the background once the phone was unlocked. What is held back at the end of a trip
 * waits on disk under that key, and is gone with it.
 *
 * Names are of lower-case letters, digits and hyphens, at most 64. Called from any thread that calls a
 * [Recorder]; a store that throws never stops a trip. It must not call the recorder.
 */
public interface SecretStore {
    /**
     * Makes a new key of 32 random bytes, and keeps it under a name, in place of any before. It can be
     * read again after a crash when this returns.
     *
     * @throws SecretsLockedException while the phone was not unlocked since it was started.
     */
    public fun create(name: String): ByteArray

    /**
     * The key under a name; `null` where there is none.
     *
     * @throws SecretsLockedException while the phone was not unlocked since it was started.
     */
    public fun read(name: String): ByteArray?

    /** Destroys the key under a name for good. Where there is none, nothing happens. */
    public fun destroy(name: String)
}

/** A [SecretStore] throws it while the phone was not unlocked since it was started. */
public class SecretsLockedException : RuntimeException("the secret store is locked")

/**
 * Keys in files of a folder that only their owner may read: for desktops, weaker than a platform's store.
 *
 * @param dir not the journal's folder.
 */
public class FolderSecrets(private val dir: File) : SecretStore {
    init {
        NativeLibrary.ensureLoaded()
    }

    override fun create(name: String): ByteArray = asking { it.create(name) }

    override fun read(name: String): ByteArray? = asking { it.read(name) }

    override fun destroy(name: String): Unit = asking { it.destroy(name) }

    private fun <T> asking(call: (HostSecrets) -> T): T =
        try {
            lend(call)
        } catch (_: SecretFailure.Locked) {
            throw SecretsLockedException()
        } catch (e: SecretFailure.Failed) {
            throw HexmileException.Secrets(e.reason, e)
        }

    internal fun <T> lend(call: (HostSecrets) -> T): T {
        val native = folderSecrets(dir.path)
        try {
            return calling { call(native) }
        } finally {
            (native as? AutoCloseable)?.close()
        }
    }
}

/** A host's store as the library calls it: nothing but [SecretFailure] leaves it. */
internal class SecretsBridge private constructor(private val store: SecretStore) : HostSecrets {
    override fun create(name: String): ByteArray = asking { store.create(name) }

    override fun read(name: String): ByteArray? = asking { store.read(name) }

    override fun destroy(name: String): Unit = asking { store.destroy(name) }

    private inline fun <T> asking(call: () -> T): T =
        try {
            call()
        } catch (_: SecretsLockedException) {
            throw SecretFailure.Locked()
        } catch (@Suppress("TooGenericExceptionCaught") e: Throwable) {
            HostFailure.ofSecrets.set(e)
            throw SecretFailure.Failed(e.message ?: e.javaClass.name)
        }

    companion object {
        /** Hands a store to a call, as the library takes it. */
        fun <T> lend(store: SecretStore, call: (HostSecrets) -> T): T = when (store) {
            is FolderSecrets -> store.lend(call)
            else -> call(SecretsBridge(store))
        }
    }
}
