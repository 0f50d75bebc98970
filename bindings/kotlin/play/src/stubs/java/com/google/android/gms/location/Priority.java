package com.google.android.gms.location;

public @interface Priority {
    int PRIORITY_HIGH_ACCURACY = 100;
    int PRIORITY_LOW_POWER = 104;
}
