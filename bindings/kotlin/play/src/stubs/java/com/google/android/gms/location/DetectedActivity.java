package com.google.android.gms.location;

public class DetectedActivity {
    public static final int IN_VEHICLE = 0;
    public static final int ON_FOOT = 2;
    public static final int STILL = 3;
    public static final int WALKING = 7;
    public static final int RUNNING = 8;
}
