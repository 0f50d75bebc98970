package org.hexmile

import java.util.concurrent.atomic.AtomicReference
import kotlinx.coroutines.CancellationException
import kotlinx.coroutines.NonCancellable
import kotlinx.coroutines.channels.Channel
import kotlinx.coroutines.currentCoroutineContext
import kotlinx.coroutines.ensureActive
import kotlinx.coroutines.sync.Mutex
import kotlinx.coroutines.sync.withLock
import kotlinx.coroutines.withContext
import kotlinx.coroutines.withTimeoutOrNull
import org.hexmile.ffi.Effect

/** Carries out what the library wants done: requests, and calls at their time. */
internal class Delivery(private val recorder: Recorder) {
    private val one = Mutex()
    private val errands = Errands()
    private val wakeAtMs = AtomicReference<Long?>()
    private val calls = Channel<Unit>(Channel.CONFLATED)

    /** Takes effects in their order. */
    fun take(effects: List<Effect>) {
        for (effect in effects) {
            when (effect) {
                is Effect.Upload -> errands.add(Errand.Uploading(effect.upload))
                is Effect.Erase -> errands.add(Errand.Erasing(effect.request))
                is Effect.Inquire -> errands.add(Errand.Inquiring(effect.inquiry))
                is Effect.FetchPolicy -> errands.add(Errand.FetchingPolicy(effect.path))
                is Effect.Locate -> recorder.locate(effect.request.fromNative())
                is Effect.WakeAt -> {
                    val atMs = effect.unixMs.toLong()
                    wakeAtMs.updateAndGet { if (it == null) atMs else minOf(it, atMs) }
                }
                else -> recorder.tell(event(effect))
            }
        }
    }

    private fun event(effect: Effect): Event = when (effect) {
        is Effect.Sealed -> Event.Sealed(effect.trace)
        is Effect.Received -> Event.Received(effect.trace, effect.receivedAtMs.toLong())
        is Effect.Refused -> Event.Refused(effect.trace, effect.code)
        is Effect.Judged -> Event.Judged(effect.verdict.fromNative())
        is Effect.Earned -> Event.Earned
        is Effect.Delayed -> Event.Delayed(effect.why)
        is Effect.Paused -> Event.Paused(effect.code, effect.untilMs.toLong())
        is Effect.Resealed -> Event.Resealed(effect.was, effect.now)
        is Effect.Erased -> Event.Erased
        is Effect.ErasureRefused -> Event.ErasureRefused(effect.code)
        is Effect.PlaceFound -> Event.PlaceFound(effect.place.fromNative())
        is Effect.PlacesLost -> Event.PlacesLost
        is Effect.TripResumed -> Event.TripResumed(effect.trip)
        is Effect.HeldLost -> Event.HeldLost(effect.reason)
        is Effect.HeldInMemory -> Event.HeldInMemory(effect.why)
        is Effect.SetAside -> Event.SetAside(effect.segments.toLong())
        is Effect.Upload, is Effect.Erase, is Effect.Inquire, is Effect.FetchPolicy, is Effect.Locate,
        is Effect.WakeAt -> error("$effect is to be done, not told")
    }

    /** Has a running delivery look again. */
    fun wake() {
        calls.trySend(Unit)
    }

    /** Forgets what was not begun to be sent, but for the driver's wish to be erased. */
    fun forget() = errands.forget()

    /** Lets go of what nobody will send. */
    fun close() {
        errands.clear()
        wake()
    }

    suspend fun run(transport: Transport) {
        while (true) {
            val again = try {
                once(transport)
            } catch (_: HexmileException.Closed) {
                return
            } catch (e: HexmileException) {
                recorder.tell(Event.Troubled(e))
                recorder.nowMs() + TROUBLED_MS
            }
            val recording = recorder.status.value.recording
            val mostMs = if (recording) TICK_MS else MOST_MS
            val waitMs = again?.let { (it - recorder.nowMs()).coerceIn(LEAST_MS, mostMs) } ?: mostMs
            withTimeoutOrNull(waitMs) { calls.receive() }
        }
    }

    /** All that is due, for a job that comes rarely: what is sealed first leaves with it, too. */
    suspend fun drain(transport: Transport): Long? {
        val again = once(transport)
        val status = recorder.status.value
        if (status.tracesUnsealed + status.tracesWaiting == 0L) return again
        // Traces leave once they are on disk.
        recorder.working { it.flush(); emptyList() }
        return once(transport)
    }

    private suspend fun once(transport: Transport): Long? = one.withLock {
        // What is called for from here on is looked at anew.
        calls.tryReceive()
        wakeAtMs.set(null)
        recorder.working { it.tick(recorder.moment()) }
        while (true) {
            val errand = errands.take() ?: break
            try {
                send(errand, transport)
            } finally {
                errand.close()
            }
        }
        wakeAtMs.get()
    }

    private suspend fun send(errand: Errand, transport: Transport) {
        val answer = try {
            transport.send(errand.request())
        } catch (@Suppress("TooGenericExceptionCaught") e: Exception) {
            // The recorder hears of it in any case, and does not wait for an answer that will not come.
            withContext(NonCancellable) {
                val why = if (e is CancellationException) "cancelled" else e.message ?: e.javaClass.name
                recorder.working { errand.failed(it, why, recorder) }
            }
            // A transport's own time-out is no cancellation of the delivery.
            currentCoroutineContext().ensureActive()
            return
        }
        withContext(NonCancellable) { recorder.working { errand.answered(it, answer, recorder) } }
    }

    private companion object {
        /** How often the library is asked while a trip is under way. */
        const val TICK_MS = 5_000L

        /** How long a delivery rests after an error of the disk or of the key. */
        const val TROUBLED_MS = 30_000L
        const val LEAST_MS = 100L

        /** The phone's clock may be set meanwhile. */
        const val MOST_MS = 600_000L
    }
}
