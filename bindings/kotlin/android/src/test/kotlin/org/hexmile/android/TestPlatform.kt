package org.hexmile.android

import java.io.File
import java.util.concurrent.ConcurrentHashMap
import kotlinx.coroutines.flow.MutableSharedFlow
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.update
import org.hexmile.Attestor
import org.hexmile.Conditions
import org.hexmile.Connection
import org.hexmile.Fix
import org.hexmile.FixProvider
import org.hexmile.FolderSecrets
import org.hexmile.Hint
import org.hexmile.LocationRequest
import org.hexmile.Signer

/** Values in files, as they are. */
internal class PlainValues(private val dir: File) : Values {
    /** What reading a name throws. */
    val failures = ConcurrentHashMap<String, KeystoreException>()

    /** What happens between a name being read and the caller having it. */
    @Volatile
    var read: (name: String) -> Unit = {}

    /** What happens before a name is written. */
    @Volatile
    var writing: (name: String) -> Unit = {}

    override fun get(name: String): ByteArray? {
        failures[name]?.let { throw it }
        return File(dir, name).takeIf(File::isFile)?.readBytes().also { read(name) }
    }

    override fun put(name: String, value: ByteArray) {
        writing(name)
        dir.mkdirs()
        File(dir, name).writeBytes(value)
        failures.remove(name)
    }

    override fun remove(name: String) {
        File(dir, name).delete()
        failures.remove(name)
    }
}

/** A receiver that a test holds in its hands. */
internal class TestLocations : LocationSource {
    override val state = MutableStateFlow<LocationState>(LocationState.Off)
    val requests = MutableStateFlow<List<LocationRequest>>(emptyList())

    @Volatile
    var sink: (List<Fix>) -> Unit = {}

    override fun request(request: LocationRequest, sink: (List<Fix>) -> Unit) {
        this.sink = sink
        requests.update { it + request }
        state.value = if (request.intervalMs > 0) LocationState.On("gps") else LocationState.Off
    }
}

/** A system as a test wants it; its keys are the Keystore's interface over memory. */
internal class TestPlatform(dir: File) : PhonePlatform {
    override val folder = File(dir, "phone")
    override val secrets = FolderSecrets(File(folder, "secrets"))
    override val values = PlainValues(File(folder, "values"))
    override val locations = TestLocations()
    override val conditions = MutableStateFlow(Conditions(Connection.WIFI, charging = true))
    override val hints = MutableSharedFlow<Hint>(extraBufferCapacity = 16)
    val plans = MutableStateFlow<List<DrainPlan?>>(emptyList())
    val alive = MutableStateFlow<List<Boolean>>(emptyList())

    @Volatile
    var refusal: Refusal? = null

    /** What the device's key throws until it is destroyed. */
    @Volatile
    var keyFailure: KeystoreException? = null

    override fun deviceKey(): Signer {
        keyFailure?.let { throw it }
        return KeystoreSigner.open("device", strongBox = false, sdk = 35)
    }

    /** What destroying it throws. */
    @Volatile
    var destroyFailure: KeystoreException? = null

    override fun destroyDeviceKey() {
        destroyFailure?.let { throw it }
        keyFailure = null
        KeystoreSigner.keys().deleteEntry("device")
    }

    override fun attestor(device: Signer): Attestor = KeystoreAttestor(device as KeystoreSigner, false, 35)

    override fun keepAlive(wanted: Boolean): Refusal? {
        alive.update { it + wanted }
        return refusal.takeIf { wanted }
    }

    override fun schedule(plan: DrainPlan?) {
        plans.update { it + plan }
    }
}

/** Northwards at 20 m/s, one fix a second. */
internal fun fix(timeMs: Long, second: Int) = Fix(
    timeMs = timeMs,
    latitudeDeg = 10.0 + (second * 20.0 + second * 7 % 5 * 0.3) / 111_195.0,
    longitudeDeg = 20.0 + second * 11 % 7 * 2e-6,
    accuracyM = 4.0,
    speedMps = 20.0 + second * 13 % 9 * 0.05,
    courseDeg = second * 17 % 5 * 0.2,
    altitudeM = 100.0 + second * 3 % 4 * 0.2,
    provider = FixProvider.GNSS,
)
