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
    fun privacySecret(): ByteArray = values.get(SECRET)
        ?: ByteArray(SECRET_LEN).also(SecureRandom()::nextBytes).also { values.put(SECRET, it) }

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
        return key to devices()
    }

    /**
     * Lets go of what cannot be read any more, so that it can be decided anew. The zones stay until the driver
     * replaces them: nothing is recorded without.
     *
     * @return what is wrong with the consent, if it was lost.
     */
    @Synchronized
    fun mend(): KeystoreException.Lost? {
        for (name in listOf(ERASING, SECRET, DEVICES)) mend(name)
        return mend(AGREED)
    }

    private fun mend(name: String): KeystoreException.Lost? = try {
        // Flags are known from here on: who asks for them later must not meet a key store that fails then.
        if (name == AGREED || name == ERASING) flag(name) else values.get(name)
        null
    } catch (e: KeystoreException.Lost) {
        values.remove(name)
        e
    }

    /** Remembers that this device was one of the phone's. */
    fun remember(device: String) {
        val known = devices()
        if (device !in known) values.put(DEVICES, (known + device).joinToString(" ").toByteArray())
    }

    /** The driver left. */
    @Synchronized
    fun forget() {
        for (name in listOf(AGREED, PRIVACY, SECRET, DEVICES, ERASING)) values.remove(name)
        // After it: who asks meanwhile must not keep what was read of the driver before for the next one.
        flags.clear()
    }

    private fun devices() = values.get(DEVICES)?.decodeToString()?.split(' ').orEmpty()

    private fun flag(name: String) = flags[name] ?: read(name)

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
