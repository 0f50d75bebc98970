package org.hexmile.demo.model

/**
 * What the driver allows, as the system tells it.
 *
 * @property api the system's API level.
 * @property refusedForGood whether the system would not even show its question about the location again.
 * @property allowedBefore whether the app had the exact location once: "only this time", or taken back.
 * @property backgroundAnswered whether the driver read why, and said yes or no.
 * @property notificationsAnswered the same of notifications.
 */
data class PermissionFacts(
    val api: Int,
    val fine: Boolean = false,
    val coarse: Boolean = false,
    val background: Boolean = false,
    val notifications: Boolean = false,
    val refusedForGood: Boolean = false,
    val allowedBefore: Boolean = false,
    val backgroundAnswered: Boolean = false,
    val notificationsAnswered: Boolean = false,
)

/** What to ask the driver next. */
enum class PermissionStep(val mayDrive: Boolean) {
    /** For the location, for the first time. */
    ASK_LOCATION(false),

    /** Again: it was allowed only once, or taken back. */
    ASK_LOCATION_AGAIN(false),

    /** For the exact one: the approximate one makes no trace. */
    ASK_EXACT(false),

    /** The system asks no more: only its settings help. */
    OPEN_SETTINGS(false),

    /** For notifications, by which a trip is seen and stopped. */
    ASK_NOTIFICATIONS(true),

    /** Why a trip that a restart cut off needs the location "all the time", before the system is asked. */
    EXPLAIN_BACKGROUND(true),

    /** Nothing: what the driver declined is not asked for again. */
    READY(true),
}

private const val API_29 = 29
private const val API_33 = 33

/** The next step; what a trip cannot do without comes first. */
fun nextStep(facts: PermissionFacts): PermissionStep = when {
    !facts.fine && facts.refusedForGood -> PermissionStep.OPEN_SETTINGS
    !facts.fine && facts.coarse -> PermissionStep.ASK_EXACT
    !facts.fine && facts.allowedBefore -> PermissionStep.ASK_LOCATION_AGAIN
    !facts.fine -> PermissionStep.ASK_LOCATION
    facts.api >= API_33 && !facts.notifications && !facts.notificationsAnswered -> PermissionStep.ASK_NOTIFICATIONS
    facts.api >= API_29 && !facts.background && !facts.backgroundAnswered -> PermissionStep.EXPLAIN_BACKGROUND
    else -> PermissionStep.READY
}

/**
 * Whether the system would not show its question about the location again: it was asked, the answer was
 * no, and it gives no reason to explain oneself.
 */
fun refusedForGood(asked: Boolean, fine: Boolean, mayExplain: Boolean): Boolean = asked && !fine && !mayExplain
