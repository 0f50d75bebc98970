package org.hexmile.android

import android.Manifest.permission.ACCESS_COARSE_LOCATION
import android.Manifest.permission.ACCESS_FINE_LOCATION
import android.content.Context
import android.content.pm.PackageManager.PERMISSION_GRANTED
import android.location.Location
import android.location.LocationListener
import android.location.LocationManager
import android.os.Build
import android.os.Bundle
import android.os.Handler
import android.os.HandlerThread
import kotlinx.coroutines.flow.MutableStateFlow
import kotlinx.coroutines.flow.StateFlow
import kotlinx.coroutines.flow.asStateFlow
import org.hexmile.Fix
import org.hexmile.LocationRequest

/** Locations from Android itself, on every phone: satellites, or Wi-Fi and cell towers. */
public class SystemLocations(private val context: Context) : LocationSource {
    private val locations = context.systemService<LocationManager>()
    private val thread by lazy { HandlerThread("hexmile-locations").apply { start() } }
    private val stateNow = MutableStateFlow<LocationState>(LocationState.Off)
    private var listening: Listening? = null

    override val state: StateFlow<LocationState> = stateNow.asStateFlow()

    @Synchronized
    override fun request(request: LocationRequest, sink: (List<Fix>) -> Unit) {
        // One that is switched off tells when it is switched on.
        val enabled = locations.getProviders(true).toSet()
        val plan = LocationPlan.of(request, enabled) ?: LocationPlan.of(request, locations.allProviders.toSet())
        val before = listening
        if (plan != null && plan == before?.plan && stateNow.value is LocationState.On) return
        listening = null
        stateNow.value = when {
            request.intervalMs <= 0 -> LocationState.Off
            !allowed(ACCESS_COARSE_LOCATION) && !allowed(ACCESS_FINE_LOCATION) -> LocationState.Forbidden
            !allowed(ACCESS_FINE_LOCATION) -> LocationState.Approximate
            plan == null -> LocationState.SwitchedOff
            else -> listen(plan, plan.provider in enabled, sink)
        }
        // The new one first: a receiver that is let go of in between has to find itself again.
        before?.let { locations.removeUpdates(it) }
    }

    private fun listen(plan: LocationPlan, enabled: Boolean, sink: (List<Fix>) -> Unit): LocationState {
        val listener = Listening(plan, sink)
        try {
            if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.S) {
                locations.requestLocationUpdates(plan.provider, request(plan), Handler(thread.looper)::post, listener)
            } else {
                locations.requestLocationUpdates(plan.provider, plan.intervalMs, 0f, listener, thread.looper)
            }
        } catch (_: SecurityException) {
            // Withdrawn since it was looked at.
            return LocationState.Forbidden
        } catch (_: IllegalArgumentException) {
            // The provider went since it was looked at.
            return LocationState.SwitchedOff
        }
        listening = listener
        return if (enabled) LocationState.On(plan.provider) else LocationState.SwitchedOff
    }

    private fun request(plan: LocationPlan): android.location.LocationRequest =
        android.location.LocationRequest.Builder(plan.intervalMs)
            .setMinUpdateIntervalMillis(plan.intervalMs)
            .setMaxUpdateDelayMillis(plan.batchMs)
            .setQuality(
                if (plan.highAccuracy) android.location.LocationRequest.QUALITY_HIGH_ACCURACY
                else android.location.LocationRequest.QUALITY_LOW_POWER,
            )
            .build()

    private fun allowed(permission: String) = context.checkSelfPermission(permission) == PERMISSION_GRANTED

    @Synchronized
    private fun providerChanged(listener: Listening, state: LocationState) {
        if (listener === listening) stateNow.value = state
    }

    private inner class Listening(val plan: LocationPlan, private val sink: (List<Fix>) -> Unit) : LocationListener {
        override fun onLocationChanged(location: Location) = sink(fixes(listOf(location)))

        // From API 31.
        override fun onLocationChanged(locations: List<Location>) = sink(fixes(locations))

        override fun onProviderEnabled(provider: String) = providerChanged(this, LocationState.On(provider))

        override fun onProviderDisabled(provider: String) = providerChanged(this, LocationState.SwitchedOff)

        // Before API 29 the system calls it, and before API 30 the interface has no body for it.
        @Deprecated("Nothing calls it any more")
        override fun onStatusChanged(provider: String?, status: Int, extras: Bundle?) = Unit
    }
}
