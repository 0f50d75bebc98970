package org.hexmile.android

import android.content.Context

/**
 * The app's `Application` implements it, so that the services, jobs and receivers of this package find
 * the app's [Phone], whichever of them the system starts the process for.
 */
public interface PhoneHost {
    /** The one of this process; `null` as long as the driver has not chosen to take part. */
    public val phone: Phone?
}

/** The app's [Phone]; `null` where it has none, or is not a [PhoneHost]. */
public fun phoneOf(context: Context): Phone? = (context.applicationContext as? PhoneHost)?.phone
