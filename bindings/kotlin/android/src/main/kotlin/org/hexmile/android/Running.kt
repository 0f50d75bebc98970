package org.hexmile.android

import java.io.File
import java.io.IOException
import java.util.concurrent.atomic.AtomicBoolean
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.CoroutineStart
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.Job
import kotlinx.coroutines.cancel
import kotlinx.coroutines.channels.Channel
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.combine
import kotlinx.coroutines.flow.distinctUntilChanged
import kotlinx.coroutines.flow.map
import kotlinx.coroutines.flow.update
import kotlinx.coroutines.isActive
import kotlinx.coroutines.launch
import kotlinx.coroutines.withTimeoutOrNull
import org.hexmile.Event
import org.hexmile.Fix
import org.hexmile.HexmileException
import org.hexmile.LocationRequest
import org.hexmile.Recorder
import org.hexmile.RecorderConfig
import org.hexmile.Signer
import org.hexmile.Transport

/** A [Phone]'s recorder while it is open, and all that goes on around it. */
internal class Running(
    private val platform: PhonePlatform,
    private val settings: PhoneSettings,
    transport: Transport,
    private val enrolling: Enrolling,
    private val consents: Consents,
    private val device: Signer,
    predecessors: List<String>,
    private val state: MutableStateFlow<PhoneState>,
    private val scope: CoroutineScope,
    private val erased: suspend () -> Unit,
) {
    val recorder: Recorder = Recorder(
        RecorderConfig(
            journalDir = File(platform.folder, "journal"),
            network = settings.network,
            followMotion = settings.followMotion,
            serverKeys = settings.serverKeys,
            predecessors = predecessors,
        ),
        device,
        platform.secrets,
    )
    private val transport = enrolling.apart(transport)
    private val feed = Feed()
    private val finished = AtomicBoolean(false)
    private val agreed = Channel<Unit>(Channel.CONFLATED)

    @Volatile
    private var offsetMinutes: Int? = null

    /**
     * Everything begins. Where it cannot, nothing is left behind; but what is lost for good holds up the recording
     * alone, or the driver could neither decide anew nor leave.
     *
     * @param lost what is wrong with the consent.
     */
    fun start(lost: KeystoreException.Lost?) {
        try {
            consents.remember(recorder.deviceId)
            recorder.setUploadRules(settings.rules)
            watch()
            try {
                if (consents.agreed) begin()
            } catch (e: KeystoreException.Lost) {
                troubled(e)
            }
            // A process may have died between the two, or could not open it.
            if (lost == null && !consents.agreed) going(recorder::withdrawConsent)
            lost?.let(::troubled)
            enrolling.account(recorder::setAccount)
            tell { it.copy(enrolled = enrolling.isDone(recorder)) }
        } catch (@Suppress("TooGenericExceptionCaught") e: Exception) {
            stop()
            throw e
        }
        scope.launch { deliver() }
    }

    /** The driver agreed, now or before; never without the zones. */
    fun begin() {
        val privacy = consents.privacy
        val offset = utcOffsetMinutes()
        recorder.setPrivacy(consents.privacySecret(), privacy.zones, privacy.quietHours, offset)
        offsetMinutes = offset
        recorder.grantConsent()
        tell { it.copy(trouble = null) }
        agreed.trySend(Unit)
    }

    /** What the driver or the system changed since may let locations come. */
    fun resume() {
        val begun = recorder.status.value.consent && offsetMinutes == utcOffsetMinutes()
        if (consents.agreed && !begun) begin()
        locate()
        plan()
    }

    /** The server forgot the account, which is opened anew. */
    fun goOn() {
        finished.set(false)
        tell { it.copy(enrolled = false, erasing = false) }
        agreed.trySend(Unit)
    }

    fun stop() {
        scope.cancel()
        locateNothing()
        recorder.close()
    }

    /** Has the state say how things stand; after [stop], somebody else's does. */
    fun show() = tell {
        it.copy(status = recorder.status.value, opened = true, erasing = consents.erasing)
    }

    suspend fun drain(): DrainPlan? {
        enrol()
        val dueAtMs = recorder.drain(transport)
        return DrainPlan.of(recorder.status.value, settings.rules, dueAtMs, System.currentTimeMillis())
    }

    /** The job that the system keeps in mind for what waits. */
    fun plan() = platform.schedule(
        DrainPlan.of(recorder.status.value, settings.rules, null, System.currentTimeMillis()),
    )

    private fun watch() {
        // At once, and on the thread of who calls, so that nothing is missed.
        val now = Dispatchers.Unconfined
        scope.launch(now, CoroutineStart.UNDISPATCHED) { recorder.events.collect(::happened) }
        scope.launch(now, CoroutineStart.UNDISPATCHED) {
            recorder.status.collect { show() }
        }
        scope.launch(now, CoroutineStart.UNDISPATCHED) {
            platform.locations.state.collect { locations -> tell { it.copy(locations = locations) } }
        }
        scope.launch { feed.into(::record) }
        scope.launch {
            combine(recorder.locations, recorder.status.map { it.recording }, ::wanted)
                .distinctUntilChanged().collect { going(::locate) }
        }
        scope.launch {
            recorder.status.map { it.tracesUnsealed + it.tracesWaiting + it.erasuresWaiting > 0 }
                .distinctUntilChanged().collect { plan() }
        }
        scope.launch { platform.conditions.collect { going { recorder.setConditions(it) } } }
        if (settings.followMotion) {
            scope.launch { platform.hints.collect { hint -> going { if (consents.agreed) recorder.hint(hint) } } }
        }
    }

    private fun wanted(request: LocationRequest?, recording: Boolean): LocationRequest = when {
        settings.followMotion -> request ?: OFF
        recording -> MANUAL
        else -> OFF
    }

    @Synchronized
    private fun locateNothing() {
        platform.locations.request(OFF) {}
        platform.keepAlive(false)
    }

    @Synchronized
    private fun locate() {
        if (!scope.isActive) return
        val request = wanted(recorder.locations.value, recorder.status.value.recording)
        val wanted = request.intervalMs > 0
        // First: locations behind other apps are for those alone who show that they ask.
        val refusal = platform.keepAlive(wanted)
        tell { it.copy(refusal = refusal) }
        platform.locations.request(request, feed::offer)
    }

    private fun record(fixes: List<Fix>) = going {
        if (fixes.size == 1) recorder.record(fixes.single()) else recorder.recordAll(fixes)
        tell { it.copy(speedMps = fixes.last().speedMps, fixes = it.fixes + fixes.size) }
    }

    private fun happened(event: Event) {
        when (event) {
            is Event.Erased -> finish()
            is Event.ErasureRefused -> {
                going { consents.erasing = false }
                tell { it.copy(erasing = false, trouble = Trouble.Refused(event.code)) }
                agreed.trySend(Unit)
            }
            is Event.Troubled -> troubled(event.error)
            is Event.Paused -> tell { it.copy(trouble = Trouble.Refused(event.code)) }
            is Event.Delayed -> tell { it.copy(trouble = Trouble.Offline(event.why)) }
            is Event.Received -> tell { it.copy(trouble = null) }
            else -> Unit
        }
    }

    /** In a scope that outlives this one, which ends by it. */
    private fun finish() {
        if (!finished.compareAndSet(false, true)) return
        CoroutineScope(scope.coroutineContext.minusKey(Job)).launch { erased() }
    }

    private suspend fun deliver() {
        // What an earlier run left is found by the first delivery.
        if (consents.erasing) going {
            recorder.drain(transport)
            // The server's word came, and the process died before it was acted upon.
            if (consents.erasing && recorder.status.value.erasuresWaiting == 0L) finish()
        }
        scope.launch {
            while (true) {
                // What is refused or offline may change; what is recorded waits so long.
                val waitMs = if (!enrol() && consents.agreed) ENROL_AGAIN_MS else Long.MAX_VALUE
                withTimeoutOrNull(waitMs) { agreed.receive() }
            }
        }
        recorder.deliver(transport)
    }

    /** Whether the server knows this device by now, or need not. */
    private suspend fun enrol(): Boolean {
        var done = false
        going { done = enrolling.ensure(recorder, transport, platform.attestor(device), ::mayEnrol) }
        if (done) tell { if (it.enrolled) it else it.copy(enrolled = true, trouble = null) }
        return done
    }

    /** Not while the account is erased: what was signed before it was opened anew would not count any more. */
    private fun mayEnrol() = consents.agreed && !consents.erasing

    private inline fun going(call: () -> Unit) {
        try {
            call()
        } catch (_: HexmileException.Closed) {
            // Everything ends.
        } catch (e: HexmileException) {
            troubled(e)
        } catch (e: KeystoreException) {
            troubled(e)
        } catch (e: IOException) {
            troubled(e)
        }
    }

    private fun troubled(e: Exception) = tell { it.copy(trouble = trouble(e)) }

    /** What comes after [stop], even by a hair, changes nothing of somebody else's state. */
    private inline fun tell(change: (PhoneState) -> PhoneState) = state.update { if (scope.isActive) change(it) else it }

    private companion object {
        val OFF = LocationRequest(0, satellites = false)

        /** While the app itself says when a trip is. */
        val MANUAL = LocationRequest(1000, satellites = true)
        const val ENROL_AGAIN_MS = 60_000L
    }
}
