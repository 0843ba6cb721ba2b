-- Instants are microseconds since 1970 UTC. Names are interned. 0 and 1 take no bytes in SQLite, hence Completed = 1.

CREATE TABLE name(                -- tasks, workers, queues, classes of exceptions, applications, sources
  id INTEGER PRIMARY KEY,
  kind INTEGER NOT NULL,          -- NameKind
  text TEXT NOT NULL,
  UNIQUE(kind, text));

CREATE TABLE run(                 -- ended runs; the order of pages is that of time
  at INTEGER PRIMARY KEY,         -- the run's instant, 1 later until free
  uid,                            -- 16 bytes of a UUID, any other id as text
  source INTEGER, name INTEGER, state INTEGER, attempt INTEGER,
  worker INTEGER, queue INTEGER, exc INTEGER, app INTEGER, parent, root, redeliveries INTEGER,
  bump INTEGER,                   -- at less the run's instant
  sent INTEGER, received INTEGER, started INTEGER, ended INTEGER,   -- relative to at
  flags INTEGER,
  payload BLOB);

CREATE INDEX run_name ON run(name);                               -- with the rowid behind it: a task's runs by time
CREATE INDEX run_bad ON run(name, state) WHERE state <> 1;        -- a task's failures by time
CREATE INDEX run_state ON run(state) WHERE state <> 1;            -- all failures by time
CREATE INDEX run_parent ON run(parent) WHERE parent IS NOT NULL;  -- the runs that a run called

CREATE TABLE segment(             -- segments of run_key; the keys of runs from the last one's from_at on are only in memory
  id INTEGER PRIMARY KEY,
  from_at INTEGER NOT NULL);

CREATE TABLE run_key(             -- by id: segment << 45 | 45 bits of the id, sorted before they are written
  key INTEGER NOT NULL,
  at INTEGER NOT NULL,
  PRIMARY KEY(key, at)) WITHOUT ROWID;

CREATE TABLE open(                -- runs that have not ended, in order of arrival; no index on uid, the map is in memory
  id INTEGER PRIMARY KEY,
  at INTEGER NOT NULL,
  uid, source INTEGER, name INTEGER, state INTEGER, attempt INTEGER,
  worker INTEGER, queue INTEGER, exc INTEGER, app INTEGER, parent, root, redeliveries INTEGER,
  bump INTEGER, sent INTEGER, received INTEGER, started INTEGER, ended INTEGER,
  flags INTEGER,
  payload BLOB);

CREATE INDEX open_at ON open(at);

CREATE TABLE last_end(            -- of each task and state the run that ended last
  name INTEGER NOT NULL, source INTEGER NOT NULL, state INTEGER NOT NULL,
  ended INTEGER NOT NULL, at INTEGER NOT NULL,
  PRIMARY KEY(name, source, state)) WITHOUT ROWID;

CREATE TABLE minute(              -- bucket << 20 | name; the name 1048575 stands for all
  cell INTEGER PRIMARY KEY,
  first INTEGER, completed INTEGER, failed INTEGER, retried INTEGER, cancelled INTEGER, skipped INTEGER, lost INTEGER,
  timed INTEGER, sum INTEGER, max INTEGER, hist BLOB);

CREATE TABLE hour(
  cell INTEGER PRIMARY KEY,
  first INTEGER, completed INTEGER, failed INTEGER, retried INTEGER, cancelled INTEGER, skipped INTEGER, lost INTEGER,
  timed INTEGER, sum INTEGER, max INTEGER, hist BLOB);

CREATE TABLE worker(
  source INTEGER NOT NULL, name INTEGER NOT NULL,
  online INTEGER NOT NULL, beat INTEGER NOT NULL, heard INTEGER NOT NULL,
  pid INTEGER, frequency REAL, active INTEGER, processed INTEGER, software TEXT,
  PRIMARY KEY(source, name)) WITHOUT ROWID;

CREATE TABLE source(
  name INTEGER PRIMARY KEY,
  kind TEXT NOT NULL, misses INTEGER NOT NULL,
  heard INTEGER NOT NULL, listened INTEGER NOT NULL, last_event INTEGER, problem TEXT);

CREATE TABLE gap(
  source INTEGER NOT NULL, from_at INTEGER NOT NULL, to_at INTEGER NOT NULL, reason TEXT NOT NULL,
  PRIMARY KEY(source, from_at, to_at)) WITHOUT ROWID;

CREATE TABLE refusal(
  source INTEGER NOT NULL, what TEXT NOT NULL, times INTEGER NOT NULL, last INTEGER NOT NULL,
  PRIMARY KEY(source, what)) WITHOUT ROWID;
