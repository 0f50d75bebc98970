package com.google.android.gms.location;

public abstract class LocationCallback {
    public void onLocationResult(LocationResult result) {}
    public void onLocationAvailability(LocationAvailability availability) {}
}
