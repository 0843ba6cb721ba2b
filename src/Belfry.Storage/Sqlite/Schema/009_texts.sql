-- What the full-text index knows of itself; it is there only while it is switched on. Its tables are called text_ and the number of their week.
CREATE TABLE text_week(
  week INTEGER PRIMARY KEY,       -- since 1970
  shift INTEGER NOT NULL,         -- an entry stands for all runs whose at >> shift is its rowid
  filled INTEGER NOT NULL,        -- runs before this instant are in it, but for those in text_due; the lowest number: it is being dropped
  runs INTEGER NOT NULL,          -- how many were ever put in
  gone INTEGER NOT NULL);         -- how many runs of the week were deleted since

CREATE TABLE text_due(            -- runs that came, or changed, since their stretch was filled
  at INTEGER PRIMARY KEY,
  again INTEGER NOT NULL);        -- counts up: who put one in takes it out only if it did not change meanwhile
