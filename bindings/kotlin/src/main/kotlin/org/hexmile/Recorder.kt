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
 * @property live whether traces are sealed within a minute, or as large as they may be;
 *   [Recorder.setUploadRules] says more.
 * @property followMotion whether trips begin and end by what the platform notices ([Recorder.hint]);
 *   else the app says when.
 * @property learnPlaces whether places that the driver comes back to get a zone by themselves.
 * @property journalLimitBytes bytes that the journal may take.
 * @property serverKeys the Ed25519 keys, 32 bytes each, with which the server signs receipts, as
 *   `/v1/policy` tells them. With any, a trace is done only when its receipt verifies.
 * @property predecessors ids of devices, hexadecimal, whose key this phone had before, and lost or
 *   changed: what they sealed is still sent.
 */
public class RecorderConfig(
    public val journalDir: File,
    public val network: String,
    public val live: Boolean = true,
    public val followMotion: Boolean = false,
    public val learnPlaces: Boolean = true,
    public val journalLimitBytes: Long = 50_000_000,
    public val serverKeys: List<ByteArray> = emptyList(),
    public val predecessors: List<String> = emptyList(),
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
 * @param secrets keeps the key of each trip, under which what is held back at its end waits on disk.
 * @param clock the phone's clock.
 * @throws HexmileException.LibraryMissing and [HexmileException.LibraryMismatch]
 * @throws HexmileException.Argument where a key, an id or a limit cannot be used.
 */
public class Recorder(
    config: RecorderConfig,
    device: Signer,
    secrets: SecretStore,
    private val clock: Clock = Clock.systemUTC(),
) : Closeable {
    private val native: org.hexmile.ffi.Recorder
    private val closed = AtomicBoolean(false)
    private val random = SecureRandom()

    /** Held from a call into the library until what came of it is told: else the older of two could be told last. */
    private val inOrder = Any()
    private val delivery = Delivery(this)

    private val statusNow = MutableStateFlow(Status())
    private val locationsNow = MutableStateFlow<LocationRequest?>(null)

    // What nobody watches may be lost: the status still counts it.
    private val happened = MutableSharedFlow<Event>(
        extraBufferCapacity = 256, onBufferOverflow = BufferOverflow.DROP_OLDEST,
    )

    /** Where things stand, as of the last call; [record] alone shows with the call after it. */
    public val status: StateFlow<Status> = statusNow.asStateFlow()

    /** Which locations to ask the platform for now, where the recorder follows motion; `null` for none. */
    public val locations: StateFlow<LocationRequest?> = locationsNow.asStateFlow()

    /** What happens, from the time of collecting on; who is slow misses the oldest. */
    public val events: SharedFlow<Event> = happened.asSharedFlow()

    /** Which device this is, hexadecimal. */
    public val deviceId: String

    init {
        NativeLibrary.ensureLoaded()
        if (config.journalLimitBytes < 0) throw HexmileException.Argument("journalLimitBytes is negative")
        val settings = org.hexmile.ffi.RecorderConfig(
            journalDir = config.journalDir.path,
            journalLimitBytes = config.journalLimitBytes.toULong(),
            network = config.network,
            live = config.live,
            followMotion = config.followMotion,
            serverKeys = config.serverKeys,
            predecessors = config.predecessors,
            learnPlaces = config.learnPlaces,
        )
        HostFailure.forget()
        native = SignerBridge.lend(device) { key ->
            SecretsBridge.lend(secrets) { store -> org.hexmile.ffi.Recorder(settings, key, store) }
        }
        deviceId = native.deviceId()
    }

    /**
     * The driver agrees. A trip that was under way when the app died goes on ([Event.TripResumed]);
     * what else an earlier run left unfinished is sealed.
     *
     * @throws HexmileException.Journal and [HexmileException.Signing]
     */
    public fun grantConsent(): Unit = act { it.grantConsent() }

    /**
     * The driver withdraws: recording stops at once, whatever this throws; what was open is forgotten
     * on disk, too. Without consent it is about what an earlier process left open: call it at each start
     * without the driver's consent.
     *
     * @throws HexmileException.Journal and [HexmileException.Secrets]
     */
    public fun withdrawConsent(): Unit = leave { it.withdrawConsent(); emptyList() }

    /**
     * The driver wants everything gone: withdraws, signs and keeps a request that the server erase the
     * account, and deletes every other file. After it the app may destroy the keys; delivery goes on
     * until the server has answered ([Event.Erased], [Status.erasuresWaiting]).
     *
     * @param account its key; where it is not on this phone, this device's own signs the request.
     * @throws HexmileException.Journal and [HexmileException.Secrets]
     * @throws HexmileException.Signing
     */
    public fun erase(account: Signer? = null): Unit = leave { native ->
        SignerBridge.lendAny(account) { native.erase(it, moment()) }
    }

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

    /** Places that the driver came back to, which have a zone by themselves. */
    public fun knownPlaces(): List<Place> =
        calling(closed::get) { native.knownPlaces().map { it.fromNative() } }

    /**
     * Forgets such a place, and its zone with it; it may become known again.
     *
     * @throws HexmileException.Argument
     * @throws HexmileException.Journal
     */
    public fun forgetPlace(place: Place): Unit = act { it.forgetPlace(place.toNative()); emptyList() }

    /**
     * The phone's connection, battery or settings are now these. Call it when one of them changes, and
     * when the app comes to life; what waited for them leaves.
     *
     * @throws HexmileException.Argument
     */
    public fun setConditions(conditions: Conditions): Unit =
        act { it.setConditions(conditions.toNative(), moment()) }

    /**
     * The driver wants uploads by other rules from now on.
     *
     * @throws HexmileException.Argument
     */
    public fun setUploadRules(rules: UploadRules): Unit =
        act { it.setUploadRules(rules.toNative(), moment()) }

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
     * @throws HexmileException.Secrets
     */
    public fun stopTrip(): Unit = act { it.stopTrip() }

    /**
     * The platform noticed something: where the recorder follows motion, a trip may begin or end, and
     * other [locations] may be wanted.
     *
     * @throws HexmileException.Journal and [HexmileException.Signing]
     */
    public fun hint(hint: Hint): Unit = act { it.hint(hint.toNative(), moment()) }

    /** Takes a fix. What went wrong with the disk or a key is told by delivery. */
    public fun record(fix: Fix): Recorded =
        calling(closed::get) { native.record(fix, clock.millis()) }

    /**
     * Takes fixes that came together, in the order of capture, as platforms that batch hand them out;
     * far cheaper than one by one.
     */
    public fun recordAll(fixes: List<Fix>): Batch =
        (fixes.indices step PACK).fold(Batch.NONE) { sum, from ->
            val packed = pack(fixes.subList(from, minOf(from + PACK, fixes.size)))
            sum + calling(closed::get) { batch(native.recordPacked(packed, clock.millis().toULong())) }
        }

    /**
     * Whose earnings the driver wants to see, by its key; nobody's until this is called.
     *
     * @throws HexmileException.Argument
     */
    public fun setAccount(account: Signer?): Unit = act { native ->
        SignerBridge.lendAny(account, native::setAccount)
        emptyList()
    }

    /** What became of the traces that arrived, oldest first. */
    public fun verdicts(): List<Verdict> =
        calling(closed::get) { native.verdicts().map { it.fromNative() } }

    /** What the account has earned, as the server last told in this run. */
    public fun earnings(): Earnings? = calling(closed::get) { native.earnings()?.fromNative() }

    /**
     * The H3 cells that the driver's own traces on this phone pass.
     *
     * @param resolution 10 or 11.
     * @throws HexmileException.Argument
     * @throws HexmileException.NoConsent
     */
    public fun ownCells(resolution: Int): LongArray {
        if (resolution !in 0..MAX_RESOLUTION) throw HexmileException.Argument("resolution: $resolution")
        val cells = calling(closed::get) { native.ownCells(resolution.toUByte()) }
        return LongArray(cells.size) { cells[it].toLong() }
    }

    /**
     * Writes everything of the driver's that is on this phone into a file, in place of what is there.
     *
     * @throws HexmileException.NoConsent
     * @throws HexmileException.Argument where the file cannot be written.
     */
    public fun export(format: ExportFormat, file: File): Unit =
        calling(closed::get) { native.export(format.toNative(), file.path) }

    /**
     * Waits until everything recorded is on disk.
     *
     * @throws HexmileException.Journal
     */
    public fun flush(): Unit = act { it.flush(); emptyList() }

    /**
     * Delivers until it is cancelled or the recorder is closed: seals what has grown old, uploads what
     * is due, fetches what the server has to tell, and takes its answers. One delivery at a time: a second waits for the first.
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

    internal fun locate(request: LocationRequest) {
        locationsNow.value = request
    }

    /** Asks the library for what has no effects, on a thread that may block. */
    internal suspend fun <T> asking(call: (org.hexmile.ffi.Recorder) -> T): T =
        withContext(Dispatchers.IO) {
            HostFailure.forget()
            calling(closed::get) { call(native) }
        }

    /** A call of the app's, after which there may be something to deliver. */
    private fun act(call: (org.hexmile.ffi.Recorder) -> List<Effect>) {
        carryOut(call)
        delivery.wake()
    }

    /** A call after which nothing of before may leave, whatever it throws. */
    private fun leave(call: (org.hexmile.ffi.Recorder) -> List<Effect>) = act { native ->
        try {
            call(native)
        } finally {
            delivery.forget()
        }
    }

    /** Calls the library, and hands on what it wants done. */
    private fun carryOut(call: (org.hexmile.ffi.Recorder) -> List<Effect>) = calling(closed::get) {
        synchronized(inOrder) {
            HostFailure.forget()
            try {
                delivery.take(call(native))
            } finally {
                // Also where the call failed: a withdrawal holds whatever went wrong.
                val status = native.status().fromNative()
                // Who withdrew is not followed any more; the library tells what it wants with the next consent.
                if (!status.consent) locationsNow.value = null
                statusNow.value = status
            }
        }
    }

    private companion object {
        /** H3's finest. */
        const val MAX_RESOLUTION = 15
    }
}
