package org.hexmile.android

import java.io.File
import kotlin.coroutines.CoroutineContext
import kotlin.coroutines.EmptyCoroutineContext
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.CoroutineExceptionHandler
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.NonCancellable
import kotlinx.coroutines.SupervisorJob
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asStateFlow
import kotlinx.coroutines.flow.update
import kotlinx.coroutines.sync.Mutex
import kotlinx.coroutines.sync.withLock
import kotlinx.coroutines.withContext
import org.hexmile.ExportFormat
import org.hexmile.HexmileException
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

    // Opened and closed under [one], and all is decided under it: what comes last holds, on disk and in the recorder.
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
    public suspend fun wake(): Unit = unattended { alone { opened().resume() } }

    /** The driver agrees to recording. The account is opened at the server when it can be reached. */
    public suspend fun agree(): Unit = alone {
        val running = opened()
        // On disk before anything is recorded under it, and the zones with it.
        consents.anySecret()
        enrolling.begin()
        consents.agreed = true
        running.begin()
    }

    /** The driver withdraws: recording stops at once, whatever this throws, whether somebody waits for it or not. */
    public suspend fun withdraw(): Unit = alone(NonCancellable) {
        try {
            // Before anything is opened: what cannot be opened now must not record later.
            consents.agreed = false
        } finally {
            opened().recorder.withdrawConsent()
        }
    }

    /** A trip begins; [PhoneState.refusal] tells if it would end with the app out of sight. */
    public suspend fun startTrip(): Unit = alone {
        opened().run {
            recorder.startTrip()
            resume()
        }
    }

    /** The trip ends, whether somebody waits for it or not. */
    public suspend fun stopTrip(): Unit = use(NonCancellable) { it.recorder.stopTrip() }

    /** The platform noticed something, at a time at which nobody may have asked for it. */
    public suspend fun hint(hint: Hint): Unit = use {
        if (settings.followMotion && consents.agreed) it.recorder.hint(hint)
    }

    /** The places and hours of which nothing leaves the phone. */
    public suspend fun privacy(): Privacy = withContext(Dispatchers.IO) { consents.privacy }

    /** Sets them, in place of those before; from now on, and after each start. */
    public suspend fun setPrivacy(privacy: Privacy): Unit = alone {
        val recorder = opened().recorder
        // The recorder first: what it does not take is not kept.
        recorder.setPrivacy(consents.anySecret(), privacy.zones, privacy.quietHours, utcOffsetMinutes())
        consents.privacy = privacy
        // Zones that could not be read held everything up.
        if (!recorder.status.value.consent) opened().resume()
    }

    /** What the driver writes down, so that the account outlives this phone. */
    public suspend fun recoveryCode(): RecoveryCode = withContext(Dispatchers.IO) { enrolling.code() }

    /** Delivers what is due now; the job for what is left, `null` where nothing is. */
    public suspend fun drain(): DrainPlan? = use { it.drain() }

    /** Everything of the driver's that the server holds, as JSON. */
    public suspend fun exportFromServer(): ByteArray = use { running ->
        val account = enrolling.signer()
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
     * whoever agrees again is somebody else. Who agrees before goes on with the same keys, and the account is
     * opened anew. It is done whether somebody waits for it or not.
     */
    public suspend fun erase(): Unit = alone(NonCancellable) {
        // Before anything is opened, as in a withdrawal.
        consents.agreed = false
        val running = opened()
        enrolling.account { running.recorder.erase(it) }
        // After it: who dies in between is still erased, since the request is on disk.
        consents.erasing = true
        running.plan()
    }

    /** Asks the recorder itself, on a thread that may block. It must not be closed, nor kept. */
    public suspend fun <T> ask(call: suspend (Recorder) -> T): T = use { call(it.recorder) }

    /** The service could not come to the front, or could: [PhoneState.refusal]. */
    public fun refused(refusal: Refusal?): Unit = stateNow.update { it.copy(refusal = refusal) }

    /** Lets go of everything, once what is recorded is on disk. Every later call throws. Nobody has to wait for it. */
    public suspend fun close(): Unit = withContext(Dispatchers.IO + NonCancellable) {
        one.withLock {
            closed = true
            shut()
        }
    }

    /** What may take its time, with a recorder that may be closed meanwhile. */
    private suspend fun <T> use(how: CoroutineContext = EmptyCoroutineContext, call: suspend (Running) -> T): T =
        withContext(Dispatchers.IO + how) {
            val running = one.withLock { opened() }
            try {
                call(running)
            } finally {
                // Who called sees what came of it.
                running.show()
            }
        }

    /** What is short, and must be undone by nothing that goes on at the same time. */
    private suspend fun alone(how: CoroutineContext = EmptyCoroutineContext, call: () -> Unit): Unit =
        withContext(Dispatchers.IO + how) {
            one.withLock {
                if (closed) throw PhoneClosedException()
                try {
                    call()
                } finally {
                    running?.show()
                }
            }
        }

    /** Under [one]. */
    private fun opened(): Running {
        if (closed) throw PhoneClosedException()
        return running ?: open().also { running = it }
    }

    private fun open(): Running {
        val lost = consents.lost()
        val (device, predecessors) = consents.device(platform)
        val running = Running(
            platform, settings, transport, enrolling, consents, device, predecessors, stateNow,
            CoroutineScope(SupervisorJob() + Dispatchers.IO + defects), ::erased,
        )
        running.start(lost)
        return running
    }

    /** The server holds nothing any more: nor does the phone. */
    internal suspend fun erased(): Unit = unattended {
        withContext(Dispatchers.IO) {
            one.withLock {
                when {
                    // The flag is still there: who opens it next finishes, and nobody who is in its place is harmed.
                    closed -> Unit
                    consents.agreed -> goOn()
                    else -> forget()
                }
            }
        }
    }

    /** The driver agreed again before the server had confirmed it. */
    private fun goOn() {
        enrolling.again()
        consents.erasing = false
        running?.goOn()
    }

    private fun forget() {
        shut()
        enrolling.forget()
        platform.destroyDeviceKey()
        // Last: what fails is done by whoever finds the flag that says so.
        consents.forget()
        stateNow.value = PhoneState()
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
        } catch (_: HexmileException.Closed) {
            // So is another recorder, or nobody's any more.
        } catch (@Suppress("TooGenericExceptionCaught") e: Exception) {
            stateNow.update { it.copy(trouble = trouble(e)) }
        }
    }
}

/** The [Phone] was closed: another server was set. */
public class PhoneClosedException internal constructor() : IllegalStateException("the phone was closed")
