ALTER TABLE minute ALTER COLUMN hist DROP NOT NULL, ADD COLUMN waited int4 NOT NULL DEFAULT 0, ADD COLUMN wait_sum int8 NOT NULL DEFAULT 0,
  ADD COLUMN wait_max int8 NOT NULL DEFAULT 0, ADD COLUMN min int8, ADD COLUMN wait_hist bytea;
ALTER TABLE hour ALTER COLUMN hist DROP NOT NULL, ADD COLUMN waited int4 NOT NULL DEFAULT 0, ADD COLUMN wait_sum int8 NOT NULL DEFAULT 0,
  ADD COLUMN wait_max int8 NOT NULL DEFAULT 0, ADD COLUMN min int8, ADD COLUMN wait_hist bytea;

CREATE TABLE day(LIKE hour INCLUDING DEFAULTS, PRIMARY KEY(cell)) WITH (fillfactor = 50);  -- name << 20 | day

CREATE TABLE rollup_mark(         -- how far figures are kept and added up; changed with the cells, by who holds the lock of the figures
  level int4 PRIMARY KEY,         -- 0 minutes, 1 hours
  kept int8 NOT NULL,             -- cells below are gone
  added int8 NOT NULL);           -- cells below are part of the level above

-- Until now each minute was written into its hour at once; days are made of hours piece by piece from here on.
INSERT INTO rollup_mark(level, kept, added) VALUES
  (0, coalesce((SELECT min(cell) >> 20 << 20 FROM minute WHERE EXISTS(SELECT 1 FROM hour WHERE cell >> 20 < (SELECT min(cell) >> 20 FROM minute) / 60)), 0),
    coalesce((SELECT max(cell) + 1 FROM minute), 0)),
  (1, 0, 0);
