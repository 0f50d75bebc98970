package org.hexmile.demo.model

import java.io.File
import java.io.FileNotFoundException
import java.net.URI
import java.util.Locale
import org.hexmile.Earnings
import org.hexmile.EpochEarnings
import org.hexmile.Place
import org.hexmile.Verdict
import org.hexmile.Zone
import org.hexmile.android.Privacy
import org.junit.jupiter.api.Assertions.assertEquals
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test
import org.junit.jupiter.api.assertThrows
import org.junit.jupiter.api.io.TempDir

class ModelsTest {
    @Test
    fun `servers' addresses are read as they are typed`() {
        fun wrong(why: ServerAddress.Fault) = ServerAddress.Wrong(why)
        val cases = mapOf(
            "https://map.example" to ServerAddress.Usable(URI("https://map.example")),
            "  map.example/ " to ServerAddress.Usable(URI("https://map.example")),
            "https://map.example:8443" to ServerAddress.Usable(URI("https://map.example:8443")),
            "http://10.0.2.2:8080" to ServerAddress.Usable(URI("http://10.0.2.2:8080")),
            "" to wrong(ServerAddress.Fault.EMPTY),
            " / " to wrong(ServerAddress.Fault.EMPTY),
            "http://map.example" to wrong(ServerAddress.Fault.NOT_ENCRYPTED),
            "http://localhost.example" to wrong(ServerAddress.Fault.NOT_ENCRYPTED),
            "https://map.example/tiles" to wrong(ServerAddress.Fault.MORE_THAN_AN_ADDRESS),
            "https://map.example?key=1" to wrong(ServerAddress.Fault.MORE_THAN_AN_ADDRESS),
            "https://me:secret@map.example" to wrong(ServerAddress.Fault.MORE_THAN_AN_ADDRESS),
            "https://map.example#top" to wrong(ServerAddress.Fault.MORE_THAN_AN_ADDRESS),
            "ftp://map.example" to wrong(ServerAddress.Fault.NOT_AN_ADDRESS),
            "https://" to wrong(ServerAddress.Fault.NOT_AN_ADDRESS),
            "map example" to wrong(ServerAddress.Fault.NOT_AN_ADDRESS),
            "https://map.example:99999" to wrong(ServerAddress.Fault.NOT_AN_ADDRESS),
            "javascript:alert(1)" to wrong(ServerAddress.Fault.NOT_AN_ADDRESS),
        )
        for ((typed, want) in cases) assertEquals(want, ServerAddress.read(typed), typed)
    }

    @Test
    fun `permissions are asked for one by one, and what was declined is not asked for again`() {
        val none = PermissionFacts(api = 35)
        val fine = none.copy(fine = true, coarse = true, allowedBefore = true)
        val cases = listOf(
            none to PermissionStep.ASK_LOCATION,
            none.copy(coarse = true) to PermissionStep.ASK_EXACT,
            // "Only this time" has run out.
            none.copy(allowedBefore = true) to PermissionStep.ASK_LOCATION_AGAIN,
            none.copy(refusedForGood = true) to PermissionStep.OPEN_SETTINGS,
            none.copy(refusedForGood = true, coarse = true, allowedBefore = true) to PermissionStep.OPEN_SETTINGS,
            fine to PermissionStep.ASK_NOTIFICATIONS,
            fine.copy(notificationsAnswered = true) to PermissionStep.EXPLAIN_BACKGROUND,
            fine.copy(notifications = true) to PermissionStep.EXPLAIN_BACKGROUND,
            fine.copy(notifications = true, backgroundAnswered = true) to PermissionStep.READY,
            fine.copy(notifications = true, background = true) to PermissionStep.READY,
            // Where the system does not know them, they are not asked for.
            fine.copy(api = 32) to PermissionStep.EXPLAIN_BACKGROUND,
            fine.copy(api = 28) to PermissionStep.READY,
            none.copy(api = 26) to PermissionStep.ASK_LOCATION,
        )
        for ((facts, want) in cases) assertEquals(want, nextStep(facts), "$facts")
        for (facts in cases.map { it.first }) assertEquals(facts.fine, nextStep(facts).mayDrive, "$facts")
    }

