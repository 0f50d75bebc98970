package org.hexmile.android

import java.io.File
import javax.xml.parsers.DocumentBuilderFactory
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.w3c.dom.Element

/** What the manifest declares, and what the code needs of it. */
class ManifestTest {
    private val names = "http://schemas.android.com/apk/res/android"
    private val manifest = DocumentBuilderFactory.newInstance().apply { isNamespaceAware = true }
        .newDocumentBuilder().parse(File("src/main/AndroidManifest.xml")).documentElement

    private fun all(tag: String): List<Element> =
        manifest.getElementsByTagName(tag).let { list -> List(list.length) { list.item(it) as Element } }

    private fun Element.android(name: String) = getAttributeNS(names, name)

    @Test
    fun `components are classes of their kind, and not for other apps`() {
        val kinds = mapOf("service" to android.app.Service::class, "receiver" to android.content.BroadcastReceiver::class)
        for ((tag, kind) in kinds) {
            for (component in all(tag)) {
                // Not initialised: the framework's own parts are not there.
                val type = Class.forName(component.android("name"), false, javaClass.classLoader)
                assertTrue(kind.java.isAssignableFrom(type), "$type")
                val guarded = component.android("exported") == "false" || component.android("permission").isNotEmpty()
                assertTrue(guarded, "$type")
            }
        }
        assertEquals(2 to 2, all("service").size to all("receiver").size)
    }

    @Test
    fun `a service in front has its type, and the type its permission`() {
        val types = all("service").associate { it.android("name").substringAfterLast('.') to it.android("foregroundServiceType") }
        assertEquals(mapOf("DriveService" to "location", "DrainJob" to ""), types)
        val permissions = all("uses-permission").map { it.android("name").removePrefix("android.permission.") }
        val needed = listOf("FOREGROUND_SERVICE", "FOREGROUND_SERVICE_LOCATION", "RECEIVE_BOOT_COMPLETED", "POST_NOTIFICATIONS")
        assertTrue(permissions.containsAll(needed), "$permissions")
        assertTrue("ACCESS_BACKGROUND_LOCATION" !in permissions, "it is the app's to declare")
    }

    @Test
    fun `what wakes the receiver is what it obeys`() {
        val wake = all("receiver").single { it.android("name").endsWith("WakeReceiver") }
        val actions = wake.getElementsByTagName("action")
        assertEquals(WakeReceiver.ACTIONS, (0 until actions.length).map { (actions.item(it) as Element).android("name") }.toSet())
    }

    @Test
    fun `the README shows the example that is compiled, in at most 20 lines`() {
        val example = File("src/example/kotlin/App.kt").readText()
        assertTrue("```kotlin\n$example```\n" in File("../README.md").readText())
        val body = example.lines().dropWhile { !it.startsWith("class") }.takeWhile { it != "}" }
        assertTrue(body.size + 1 <= 20, "${body.size + 1} lines")
    }
}
