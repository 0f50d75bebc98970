package org.hexmile

import java.io.Closeable
import java.io.File
import java.security.SecureRandom
import java.time.Clock
import java.util.concurrent.atomic.AtomicBoolean
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.channels.BufferOverflow
import kotlinx.coroutines.flow.MutableSharedFlow
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.SharedFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asSharedFlow
import kotlinx.coroutines.flow.asStateFlow
import kotlinx.coroutines.withContext
import org.hexmile.ffi.Effect
import org.hexmile.ffi.Moment

/**
 * What a recorder is set up with.
 *
 * @property journalDir a folder of the recorder's own, out of backups.
 * @property network which network the traces are for, by name.
 * @property live whether traces are sealed within a minute, or as large as they may be.
 * @property journalLimitBytes bytes that the journal may take.
 * @property serverKeys the Ed25519 keys, 32 bytes each, with which the server signs receipts, as
 *   `/v1/policy` tells them. With any, a trace is done only when its receipt verifies.
 */
public class RecorderConfig(
    public val journalDir: File,
    public val network: String,
    public val live: Boolean = true,
    public val journalLimitBytes: Long = 50_000_000,
    public val serverKeys: List<ByteArray> = emptyList(),
)

/**
 * Records fixes, seals them into signed traces, keeps them, and delivers them.
 *
 * One recorder per journal folder and process. It may be called from any thread. Calls are short, but
 * write to disk and may sign: on Android, call it from a worker. Every call but [close] and the
 * flows throws [HexmileException.Closed] after [close].
 *
 * Nothing is written before [grantConsent]. An app calls it when the driver has agreed, and again at
 * each start after; then [deliver] runs for as long as the app does.
 *
 * @param device the key of this phone; every trace is signed by it.
 * @param clock the phone's clock.
 * @throws HexmileException.LibraryMissing and [HexmileException.LibraryMismatch]
 * @throws HexmileException.Argument where a key or a limit cannot be used.
 */
