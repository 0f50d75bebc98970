package org.hexmile.demo

import android.app.AlertDialog
import android.content.Intent
import android.view.View
import android.widget.Button
import android.widget.EditText
import java.io.File
import kotlinx.coroutines.CoroutineScope
import kotlinx.coroutines.Dispatchers
import kotlinx.coroutines.NonCancellable
import kotlinx.coroutines.launch
import kotlinx.coroutines.withContext
import org.hexmile.ExportFormat
import org.hexmile.android.Phone
import org.hexmile.demo.model.Erasing
import org.hexmile.demo.model.ErasingModel
import org.hexmile.demo.model.Export
import org.hexmile.demo.model.ServerAddress

/** The server, taking everything along, withdrawing, and erasing everything. */
class SettingsActivity : Screen(R.layout.settings) {
    private val erasing = ErasingModel()

    override fun built() {
        view<EditText>(R.id.server).setText(app.choice.address.toString())
        view<Button>(R.id.server_save).setOnClickListener { saveServer() }
        val exports = mapOf(
            R.id.export_gpx to Export.PHONE_GPX,
            R.id.export_json to Export.PHONE_JSON,
            R.id.export_server to Export.SERVER_JSON,
        )
        for ((id, export) in exports) view<Button>(id).setOnClickListener { share(export) }
        view<Button>(R.id.withdraw).setOnClickListener { act(::failed) { phone?.withdraw() } }
        view<Button>(R.id.erase).setOnClickListener { askToErase() }
    }

    override fun seen(scope: CoroutineScope) {
        draw()
        val phone = phone ?: return
        scope.launch {
            phone.state.collect {
                // Once: who joins again later is nobody who left.
                if (erasing.phone(it)) report(::failed) { app.left() }
                draw()
            }
        }
    }

    private fun draw() {
        val joined = phone != null
        view<View>(R.id.server).isEnabled = !joined
        view<View>(R.id.server_save).isEnabled = !joined
        if (joined) text(R.id.server_note, getString(R.string.server_in_use))
        val consents = phone?.state?.value?.status?.consent == true
        for (id in listOf(R.id.export_gpx, R.id.export_json, R.id.withdraw)) view<View>(id).isEnabled = consents
        view<View>(R.id.export_server).isEnabled = joined
        view<View>(R.id.erase).isEnabled = joined && erasing.state != Erasing.WAITING
        text(
            R.id.erase_state,
            when (erasing.state) {
                Erasing.WAITING -> getString(R.string.erase_waiting)
                Erasing.DONE -> getString(R.string.erase_done)
                Erasing.NONE, Erasing.ASKING -> null
            },
        )
    }

    private fun saveServer() {
        val note = when (val address = ServerAddress.read(view<EditText>(R.id.server).text.toString())) {
            is ServerAddress.Usable -> {
                app.choice.address = address.uri
                R.string.server_saved
            }
            is ServerAddress.Wrong -> when (address.why) {
                ServerAddress.Fault.EMPTY -> R.string.server_empty
                ServerAddress.Fault.NOT_AN_ADDRESS -> R.string.server_not_an_address
                ServerAddress.Fault.NOT_ENCRYPTED -> R.string.server_not_encrypted
                ServerAddress.Fault.MORE_THAN_AN_ADDRESS -> R.string.server_more
            }
        }
        text(R.id.server_note, getString(note))
    }

    private fun share(export: Export) {
        val phone = phone ?: return
        text(R.id.export_problem, null)
        act({ text(R.id.export_problem, getString(R.string.export_failed, it)) }) {
            make(phone, export)
            val address = ExportProvider.address(this, export)
            val send = Intent(Intent.ACTION_SEND)
                .setType(export.mimeType)
                .putExtra(Intent.EXTRA_STREAM, address)
                .addFlags(Intent.FLAG_GRANT_READ_URI_PERMISSION)
            send.clipData = android.content.ClipData.newRawUri(export.fileName, address)
            startActivity(Intent.createChooser(send, null))
        }
    }

    private suspend fun make(phone: Phone, export: Export) {
        val file = File(ExportProvider.folder(this), export.fileName)
        when (export) {
            Export.PHONE_GPX -> phone.export(ExportFormat.GPX, file)
            Export.PHONE_JSON -> phone.export(ExportFormat.JSON, file)
            Export.SERVER_JSON -> {
                val json = phone.exportFromServer()
                withContext(Dispatchers.IO) { file.writeBytes(json) }
            }
        }
    }

    private fun askToErase() {
        erasing.ask()
        AlertDialog.Builder(this)
            .setMessage(R.string.erase_confirm)
            .setPositiveButton(R.string.erase_yes) { _, _ -> eraseEverything() }
            .setNegativeButton(R.string.erase_no) { _, _ -> erasing.cancel() }
            .setOnCancelListener { erasing.cancel() }
            .show()
    }

    private fun eraseEverything() {
        val phone = phone ?: return
        if (!erasing.confirm()) return
        draw()
        act({ erasing.failed(); failed(it) }) {
            // The driver meant it: leaving the screen takes nothing of it back.
            withContext(NonCancellable) {
                // What was taken along lies in files, too.
                withContext(Dispatchers.IO) { ExportProvider.folder(this@SettingsActivity).deleteRecursively() }
                phone.erase()
            }
        }
    }

    private fun failed(why: String) = text(R.id.erase_state, getString(R.string.trip_failed, why))
}
