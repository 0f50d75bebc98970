package com.google.android.gms.location;

import android.os.Looper;
import com.google.android.gms.tasks.Task;

public interface FusedLocationProviderClient {
    Task<Void> requestLocationUpdates(LocationRequest request, LocationCallback callback, Looper looper);
    Task<Void> removeLocationUpdates(LocationCallback callback);
}
