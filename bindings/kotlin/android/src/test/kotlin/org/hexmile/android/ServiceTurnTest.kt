package org.hexmile.android

import org.junit.jupiter.api.Assertions.assertFalse
import org.junit.jupiter.api.Assertions.assertTrue
import org.junit.jupiter.api.Test

class ServiceTurnTest {
    private val turn = ServiceTurn()

    @Test
    fun `it is asked for once, stays, and is stopped`() {
        assertTrue(turn.want())
        assertFalse(turn.want())
        assertTrue(turn.came())
        assertFalse(turn.want())
        assertTrue(turn.unwant())
        turn.gone()
        assertTrue(turn.unwant())
        assertTrue(turn.want())
    }

    @Test
    fun `one that is on its way is left to come, and goes then`() {
        turn.want()
        assertFalse(turn.unwant())
        assertFalse(turn.came())
        turn.gone()
        assertTrue(turn.want() && turn.came())
        // Or stays, where it is wanted again by then.
        assertTrue(turn.unwant() && turn.want())
        assertFalse(turn.unwant() || turn.want())
        assertTrue(turn.came())
    }

    @Test
    fun `one that was stopped is asked for anew before it is gone`() {
        turn.want()
        turn.came()
        turn.unwant()
        assertTrue(turn.want())
        // That was the one before.
        turn.gone()
        assertFalse(turn.want() || turn.unwant())
    }

    @Test
    fun `one that was refused is asked for anew`() {
        turn.want()
        turn.refused()
        assertTrue(turn.want())
    }

    @Test
    fun `one that the system starts by itself stays`() {
        assertTrue(turn.came())
        assertFalse(turn.want())
        assertTrue(turn.unwant())
    }
}
