-- Devices are signed out, too, join by invitation, and bring what their platform says of their keys.
ALTER TABLE device ADD COLUMN revoked_at_ms INTEGER;

-- The code of the invitation that a device joined by: each serves for one device.
ALTER TABLE device ADD COLUMN invitation BLOB;
CREATE UNIQUE INDEX device_by_invitation ON device (invitation) WHERE invitation IS NOT NULL;

-- As it came; nobody has checked it yet.
CREATE TABLE attestation (
    device_id BLOB PRIMARY KEY REFERENCES device (device_id),
    format TEXT NOT NULL,
    object BLOB NOT NULL
) WITHOUT ROWID;
