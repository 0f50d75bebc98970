package org.hexmile

/**
 * What a driver may want to see.
 *
 * @property consent whether the driver has agreed.
 * @property recording whether a trip is under way.
 * @property fixesKept fixes that joined a trace, or wait to.
 * @property fixesDropped fixes dropped, by stable code.
 * @property tracesWaiting traces that wait for a receipt.
 * @property tracesReceived traces with a receipt.
 * @property tracesRefused traces refused for good, by stable code.
 * @property tracesDropped traces dropped because the journal was full or damaged.
 * @property receiptsInvalid receipts that did not verify; their traces go again.
 * @property uploadsPaused why uploads pause, if they do; the server's stable code.
 * @property segmentsSetAside files of another device key or version found in the journal's folder.
 * @property damagedBytes bytes found in the journal that meant nothing.
 * @property bytesUploaded bytes handed out for upload.
 * @property journalBytes bytes on disk.
 */
public data class Status(
    val consent: Boolean = false,
    val recording: Boolean = false,
    val fixesKept: Long = 0,
    val fixesDropped: Map<String, Long> = emptyMap(),
    val tracesWaiting: Long = 0,
    val tracesReceived: Long = 0,
    val tracesRefused: Map<String, Long> = emptyMap(),
    val tracesDropped: Long = 0,
    val receiptsInvalid: Long = 0,
    val uploadsPaused: String? = null,
    val segmentsSetAside: Long = 0,
    val damagedBytes: Long = 0,
    val bytesUploaded: Long = 0,
    val journalBytes: Long = 0,
)

private fun counts(native: Map<String, ULong>) = native.mapValues { (_, n) -> n.toLong() }

internal fun org.hexmile.ffi.Status.fromNative() = Status(
    consent = consent,
    recording = recording,
    fixesKept = fixesKept.toLong(),
    fixesDropped = counts(fixesDropped),
    tracesWaiting = tracesWaiting.toLong(),
    tracesReceived = tracesReceived.toLong(),
    tracesRefused = counts(tracesRefused),
    tracesDropped = tracesDropped.toLong(),
    receiptsInvalid = receiptsInvalid.toLong(),
    uploadsPaused = uploadsPaused,
    segmentsSetAside = segmentsSetAside.toLong(),
    damagedBytes = damagedBytes.toLong(),
    bytesUploaded = bytesUploaded.toLong(),
    journalBytes = journalBytes.toLong(),
)
