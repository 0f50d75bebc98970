package org.hexmile.android

/**
 * Where the service stands between the phone, which wants it or not, and the system, which starts and ends it in
 * its own time. One that is stopped after it was asked for, and before it came to the front, ends the app: it is
 * left to come first. One that was stopped is asked for anew, though it is not gone yet.
 */
internal class ServiceTurn {
    private enum class Stands { AWAY, COMING, IN_FRONT }

    private var stands = Stands.AWAY
    private var wanted = true

    /** It is wanted: whether the system has to be asked for it. */
    @Synchronized
    fun want(): Boolean {
        wanted = true
        if (stands != Stands.AWAY) return false
        stands = Stands.COMING
        return true
    }

    /** The system did not let it come, or come to the front. */
    @Synchronized
    fun refused() {
        stands = Stands.AWAY
    }

    /** It is not wanted any more: whether it may be stopped now. */
    @Synchronized
    fun unwant(): Boolean {
        wanted = false
        if (stands == Stands.COMING) return false
        stands = Stands.AWAY
        return true
    }

    /** It came to the front, asked for or by the system's own wish: whether it is to stay. */
    @Synchronized
    fun came(): Boolean {
        stands = if (wanted) Stands.IN_FRONT else Stands.AWAY
        return wanted
    }

    /** It is gone; perhaps the next one is on its way. */
    @Synchronized
    fun gone() {
        if (stands == Stands.IN_FRONT) stands = Stands.AWAY
    }
}
