package org.hexmile.demo

import android.content.Intent
import android.view.View
import android.widget.Button
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.launch
import org.hexmile.demo.model.HomeScreen
import org.hexmile.demo.model.PermissionStep
import org.hexmile.demo.model.Problem
import org.hexmile.demo.model.Stage
import org.hexmile.demo.model.UploadLine
import org.hexmile.demo.model.kilometres
import org.hexmile.demo.model.nextStep

/** Consent, permissions, the trip, the upload; and the way to the other screens. */
class MainActivity : Screen(R.layout.main) {
    private val allowed by lazy { Allowed(this) }
    private var step = PermissionStep.ASK_LOCATION
    private var joining = false

    override fun built() {
        click(R.id.agree, ::agree)
        click(R.id.permission_next) { allowed.ask(step) }
        click(R.id.permission_no) {
            allowed.decline(step)
            draw()
        }
        click(R.id.start) { act(::failed) { phone?.startTrip() } }
        click(R.id.stop) { act(::failed) { phone?.stopTrip() } }
        open(R.id.open_receipts, ReceiptsActivity::class.java)
        open(R.id.open_map, MapActivity::class.java)
        open(R.id.open_zones, ZonesActivity::class.java)
        open(R.id.open_settings, SettingsActivity::class.java)
    }

    override fun seen(scope: CoroutineScope) {
        draw()
        scope.launch { watch() }
    }

    /** The driver comes back, perhaps from the system's settings. */
    override fun onResume() {
        super.onResume()
        draw()
        act(::failed) { phone?.wake() }
    }

    override fun onRequestPermissionsResult(code: Int, permissions: Array<out String>, results: IntArray) {
        super.onRequestPermissionsResult(code, permissions, results)
        allowed.answered(permissions, results)
        draw()
        act(::failed) { phone?.wake() }
    }

    private suspend fun watch() {
        phone?.state?.collect { draw() }
    }

    private fun agree() {
        if (joining) return
        joining = true
        text(R.id.consent_problem, null)
        view<Button>(R.id.agree).setText(R.string.consent_joining)
        act({ couldNotJoin() }) {
            app.join()
            joined()
            watch()
        }
    }

    private fun joined() {
        joining = false
        view<Button>(R.id.agree).setText(R.string.consent_agree)
        draw()
    }

    private fun couldNotJoin() {
        joined()
        text(R.id.consent_problem, getString(R.string.consent_failed))
    }

    override fun onStop() {
        // Work ends with the sight of it; a journey to the server that was cut off is begun again.
        joining = false
        view<Button>(R.id.agree).setText(R.string.consent_agree)
        super.onStop()
    }

    private fun draw() {
        step = nextStep(allowed.facts())
        val home = HomeScreen.of(phone?.state?.value, step)
        show(R.id.consent, home.stage == Stage.CONSENT)
        show(R.id.trip, home.stage == Stage.IDLE || home.stage == Stage.DRIVING)
        show(R.id.erasing, home.stage == Stage.ERASING)
        drawPermission(home)
        drawTrip(home)
        text(R.id.upload, upload(home))
        text(R.id.problem, home.problem?.let { getString(words(it)) })
    }

    private fun drawPermission(home: HomeScreen) {
        val offered = home.stage == Stage.IDLE && home.permission != PermissionStep.READY
        val asking = home.stage == Stage.PERMISSION || offered
        show(R.id.permission, asking)
        if (!asking) return
        text(R.id.permission_text, getString(reason(home.permission)))
        val next = when (home.permission) {
            PermissionStep.OPEN_SETTINGS -> R.string.permission_open_settings
            else -> R.string.permission_next
        }
        view<Button>(R.id.permission_next).setText(next)
        // Without what a trip needs, "no" means not to start one.
        show(R.id.permission_no, home.permission.mayDrive)
    }

    private fun drawTrip(home: HomeScreen) {
        val driving = home.stage == Stage.DRIVING
        val speed = home.speedKmh
        val distance = kilometres(home.distanceM, locale)
        show(R.id.speed, driving)
        text(R.id.distance, if (driving) getString(R.string.trip_distance, distance) else getString(R.string.trip_none))
        if (driving) {
            val words = speed?.let { getString(R.string.trip_speed, it) }
            text(R.id.speed, words ?: getString(R.string.trip_speed_unknown))
            view<View>(R.id.speed).contentDescription = speed?.let { getString(R.string.trip_speed_label, it) }
        }
        text(R.id.kept, getString(R.string.trip_kept, home.kept).takeIf { driving })
        text(R.id.held, getString(R.string.trip_held, home.heldBack).takeIf { driving })
        text(R.id.left, getString(R.string.trip_left, home.left).takeIf { driving })
        show(R.id.start, home.mayStart)
        show(R.id.stop, home.mayStop)
    }

    private fun upload(home: HomeScreen) = when (home.upload) {
        UploadLine.NOTHING -> getString(R.string.upload_nothing)
        UploadLine.WAITING -> getString(R.string.upload_waiting, home.waiting)
        UploadLine.WAITING_FOR_WIFI -> getString(R.string.upload_wifi, home.waiting)
        UploadLine.PAUSED -> getString(R.string.upload_paused, home.waiting)
        UploadLine.DONE -> getString(R.string.upload_done, home.received)
    }

    private fun reason(step: PermissionStep) = when (step) {
        PermissionStep.ASK_LOCATION, PermissionStep.READY -> R.string.permission_location
        PermissionStep.ASK_LOCATION_AGAIN -> R.string.permission_again
        PermissionStep.ASK_EXACT -> R.string.permission_exact
        PermissionStep.OPEN_SETTINGS -> R.string.permission_settings
        PermissionStep.ASK_NOTIFICATIONS -> R.string.permission_notifications
        PermissionStep.EXPLAIN_BACKGROUND -> R.string.permission_background
    }

    private fun words(problem: Problem) = when (problem) {
        Problem.KEYS_LOST -> R.string.problem_keys_lost
        Problem.KEYS_LOCKED -> R.string.problem_keys_locked
        Problem.KEY_STORE -> R.string.problem_key_store
        Problem.NO_LOCATION -> R.string.problem_no_location
        Problem.LOCATION_OFF -> R.string.problem_location_off
        Problem.APPROXIMATE -> R.string.problem_approximate
        Problem.NOT_IN_BACKGROUND -> R.string.problem_background
        Problem.REFUSED -> R.string.problem_refused
        Problem.OFFLINE -> R.string.problem_offline
        Problem.OTHER -> R.string.problem_other
    }

    private fun failed(why: String) = text(R.id.problem, getString(R.string.trip_failed, why))

    private fun click(id: Int, call: () -> Unit) = view<Button>(id).setOnClickListener { call() }

    private fun open(id: Int, screen: Class<out Screen>) = click(id) { startActivity(Intent(this, screen)) }
}
