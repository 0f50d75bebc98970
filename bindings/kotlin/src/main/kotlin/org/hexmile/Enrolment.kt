package org.hexmile

/** What a platform says of the device's key. */
public class Attestation(
    /** Name of its format, such as `android-key`. */
    public val format: String,
    /** Its bytes as the platform gave them, at most 8192. */
    public val bytes: ByteArray,
)

/** Has the platform attest the device's key. */
public fun interface Attestor {
    /** The attestation over a challenge of 32 bytes; `null` where the platform has none to give. */
    public suspend fun attest(challenge: ByteArray): Attestation?
}

/**
 * Lets one more device join an account.
 *
 * @property text what to show, as text or as a QR code.
 * @property expiresAtMs until when it serves, Unix milliseconds by the server's clock.
 */
public class Invitation internal constructor(public val text: String, public val expiresAtMs: Long)

/**
 * Opens the account of a key, or finds it, and adds this device to it. It may be repeated.
 *
 * @param attestor has the platform attest this device's key, where the server asks for it.
 * @throws HexmileException.Refused and [HexmileException.UnexpectedAnswer]
 * @throws HexmileException.Signing
 * @throws java.io.IOException where [transport] gets no answer.
 */
public suspend fun Recorder.enrol(account: Signer, transport: Transport, attestor: Attestor? = null) {
    val opened = answered { transport.send(opening(account)) }
    val attestation = attestor?.let {
        val challenge = asking { native ->
            SignerBridge.lend(account) { native.attestationChallenge(it, opened.statusCode, opened.body) }
        }
        answered { it.attest(challenge) }
    }
    val add = asking { native ->
        SignerBridge.lend(account) {
            native.addDevice(it, opened.statusCode, opened.body, attestation?.toNative())
        }
    }
    val added = answered { transport.send(add.fromNative()) }
    asking { it.deviceAdded(added.statusCode, added.body) }
}

/**
 * Invites one more device to an account, which this phone has the key of.
 *
 * @throws HexmileException.Refused and [HexmileException.UnexpectedAnswer]
 * @throws HexmileException.Signing
 * @throws java.io.IOException where [transport] gets no answer.
 */
public suspend fun Recorder.invite(account: Signer, transport: Transport): Invitation {
    val opened = answered { transport.send(opening(account)) }
    val native = asking { native ->
        SignerBridge.lend(account) { native.invite(it, opened.statusCode, opened.body) }
    }
    return Invitation(native.text, native.expiresAtMs.toLong())
}

/**
 * Has this device join by an invitation, as text.
 *
 * @throws HexmileException.Argument where it is no invitation to this network.
 * @throws HexmileException.Refused and [HexmileException.UnexpectedAnswer]
 * @throws HexmileException.Signing
 * @throws java.io.IOException where [transport] gets no answer.
 */
public suspend fun Recorder.join(invitation: String, transport: Transport, attestor: Attestor? = null) {
    val attestation = attestor?.let {
        val challenge = asking { native -> native.invitedAttestationChallenge(invitation) }
        answered { it.attest(challenge) }
    }
    val join = asking { it.join(invitation, attestation?.toNative()) }
    val joined = answered { transport.send(join.fromNative()) }
    asking { it.deviceAdded(joined.statusCode, joined.body) }
}

private suspend fun Recorder.opening(account: Signer): Request =
    asking { native -> SignerBridge.lend(account, native::openAccount) }.fromNative()

private fun Attestation.toNative() = org.hexmile.ffi.Attestation(format, bytes)
