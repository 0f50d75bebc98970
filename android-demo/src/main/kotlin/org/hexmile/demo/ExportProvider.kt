package org.hexmile.demo

import android.content.ContentProvider
import android.content.ContentValues
import android.content.Context
import android.database.Cursor
import android.database.MatrixCursor
import android.net.Uri
import android.os.ParcelFileDescriptor
import android.provider.OpenableColumns
import java.io.File
import java.io.FileNotFoundException
import org.hexmile.demo.model.Export
import org.hexmile.demo.model.exportOf
import org.hexmile.demo.model.exportedFile

/** Hands an export out, to read, to the app that the driver chose for it. */
class ExportProvider : ContentProvider() {
    override fun onCreate(): Boolean = true

    override fun getType(uri: Uri): String? = exportOf(uri.pathSegments)?.mimeType

    override fun openFile(uri: Uri, mode: String): ParcelFileDescriptor {
        if (mode != "r") throw FileNotFoundException("exports are to be read")
        return ParcelFileDescriptor.open(exported(uri), ParcelFileDescriptor.MODE_READ_ONLY)
    }

    /** Its name and size, which receivers ask for. */
    override fun query(
        uri: Uri,
        projection: Array<out String>?,
        selection: String?,
        selectionArgs: Array<out String>?,
        sortOrder: String?,
    ): Cursor? {
        val file = try {
            exported(uri)
        } catch (_: FileNotFoundException) {
            return null
        }
        val columns = projection ?: arrayOf(OpenableColumns.DISPLAY_NAME, OpenableColumns.SIZE)
        val row = columns.map {
            when (it) {
                OpenableColumns.DISPLAY_NAME -> file.name
                OpenableColumns.SIZE -> file.length()
                else -> null
            }
        }
        return MatrixCursor(columns, 1).apply { addRow(row) }
    }

    override fun insert(uri: Uri, values: ContentValues?): Uri? = null

    override fun delete(uri: Uri, selection: String?, selectionArgs: Array<out String>?): Int = 0

    override fun update(uri: Uri, values: ContentValues?, selection: String?, args: Array<out String>?): Int = 0

    private fun exported(uri: Uri): File {
        val context = context ?: throw FileNotFoundException()
        return exportedFile(folder(context), uri.pathSegments)
    }

    companion object {
        /** In the cache: the system may empty it, and a backup does not look into it. */
        fun folder(context: Context): File = File(context.cacheDir, "exports").apply { mkdirs() }

        fun address(context: Context, export: Export): Uri = Uri.Builder()
            .scheme("content").authority("${context.packageName}.exports").appendPath(export.fileName).build()
    }
}
