package org.hexmile.android

import kotlinx.coroutines.flow.StateFlow
import org.hexmile.Fix
import org.hexmile.LocationRequest

/** Where fixes come from: the platform ([SystemLocations]), or Play services. */
public interface LocationSource {
    /** How it stands. */
    public val state: StateFlow<LocationState>

    /**
     * Asks for locations like these from now on, in place of those before; of an interval of 0, for
     * none. Nothing is thrown: what is in the way is told by [state], and once it is gone, asking
     * again is up to the caller.
     *
     * @param sink takes what comes, on a thread of the source's; it must be quick.
     */
    public fun request(request: LocationRequest, sink: (List<Fix>) -> Unit)
}

/** How a source of locations stands. */
public sealed interface LocationState {
    /** Nobody asks. */
    public data object Off : LocationState

    /**
     * Locations come, once the phone knows where it is.
     *
     * @property provider who provides them, as Android names it.
     */
    public data class On(val provider: String) : LocationState

    /** The driver allows no location, or not any more. */
    public data object Forbidden : LocationState

    /** The driver allows an approximate location alone, of which no trace can be made. */
    public data object Approximate : LocationState

    /** Location is switched off for the whole phone, or there is no receiver. */
    public data object SwitchedOff : LocationState
}
