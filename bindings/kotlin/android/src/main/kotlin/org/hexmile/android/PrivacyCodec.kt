package org.hexmile.android

import java.io.ByteArrayInputStream
import java.io.ByteArrayOutputStream
import java.io.DataInputStream
import java.io.DataOutputStream
import java.io.IOException
import org.hexmile.Place
import org.hexmile.QuietHours
import org.hexmile.Zone

/** The first byte of what is written; another is of another version. */
private const val VERSION = 1
private const val AROUND = 1
private const val CIRCLE = 2
private const val POLYGON = 3

/** More of anything than a driver would ever set. */
private const val MOST = 10_000

internal fun Privacy.encoded(): ByteArray {
    val bytes = ByteArrayOutputStream()
    val out = DataOutputStream(bytes)
    fun write(place: Place) {
        out.writeDouble(place.latitudeDeg)
        out.writeDouble(place.longitudeDeg)
    }
    out.writeByte(VERSION)
    out.writeInt(zones.size)
    for (zone in zones) {
        when (zone) {
            is Zone.Around -> { out.writeByte(AROUND); write(zone.place) }
            is Zone.Circle -> { out.writeByte(CIRCLE); write(zone.centre); out.writeInt(zone.radiusM) }
            is Zone.Polygon -> { out.writeByte(POLYGON); out.writeInt(zone.corners.size); zone.corners.forEach(::write) }
        }
    }
    out.writeInt(quietHours.size)
    for (hours in quietHours) {
        out.writeInt(hours.fromMinute)
        out.writeInt(hours.untilMinute)
    }
    return bytes.toByteArray()
}

/** @throws IOException where these are not bytes of [encoded]. */
internal fun privacyOf(bytes: ByteArray): Privacy {
    val data = DataInputStream(ByteArrayInputStream(bytes))
    fun place() = Place(data.readDouble(), data.readDouble())
    fun count() = data.readInt().also { if (it !in 0..MOST) throw IOException("$it of them") }
    if (data.readUnsignedByte() != VERSION) throw IOException("of another version")
    val zones = List(count()) {
        when (val kind = data.readUnsignedByte()) {
            AROUND -> Zone.Around(place())
            CIRCLE -> Zone.Circle(place(), data.readInt())
            POLYGON -> Zone.Polygon(List(count()) { place() })
            else -> throw IOException("a zone of kind $kind")
        }
    }
    return Privacy(zones, List(count()) { QuietHours(data.readInt(), data.readInt()) })
}
