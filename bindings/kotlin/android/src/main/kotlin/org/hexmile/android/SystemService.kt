package org.hexmile.android

import android.content.Context

/** A service that every phone has. */
internal inline fun <reified T : Any> Context.systemService(): T =
    checkNotNull(getSystemService(T::class.java)) { "there is no ${T::class.java.name}" }
