package com.google.android.gms.location;

import android.content.Context;

public class ActivityRecognition {
    public static ActivityRecognitionClient getClient(Context context) { return null; }
}
