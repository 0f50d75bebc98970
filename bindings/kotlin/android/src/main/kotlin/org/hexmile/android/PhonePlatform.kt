package org.hexmile.android

import java.io.File
import kotlinx.coroutines.flow.Flow
import org.hexmile.Attestor
import org.hexmile.Conditions
import org.hexmile.Hint
import org.hexmile.SecretStore
import org.hexmile.Signer

/** What a [Phone] needs of the system that it runs on; [AndroidPlatform] is Android's. */
public interface PhonePlatform {
    /** A folder of the phone's own, out of backups. */
    public val folder: File

    /** Where trips' keys are kept. */
    public val secrets: SecretStore

    /** Where consent, zones and the account's key are kept. */
    public val values: Values

    /** Where fixes come from. */
    public val locations: LocationSource

    /** The connection, the battery and the settings of the phone, and each change of them. */
    public val conditions: Flow<Conditions>

    /** What the phone's sensors notice while somebody collects. */
    public val hints: Flow<Hint>

    /**
     * The device's key; a new one where there is none.
     *
     * @throws KeystoreException
     */
    public fun deviceKey(): Signer

    /**
     * Destroys the device's key for good.
     *
     * @throws KeystoreException
     */
    public fun destroyDeviceKey()

    /** Has the system attest the device's key; `null` where it cannot. */
    public fun attestor(device: Signer): Attestor?

    /**
     * Keeps the process alive while locations are wanted, and shows the driver so; or lets it go.
     * What is in the way; `null` where nothing is.
     */
    public fun keepAlive(wanted: Boolean): Refusal?

    /** Has [Phone.drain] called some time; `null`: not any more. */
    public fun schedule(plan: DrainPlan?)
}

/** Why the system does not let a trip go on behind other apps. */
public enum class Refusal {
    /** It was begun while the app was not visible. */
    IN_BACKGROUND,

    /** The driver allows no location, or none while the app is not visible. */
    NO_PERMISSION,

    /** Something else, which the system does not tell. */
    OTHER,
}
