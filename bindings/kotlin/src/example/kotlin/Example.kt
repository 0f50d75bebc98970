import java.io.File
import java.net.URI
import kotlinx.coroutines.coroutineScope
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.first
import kotlinx.coroutines.launch
import org.hexmile.Fix
import org.hexmile.FolderSecrets
import org.hexmile.HttpTransport
import org.hexmile.Recorder
import org.hexmile.RecorderConfig
import org.hexmile.SoftwareSigner
import org.hexmile.enrol

/** Records one trip, and delivers it until every trace has its receipt. */
suspend fun contribute(server: URI, network: String, folder: File, seed: ByteArray, trip: Flow<Fix>) {
    val http = HttpTransport(server)
    val key = SoftwareSigner(seed) // or the platform's key store, behind `Signer`
    val secrets = FolderSecrets(File(folder, "keys")) // or the platform's, behind `SecretStore`
    Recorder(RecorderConfig(File(folder, "journal"), network), device = key, secrets).use { recorder ->
        recorder.enrol(account = key, transport = http) // once; harmless when repeated
        recorder.grantConsent() // when the driver has agreed
        coroutineScope {
            val delivery = launch { recorder.deliver(http) }
            recorder.startTrip()
            trip.collect { fix -> recorder.record(fix) }
            recorder.stopTrip()
            recorder.status.first { it.tracesUnsealed + it.tracesWaiting == 0L } // what an app shows
            delivery.cancel()
        }
    }
}
