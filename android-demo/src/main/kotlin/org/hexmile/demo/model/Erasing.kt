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
    }

    fun phone(phone: PhoneState) {
        val asked = phone.erasing || phone.status.erasuresWaiting > 0
        state = when {
            asked -> Erasing.WAITING
            // A phone that is as if new: everything was destroyed after the server's word.
            state == Erasing.WAITING && phone == PhoneState() -> Erasing.DONE
            else -> state
        }
    }
}
