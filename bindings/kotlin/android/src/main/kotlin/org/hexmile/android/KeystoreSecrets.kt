package org.hexmile.android

import android.content.Context
import android.os.UserManager
import java.io.File
import java.security.SecureRandom
import org.hexmile.SecretStore
import org.hexmile.SecretsLockedException

/**
 * Keeps trips' keys under the Android Keystore. They can be read in the background once the phone was
 * unlocked, and are not in backups.
 *
 * @param files nothing else may be in them.
 */
public class KeystoreSecrets(private val files: SealedFiles) : SecretStore {
    /** In a folder of its own where backups do not look. */
    public constructor(context: Context) :
        this(SealedFiles(File(context.noBackupFilesDir, "hexmile/secrets"), "hexmile.secret.", unlocked(context)))

    override fun create(name: String): ByteArray = telling {
        // A name that comes again gets a new key in the Keystore, too.
        files.remove(name)
        ByteArray(KEY_LEN).also(SecureRandom()::nextBytes).also { files.put(name, it) }
    }

    override fun read(name: String): ByteArray? = telling {
        try {
            files.get(name)
        } catch (_: KeystoreException.Lost) {
            // Whatever lay under it cannot be read any more, and that is what `null` says.
            null
        }
    }

    override fun destroy(name: String): Unit = telling { files.remove(name) }

    private inline fun <T> telling(call: () -> T): T =
        try {
            call()
        } catch (e: KeystoreException.Locked) {
            throw SecretsLockedException().initCause(e)
        }

    private companion object {
        const val KEY_LEN = 32
    }
}

/** Whether files of the app can be read: until the first unlock after a start, they cannot. */
internal fun unlocked(context: Context): () -> Boolean {
    val users = context.systemService<UserManager>()
    return { users.isUserUnlocked }
}
