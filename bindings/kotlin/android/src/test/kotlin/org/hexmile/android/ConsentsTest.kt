package org.hexmile.android

import java.io.File
import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.io.TempDir

/** What the driver decided. */
class ConsentsTest {
    @TempDir
    lateinit var dir: File

    @Test
    fun `who asks while everything is forgotten keeps nothing of it`() {
        val kept = PlainValues(dir)
        lateinit var consents: Consents
        consents = Consents(object : Values by kept {
            override fun remove(name: String) {
                consents.agreed
                consents.erasing
                kept.remove(name)
            }
        })
        consents.agreed = true
        consents.erasing = true
        assertTrue(consents.agreed && consents.erasing)
        consents.forget()
        assertFalse(consents.agreed)
        assertFalse(consents.erasing)
    }
}
