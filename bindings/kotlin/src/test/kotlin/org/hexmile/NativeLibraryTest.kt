package org.hexmile

import java.io.File
import java.nio.ByteBuffer
import java.util.concurrent.TimeUnit
import org.hexmile.ffi.IntegrityCheckingUniffiLib
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir

/** An app that has this package, and whatever library its folder holds. */
internal object LibraryProbe {
    @JvmStatic
    fun main(args: Array<String>) {
        // Twice: a class that failed to load fails in another way the next time.
        repeat(2) {
            try {
                SoftwareSigner(ByteArray(32))
                println("loaded")
            } catch (e: HexmileException) {
                println(e.javaClass.simpleName)
            }
        }
    }
}

class NativeLibraryTest {
    @TempDir
    lateinit var dir: File

    /** What an app of its own process says, with this folder of libraries and these classes first. */
    private fun probe(libraries: File, classes: File? = null): List<String> {
        val path = listOfNotNull(classes?.path, System.getProperty("java.class.path"))
        val java = File(System.getProperty("java.home"), "bin/java").path
        val builder = ProcessBuilder(
            java, "-Djna.library.path=$libraries", "-Djna.nosys=true",
            "-cp", path.joinToString(File.pathSeparator), LibraryProbe::class.java.name,
        ).redirectError(File(dir, "stderr"))
        // Whoever builds the library may have named its folder here, as Cargo does.
        builder.environment().remove("LD_LIBRARY_PATH")
        val process = builder.start()
        val said = process.inputStream.bufferedReader().readLines()
        assertTrue(process.waitFor(1, TimeUnit.MINUTES))
        assertEquals(0, process.exitValue(), File(dir, "stderr").readText())
        return said
    }

    private val library: File
        get() = File(System.getProperty("jna.library.path"), System.mapLibraryName("hexmile"))

    @Test
    fun `the built library loads`() {
        assertEquals(listOf("loaded", "loaded"), probe(library.parentFile))
    }

    @Test
    fun `without a library the error says so`() {
        val said = List(2) { "LibraryMissing" }
        assertEquals(said, probe(File(dir, "nothing")))
        val damaged = File(dir, "damaged").apply { mkdir() }
        File(damaged, library.name).writeText("no library")
        assertEquals(said, probe(damaged))
    }

    @Test
    fun `another library by the same name is a mismatch`() {
        // JNA's own native part is a library that loads, and has none of ours in it.
        val name = "/com/sun/jna/${com.sun.jna.Platform.RESOURCE_PREFIX}/${System.mapLibraryName("jnidispatch")}"
        val alien = com.sun.jna.Native::class.java.getResourceAsStream(name)!!.use { it.readBytes() }
        val folder = File(dir, "alien").apply { mkdir() }
        File(folder, library.name).writeBytes(alien)
        assertEquals(List(2) { "LibraryMismatch" }, probe(folder))
    }

    @Test
    fun `a library of another version is a mismatch`() {
        // Code generated from another version expects another checksum of some method. Large ones
        // stand in the class as four bytes behind the tag of an integer.
        val expected = IntegrityCheckingUniffiLib::class.java.declaredMethods
            .filter { it.name.startsWith("uniffi_hexmile_checksum_") }
            .map { it.invoke(IntegrityCheckingUniffiLib).let { sum -> (sum as Number).toInt() and 0xFFFF } }
            .first { it > Short.MAX_VALUE }
        val name = "org/hexmile/ffi/HexmileKt.class"
        val code = javaClass.classLoader.getResourceAsStream(name)!!.use { it.readBytes() }
        val constant = ByteBuffer.allocate(5).put(3).putInt(expected).array()
        val at = (0..code.size - 5).single { code.copyOfRange(it, it + 5).contentEquals(constant) }
        code[at + 4] = (code[at + 4] + 1).toByte()
        File(dir, "classes/$name").apply { parentFile.mkdirs() }.writeBytes(code)
        assertEquals(List(2) { "LibraryMismatch" }, probe(library.parentFile, File(dir, "classes")))
    }
}
