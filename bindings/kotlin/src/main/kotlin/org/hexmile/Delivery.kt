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
import org.hexmile.ffi.Upload

/** Carries out what the library wants done: uploads, and calls at their time. */
internal class Delivery(private val recorder: Recorder) {
    private val one = Mutex()

    // The library hands out one upload at a time; a forgotten one comes again.
    private val upload = AtomicReference<Upload?>()
    private val wakeAtMs = AtomicReference<Long?>()
    private val calls = Channel<Unit>(Channel.CONFLATED)

    /** Takes effects in their order. */
    fun take(effects: List<Effect>) {
        for (effect in effects) {
            when (effect) {
                is Effect.Upload -> upload.getAndSet(effect.upload)?.close()
                is Effect.WakeAt -> {
                    val atMs = effect.unixMs.toLong()
                    wakeAtMs.updateAndGet { if (it == null) atMs else minOf(it, atMs) }
                }
                is Effect.Sealed -> recorder.tell(Event.Sealed(effect.trace))
                is Effect.Received ->
                    recorder.tell(Event.Received(effect.trace, effect.receivedAtMs.toLong()))
                is Effect.Refused -> recorder.tell(Event.Refused(effect.trace, effect.code))
                is Effect.Delayed -> recorder.tell(Event.Delayed(effect.why))
                is Effect.Paused -> recorder.tell(Event.Paused(effect.code, effect.untilMs.toLong()))
                is Effect.Resealed -> recorder.tell(Event.Resealed(effect.was, effect.now))
                is Effect.SetAside -> recorder.tell(Event.SetAside(effect.segments.toLong()))
            }
        }
    }

    /** Has a running delivery look again. */
    fun wake() {
        calls.trySend(Unit)
    }

    /** Lets go of an upload that nobody will send. */
    fun close() {
        upload.getAndSet(null)?.close()
        wake()
    }

    suspend fun run(transport: Transport) {
        while (true) {
            val again = try {
                drain(transport)
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

    suspend fun drain(transport: Transport): Long? = one.withLock {
        // What is called for from here on is looked at anew.
        calls.tryReceive()
        wakeAtMs.set(null)
        recorder.working { it.tick(recorder.moment()) }
        while (true) {
            val next = upload.getAndSet(null) ?: break
            next.use { send(it, transport) }
        }
        wakeAtMs.get()
    }

    private suspend fun send(upload: Upload, transport: Transport) {
        val answer = try {
            transport.post(upload.request().fromNative())
        } catch (@Suppress("TooGenericExceptionCaught") e: Exception) {
            // The recorder hears of it in any case, and does not wait for an answer that will not come.
            withContext(NonCancellable) {
                val why = if (e is CancellationException) "cancelled" else e.message ?: e.javaClass.name
                recorder.working { it.uploadFailed(why, recorder.moment()) }
            }
            // A transport's own time-out is no cancellation of the delivery.
            currentCoroutineContext().ensureActive()
            return
        }
        withContext(NonCancellable) {
            recorder.working {
                val retryAfterS = answer.retryAfterS?.coerceAtLeast(0)?.toUInt()
                it.uploaded(upload, answer.statusCode, answer.body, retryAfterS, recorder.moment())
            }
        }
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
