//! The tables. Steps are only ever added at the end.

/// All steps, in their order.
pub(super) const STEPS: [&str; 1] = [FIRST];

/// The first window of a database has the number of the second in which that was made: a
/// spacecraft that knows windows of an earlier database meets no second one of the same id.
const FIRST: &str = "
CREATE TABLE windows (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    satellite TEXT NOT NULL,
    type TEXT NOT NULL,
    payload TEXT NOT NULL,
    user TEXT NOT NULL,
    start_s INTEGER NOT NULL,
    duration_s INTEGER NOT NULL,
    pre_buffer_s INTEGER NOT NULL,
    post_buffer_s INTEGER NOT NULL,
    busy_from_s INTEGER NOT NULL,
    busy_to_s INTEGER NOT NULL,
    parameters TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN
        ('PENDING_SYNC', 'SYNCED', 'PENDING_CANCEL', 'EXECUTED', 'FAILED', 'CANCELLED')),
    reason TEXT NOT NULL DEFAULT '',
    result TEXT,
    is_offered INTEGER NOT NULL DEFAULT 0,
    taken_s INTEGER NOT NULL,
    changed_s INTEGER NOT NULL
) STRICT;
INSERT INTO sqlite_sequence (name, seq) VALUES ('windows', CAST(unixepoch() AS INTEGER));
CREATE INDEX windows_open ON windows (satellite, start_s)
    WHERE state IN ('PENDING_SYNC', 'SYNCED', 'PENDING_CANCEL');
CREATE INDEX windows_calendar ON windows (satellite, payload, busy_to_s)
    WHERE state NOT IN ('FAILED', 'CANCELLED');
CREATE INDEX windows_of_satellite ON windows (satellite, id);
CREATE INDEX windows_ended ON windows (changed_s)
    WHERE state IN ('EXECUTED', 'FAILED', 'CANCELLED');

CREATE TABLE uploads (
    number INTEGER PRIMARY KEY AUTOINCREMENT,
    id TEXT NOT NULL UNIQUE,
    satellite TEXT NOT NULL,
    payload TEXT NOT NULL,
    destination TEXT NOT NULL,
    is_executable INTEGER NOT NULL,
    itar INTEGER NOT NULL,
    name TEXT NOT NULL,
    user TEXT NOT NULL,
    bytes INTEGER NOT NULL,
    state TEXT NOT NULL CHECK (state IN
        ('PENDING', 'UPLOADING', 'UPLOADED', 'FAILED', 'CANCELLED')),
    reason TEXT NOT NULL DEFAULT '',
    taken_s INTEGER NOT NULL,
    changed_s INTEGER NOT NULL
) STRICT;
CREATE INDEX uploads_open ON uploads (satellite, number)
    WHERE state IN ('PENDING', 'UPLOADING');
CREATE INDEX uploads_ended ON uploads (changed_s)
    WHERE state IN ('UPLOADED', 'FAILED', 'CANCELLED');

CREATE TABLE tokens (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('viewer', 'tasker', 'operator')),
    satellites TEXT NOT NULL,
    hash BLOB NOT NULL CHECK (length(hash) = 32),
    created_s INTEGER NOT NULL,
    expires_s INTEGER,
    revoked_s INTEGER
) STRICT;
CREATE UNIQUE INDEX tokens_that_hold ON tokens (name) WHERE revoked_s IS NULL;

CREATE TABLE keys (
    token TEXT NOT NULL,
    key TEXT NOT NULL,
    asked BLOB NOT NULL,
    status INTEGER,
    answer TEXT,
    at_s INTEGER NOT NULL,
    PRIMARY KEY (token, key)
) STRICT;
CREATE INDEX keys_by_age ON keys (at_s);

CREATE TABLE audit (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at_ms INTEGER NOT NULL,
    actor TEXT NOT NULL,
    role TEXT NOT NULL,
    remote TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    status INTEGER NOT NULL,
    detail TEXT NOT NULL,
    times INTEGER NOT NULL
) STRICT;
CREATE TRIGGER audit_is_not_changed BEFORE UPDATE ON audit
    BEGIN SELECT RAISE(ABORT, 'the audit log is only added to'); END;
CREATE TRIGGER audit_is_not_deleted BEFORE DELETE ON audit
    BEGIN SELECT RAISE(ABORT, 'the audit log is only added to'); END;
CREATE TRIGGER audit_is_not_replaced BEFORE INSERT ON audit
    WHEN EXISTS (SELECT 1 FROM audit WHERE id = NEW.id)
    BEGIN SELECT RAISE(ABORT, 'the audit log is only added to'); END;
";
