package org.hexmile.android

import kotlinx.coroutines.channels.BufferOverflow
import kotlinx.coroutines.channels.Channel
import org.hexmile.Fix
import org.hexmile.HexmileException
import org.hexmile.Recorder

/** Carries fixes from the thread that brings them to one that may write to disk, in their order. */
internal class Feed {
    // Minutes of fixes: a recorder that is that far behind will not catch up by the oldest.
    private val waiting = Channel<List<Fix>>(capacity = 256, onBufferOverflow = BufferOverflow.DROP_OLDEST)

    /** Takes fixes; never waits. */
    fun offer(fixes: List<Fix>) {
        if (fixes.isNotEmpty()) waiting.trySend(fixes)
    }

    /** Records what comes, until it is cancelled or the recorder closed; tells of each batch. */
    suspend fun into(recorder: Recorder, told: (last: Fix, count: Int) -> Unit) {
        for (first in waiting) {
            val fixes = first.toMutableList()
            while (true) fixes += waiting.tryReceive().getOrNull() ?: break
            try {
                if (fixes.size == 1) recorder.record(fixes.single()) else recorder.recordAll(fixes)
            } catch (_: HexmileException.Closed) {
                return
            }
            told(fixes.last(), fixes.size)
        }
    }
}