    @Test
    fun `the system asks no more after a second no, and not before the first`() {
        assertEquals(false, refusedForGood(asked = false, fine = false, mayExplain = false))
        assertEquals(false, refusedForGood(asked = true, fine = false, mayExplain = true))
        assertEquals(true, refusedForGood(asked = true, fine = false, mayExplain = false))
        assertEquals(false, refusedForGood(asked = true, fine = true, mayExplain = false))
    }

    @Test
    fun `amounts are exact, in the driver's own writing`() {
        val cases = mapOf(
            0L to "0", 1L to "0.000001", 1_000_000L to "1", 1_234_567_890L to "1,234.56789", -500_000L to "-0.5",
            Long.MAX_VALUE to "9,223,372,036,854.775807",
        )
        for ((millionths, want) in cases) assertEquals(want, tokens(millionths, Locale.US))
        assertEquals("1.234,5", tokens(1_234_500_000, Locale.GERMANY))
        val earnings = Earnings(5, 0, listOf(EpochEarnings(7, 1_500_000), EpochEarnings(6, 0)))
        assertEquals(listOf(EpochLine(7, "1.5"), EpochLine(6, "0")), epochs(earnings, Locale.US))
        assertEquals("12.3", kilometres(12_345, Locale.US))
    }

    @Test
    fun `receipts are told newest first, in words`() {
        val id = "0123456789abcdef"
        val verdicts = listOf(
            Verdict(id, 10, true, emptyList(), 900_000, 3000),
            Verdict(id, 30, null, emptyList(), null, null),
            Verdict(id, 20, false, listOf("mock_location", "teleport"), null, null),
        )
        val want = listOf(
            ReceiptLine("01234567", 30, Outcome.WAITING, emptyList(), null),
            ReceiptLine("01234567", 20, Outcome.REJECTED, listOf("mock location", "teleport"), null),
            ReceiptLine("01234567", 10, Outcome.ACCEPTED, emptyList(), 3000),
        )
        assertEquals(want, receipts(verdicts))
        assertEquals(emptyList<ReceiptLine>(), receipts(emptyList()))
    }

    @Test
    fun `places are read as maps copy them`() {
        fun usable(latitude: Double, longitude: Double) = TypedPlace.Usable(Place(latitude, longitude))
        val cases = mapOf(
            "48.137, 11.575" to usable(48.137, 11.575),
            " -33.9,18.4 " to usable(-33.9, 18.4),
            "48,137; 11,575" to usable(48.137, 11.575),
            "90,180" to usable(90.0, 180.0),
            "" to TypedPlace.Wrong, "48.1" to TypedPlace.Wrong, "1,2,3" to TypedPlace.Wrong, "north, east" to TypedPlace.Wrong,
            "90.1, 0" to TypedPlace.Wrong, "0, -180.1" to TypedPlace.Wrong, "NaN, 0" to TypedPlace.Wrong,
            "Infinity, 0" to TypedPlace.Wrong,
        )
        for ((typed, want) in cases) assertEquals(want, typedPlace(typed), typed)
    }

    @Test
    fun `zones come and go, and what the phone learned stands after them`() {
        val home = Place(48.1, 11.5)
        val work = Place(48.2, 11.6)
        val privacy = Privacy().withPlace(home).withPlace(home)
        assertEquals(listOf(Zone.Around(home)), privacy.zones)
        val circle = Zone.Circle(work, 700)
        val both = privacy.copy(zones = privacy.zones + circle)
        val want = listOf(ZoneLine.Own(Zone.Around(home), home), ZoneLine.Own(circle, work), ZoneLine.Learned(work))
        assertEquals(want, zoneLines(both, listOf(work)))
        assertEquals(privacy, both.without(circle))
    }

    @Test
    fun `exports are handed out by their names alone`(@TempDir dir: File) {
        assertEquals(Export.SERVER_JSON, exportOf(listOf("hexmile-server.json")))
        File(dir, "hexmile-tracks.gpx").writeText("<gpx/>")
        File(dir, "secret").writeText("secret")
        assertEquals("<gpx/>", exportedFile(dir, listOf("hexmile-tracks.gpx")).readText())
        val others = listOf(
            emptyList(), listOf("secret"), listOf("..", "hexmile-tracks.gpx"), listOf("../hexmile-tracks.gpx"),
            listOf("hexmile-phone.json"),
        )
        for (segments in others) assertThrows<FileNotFoundException> { exportedFile(dir, segments) }
        assertTrue(Export.entries.map { it.fileName }.toSet().size == Export.entries.size)
    }
}
