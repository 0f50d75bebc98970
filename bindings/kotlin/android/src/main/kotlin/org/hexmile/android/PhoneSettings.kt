package org.hexmile.android

import java.net.URI
import org.hexmile.QuietHours
import org.hexmile.UploadRules
import org.hexmile.Zone

/**
 * What a phone is set up with.
 *
 * @property server the server's address.
 * @property network which network the traces are for, by name.
 * @property serverKeys the keys with which the server signs receipts.
 * @property followMotion whether trips begin and end by what the phone notices; else the app says when.
 * @property rules what the driver and the app allow of uploads.
 */
public class PhoneSettings(
    public val server: URI,
    public val network: String,
    public val serverKeys: List<ByteArray> = emptyList(),
    public val followMotion: Boolean = false,
    public val rules: UploadRules = UploadRules(),
)

/** The places and hours of which nothing leaves the phone. */
public data class Privacy(
    val zones: List<Zone> = emptyList(),
    val quietHours: List<QuietHours> = emptyList(),
)
