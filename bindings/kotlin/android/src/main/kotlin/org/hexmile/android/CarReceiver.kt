package org.hexmile.android

import android.bluetooth.BluetoothDevice
import android.content.BroadcastReceiver
import android.content.Context
import android.content.Intent
import android.os.Build
import org.hexmile.Hint

/**
 * A car connected by Bluetooth, or was lost. From API 31 the system tells it to apps that the driver
 * allows to see nearby devices, and lets those start a service by it.
 */
public class CarReceiver : BroadcastReceiver() {
    override fun onReceive(context: Context, intent: Intent) {
        val connected = when (intent.action) {
            BluetoothDevice.ACTION_ACL_CONNECTED -> true
            BluetoothDevice.ACTION_ACL_DISCONNECTED -> false
            else -> return
        }
        val phone = phoneOf(context) ?: return
        if (isCar(intent)) hint(phone, Hint.Car(connected))
    }

    private fun isCar(intent: Intent): Boolean = try {
        device(intent)?.bluetoothClass?.deviceClass?.let(::isCar) == true
    } catch (_: SecurityException) {
        // The driver does not allow it, or not any more.
        false
    }

    @Suppress("DEPRECATION")
    private fun device(intent: Intent): BluetoothDevice? =
        if (Build.VERSION.SDK_INT >= Build.VERSION_CODES.TIRAMISU) {
            intent.getParcelableExtra(BluetoothDevice.EXTRA_DEVICE, BluetoothDevice::class.java)
        } else {
            intent.getParcelableExtra(BluetoothDevice.EXTRA_DEVICE)
        }
}

/** Hands a hint on; what stands in its way is told by [PhoneState.trouble]. */
public fun BroadcastReceiver.hint(phone: Phone, hint: Hint): Unit = working {
    phone.wake()
    phone.unattended { phone.hint(hint) }
}
