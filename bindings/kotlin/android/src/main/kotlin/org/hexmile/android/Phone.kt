package org.hexmile.android

import java.io.File
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CoroutineExceptionHandler
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asStateFlow
import kotlinx.coroutines.flow.update
import kotlinx.coroutines.sync.Mutex
import kotlinx.coroutines.sync.withLock
import kotlinx.coroutines.withContext
import org.hexmile.ExportFormat
import org.hexmile.Hint
import org.hexmile.HttpTransport
import org.hexmile.Recorder
import org.hexmile.RecoveryCode
import org.hexmile.Transport
import org.hexmile.exportFromServer

/**
 * All of Hexmile on this phone, for one server: the recorder and its keys, the consent and the zones, the
 * locations, the delivery. An app has one for as long as its process lives; its screens, the service and
 * the jobs all call it, from any thread.
 *
 * What is called for the driver throws what stands in the way: a [org.hexmile.HexmileException], or a
 * [KeystoreException]. What goes wrong by itself is in [state].
 *
 * @param transport carries requests to the server.
 */
public class Phone(
    private val platform: PhonePlatform,
    private val settings: PhoneSettings,
    private val transport: Transport = HttpTransport(settings.server),
) {
    private val values = platform.values
    private val enrolling = Enrolling(values)
    private val consents = Consents(values)
    private val stateNow = MutableStateFlow(PhoneState())
    private val one = Mutex()

    // One open and one close at a time, under [one].
    private var running: Running? = null
    private var closed = false

    /** What nobody foresaw must not end the app. */
    private val defects = CoroutineExceptionHandler { _, e ->
        stateNow.update { it.copy(trouble = Trouble.Unexpected(e)) }
    }

    /** What an app shows. */
    public val state: StateFlow<PhoneState> = stateNow.asStateFlow()

    /**
     * Brings everything to where it was before the process ended: a trip under way goes on, what waits
     * is delivered. The services, jobs and receivers of this package call it; so does the app when it
     * comes to the front, and when the driver changed a permission.
     */
    public suspend fun wake(): Unit = unattended { use { it.resume() } }

    /** The driver agrees to recording. The account is opened at the server when it can be reached. */
    public suspend fun agree(): Unit = use {
        // On disk before anything is recorded under it, and the zones with it.
        consents.privacySecret()
        enrolling.code()
        consents.agreed = true
        it.begin()
    }

    /** The driver withdraws: recording stops at once, whatever this throws. */
    public suspend fun withdraw(): Unit = use {
        try {
            consents.agreed = false
        } finally {
            it.recorder.withdrawConsent()
        }
    }

    /** A trip begins; [PhoneState.refusal] tells if it would end with the app out of sight. */
    public suspend fun startTrip(): Unit = use {
        it.recorder.startTrip()
        it.resume()
    }

    /** The trip ends. */
    public suspend fun stopTrip(): Unit = use { it.recorder.stopTrip() }

    /** The platform noticed something, at a time at which nobody may have asked for it. */
    public suspend fun hint(hint: Hint): Unit = use {
        if (settings.followMotion && consents.agreed) it.recorder.hint(hint)
    }

    /** The places and hours of which nothing leaves the phone. */
    public suspend fun privacy(): Privacy = withContext(Dispatchers.IO) { consents.privacy }

    /** Sets them, in place of those before; from now on, and after each start. */
    public suspend fun setPrivacy(privacy: Privacy): Unit = use {
        // The recorder first: what it does not take is not kept.
        it.recorder.setPrivacy(consents.privacySecret(), privacy.zones, privacy.quietHours, utcOffsetMinutes())
        consents.privacy = privacy
    }

    /** What the driver writes down, so that the account outlives this phone. */
    public suspend fun recoveryCode(): RecoveryCode = withContext(Dispatchers.IO) { enrolling.code() }

    /** Delivers what is due now; the job for what is left, `null` where nothing is. */
    public suspend fun drain(): DrainPlan? = use { it.drain() }

    /** Everything of the driver's that the server holds, as JSON. */
    public suspend fun exportFromServer(): ByteArray = use { running ->
        val account = enrolling.known()?.accountSigner()
        try {
            running.recorder.exportFromServer(transport, account)
        } finally {
            account?.close()
        }
    }

    /** Writes everything of the driver's that is on this phone into a file. */
    public suspend fun export(format: ExportFormat, file: File): Unit = use { it.recorder.export(format, file) }

    /**
     * The driver wants everything gone, here and at the server: recording stops at once, and
     * [PhoneState.erasing] holds until the server has confirmed it. Then the keys are destroyed too, and
     * whoever agrees again is somebody else.
     */
    public suspend fun erase(): Unit = use { running ->
        consents.agreed = false
        enrolling.account { running.recorder.erase(it) }
        // After it: who dies in between is still erased, since the request is on disk. Where the server has
        // confirmed it already, who agrees next must not be erased too.
        one.withLock { if (running === this.running) consents.erasing = true }
        running.plan()
    }

    /** Asks the recorder itself, on a thread that may block. It must not be closed, nor kept. */
    public suspend fun <T> ask(call: suspend (Recorder) -> T): T = use { call(it.recorder) }

    /** The service could not come to the front, or could: [PhoneState.refusal]. */
    public fun refused(refusal: Refusal?): Unit = stateNow.update { it.copy(refusal = refusal) }

    /** Lets go of everything, once what is recorded is on disk. Every later call throws. */
    public suspend fun close(): Unit = withContext(Dispatchers.IO) {
        one.withLock {
            closed = true
            shut()
        }
    }

    private suspend fun <T> use(call: suspend (Running) -> T): T = withContext(Dispatchers.IO) {
        val running = one.withLock {
            if (closed) throw PhoneClosedException()
            running ?: open().also { running = it }
        }
        try {
            call(running)
        } finally {
            // Who called sees what came of it.
            running.show()
        }
    }

    private suspend fun open(): Running {
        val (device, predecessors) = consents.device(platform)
        val running = Running(
            platform, settings, transport, enrolling, consents, device, predecessors, stateNow,
            CoroutineScope(SupervisorJob() + Dispatchers.IO + defects), { unattended(::erased) },
        )
        running.start()
        return running
    }

    /** The server holds nothing any more: nor does the phone. */
    private suspend fun erased(): Unit = withContext(Dispatchers.IO) {
        one.withLock {
            shut()
            enrolling.forget()
            consents.forget()
            platform.destroyDeviceKey()
            stateNow.value = PhoneState()
        }
    }

    private fun shut() {
        val was = running
        running = null
        was?.stop()
    }

    /** Does what nobody waits for: what goes wrong is told by [state], and ends no service and no app. */
    internal suspend fun unattended(call: suspend () -> Unit) {
        try {
            call()
        } catch (e: CancellationException) {
            throw e
        } catch (_: PhoneClosedException) {
            // Another one is in its place.
        } catch (@Suppress("TooGenericExceptionCaught") e: Exception) {
            stateNow.update { it.copy(trouble = trouble(e)) }
        }
    }
}

/** The [Phone] was closed: another server was set. */
public class PhoneClosedException internal constructor() : IllegalStateException("the phone was closed")
