package com.google.android.gms.location;

import android.location.Location;
import java.util.List;

public final class LocationResult {
    public List<Location> getLocations() { return null; }
}
