package com.google.android.gms.location;

import android.content.Context;

public class LocationServices {
    public static FusedLocationProviderClient getFusedLocationProviderClient(Context context) { return null; }
}
