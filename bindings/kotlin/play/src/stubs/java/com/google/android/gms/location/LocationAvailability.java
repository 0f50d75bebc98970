package com.google.android.gms.location;

public final class LocationAvailability {
    public boolean isLocationAvailable() { return false; }
}
