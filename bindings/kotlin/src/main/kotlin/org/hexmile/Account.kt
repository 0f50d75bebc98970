package org.hexmile

/**
 * An account as the server knows it.
 *
 * @property accountId which, hexadecimal.
 * @property openedAtMs Unix milliseconds.
 * @property devices those that were signed out included.
 */
public data class AccountOverview(
    val accountId: String,
    val openedAtMs: Long,
    val devices: List<KnownDevice>,
)

/**
 * A device of an account.
 *
 * @property deviceId which, hexadecimal.
 * @property addedAtMs Unix milliseconds.
 * @property revokedAtMs when it was signed out, Unix milliseconds.
 */
public data class KnownDevice(val deviceId: String, val addedAtMs: Long, val revokedAtMs: Long?)

/**
 * The account and its devices.
 *
 * @param account its key; where it is not on this phone, this device's own signs the question.
 * @throws HexmileException.Refused and [HexmileException.UnexpectedAnswer]
 * @throws HexmileException.Signing
 * @throws java.io.IOException where [transport] gets no answer.
 */
public suspend fun Recorder.overview(transport: Transport, account: Signer? = null): AccountOverview {
    val request = asking { native ->
        SignerBridge.lendAny(account) { native.overviewRequest(it, nowMs().toULong()) }
    }
    val answer = answered { transport.send(request.fromNative()) }
    val overview = asking { it.overview(answer.statusCode, answer.body) }
    return AccountOverview(
        overview.accountId, overview.openedAtMs.toLong(), overview.devices.map { it.fromNative() },
    )
}

/**
 * Signs a device out for ever. The account's key signs any out, this device's own only itself.
 *
 * @param deviceId which, hexadecimal.
 * @throws HexmileException.Argument where that is no id.
 * @throws HexmileException.Refused and [HexmileException.UnexpectedAnswer]
 * @throws HexmileException.Signing
 * @throws java.io.IOException where [transport] gets no answer.
 */
public suspend fun Recorder.signOut(
    deviceId: String,
    transport: Transport,
    account: Signer? = null,
): KnownDevice {
    val request = asking { native ->
        SignerBridge.lendAny(account) { native.signOutRequest(it, deviceId, nowMs().toULong()) }
    }
    val answer = answered { transport.send(request.fromNative()) }
    return asking { it.signedOut(answer.statusCode, answer.body) }.fromNative()
}

/**
 * Everything that the server holds of the account, as JSON. What is on this phone is in
 * [Recorder.export].
 *
 * @param account its key; where it is not on this phone, this device's own signs the request.
 * @throws HexmileException.Refused and [HexmileException.UnexpectedAnswer]
 * @throws HexmileException.Signing
 * @throws java.io.IOException where [transport] gets no answer.
 */
public suspend fun Recorder.exportFromServer(transport: Transport, account: Signer? = null): ByteArray {
    val request = asking { native ->
        SignerBridge.lendAny(account) { native.exportRequest(it, nowMs().toULong()) }
    }
    val answer = answered { transport.send(request.fromNative()) }
    // The library reads refusals of every kind alike; of a success it wants no more than JSON.
    asking { it.deviceAdded(answer.statusCode, answer.body) }
    return answer.body
}

private fun org.hexmile.ffi.KnownDevice.fromNative() =
    KnownDevice(deviceId, addedAtMs.toLong(), revokedAtMs?.toLong())
