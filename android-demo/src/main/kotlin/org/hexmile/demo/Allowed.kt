package org.hexmile.demo

import android.Manifest.permission.ACCESS_BACKGROUND_LOCATION
import android.Manifest.permission.ACCESS_COARSE_LOCATION
import android.Manifest.permission.ACCESS_FINE_LOCATION
import android.Manifest.permission.POST_NOTIFICATIONS
import android.app.Activity
import android.content.Context
import android.content.Intent
import android.content.pm.PackageManager.PERMISSION_GRANTED
import android.net.Uri
import android.os.Build
import android.provider.Settings
import org.hexmile.demo.model.PermissionFacts
import org.hexmile.demo.model.PermissionStep
import org.hexmile.demo.model.refusedForGood

/** What the driver allows, and the system's questions about it. */
class Allowed(private val activity: Activity) {
    private val answers = activity.getSharedPreferences("permissions", Context.MODE_PRIVATE)

    fun facts(): PermissionFacts {
        val fine = has(ACCESS_FINE_LOCATION)
        if (fine) note(HAD_FINE)
        val mayExplain = activity.shouldShowRequestPermissionRationale(ACCESS_FINE_LOCATION)
        return PermissionFacts(
            api = Build.VERSION.SDK_INT,
            fine = fine,
            coarse = has(ACCESS_COARSE_LOCATION),
            background = has(ACCESS_BACKGROUND_LOCATION),
            notifications = has(POST_NOTIFICATIONS),
            refusedForGood = refusedForGood(answers.getBoolean(ASKED, false), fine, mayExplain),
            allowedBefore = answers.getBoolean(HAD_FINE, false),
            backgroundAnswered = answers.getBoolean(BACKGROUND, false),
            notificationsAnswered = answers.getBoolean(NOTIFICATIONS, false),
        )
    }

    /** Asks what a step is about. */
    fun ask(step: PermissionStep) {
        when (step) {
            PermissionStep.ASK_LOCATION, PermissionStep.ASK_LOCATION_AGAIN, PermissionStep.ASK_EXACT ->
                // Both at once: from API 31 the system lets the driver choose between them.
                request(ACCESS_FINE_LOCATION, ACCESS_COARSE_LOCATION)
            PermissionStep.OPEN_SETTINGS -> openSettings()
            PermissionStep.ASK_NOTIFICATIONS -> {
                note(NOTIFICATIONS)
                request(POST_NOTIFICATIONS)
            }
            PermissionStep.EXPLAIN_BACKGROUND -> {
                note(BACKGROUND)
                // From API 30 the system opens its settings for it.
                request(ACCESS_BACKGROUND_LOCATION)
            }
            PermissionStep.READY -> Unit
        }
    }

    /** The driver does not want what a step is about, and is not asked again. */
    fun decline(step: PermissionStep) {
        if (step == PermissionStep.EXPLAIN_BACKGROUND) note(BACKGROUND)
        if (step == PermissionStep.ASK_NOTIFICATIONS) note(NOTIFICATIONS)
    }

    /** The system's question was answered, or put away. */
    fun answered(permissions: Array<out String>, results: IntArray) {
        // Put away without an answer, the lists are empty: then it may be asked again.
        val at = permissions.indexOf(ACCESS_FINE_LOCATION)
        if (at in results.indices && results[at] != PERMISSION_GRANTED) note(ASKED)
    }

    private fun has(permission: String) = activity.checkSelfPermission(permission) == PERMISSION_GRANTED

    private fun request(vararg permissions: String) = activity.requestPermissions(permissions, REQUEST)

    private fun note(name: String) = answers.edit().putBoolean(name, true).apply()

    private fun openSettings() {
        val address = Uri.fromParts("package", activity.packageName, null)
        activity.startActivity(Intent(Settings.ACTION_APPLICATION_DETAILS_SETTINGS, address))
    }

    private companion object {
        const val REQUEST = 1
        const val ASKED = "asked"
        const val HAD_FINE = "had_fine"
        const val BACKGROUND = "background"
        const val NOTIFICATIONS = "notifications"
    }
}
