package org.hexmile.play

import android.Manifest.permission.ACCESS_COARSE_LOCATION
import android.Manifest.permission.ACCESS_FINE_LOCATION
import android.content.Context
import android.content.pm.PackageManager.PERMISSION_GRANTED
import android.location.LocationManager
import android.os.Build
import android.os.HandlerThread
import com.google.android.gms.location.LocationAvailability
import com.google.android.gms.location.LocationCallback
import com.google.android.gms.location.LocationResult
import com.google.android.gms.location.LocationServices
import com.google.android.gms.location.Priority
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asStateFlow
import org.hexmile.Fix
import org.hexmile.LocationRequest
import org.hexmile.android.LocationSource
import org.hexmile.android.LocationState
import org.hexmile.android.fixes

/** Locations of Play services: satellites, Wi-Fi, cell towers and sensors in one. */
public class FusedLocations(private val context: Context) : LocationSource {
    private val client = LocationServices.getFusedLocationProviderClient(context)
    private val thread by lazy { HandlerThread("hexmile-locations").apply { start() } }
    private val stateNow = MutableStateFlow<LocationState>(LocationState.Off)
    private var listening: Listening? = null

    override val state: StateFlow<LocationState> = stateNow.asStateFlow()

    @Synchronized
    override fun request(request: LocationRequest, sink: (List<Fix>) -> Unit) {
        val before = listening
        if (request == before?.request && stateNow.value is LocationState.On) return
        listening = null
        stateNow.value = when {
            request.intervalMs <= 0 -> LocationState.Off
            !allowed(ACCESS_COARSE_LOCATION) && !allowed(ACCESS_FINE_LOCATION) -> LocationState.Forbidden
            !allowed(ACCESS_FINE_LOCATION) -> LocationState.Approximate
            else -> listen(request, sink)
        }
        // The new one first: a receiver that is let go of in between has to find itself again.
        before?.let { client.removeLocationUpdates(it) }
    }

    private fun listen(request: LocationRequest, sink: (List<Fix>) -> Unit): LocationState {
        val listener = Listening(request, sink)
        val priority = if (request.satellites) Priority.PRIORITY_HIGH_ACCURACY else Priority.PRIORITY_LOW_POWER
        val wanted = com.google.android.gms.location.LocationRequest.Builder(priority, request.intervalMs)
            .setMinUpdateIntervalMillis(request.intervalMs)
            .setMaxUpdateDelayMillis(if (request.satellites) request.intervalMs * BATCH else 0)
            .build()
        try {
            client.requestLocationUpdates(wanted, listener, thread.looper)
        } catch (_: SecurityException) {
            // Withdrawn since it was looked at.
            return LocationState.Forbidden
        }
        listening = listener
        return LocationState.On(PROVIDER)
    }

    private fun allowed(permission: String) = context.checkSelfPermission(permission) == PERMISSION_GRANTED

    @Synchronized
    private fun available(listener: Listening, available: Boolean) {
        if (listener !== listening) return
        // A tunnel is no switch.
        stateNow.value = if (available || !isOff()) LocationState.On(PROVIDER) else LocationState.SwitchedOff
    }

    private fun isOff() = Build.VERSION.SDK_INT >= Build.VERSION_CODES.P &&
        context.getSystemService(LocationManager::class.java)?.isLocationEnabled == false

    private inner class Listening(val request: LocationRequest, private val sink: (List<Fix>) -> Unit) :
        LocationCallback() {
        override fun onLocationResult(result: LocationResult) = sink(fixes(result.locations))

        override fun onLocationAvailability(availability: LocationAvailability) =
            available(this, availability.isLocationAvailable)
    }

    private companion object {
        const val PROVIDER = "fused"

        /** Intervals that may be gathered, so that the processor sleeps between. */
        const val BATCH = 5
    }
}
