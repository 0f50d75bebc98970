package org.hexmile.demo

import android.Manifest.permission.ACCESS_FINE_LOCATION
import android.content.pm.PackageManager.PERMISSION_GRANTED
import android.location.LocationManager
import android.view.ViewGroup
import android.widget.Button
import android.widget.EditText
import android.widget.TextView
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.launch
import kotlinx.coroutines.sync.Mutex
import kotlinx.coroutines.sync.withLock
import org.hexmile.Place
import org.hexmile.android.Phone
import org.hexmile.android.Privacy
import org.hexmile.demo.model.TypedPlace
import org.hexmile.demo.model.ZoneLine
import org.hexmile.demo.model.typedPlace
import org.hexmile.demo.model.withPlace
import org.hexmile.demo.model.without
import org.hexmile.demo.model.zoneLines

/** The zones that the driver set, and those that the phone noticed. */
class ZonesActivity : Screen(R.layout.zones) {
    private val changing = Mutex()

    override fun built() {
        view<Button>(R.id.zone_here).setOnClickListener { addHere() }
        view<Button>(R.id.zone_add).setOnClickListener { addTyped() }
    }

    override fun seen(scope: CoroutineScope) {
        val phone = phone
        val open = phone != null
        view<Button>(R.id.zone_here).isEnabled = open
        view<Button>(R.id.zone_add).isEnabled = open
        if (phone == null) return text(R.id.zone_problem, getString(R.string.zones_after_consent))
        scope.launch { act(::failed) { draw(phone) } }
    }

    private fun addTyped() {
        when (val typed = typedPlace(view<EditText>(R.id.zone_place).text.toString())) {
            is TypedPlace.Usable -> change { it.withPlace(typed.place) }
            TypedPlace.Wrong -> text(R.id.zone_problem, getString(R.string.zones_wrong))
        }
    }

    private fun addHere() {
        val place = here() ?: return text(R.id.zone_problem, getString(R.string.zones_no_location))
        change { it.withPlace(place) }
    }

    /** Where the phone was last seen, by any provider; it has been asked for nothing but trips. */
    private fun here(): Place? {
        if (checkSelfPermission(ACCESS_FINE_LOCATION) != PERMISSION_GRANTED) return null
        val locations = getSystemService(LocationManager::class.java) ?: return null
        return locations.getProviders(true)
            .mapNotNull { locations.getLastKnownLocation(it) }
            .maxByOrNull { it.elapsedRealtimeNanos }
            ?.let { Place(it.latitude, it.longitude) }
    }

    private fun change(how: (Privacy) -> Privacy) {
        val phone = phone ?: return
        text(R.id.zone_problem, null)
        act(::failed) {
            // One change is made of what the one before left.
            changing.withLock { phone.setPrivacy(how(phone.privacy())) }
            view<EditText>(R.id.zone_place).text.clear()
            draw(phone)
        }
    }

    private suspend fun draw(phone: Phone) {
        val lines = zoneLines(phone.privacy(), phone.ask { it.knownPlaces() })
        show(R.id.zones_none, lines.isEmpty())
        val list = view<ViewGroup>(R.id.zones)
        list.removeAllViews()
        for (line in lines) {
            val row = layoutInflater.inflate(R.layout.zone_line, list, false)
            val place = getString(R.string.place, line.place.latitudeDeg, line.place.longitudeDeg)
            val words = if (line is ZoneLine.Own) R.string.zones_own else R.string.zones_learned
            row.part<TextView>(R.id.line_text).text = getString(words, place)
            val forget = row.part<Button>(R.id.line_forget)
            forget.contentDescription = getString(R.string.zones_forget_label, place)
            forget.setOnClickListener { forget(phone, line) }
            list.addView(row)
        }
    }

    private fun forget(phone: Phone, line: ZoneLine) = when (line) {
        is ZoneLine.Own -> change { it.without(line.zone) }
        is ZoneLine.Learned -> act(::failed) {
            phone.ask { it.forgetPlace(line.place) }
            draw(phone)
        }
    }

    private fun failed(why: String) = text(R.id.zone_problem, getString(R.string.trip_failed, why))
}
