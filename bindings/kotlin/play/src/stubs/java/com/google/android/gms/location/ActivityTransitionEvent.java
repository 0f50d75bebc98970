package com.google.android.gms.location;

public class ActivityTransitionEvent {
    public int getActivityType() { return 0; }
}
