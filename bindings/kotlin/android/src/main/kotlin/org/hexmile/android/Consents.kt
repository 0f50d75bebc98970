package org.hexmile.android

import java.io.IOException
import java.security.SecureRandom
import java.util.TimeZone
import java.util.concurrent.ConcurrentHashMap
import org.hexmile.Signer

/** What the driver decided, and what has to outlast the process with it. */
internal class Consents(private val values: Values) {
    /** What was read: flags are asked for all the time. */
    private val flags = ConcurrentHashMap<String, Boolean>()

    /** Whether the driver agreed. */
    var agreed: Boolean
        get() = flag(AGREED)
        set(value) = setFlag(AGREED, value)

    /** Whether the driver wants everything gone, and the server has not confirmed it. */
    var erasing: Boolean
        get() = flag(ERASING)
        set(value) = setFlag(ERASING, value)

    /** @throws KeystoreException.Lost where there were zones that cannot be read any more. */
    var privacy: Privacy
        get() = try {
            values.get(PRIVACY)?.let(::privacyOf) ?: Privacy()
        } catch (e: IOException) {
            throw KeystoreException.Lost("the zones cannot be read", e)
        }
        set(value) = values.put(PRIVACY, value.encoded())

    /** What decides where the zones around known places lie; made at the first call. */
    @Synchronized
    fun privacySecret(): ByteArray = values.get(SECRET) ?: newSecret()

    /** The same where the driver decides anew: then one that was lost is replaced. */
    @Synchronized
    fun anySecret(): ByteArray = try {
        privacySecret()
    } catch (_: KeystoreException.Lost) {
        newSecret()
    }

    private fun newSecret() = ByteArray(SECRET_LEN).also(SecureRandom()::nextBytes).also { values.put(SECRET, it) }

    /**
     * The device's key, and the ids of those that this phone had before. One that is lost is replaced:
     * what it signed is still sent.
     */
    fun device(platform: PhonePlatform): Pair<Signer, List<String>> {
        val key = try {
            platform.deviceKey()
        } catch (_: KeystoreException.Lost) {
            platform.destroyDeviceKey()
            platform.deviceKey()
        }
        return key to devices().orEmpty()
    }

    /**
     * Reads the flags, so that who asks for them later does not meet a key store that fails only then.
     *
     * @return what is wrong with the consent, if it was lost.
     */
    fun lost(): KeystoreException.Lost? {
        flag(ERASING)
        return try {
            read(AGREED)
            null
        } catch (e: KeystoreException.Lost) {
            e
        }
    }

    /** Remembers that this device was one of the phone's. */
    fun remember(device: String) {
        val known = devices() ?: return
        if (device !in known) values.put(DEVICES, (known + device).joinToString(" ").toByteArray())
    }

    /** The driver left. */
    @Synchronized
    fun forget() {
        for (name in listOf(AGREED, PRIVACY, SECRET, DEVICES, ERASING)) values.remove(name)
        // After it: who asks meanwhile must not keep what was read of the driver before for the next one.
        flags.clear()
    }

    /** `null` where they cannot be read: perhaps they can be later. */
    private fun devices(): List<String>? = try {
        values.get(DEVICES)?.decodeToString()?.split(' ').orEmpty()
    } catch (_: KeystoreException.Lost) {
        null
    }

    /** What was decided and cannot be read any more was not; it is looked for again, since key stores recover. */
    private fun flag(name: String) = flags[name] ?: try {
        read(name)
    } catch (_: KeystoreException.Lost) {
        false
    }

    @Synchronized
    private fun read(name: String) = flags.getOrPut(name) { values.get(name)?.contentEquals(YES) == true }

    @Synchronized
    private fun setFlag(name: String, value: Boolean) {
        // Before it is on disk: what fails there must not leave a withdrawal unheard.
        if (!value) flags[name] = false
        if (value) values.put(name, YES) else values.remove(name)
        flags[name] = value
    }

    private companion object {
        const val AGREED = "agreed"
        const val ERASING = "erasing"
        const val PRIVACY = "privacy"
        const val SECRET = "privacy-secret"
        const val DEVICES = "devices"
        const val SECRET_LEN = 32
        val YES = byteArrayOf(1)
    }
}

/** The phone's time zone, for quiet hours. */
internal fun utcOffsetMinutes(nowMs: Long = System.currentTimeMillis()): Int =
    TimeZone.getDefault().getOffset(nowMs) / MS_PER_MINUTE

private const val MS_PER_MINUTE = 60_000
