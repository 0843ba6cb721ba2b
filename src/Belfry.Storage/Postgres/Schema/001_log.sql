-- Instants are microseconds since 1970 UTC. Names are interned. Ids that are no UUIDs stand as the first 16 bytes of their SHA-256, with the text in the payload.

CREATE TABLE name(                -- tasks, workers, queues, classes of exceptions, applications, sources
  id int4 GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  kind int2 NOT NULL,             -- NameKind
  key uuid NOT NULL,              -- the first 16 bytes of the text's SHA-256: a text may be too long for an index
  text text NOT NULL,
  UNIQUE(kind, key));

CREATE TABLE life_lock(           -- source << 6 | 6 bits of the id: who writes a run holds the row of its ids, and counts its version up
  id int8 PRIMARY KEY,
  version int8 NOT NULL) WITH (fillfactor = 50);

CREATE TABLE run_open(            -- runs that have not ended; fixed widths first
  at int8 NOT NULL, submitted int8, received int8, started int8, finished int8,
  id uuid NOT NULL, parent uuid, root uuid,
  name int4, worker int4, queue int4, exc int4, app int4, source int4 NOT NULL, attempt int4 NOT NULL,
  flags int2 NOT NULL, state int2 NOT NULL, redeliveries int2 NOT NULL,
  payload bytea,
  PRIMARY KEY(id, source, attempt)) WITH (fillfactor = 90, autovacuum_vacuum_scale_factor = 0.05);

CREATE INDEX run_open_at ON run_open(at);
CREATE INDEX run_open_parent ON run_open(parent) WHERE parent IS NOT NULL;

CREATE TABLE run_kept(            -- ended runs that are no successes
  LIKE run_open,
  PRIMARY KEY(id, source, attempt));

CREATE INDEX run_kept_at ON run_kept(at);
CREATE INDEX run_kept_name ON run_kept(name, at);
CREATE INDEX run_kept_parent ON run_kept(parent) WHERE parent IS NOT NULL;

CREATE TABLE run_done(LIKE run_open) PARTITION BY RANGE(at);  -- successes; a partition per day, dropped whole

CREATE INDEX run_done_at ON run_done(at);
CREATE INDEX run_done_name ON run_done(name, at);
CREATE INDEX run_done_parent ON run_done(parent) WHERE parent IS NOT NULL;

CREATE TABLE done_partition(      -- days since 1970 that have a partition; all before the first day share one
  from_day int4 PRIMARY KEY,
  to_day int4 NOT NULL);

CREATE TABLE run_key(             -- where the row of a success is: a unique key of run_done would have to contain `at`
  id uuid NOT NULL, at int8 NOT NULL, source int4 NOT NULL, attempt int4 NOT NULL,
  PRIMARY KEY(id, source, attempt));

CREATE TABLE last_end(            -- of each task and kind of end the run that ended last
  name int4 NOT NULL, source int4 NOT NULL, kind int2 NOT NULL,
  ended int8 NOT NULL, at int8 NOT NULL, id uuid NOT NULL, attempt int4 NOT NULL,
  PRIMARY KEY(name, source, kind)) WITH (fillfactor = 50);

CREATE TABLE minute(              -- bucket << 20 | name; the name 1048575 stands for all
  cell int8 PRIMARY KEY,
  first int4 NOT NULL, completed int4 NOT NULL, failed int4 NOT NULL, retried int4 NOT NULL, cancelled int4 NOT NULL, skipped int4 NOT NULL,
  lost int4 NOT NULL, timed int4 NOT NULL, sum int8 NOT NULL, max int8 NOT NULL, hist bytea NOT NULL) WITH (fillfactor = 50);

CREATE TABLE hour(LIKE minute, PRIMARY KEY(cell)) WITH (fillfactor = 50);

CREATE TABLE worker(
  source int4 NOT NULL, name int4 NOT NULL,
  online bool NOT NULL, beat int8 NOT NULL, heard int8 NOT NULL,
  pid int4, frequency float8, active int8, processed int8, software text,
  PRIMARY KEY(source, name)) WITH (fillfactor = 50);

CREATE TABLE source(
  name int4 PRIMARY KEY,
  kind text NOT NULL, misses bool NOT NULL,
  heard int8 NOT NULL, listened int8 NOT NULL, last_event int8, problem text) WITH (fillfactor = 50);

CREATE TABLE gap(
  source int4 NOT NULL, from_at int8 NOT NULL, to_at int8 NOT NULL, reason text NOT NULL,
  PRIMARY KEY(source, from_at, to_at));

CREATE TABLE refusal(
  source int4 NOT NULL, what text NOT NULL, times int8 NOT NULL, last int8 NOT NULL,
  PRIMARY KEY(source, what)) WITH (fillfactor = 50);

CREATE TABLE dictionary(id int4 PRIMARY KEY, bytes bytea NOT NULL);  -- of zstd, made of the site's own payloads; never changed
