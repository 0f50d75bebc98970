package org.hexmile.android

import kotlinx.coroutines.channels.BufferOverflow
import kotlinx.coroutines.channels.Channel
import org.hexmile.Fix

/** Carries fixes from the thread that brings them to one that may write to disk, in their order. */
internal class Feed {
    // Minutes of fixes: a recorder that is that far behind will not catch up by the oldest.
    private val waiting = Channel<List<Fix>>(capacity = 256, onBufferOverflow = BufferOverflow.DROP_OLDEST)

    /** Takes fixes; never waits. */
    fun offer(fixes: List<Fix>) {
        if (fixes.isNotEmpty()) waiting.trySend(fixes)
    }

    /** Hands on what comes, all that waits at once, until it is cancelled. */
    suspend fun into(record: (List<Fix>) -> Unit) {
        for (first in waiting) {
            val fixes = first.toMutableList()
            while (true) fixes += waiting.tryReceive().getOrNull() ?: break
            record(fixes)
        }
    }
}
