package org.hexmile.android

import android.content.BroadcastReceiver
import android.content.Context
import android.content.Intent
import android.content.IntentFilter
import android.net.ConnectivityManager
import android.net.ConnectivityManager.RESTRICT_BACKGROUND_STATUS_ENABLED
import android.net.Network
import android.net.NetworkCapabilities
import android.os.BatteryManager
import android.os.Build
import android.os.PowerManager
import kotlinx.coroutines.channels.awaitClose
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.callbackFlow
import kotlinx.coroutines.flow.conflate
import kotlinx.coroutines.flow.distinctUntilChanged
import org.hexmile.Conditions

/** What the recorder has to know of the phone, now and after each change. */
internal fun conditions(app: Context): Flow<Conditions> = callbackFlow {
    val readings = ReadingsOfAndroid(app)
    fun tell() {
        trySend(readings.now().conditions())
    }
    val network = object : ConnectivityManager.NetworkCallback() {
        override fun onCapabilitiesChanged(network: Network, capabilities: NetworkCapabilities) = tell()
        override fun onLost(network: Network) = tell()
    }
    val changed = object : BroadcastReceiver() {
        override fun onReceive(context: Context, intent: Intent) = tell()
    }
    val connectivity = app.systemService<ConnectivityManager>()
    connectivity.registerDefaultNetworkCallback(network)
    val filter = IntentFilter(Intent.ACTION_BATTERY_CHANGED).apply {
        addAction(PowerManager.ACTION_POWER_SAVE_MODE_CHANGED)
        addAction(ConnectivityManager.ACTION_RESTRICT_BACKGROUND_CHANGED)
    }
    // All of them are the system's own, for which no export is to be declared.
    app.registerReceiver(changed, filter)
    tell()
    awaitClose {
        connectivity.unregisterNetworkCallback(network)
        app.unregisterReceiver(changed)
    }
}.conflate().distinctUntilChanged()

private class ReadingsOfAndroid(private val app: Context) {
    private val connectivity = app.systemService<ConnectivityManager>()
    private val power = app.systemService<PowerManager>()

    fun now(): PhoneReadings {
        val (network, told) = network()
        // Sticky: it is returned, and nothing is registered.
        val battery = app.registerReceiver(null, IntentFilter(Intent.ACTION_BATTERY_CHANGED))
        val status = battery?.getIntExtra(BatteryManager.EXTRA_STATUS, 0)
        return PhoneReadings(
            online = !told || network?.hasCapability(NetworkCapabilities.NET_CAPABILITY_INTERNET) == true,
            wifi = network?.let(::isWifi),
            metered = network?.hasCapability(NetworkCapabilities.NET_CAPABILITY_NOT_METERED) != true,
            roaming = network != null && isRoaming(network),
            batteryLevel = battery?.getIntExtra(BatteryManager.EXTRA_LEVEL, -1) ?: -1,
            batteryScale = battery?.getIntExtra(BatteryManager.EXTRA_SCALE, 0) ?: 0,
            charging = status == BatteryManager.BATTERY_STATUS_CHARGING || status == BatteryManager.BATTERY_STATUS_FULL,
            lowPowerMode = power.isPowerSaveMode,
            dataSaver = connectivity.restrictBackgroundStatus == RESTRICT_BACKGROUND_STATUS_ENABLED,
        )
    }

    /** The network in use, and whether that was told: API 30 throws at times, which would end the app. */
    private fun network(): Pair<NetworkCapabilities?, Boolean> = try {
        connectivity.activeNetwork?.let(connectivity::getNetworkCapabilities) to true
    } catch (_: SecurityException) {
        null to false
    }

    private fun isWifi(network: NetworkCapabilities): Boolean? = when {
        // First: a tunnel has the transports that lie under it, too.
        network.hasTransport(NetworkCapabilities.TRANSPORT_CELLULAR) -> false
        network.hasTransport(NetworkCapabilities.TRANSPORT_WIFI) -> true
        network.hasTransport(NetworkCapabilities.TRANSPORT_ETHERNET) -> true
        else -> null
    }

    @Suppress("DEPRECATION")
    private fun isRoaming(network: NetworkCapabilities) =
        if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.P) {
            !network.hasCapability(NetworkCapabilities.NET_CAPABILITY_NOT_ROAMING)
        } else {
            connectivity.activeNetworkInfo?.isRoaming == true
        }
}
