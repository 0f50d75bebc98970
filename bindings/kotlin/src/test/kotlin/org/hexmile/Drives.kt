package org.hexmile

import java.io.File
import java.time.Clock
import java.time.Instant
import java.time.ZoneId
import java.time.ZoneOffset
import java.util.HexFormat
import java.util.concurrent.atomic.AtomicLong

/** A clock that tests set. */
internal class SetClock(startMs: Long = 1_700_000_000_000) : Clock() {
    private val nowMs = AtomicLong(startMs)

    override fun millis(): Long = nowMs.get()
    override fun instant(): Instant = Instant.ofEpochMilli(millis())
    override fun getZone(): ZoneId = ZoneOffset.UTC
    override fun withZone(zone: ZoneId?): Clock = this

    fun advance(ms: Long) {
        nowMs.addAndGet(ms)
    }

    fun set(ms: Long) = nowMs.set(ms)
}

/**
 * Northwards at 20 m/s along a meridian, one fix a second, with the small unrest of a real receiver, which
 * differs from driver to driver.
 */
internal fun fix(timeMs: Long, second: Int, driver: Int = 0, longitudeDeg: Double = 20.0): Fix {
    val unrest = second + driver * 3
    return Fix(
        timeMs = timeMs,
        latitudeDeg = 10.0 + (second * 20.0 + unrest * 7 % 5 * 0.3) / 111_195.0,
        longitudeDeg = longitudeDeg + unrest * 11 % 7 * 2e-6,
        accuracyM = 4.0,
        speedMps = 20.0 + unrest * 13 % 9 * 0.05,
        courseDeg = unrest * 17 % 5 * 0.2,
        altitudeM = 100.0 + unrest * 3 % 4 * 0.2,
        provider = FixProvider.GNSS,
    )
}

/** Drives through these seconds of the road; what became of each fix. */
internal fun Recorder.drive(
    clock: SetClock,
    seconds: IntRange,
    driver: Int = 0,
    longitudeDeg: Double = 20.0,
): List<Recorded> = seconds.map {
    clock.advance(1000)
    record(fix(clock.millis(), it, driver, longitudeDeg))
}

/** Drives for so many seconds of the clock, from the road's beginning. */
internal fun Recorder.drive(clock: SetClock, seconds: Int): List<Recorded> = drive(clock, 0 until seconds)

internal fun seed(byte: Int) = ByteArray(32) { byte.toByte() }

internal fun recorder(
    dir: File,
    clock: Clock = SetClock(),
    device: Signer = SoftwareSigner(seed(5)),
    network: String = "test",
    serverKeys: List<ByteArray> = emptyList(),
    secrets: SecretStore = FolderSecrets(File(dir, "keys")),
    followMotion: Boolean = false,
    predecessors: List<String> = emptyList(),
) = Recorder(
    RecorderConfig(
        File(dir, "journal"), network, live = false, followMotion = followMotion,
        serverKeys = serverKeys, predecessors = predecessors,
    ),
    device, secrets, clock,
)

/** A server that has nothing to tell, and answers uploads like this. */
internal fun uploads(answer: (ByteArray) -> Answer) = Transport { request ->
    request.body?.let(answer) ?: Answer(404, ByteArray(0))
}

internal val hex: HexFormat = HexFormat.of()

/** Signed traces of an upload, as FORMAT.md lays them out: payload length, payload, signature. */
internal fun signedTraces(body: ByteArray): List<Pair<ByteArray, ByteArray>> {
    val bytes = java.nio.ByteBuffer.wrap(body).order(java.nio.ByteOrder.LITTLE_ENDIAN)
    return buildList {
        while (bytes.hasRemaining()) {
            val payload = ByteArray(bytes.getInt()).also(bytes::get)
            add(payload to ByteArray(64).also(bytes::get))
        }
    }
}

private fun sha256(vararg parts: ByteArray): ByteArray =
    java.security.MessageDigest.getInstance("SHA-256").apply { parts.forEach(::update) }.digest()

/** The tag of traces; a zero byte ends it. */
internal val TRACE_TAG = "hexmile/trace/v1\u0000".toByteArray()

/** The id of a trace with this payload. */
internal fun traceId(payload: ByteArray): String = hex.formatHex(sha256(TRACE_ID_TAG, payload))

private val TRACE_ID_TAG = "hexmile/trace-id/v1\u0000".toByteArray()

/** Java's own Ed25519 on a signature by a raw public key. */
internal fun verifies(key: ByteArray, message: ByteArray, signature: ByteArray): Boolean {
    // RFC 8410: a raw key behind the header of its algorithm.
    val encoded = hex.parseHex("302a300506032b6570032100") + key
    val factory = java.security.KeyFactory.getInstance("Ed25519")
    val public = factory.generatePublic(java.security.spec.X509EncodedKeySpec(encoded))
    return java.security.Signature.getInstance("Ed25519").run {
        initVerify(public)
        update(message)
        verify(signature)
    }
}
