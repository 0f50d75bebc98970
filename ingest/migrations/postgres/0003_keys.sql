-- Devices are signed out, too, join by invitation, and bring what their platform says of their keys.
ALTER TABLE device ADD COLUMN revoked_at_ms BIGINT;

-- The code of the invitation that a device joined by: each serves for one device.
ALTER TABLE device ADD COLUMN invitation BYTEA;
CREATE UNIQUE INDEX device_by_invitation ON device (invitation) WHERE invitation IS NOT NULL;

-- As it came; nobody has checked it yet.
CREATE TABLE attestation (
    device_id BYTEA PRIMARY KEY REFERENCES device (device_id),
    format TEXT COLLATE "C" NOT NULL,
    object BYTEA NOT NULL
);
