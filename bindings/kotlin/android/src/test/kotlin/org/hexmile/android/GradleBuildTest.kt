package org.hexmile.android

import java.io.File
import javax.xml.parsers.DocumentBuilderFactory
import org.jetbrains.kotlin.CoreEnvironmentDeprecation
import org.jetbrains.kotlin.cli.create
import org.jetbrains.kotlin.cli.jvm.compiler.EnvironmentConfigFiles
import org.jetbrains.kotlin.cli.jvm.compiler.KotlinCoreEnvironment
import org.jetbrains.kotlin.com.intellij.openapi.util.Disposer
import org.jetbrains.kotlin.com.intellij.psi.PsiErrorElement
import org.jetbrains.kotlin.com.intellij.psi.util.PsiTreeUtil
import org.jetbrains.kotlin.config.CommonConfigurationKeys
import org.jetbrains.kotlin.config.CompilerConfiguration
import org.jetbrains.kotlin.psi.KtPsiFactory
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

/** Gradle's build, which runs only where there is an Android SDK: what can be said of it elsewhere. */
class GradleBuildTest {
    private val kotlin = File("..").canonicalFile
    private val demo = File(kotlin, "../../android-demo").canonicalFile

    private val properties: Map<String, String> by lazy {
        val parent = DocumentBuilderFactory.newInstance().newDocumentBuilder().parse(File(kotlin, "parent/pom.xml"))
        val properties = parent.getElementsByTagName("properties").item(0).childNodes
        val version = parent.getElementsByTagName("version").item(0).textContent
        (0 until properties.length).map(properties::item)
            .filter { it.nodeName.endsWith(".version") }
            .associate { it.nodeName.removeSuffix(".version") to it.textContent } + ("project" to version)
    }

    private val catalogue: Map<String, String> by lazy {
        File(kotlin, "gradle/libs.versions.toml").readText()
            .substringAfter("[versions]").substringBefore("[libraries]").lines()
            .filter { '=' in it }.associate { it.substringBefore('=').trim() to it.substringAfter('"').substringBefore('"') }
    }

    @Test
    fun `Gradle and Maven build with the same versions`() {
        for (name in listOf("kotlin", "coroutines", "jna", "junit")) {
            assertEquals(properties.getValue(name), catalogue[name], name)
        }
        val gradle = File(kotlin, "gradle.properties").readLines()
        assertTrue("version=${properties["project"]}" in gradle, "the project's version")
    }

    @Test
    fun `what the catalogue names is used, and what is used is named`() {
        val text = File(kotlin, "gradle/libs.versions.toml").readText()
        val (libraries, plugins) = listOf("[libraries]", "[plugins]").map { section ->
            text.substringAfter(section).substringBefore("\n[").lines()
                .filter { '=' in it }.map { it.substringBefore('=').trim().replace('-', '.') }.toSet()
        }
        val builds = scripts().joinToString("\n") { it.readText() }
        val used = Regex("""libs\.([a-z.]+[a-z])""").findAll(builds).map { it.groupValues[1] }.toSet() - "versions.toml"
        val named = libraries + plugins.map { "plugins.$it" }
        assertEquals(emptySet<String>(), used - named)
        // The standard library comes with the plugin.
        assertEquals(emptySet<String>(), named - used - "kotlin.stdlib")
        val versions = Regex("""version\.ref = "([a-z-]+)"""").findAll(text).map { it.groupValues[1] }.toSet()
        assertEquals(catalogue.keys, versions)
    }

    @OptIn(CompilerConfiguration.Internals::class, CoreEnvironmentDeprecation::class)
    @Test
    fun `every script of Gradle's is Kotlin`() {
        val disposable = Disposer.newDisposable()
        try {
            val configuration = CompilerConfiguration.create().apply { put(CommonConfigurationKeys.MODULE_NAME, "gradle") }
            val files = EnvironmentConfigFiles.JVM_CONFIG_FILES
            val project = KotlinCoreEnvironment.createForProduction(disposable, configuration, files).project
            val parser = KtPsiFactory(project)
            fun errors(name: String, text: String) =
                PsiTreeUtil.collectElementsOfType(parser.createFile(name, text), PsiErrorElement::class.java)
                    .map { it.errorDescription }
            for (script in scripts()) assertEquals(emptyList<String>(), errors(script.name, script.readText()), "$script")
            // The parser would see it.
            assertEquals(1, errors("broken.gradle.kts", "plugins { id(\"a\" }").size.coerceAtMost(1))
        } finally {
            Disposer.dispose(disposable)
        }
    }

    private fun scripts(): List<File> = listOf(kotlin, demo)
        .flatMap { folder -> folder.walk().onEnter { it.name !in setOf("target", "build", "src") }.toList() }
        .filter { it.name.endsWith(".gradle.kts") }
        .also { assertTrue(it.size >= 5, "$it") }
}
