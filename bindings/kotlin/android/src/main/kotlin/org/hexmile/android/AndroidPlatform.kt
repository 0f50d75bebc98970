package org.hexmile.android

import android.content.Context
import java.io.File
import kotlinx.coroutines.flow.Flow
import org.hexmile.Attestor
import org.hexmile.Conditions
import org.hexmile.Hint
import org.hexmile.SecretStore
import org.hexmile.Signer

/**
 * Android, without anything of Google's.
 *
 * @param context any of the app's.
 * @param locations Android's own, or those of Play services.
 */
public class AndroidPlatform(
    context: Context,
    override val locations: LocationSource = SystemLocations(context.applicationContext),
) : PhonePlatform {
    private val app = context.applicationContext

    override val folder: File = File(app.noBackupFilesDir, "hexmile")

    override val secrets: SecretStore = KeystoreSecrets(app)

    override val values: Values = SealedFiles(File(folder, "values"), "hexmile.value.", unlocked(app))

    override val conditions: Flow<Conditions> = conditions(app)

    override val hints: Flow<Hint> = hints(app)

    override fun deviceKey(): Signer = KeystoreSigner.open(app)

    override fun destroyDeviceKey(): Unit = KeystoreSigner.destroy()

    override fun attestor(device: Signer): Attestor? =
        (device as? KeystoreSigner)?.let { KeystoreAttestor(app, it) }

    override fun keepAlive(wanted: Boolean): Refusal? = DriveService.keepAlive(app, wanted)

    override fun schedule(plan: DrainPlan?): Unit = DrainJob.schedule(app, plan)
}
