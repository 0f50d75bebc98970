package org.hexmile

/** What the platform noticed. */
public sealed interface Hint {
    /**
     * The motion sensor woke, the platform saw a significant change of place, or the phone left the
     * region around the place where it was parked.
     */
    public data object Moved : Hint

    /** The platform takes its bearer to stay. */
    public data object Still : Hint

    /** To walk or run. */
    public data object OnFoot : Hint

    /** To be in a vehicle. */
    public data object InVehicle : Hint

    /** The phone connected to a car, or lost it. */
    public data class Car(val connected: Boolean) : Hint

    /**
     * The battery changed.
     *
     * @property low whether it is low, by the platform's own measure.
     */
    public data class Power(val low: Boolean, val charging: Boolean) : Hint
}

/** Where the phone is in the life of a drive. */
public enum class MotionState {
    /** No drive, and no satellites. */
    PARKED,

    /** Something moved: looking whether it is a drive. */
    STARTING,

    /** A drive. */
    DRIVING,
}

/**
 * Which locations to ask the platform for.
 *
 * @property intervalMs time between two fixes, milliseconds; 0 for no location at all.
 * @property satellites whether satellites are wanted, or what Wi-Fi and cell towers tell is enough.
 */
public data class LocationRequest(val intervalMs: Long, val satellites: Boolean)

internal fun Hint.toNative(): org.hexmile.ffi.Hint = when (this) {
    is Hint.Moved -> org.hexmile.ffi.Hint.Moved
    is Hint.Still -> org.hexmile.ffi.Hint.Still
    is Hint.OnFoot -> org.hexmile.ffi.Hint.OnFoot
    is Hint.InVehicle -> org.hexmile.ffi.Hint.InVehicle
    is Hint.Car -> org.hexmile.ffi.Hint.Car(connected)
    is Hint.Power -> org.hexmile.ffi.Hint.Power(low, charging)
}

internal fun org.hexmile.ffi.MotionState.fromNative() = when (this) {
    org.hexmile.ffi.MotionState.PARKED -> MotionState.PARKED
    org.hexmile.ffi.MotionState.STARTING -> MotionState.STARTING
    org.hexmile.ffi.MotionState.DRIVING -> MotionState.DRIVING
}

internal fun org.hexmile.ffi.LocationRequest.fromNative() =
    LocationRequest(intervalMs.toLong(), satellites)
