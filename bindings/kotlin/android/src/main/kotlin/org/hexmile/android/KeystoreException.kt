package org.hexmile.android

import android.os.Build
import android.security.keystore.KeyPermanentlyInvalidatedException
import android.security.keystore.UserNotAuthenticatedException
import java.security.UnrecoverableKeyException
import javax.crypto.AEADBadTagException

/**
 * A key of the Android Keystore, or what lies under one, cannot be used. Where a [org.hexmile.Recorder]
 * asked for it, this is the cause of what its call throws.
 *
 * @property message in words, for a log; not for the driver.
 */
public sealed class KeystoreException(
    override val message: String,
    cause: Throwable?,
) : RuntimeException(message, cause) {
    /** Not before the phone is unlocked; it serves again then. */
    public class Locked internal constructor(message: String, cause: Throwable? = null) :
        KeystoreException(message, cause)

    /** The key is gone for good, or what lay under it; a new one has to be made. */
    public class Lost internal constructor(message: String, cause: Throwable? = null) :
        KeystoreException(message, cause)

    /** The key store failed; it may serve again, perhaps not before the phone is restarted. */
    public class Broken internal constructor(message: String, cause: Throwable? = null) :
        KeystoreException(message, cause)
}

/** Runs a call into the Android Keystore; what it throws comes out as a [KeystoreException]. */
internal inline fun <T> keystore(sdk: Int = Build.VERSION.SDK_INT, call: () -> T): T =
    try {
        call()
    } catch (e: KeystoreException) {
        throw e
    } catch (@Suppress("TooGenericExceptionCaught") e: Exception) {
        // The Keystore throws checked and unchecked exceptions alike, `ProviderException`s among them.
        throw keystoreException(e, sdk)
    }

/** What an exception of the Android Keystore means; the cause that says most of it decides. */
internal fun keystoreException(thrown: Throwable, sdk: Int): KeystoreException {
    val causes = generateSequence(thrown) { it.cause }.take(MOST_CAUSES).toList()
    val message = causes.firstNotNullOfOrNull { it.message } ?: thrown.javaClass.name
    return when {
        causes.any { it is UserNotAuthenticatedException } -> KeystoreException.Locked(message, thrown)
        causes.any(::isLoss) -> KeystoreException.Lost(message, thrown)
        // The class is not there before.
        sdk >= Build.VERSION_CODES.TIRAMISU -> ofNumericCode(causes, message, thrown)
        causes.any(::isUnrecoverable) -> KeystoreException.Lost(message, thrown)
        else -> KeystoreException.Broken(message, thrown)
    }
}

private fun isLoss(e: Throwable) = e is KeyPermanentlyInvalidatedException || e is AEADBadTagException

/** Android says so of any key that it cannot load, be it for now. */
private fun isUnrecoverable(e: Throwable) = e is UnrecoverableKeyException

private fun ofNumericCode(causes: List<Throwable>, message: String, thrown: Throwable): KeystoreException {
    val told = causes.firstNotNullOfOrNull { it as? android.security.KeyStoreException }
    if (told == null && causes.any(::isUnrecoverable)) return KeystoreException.Lost(message, thrown)
    return when (told?.numericErrorCode) {
        android.security.KeyStoreException.ERROR_USER_AUTHENTICATION_REQUIRED ->
            KeystoreException.Locked(message, thrown)
        android.security.KeyStoreException.ERROR_KEY_DOES_NOT_EXIST,
        android.security.KeyStoreException.ERROR_KEY_CORRUPTED,
        -> KeystoreException.Lost(message, thrown)
        else -> KeystoreException.Broken(message, thrown)
    }
}

/** A chain of causes may be a ring. */
private const val MOST_CAUSES = 8
