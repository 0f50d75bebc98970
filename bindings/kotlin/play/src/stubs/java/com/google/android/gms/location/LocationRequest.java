package com.google.android.gms.location;

public final class LocationRequest {
    public static final class Builder {
        public Builder(int priority, long intervalMillis) {}
        public Builder setMinUpdateIntervalMillis(long millis) { return this; }
        public Builder setMaxUpdateDelayMillis(long millis) { return this; }
        public LocationRequest build() { return null; }
    }
}
