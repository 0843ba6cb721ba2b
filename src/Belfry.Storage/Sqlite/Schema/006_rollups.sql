ALTER TABLE minute ADD COLUMN waited INTEGER NOT NULL DEFAULT 0;
ALTER TABLE minute ADD COLUMN wait_sum INTEGER NOT NULL DEFAULT 0;
ALTER TABLE minute ADD COLUMN wait_max INTEGER NOT NULL DEFAULT 0;
ALTER TABLE minute ADD COLUMN min INTEGER;
ALTER TABLE minute ADD COLUMN wait_hist BLOB;
ALTER TABLE hour ADD COLUMN waited INTEGER NOT NULL DEFAULT 0;
ALTER TABLE hour ADD COLUMN wait_sum INTEGER NOT NULL DEFAULT 0;
ALTER TABLE hour ADD COLUMN wait_max INTEGER NOT NULL DEFAULT 0;
ALTER TABLE hour ADD COLUMN min INTEGER;
ALTER TABLE hour ADD COLUMN wait_hist BLOB;

CREATE TABLE day(                 -- name << 20 | day
  cell INTEGER PRIMARY KEY,
  first INTEGER, completed INTEGER, failed INTEGER, retried INTEGER, cancelled INTEGER, skipped INTEGER, lost INTEGER,
  timed INTEGER, sum INTEGER, max INTEGER, hist BLOB,
  waited INTEGER NOT NULL DEFAULT 0, wait_sum INTEGER NOT NULL DEFAULT 0, wait_max INTEGER NOT NULL DEFAULT 0, min INTEGER, wait_hist BLOB);

CREATE TABLE rollup_mark(         -- how far figures are kept and added up; changed with the cells
  level INTEGER PRIMARY KEY,      -- 0 minutes, 1 hours
  kept INTEGER NOT NULL,          -- cells below are gone
  added INTEGER NOT NULL);        -- cells below are part of the level above

-- Until now each minute was written into its hour at once; days are made of hours piece by piece from here on.
INSERT INTO rollup_mark(level, kept, added) VALUES
  (0, coalesce((SELECT min(cell) >> 20 << 20 FROM minute WHERE EXISTS(SELECT 1 FROM hour WHERE cell >> 20 < (SELECT min(cell) >> 20 FROM minute) / 60)), 0),
    coalesce((SELECT max(cell) + 1 FROM minute), 0)),
  (1, 0, 0);