public class Recorder(
    config: RecorderConfig,
    device: Signer,
    private val clock: Clock = Clock.systemUTC(),
) : Closeable {
    private val native: org.hexmile.ffi.Recorder
    private val closed = AtomicBoolean(false)
    private val random = SecureRandom()
    private val delivery = Delivery(this)

    private val statusNow = MutableStateFlow(Status())

    // What nobody watches may be lost: the status still counts it.
    private val happened = MutableSharedFlow<Event>(
        extraBufferCapacity = 256, onBufferOverflow = BufferOverflow.DROP_OLDEST,
    )

    /** Where things stand, as of the last call; [record] alone shows with the call after it. */
    public val status: StateFlow<Status> = statusNow.asStateFlow()

    /** What happens, from the time of collecting on; who is slow misses the oldest. */
    public val events: SharedFlow<Event> = happened.asSharedFlow()

    init {
        NativeLibrary.ensureLoaded()
        if (config.journalLimitBytes < 0) throw HexmileException.Argument("journalLimitBytes is negative")
        val settings = org.hexmile.ffi.RecorderConfig(
            journalDir = config.journalDir.path,
            journalLimitBytes = config.journalLimitBytes.toULong(),
            network = config.network,
            live = config.live,
            serverKeys = config.serverKeys,
        )
        native = SignerBridge.lend(device) { org.hexmile.ffi.Recorder(settings, it) }
    }

    /**
     * The driver agrees; what an earlier run left unfinished is sealed.
     *
     * @throws HexmileException.Journal and [HexmileException.Signing]
     */
    public fun grantConsent(): Unit = act { it.grantConsent() }

    /**
     * The driver withdraws: recording stops at once, whatever this throws; what was open is forgotten
     * on disk, too.
     *
     * @throws HexmileException.Journal
     */
    public fun withdrawConsent(): Unit = act { it.withdrawConsent(); emptyList() }

    /**
     * Withdraws, and deletes every file of the journal. The keys are the app's to destroy.
     *
     * @throws HexmileException.Journal
     */
    public fun erase(): Unit = act { it.erase(); emptyList() }

    /**
     * Sets the places and hours of which nothing leaves the phone, in place of those before. Call it
     * before the first trip, and when the driver or the phone's time zone changes them.
     *
     * @param secret 32 random bytes that the app keeps in its secret store as long as it is
     *   installed; it decides where the zones around known places lie.
     * @param utcOffsetMinutes the phone's time zone, for the quiet hours.
     * @throws HexmileException.Argument where a place, an hour or the secret cannot be used; then all
     *   stays as it was.
     */
    public fun setPrivacy(
        secret: ByteArray,
        zones: List<Zone> = emptyList(),
        quietHours: List<QuietHours> = emptyList(),
        utcOffsetMinutes: Int = 0,
    ) {
        val offset = utcOffsetMinutes.toShort()
        if (offset.toInt() != utcOffsetMinutes) {
            throw HexmileException.Argument("utcOffsetMinutes: $utcOffsetMinutes is no time zone")
        }
        act {
            it.setPrivacy(zones.map(Zone::toNative), quietHours.map(QuietHours::toNative), offset, secret)
            emptyList()
        }
    }

    /**
     * A trip begins.
     *
     * @throws HexmileException.NoConsent
     * @throws HexmileException.Journal and [HexmileException.Signing]
     */
    public fun startTrip(): Unit = act { it.startTrip(moment()) }

    /**
     * The trip ends: what is held back is forgotten, and the rest sealed.
     *
     * @throws HexmileException.Journal and [HexmileException.Signing]
     */
    public fun stopTrip(): Unit = act { it.stopTrip() }

    /**
     * Takes a fix.
     *
     * @throws HexmileException.Journal and [HexmileException.Signing]
     */
    public fun record(fix: Fix): Recorded =
        calling(closed::get) { native.record(fix.toNative(), moment()).fromNative() }

    /**
     * Takes fixes in their order, as platforms that batch hand them out; what became of each.
     *
     * @throws HexmileException.Journal and [HexmileException.Signing] once every fix was offered.
     */
    public fun record(fixes: List<Fix>): List<Recorded> {
        var failure: HexmileException? = null
        val recorded = fixes.mapNotNull { fix ->
            try {
                record(fix)
            } catch (e: HexmileException) {
                failure = failure ?: e
                null
            }
        }
        failure?.let { throw it }
        return recorded
    }

    /**
     * Waits until everything recorded is on disk.
     *
     * @throws HexmileException.Journal
     */
    public fun flush(): Unit = act { it.flush(); emptyList() }

    /**
     * Opens the account of a key, or finds it, and adds this device to it. It may be repeated.
     *
     * @throws HexmileException.Enrolment where the server refuses.
     * @throws HexmileException.Signing
     * @throws java.io.IOException where [transport] gets no answer.
     */
    public suspend fun enrol(account: Signer, transport: Transport) {
        val opened = transport.post(enrolling { SignerBridge.lend(account, native::openAccount) })
        val added = transport.post(
            enrolling { SignerBridge.lend(account) { native.addDevice(it, opened.statusCode, opened.body) } },
        )
        enrolling { native.deviceAdded(added.statusCode, added.body) }
    }

    /**
     * Delivers until it is cancelled or the recorder is closed: seals what has grown old, uploads what
     * is due, and takes the server's answers. One delivery at a time: a second waits for the first.
     */
    public suspend fun deliver(transport: Transport): Unit = delivery.run(transport)

    /**
     * Delivers what is due now, and returns; for jobs that the system wakes. Unix milliseconds at
     * which more is due, or `null` where nothing waits.
     *
     * @throws HexmileException.Journal and [HexmileException.Signing]
     */
    public suspend fun drain(transport: Transport): Long? = delivery.drain(transport)

    /** Waits until everything is on disk, and lets go of the library's memory. It may be repeated. */
    override fun close() {
        if (!closed.compareAndSet(false, true)) return
        // After the flag: a delivery that looks again finds it.
        delivery.close()
        try {
            calling { native.flush() }
        } finally {
            native.close()
        }
    }

    internal fun moment() = Moment(clock.millis().toULong(), random.nextLong().toULong())

    internal fun nowMs(): Long = clock.millis()

    /** A call from a coroutine: on a thread that may block. */
    internal suspend fun working(call: (org.hexmile.ffi.Recorder) -> List<Effect>) =
        withContext(Dispatchers.IO) { carryOut(call) }

    internal fun tell(event: Event) {
        happened.tryEmit(event)
    }

    /** A call of the app's, after which there may be something to deliver. */
    private fun act(call: (org.hexmile.ffi.Recorder) -> List<Effect>) {
        carryOut(call)
        delivery.wake()
    }

    /** Calls the library, and hands on what it wants done. */
    private fun carryOut(call: (org.hexmile.ffi.Recorder) -> List<Effect>) = calling(closed::get) {
        try {
            delivery.take(call(native))
        } finally {
            // Also where the call failed: a withdrawal holds whatever went wrong.
            statusNow.value = native.status().fromNative()
        }
    }

    private suspend fun Transport.post(request: org.hexmile.ffi.Request) = post(request.fromNative())

    private inline fun <T> enrolling(call: () -> T): T =
        try {
            calling(closed::get, call)
        } catch (e: HexmileException.Argument) {
            val thrown = SignerBridge.takeFailure()
            throw if (thrown == null) HexmileException.Enrolment(e.message)
            else HexmileException.Signing(e.message, thrown)
        }
}

internal fun org.hexmile.ffi.Request.fromNative() = Request(path, contentType, body)

/** A status that no 16 bits hold is no HTTP's; the library takes 0 for "not a Hexmile server's". */
internal val Answer.statusCode: UShort
    get() = if (status in 0..0xFFFF) status.toUShort() else 0u
