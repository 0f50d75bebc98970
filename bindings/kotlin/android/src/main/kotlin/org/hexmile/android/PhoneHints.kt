package org.hexmile.android

import android.Manifest.permission.ACTIVITY_RECOGNITION
import android.app.UiModeManager
import android.content.BroadcastReceiver
import android.content.Context
import android.content.Intent
import android.content.IntentFilter
import android.content.pm.PackageManager.PERMISSION_GRANTED
import android.hardware.Sensor
import android.hardware.SensorEvent
import android.hardware.SensorEventListener
import android.hardware.SensorManager
import android.hardware.TriggerEvent
import android.hardware.TriggerEventListener
import android.os.BatteryManager
import android.os.Build
import kotlinx.coroutines.channels.SendChannel
import kotlinx.coroutines.channels.awaitClose
import kotlinx.coroutines.flow.Flow
import kotlinx.coroutines.flow.callbackFlow
import kotlinx.coroutines.flow.distinctUntilChanged
import org.hexmile.Hint

/**
 * What Android's own sensors and modes notice: a significant motion, rest, steps, a car's dock or
 * projection, the battery. Cars on Bluetooth are [CarReceiver]'s, since they wake a process that died.
 */
internal fun hints(app: Context): Flow<Hint> = callbackFlow {
    val sensors = PhoneSensors(app, channel)
    val modes = PhoneModes(channel)
    sensors.start()
    app.registerReceiver(modes, PhoneModes.filter)
    awaitClose {
        app.unregisterReceiver(modes)
        sensors.stop()
    }
}.distinctUntilChanged { before, now -> before == now && now is Hint.Power }

private class PhoneSensors(private val app: Context, private val hints: SendChannel<Hint>) {
    private val manager = app.systemService<SensorManager>()

    // Rest is looked for after a motion alone: a parked phone would be told of it every few seconds.
    private val still = OneShot(Sensor.TYPE_STATIONARY_DETECT, Hint.Still) {}
    private val moved: OneShot = OneShot(Sensor.TYPE_SIGNIFICANT_MOTION, Hint.Moved) {
        again()
        still.again()
    }
    private val steps = object : SensorEventListener {
        private val rule = StepRule()

        override fun onSensorChanged(event: SensorEvent) {
            rule.step(event.timestamp / NANOS_PER_MS)?.let(hints::trySend)
        }

        override fun onAccuracyChanged(sensor: Sensor, accuracy: Int) = Unit
    }

    private var listening = true

    fun start() {
        moved.again()
        val sensor = manager.getDefaultSensor(Sensor.TYPE_STEP_DETECTOR)
        if (sensor != null && maySense()) {
            manager.registerListener(steps, sensor, SensorManager.SENSOR_DELAY_NORMAL, STEPS_GATHERED_US)
        }
    }

    fun stop() {
        synchronized(this) { listening = false }
        moved.cancel()
        still.cancel()
        manager.unregisterListener(steps)
    }

    /** One that triggers while it is let go of would ask for itself for ever. */
    @Synchronized
    private fun ask(oneShot: OneShot, sensor: Sensor) {
        if (listening) manager.requestTriggerSensor(oneShot, sensor)
    }

    /** Steps are the driver's to allow from API 29. */
    private fun maySense() = Build.VERSION.SDK_INT < Build.VERSION_CODES.Q ||
        app.checkSelfPermission(ACTIVITY_RECOGNITION) == PERMISSION_GRANTED

    /** A sensor that wakes the processor once, and has to be asked again. Not every phone has it. */
    private inner class OneShot(
        type: Int,
        private val hint: Hint,
        private val then: OneShot.() -> Unit,
    ) : TriggerEventListener() {
        private val sensor = manager.getDefaultSensor(type)

        override fun onTrigger(event: TriggerEvent) {
            hints.trySend(hint)
            then()
        }

        fun again() {
            sensor?.let { ask(this, it) }
        }

        fun cancel() {
            sensor?.let { manager.cancelTriggerSensor(this, it) }
        }
    }

    private companion object {
        const val NANOS_PER_MS = 1_000_000L

        /** Walking away is no matter of seconds. */
        const val STEPS_GATHERED_US = 20_000_000
    }
}

private class PhoneModes(private val hints: SendChannel<Hint>) : BroadcastReceiver() {
    override fun onReceive(context: Context, intent: Intent) {
        hint(intent)?.let(hints::trySend)
    }

    private fun hint(intent: Intent): Hint? = when (intent.action) {
        UiModeManager.ACTION_ENTER_CAR_MODE -> Hint.Car(connected = true)
        UiModeManager.ACTION_EXIT_CAR_MODE -> Hint.Car(connected = false)
        Intent.ACTION_BATTERY_CHANGED -> powerHint(
            intent.getIntExtra(BatteryManager.EXTRA_LEVEL, -1),
            intent.getIntExtra(BatteryManager.EXTRA_SCALE, 0),
            intent.getIntExtra(BatteryManager.EXTRA_PLUGGED, 0) != 0,
        )
        else -> null
    }

    companion object {
        // All of them are the system's own. A battery that is plugged in, or runs low, changes at once.
        val filter = IntentFilter(Intent.ACTION_BATTERY_CHANGED).apply {
            addAction(UiModeManager.ACTION_ENTER_CAR_MODE)
            addAction(UiModeManager.ACTION_EXIT_CAR_MODE)
        }
    }
}
