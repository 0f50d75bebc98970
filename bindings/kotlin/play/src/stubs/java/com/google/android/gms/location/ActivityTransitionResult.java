package com.google.android.gms.location;

import android.content.Intent;
import java.util.List;

public class ActivityTransitionResult {
    public static ActivityTransitionResult extractResult(Intent intent) { return null; }
    public List<ActivityTransitionEvent> getTransitionEvents() { return null; }
}
