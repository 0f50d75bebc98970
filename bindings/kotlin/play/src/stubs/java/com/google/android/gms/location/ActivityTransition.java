package com.google.android.gms.location;

public class ActivityTransition {
    public static final int ACTIVITY_TRANSITION_ENTER = 0;
    public static class Builder {
        public Builder setActivityType(int type) { return this; }
        public Builder setActivityTransition(int transition) { return this; }
        public ActivityTransition build() { return null; }
    }
}
