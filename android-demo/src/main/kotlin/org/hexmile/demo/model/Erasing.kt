package org.hexmile.demo.model

import org.hexmile.android.PhoneState

/** The way out. */
enum class Erasing {
    /** Nothing was asked for. */
    NONE,

    /** The driver touched the button, and is asked whether they mean it. */
    ASKING,

    /** The phone is empty; the server has not confirmed that it is, too. */
    WAITING,

    /** The server has confirmed it. */
    DONE,
}

/** What the driver and the server say, one after the other; what makes no sense changes nothing. */
class ErasingModel {
    var state: Erasing = Erasing.NONE
        private set

    /** Whether the phone said that it waits for the server. */
    private var waited = false

    fun ask() {
        if (state == Erasing.NONE || state == Erasing.DONE) state = Erasing.ASKING
    }

    fun cancel() {
        if (state == Erasing.ASKING) state = Erasing.NONE
    }

    /** Whether it is to be done now: once, however often the button is touched. */
    fun confirm(): Boolean {
        if (state != Erasing.ASKING) return false
        state = Erasing.WAITING
        return true
    }

    /** It could not be asked for: nothing was erased, and the driver may try again. */
    fun failed() {
        if (state == Erasing.WAITING) state = Erasing.NONE
        waited = false
    }

    /** How the phone stands; whether everything is gone by it, which is said once. */
    fun phone(phone: PhoneState): Boolean {
        val asked = phone.erasing || phone.status.erasuresWaiting > 0
        val before = state
        state = when {
            asked -> Erasing.WAITING
            before != Erasing.WAITING -> before
            // A phone that is as if new: everything was destroyed after the server's word.
            phone == PhoneState() || waited && !phone.opened -> Erasing.DONE
            // The server will not: the driver may try again.
            waited -> Erasing.NONE
            else -> before
        }
        waited = asked
        return state == Erasing.DONE && before != Erasing.DONE
    }
}
