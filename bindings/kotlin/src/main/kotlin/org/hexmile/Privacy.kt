package org.hexmile

/** A place on Earth, in degrees, WGS 84. */
public data class Place(val latitudeDeg: Double, val longitudeDeg: Double)

/** An area of which nothing leaves the phone. */
public sealed interface Zone {
    /**
     * The lasting zone of a known place, such as the driver's home: a large circle that does not have
     * the place at its centre.
     */
    public data class Around(val place: Place) : Zone

    /** A circle of a radius in metres. */
    public data class Circle(val centre: Place, val radiusM: Int) : Zone

    /** What a ring of corners encloses; the last is joined to the first. */
    public data class Polygon(val corners: List<Place>) : Zone
}

/**
 * Hours of every day in which nothing is recorded.
 *
 * @property fromMinute first minute after local midnight, 0 to 1439.
 * @property untilMinute first minute after them, 0 to 1439; before [fromMinute] it is of the next day.
 */
public data class QuietHours(val fromMinute: Int, val untilMinute: Int)

internal fun Place.toNative() = org.hexmile.ffi.Place(latitudeDeg, longitudeDeg)

internal fun org.hexmile.ffi.Place.fromNative() = Place(latitudeDeg, longitudeDeg)

internal fun Zone.toNative(): org.hexmile.ffi.Zone = when (this) {
    is Zone.Around -> org.hexmile.ffi.Zone.Around(place.toNative())
    is Zone.Circle -> org.hexmile.ffi.Zone.Circle(centre.toNative(), unsigned("radiusM", radiusM).toUInt())
    is Zone.Polygon -> org.hexmile.ffi.Zone.Polygon(corners.map(Place::toNative))
}

internal fun QuietHours.toNative() =
    org.hexmile.ffi.QuietHours(minute("fromMinute", fromMinute), minute("untilMinute", untilMinute))

private fun unsigned(name: String, value: Int): Int =
    if (value >= 0) value else throw HexmileException.Argument("$name: $value is negative")

// Before it is narrowed: 65536 would come out as midnight.
private fun minute(name: String, value: Int): UShort =
    if (value in 0..1439) value.toUShort()
    else throw HexmileException.Argument("$name: $value is no minute of a day")
