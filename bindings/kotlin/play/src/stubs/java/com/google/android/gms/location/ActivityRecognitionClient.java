package com.google.android.gms.location;

import android.app.PendingIntent;
import com.google.android.gms.tasks.Task;

public interface ActivityRecognitionClient {
    Task<Void> requestActivityTransitionUpdates(ActivityTransitionRequest request, PendingIntent intent);
    Task<Void> removeActivityTransitionUpdates(PendingIntent intent);
}
