package org.hexmile

import org.hexmile.ffi.Count

/**
 * What a driver may want to see.
 *
 * @property consent whether the driver has agreed.
 * @property recording whether a trip is under way.
 * @property trip the trip under way.
 * @property motion whether the phone is being driven, where the recorder follows its motion.
 * @property fixesKept fixes that joined a trace, or wait to.
 * @property fixesDropped fixes dropped, by stable code.
 * @property heldLost stretches that were held back when the app died, and are lost in whole or in part,
 *   by stable code.
 * @property placesLocked whether the key of the known places cannot be read; every fix is dropped until it can.
 * @property heldInMemory why what is held back waits in memory alone, if it does, in words.
 * @property tracesUnsealed traces to be, that wait for a delivery or for the key store.
 * @property tracesWaiting traces that wait for a receipt.
 * @property tracesReceived traces with a receipt.
 * @property tracesRefused traces refused for good, by stable code.
 * @property tracesDropped traces dropped because the journal was full or damaged.
 * @property receiptsInvalid receipts that did not verify; their traces go again.
 * @property minSdk oldest SDK that the server takes, as `major.minor.patch`, where it was told.
 * @property uploadsPaused why uploads pause, if they do; the server's stable code.
 * @property uploadsWait why the traces that wait do not leave, if something holds them up; a stable code.
 * @property uploadsWaitUntilMs until when, Unix milliseconds, where time alone ends it.
 * @property segmentsSetAside files of another device key or version found in the journal's folder.
 * @property damagedBytes bytes found in the journal that meant nothing.
 * @property bytesQueued bytes on disk of the traces that wait for a receipt.
 * @property bytesUploaded bytes handed out for upload.
 * @property erasuresWaiting requests to erase an account that the server has not answered.
 * @property journalBytes bytes on disk.
 */
public data class Status(
    val consent: Boolean = false,
    val recording: Boolean = false,
    val trip: TripStatus? = null,
    val motion: MotionState? = null,
    val fixesKept: Long = 0,
    val fixesDropped: Map<String, Long> = emptyMap(),
    val heldLost: Map<String, Long> = emptyMap(),
    val placesLocked: Boolean = false,
    val heldInMemory: String? = null,
    val tracesUnsealed: Long = 0,
    val tracesWaiting: Long = 0,
    val tracesReceived: Long = 0,
    val tracesRefused: Map<String, Long> = emptyMap(),
    val tracesDropped: Long = 0,
    val receiptsInvalid: Long = 0,
    val minSdk: String? = null,
    val uploadsPaused: String? = null,
    val uploadsWait: String? = null,
    val uploadsWaitUntilMs: Long? = null,
    val segmentsSetAside: Long = 0,
    val damagedBytes: Long = 0,
    val bytesQueued: Long = 0,
    val bytesUploaded: Long = 0,
    val erasuresWaiting: Long = 0,
    val journalBytes: Long = 0,
)

private fun counts(native: List<Count>) = native.associate { it.code to it.count.toLong() }

internal fun org.hexmile.ffi.Status.fromNative() = Status(
    consent = consent,
    recording = recording,
    trip = trip?.fromNative(),
    motion = motion?.fromNative(),
    fixesKept = fixesKept.toLong(),
    fixesDropped = counts(fixesDropped),
    heldLost = counts(heldLost),
    placesLocked = placesLocked,
    heldInMemory = heldInMemory,
    tracesUnsealed = tracesUnsealed.toLong(),
    tracesWaiting = tracesWaiting.toLong(),
    tracesReceived = tracesReceived.toLong(),
    tracesRefused = counts(tracesRefused),
    tracesDropped = tracesDropped.toLong(),
    receiptsInvalid = receiptsInvalid.toLong(),
    minSdk = minSdk,
    uploadsPaused = uploadsPaused,
    uploadsWait = uploadsWait,
    uploadsWaitUntilMs = uploadsWaitUntilMs?.toLong(),
    segmentsSetAside = segmentsSetAside.toLong(),
    damagedBytes = damagedBytes.toLong(),
    bytesQueued = bytesQueued.toLong(),
    bytesUploaded = bytesUploaded.toLong(),
    erasuresWaiting = erasuresWaiting.toLong(),
    journalBytes = journalBytes.toLong(),
)
