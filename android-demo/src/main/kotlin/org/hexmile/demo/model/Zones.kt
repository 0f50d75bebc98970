package org.hexmile.demo.model

import org.hexmile.Place
import org.hexmile.Zone
import org.hexmile.android.Privacy

/** A place as a driver types it. */
sealed interface TypedPlace {
    data class Usable(val place: Place) : TypedPlace
    data object Wrong : TypedPlace
}

private const val MOST_LATITUDE = 90.0
private const val MOST_LONGITUDE = 180.0

/** Latitude and longitude in degrees, as maps copy them: `48.137, 11.575`, or with commas `48,137; 11,575`. */
fun typedPlace(text: String): TypedPlace {
    val parts = (if (';' in text) text.replace(',', '.').split(';') else text.split(','))
        .map { it.trim().toDoubleOrNull() }
    val (latitude, longitude) = if (parts.size == 2) parts else return TypedPlace.Wrong
    if (latitude == null || longitude == null) return TypedPlace.Wrong
    // Not a number is in no range.
    val onEarth = latitude in -MOST_LATITUDE..MOST_LATITUDE && longitude in -MOST_LONGITUDE..MOST_LONGITUDE
    return if (onEarth) TypedPlace.Usable(Place(latitude, longitude)) else TypedPlace.Wrong
}

/** With a zone around a place, unless there is one. */
fun Privacy.withPlace(place: Place): Privacy {
    val zone = Zone.Around(place)
    return if (zone in zones) this else copy(zones = zones + zone)
}

/** Without a zone. */
fun Privacy.without(zone: Zone): Privacy = copy(zones = zones - zone)

/** A line of the list of zones. */
sealed interface ZoneLine {
    val place: Place

    /** The driver set it. */
    data class Own(val zone: Zone, override val place: Place) : ZoneLine

    /** The phone noticed that the driver comes back to it. */
    data class Learned(override val place: Place) : ZoneLine
}

/** The driver's own zones, then what the phone learned. */
fun zoneLines(privacy: Privacy, learned: List<Place>): List<ZoneLine> =
    privacy.zones.map { ZoneLine.Own(it, it.middle()) } + learned.map(ZoneLine::Learned)

private fun Zone.middle(): Place = when (this) {
    is Zone.Around -> place
    is Zone.Circle -> centre
    is Zone.Polygon -> corners.first()
}
