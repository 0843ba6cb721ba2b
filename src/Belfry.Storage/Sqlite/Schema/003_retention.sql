INSERT OR IGNORE INTO segment(id, from_at) VALUES(1, -9223372036854775808);  -- a segment without a row has no keys

CREATE TABLE deleted(             -- ids of runs deleted before their age: their late events are not stored
  uid NOT NULL, source INTEGER NOT NULL,
  gone INTEGER NOT NULL,          -- when; what is newer is no late event
  until INTEGER NOT NULL,         -- then events are too old anyway, and this is forgotten
  PRIMARY KEY(uid, source)) WITHOUT ROWID;

CREATE TABLE lacking(hour INTEGER PRIMARY KEY);  -- hours whose figures cannot be made of rows again, because some are deleted
