-- What was measured. A series is one quantity of one subject; its row tells the latest, and a text keeps nothing but that.
CREATE TABLE series(
  id INTEGER PRIMARY KEY,
  source TEXT NOT NULL, kind TEXT NOT NULL, subject TEXT NOT NULL,
  at INTEGER NOT NULL, value REAL, text TEXT,
  minutes INTEGER NOT NULL,       -- samples before this instant are one a minute
  fives INTEGER NOT NULL,         -- before this one, one each five minutes
  UNIQUE(source, kind, subject));

CREATE TABLE sample(              -- a REAL that is a whole number takes the bytes of one
  series INTEGER NOT NULL,
  at INTEGER NOT NULL,
  value REAL NOT NULL,            -- the mean, where several became one
  peak REAL,                      -- the largest of them, when it is another
  PRIMARY KEY(series, at)) WITHOUT ROWID;
