package org.hexmile.demo

import java.io.File
import javax.xml.parsers.DocumentBuilderFactory
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.w3c.dom.Element

/**
 * What Android's own tools would say of resources and manifest. That each name which code or XML uses is
 * defined, and each file well-formed, is seen to by the build: `ResourceIds` and the compiler.
 */
class ResourcesTest {
    private val names = "http://schemas.android.com/apk/res/android"
    private val resources = File("src/main/res")
    private val sources = File("src/main/kotlin").walk().filter { it.extension == "kt" }.map { it.readText() }.toList()

    private fun elements(file: File): List<Element> {
        val factory = DocumentBuilderFactory.newInstance().apply { isNamespaceAware = true }
        val list = factory.newDocumentBuilder().parse(file).getElementsByTagName("*")
        return List(list.length) { list.item(it) as Element }
    }

    private fun layouts() = File(resources, "layout").listFiles()!!.filter { it.extension == "xml" }

    private fun Element.of(name: String): String = getAttributeNS(names, name)

    private val strings = elements(File(resources, "values/strings.xml")).filter { it.tagName == "string" }
        .associate { it.getAttribute("name") to it.textContent }

    @Test
    fun `every string is used`() {
        val xml = (resources.walk().filter { it.isFile } + File("src/main/AndroidManifest.xml")).map { it.readText() }.toList()
        val unused = strings.keys.filter { name ->
            sources.none { "R.string.$name" in it } && xml.none { Regex("@string/$name\\b").containsMatchIn(it) }
        }
        assertEquals(emptyList<String>(), unused)
    }

    @Test
    fun `strings are formatted with as much as they want`() {
        val code = sources.joinToString("\n")
        val calls = Regex("""getString\(R\.string\.(\w+)((?:,[^()]*(?:\([^()]*(?:\([^()]*\))?[^()]*\))?[^()]*)?)\)""")
        for (call in calls.findAll(code)) {
            val (name, arguments) = call.destructured
            val wanted = Regex("""%\d\$""").findAll(strings.getValue(name)).map { it.value }.toSet().size
            assertEquals(wanted > 0, arguments.isNotEmpty(), "$name: ${call.value}")
        }
        assertTrue(calls.findAll(code).count() > 20)
    }

    @Test
    fun `every view that is looked for is in that screen's layout`() {
        val rows = setOf("line", "zone_line").flatMap { ids(File(resources, "layout/$it.xml")) }.toSet()
        for (source in sources) {
            val layout = Regex("""Screen\(R\.layout\.(\w+)\)""").find(source)?.groupValues?.get(1) ?: continue
            val there = ids(File(resources, "layout/$layout.xml")) + rows
            val wanted = Regex("""(?<!android\.)R\.id\.(\w+)""").findAll(source).map { it.groupValues[1] }.toSet()
            assertEquals(emptySet<String>(), wanted - there, layout)
        }
    }

    private fun ids(file: File) = elements(file).map { it.of("id").substringAfter('/', "") }.filter { it.isNotEmpty() }.toSet()

    @Test
    fun `what is touched is large enough, and what is read has a name`() {
        val styles = elements(File(resources, "values/styles.xml")).filter { it.tagName == "style" }
            .associate { style ->
                val items = style.getElementsByTagName("item")
                val named = List(items.length) { items.item(it) as Element }.associate { it.getAttribute("name") to it.textContent }
                "@style/" + style.getAttribute("name") to named
            }
        for (layout in layouts()) {
            for (view in elements(layout)) {
                val style = styles[view.getAttribute("style")].orEmpty()
                if (view.tagName in setOf("Button", "EditText")) {
                    assertEquals("@dimen/target", style["android:minHeight"], "${layout.name}: ${view.of("id")}")
                }
                if (view.tagName == "Button") assertTrue(view.of("text").isNotEmpty(), "${layout.name}: ${view.of("id")}")
                if (view.tagName == "EditText") {
                    val label = elements(layout).any { it.of("labelFor").substringAfter('/') == view.of("id").substringAfter('/') }
                    assertTrue(label, "${layout.name}: ${view.of("id")} has no label")
                }
                // Sizes follow the driver's own setting.
                val sizes = listOf(view.of("textSize"), style["android:textSize"].orEmpty()).filter { it.isNotEmpty() }
                assertTrue(sizes.all { it.endsWith("sp") }, "${layout.name}: $sizes")
            }
        }
        assertTrue(elements(File(resources, "values/dimens.xml")).any { it.getAttribute("name") == "target" && it.textContent == "48dp" })
    }

    @Test
    fun `no word stands in a layout, and the dark theme has every colour`() {
        for (layout in layouts()) {
            for (view in elements(layout)) {
                for (name in listOf("text", "hint", "contentDescription")) {
                    val text = view.of(name)
                    assertTrue(text.isEmpty() || text.startsWith("@string/"), "${layout.name}: $text")
                }
            }
        }
        fun colours(folder: String) = elements(File(resources, "$folder/colors.xml")).filter { it.tagName == "color" }
            .associate { it.getAttribute("name") to it.textContent }
        assertEquals(colours("values").keys, colours("values-night").keys)
        for (folder in listOf("values", "values-night")) {
            val (ground, others) = colours(folder).let { it.getValue("ground") to it - "ground" }
            for ((name, colour) in others) assertTrue(contrast(colour, ground) >= 7.0, "$folder: $name ${contrast(colour, ground)}")
        }
    }

    /** WCAG 2.2's ratio of relative luminances. */
    private fun contrast(one: String, other: String): Double {
        fun luminance(colour: String): Double {
            val (r, g, b) = colour.removePrefix("#").chunked(2).map { it.toInt(16) / 255.0 }
                .map { if (it <= 0.04045) it / 12.92 else Math.pow((it + 0.055) / 1.055, 2.4) }
            return 0.2126 * r + 0.7152 * g + 0.0722 * b
        }
        val (dark, light) = listOf(luminance(one), luminance(other)).sorted()
        return (light + 0.05) / (dark + 0.05)
    }

    @Test
    fun `components are classes of their kind, and closed to other apps but the first screen`() {
        val kinds = mapOf(
            "activity" to android.app.Activity::class.java, "provider" to android.content.ContentProvider::class.java,
        )
        val components = elements(File("src/main/AndroidManifest.xml")).filter { it.tagName in kinds }
        for (component in components) {
            val type = Class.forName(component.of("name"), false, javaClass.classLoader)
            assertTrue(kinds.getValue(component.tagName).isAssignableFrom(type), "$type")
            assertEquals(type.simpleName == "MainActivity", component.of("exported") == "true", "$type")
        }
        assertEquals(6, components.size)
    }

    @Test
    fun `nothing is promised of earnings`() {
        val words = strings.filterKeys { it.startsWith("earnings") || it.startsWith("consent") }.values
            .joinToString(" ").replace(Regex("""%\d\$[sd]"""), "").lowercase()
        for (word in listOf("earn money", "cash", "income", "profit", "invest", "reward", "$", "€")) assertTrue(word !in words, word)
        assertTrue("nobody promises" in words)
    }

    @Test
    fun `models know nothing of Android`() {
        val models = File("src/main/kotlin/org/hexmile/demo/model").listFiles()!!
        assertTrue(models.size >= 7)
        for (model in models) assertTrue(model.readLines().none { it.startsWith("import android.") }, model.name)
    }
}
