package com.google.android.gms.location;

import java.util.List;

public class ActivityTransitionRequest {
    public ActivityTransitionRequest(List<ActivityTransition> transitions) {}
}
