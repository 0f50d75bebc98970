package org.hexmile.android

import org.hexmile.HexmileException
import org.hexmile.Status

/**
 * What an app shows.
 *
 * @property status of the recorder.
 * @property opened whether the recorder is there; before, [status] says nothing.
 * @property locations how the source of locations stands.
 * @property speedMps of the last fix, metres per second, where it has one.
 * @property fixes that came in this run; [status] tells what became of them.
 * @property enrolled whether the server knows this device, as far as is known.
 * @property erasing whether the driver wants everything gone, and the server has not confirmed it.
 * @property refusal why the system does not let the trip go on behind other apps, if it does not.
 * @property trouble what last went wrong by itself; `null` once it goes well again.
 */
public data class PhoneState(
    val status: Status = Status(),
    val opened: Boolean = false,
    val locations: LocationState = LocationState.Off,
    val speedMps: Double? = null,
    val fixes: Long = 0,
    val enrolled: Boolean = false,
    val erasing: Boolean = false,
    val refusal: Refusal? = null,
    val trouble: Trouble? = null,
)

/** What went wrong without anybody having called. */
public sealed interface Trouble {
    /** The keys cannot be read before the phone is unlocked. */
    public data object Locked : Trouble

    /** The zones or the consent cannot be read any more; nothing is recorded until the driver decides anew. */
    public data object Lost : Trouble

    /** The key store failed; [message] is for a log. */
    public data class KeyStore(val message: String) : Trouble

    /** The server cannot be reached. */
    public data class Offline(val message: String) : Trouble

    /** The server refuses this account or device; [code] is stable. */
    public data class Refused(val code: String) : Trouble

    /** The library, the disk, or a key; the error says which. */
    public data class Failed(val error: HexmileException) : Trouble

    /** A defect of this package; please report it. */
    public data class Unexpected(val error: Throwable) : Trouble
}

/** What an exception means, where nobody is there to catch it. */
internal fun trouble(e: Exception): Trouble = when (e) {
    is KeystoreException.Locked -> Trouble.Locked
    is KeystoreException.Lost -> Trouble.Lost
    is KeystoreException.Broken -> Trouble.KeyStore(e.message)
    is org.hexmile.SecretsLockedException -> Trouble.Locked
    is HexmileException.Refused -> Trouble.Refused(e.code)
    is HexmileException -> when (val cause = e.cause) {
        is KeystoreException -> trouble(cause)
        else -> Trouble.Failed(e)
    }
    is java.io.IOException -> Trouble.Offline(e.message ?: e.javaClass.name)
    else -> Trouble.Unexpected(e)
}
