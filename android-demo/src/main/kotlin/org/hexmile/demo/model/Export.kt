package org.hexmile.demo.model

import java.io.File
import java.io.FileNotFoundException

/** What a driver takes along. */
enum class Export(val fileName: String, val mimeType: String) {
    /** The tracks on this phone, for map apps. */
    PHONE_GPX("hexmile-tracks.gpx", "application/gpx+xml"),

    /** Everything on this phone. */
    PHONE_JSON("hexmile-phone.json", "application/json"),

    /** Everything at the server. */
    SERVER_JSON("hexmile-server.json", "application/json"),
}

/** The export that an address of the app's provider names; `null` where it names none. */
fun exportOf(pathSegments: List<String>): Export? =
    pathSegments.singleOrNull()?.let { name -> Export.entries.find { it.fileName == name } }

/**
 * The file to hand out. Only exports are, by their names, and only those that were made.
 *
 * @throws FileNotFoundException
 */
fun exportedFile(folder: File, pathSegments: List<String>): File {
    val export = exportOf(pathSegments) ?: throw FileNotFoundException("$pathSegments is no export")
    val file = File(folder, export.fileName)
    if (!file.isFile) throw FileNotFoundException("${export.fileName} was not made")
    return file
}
