-- Called runs that a worker has: one row for each group of them, written before the first of it begins. A call waits as long as it is open and in no row.
CREATE TABLE claim(
  id INTEGER PRIMARY KEY,
  owner INTEGER NOT NULL,         -- the process, by the byte that it holds locked
  worker TEXT NOT NULL,           -- its name in the log
  at INTEGER NOT NULL,
  places BLOB NOT NULL);          -- of open; ranges: how far behind the last one, and how many

-- Arguments of waiting calls that the log shows otherwise, because they hold secrets or are too long.
CREATE TABLE call_args(place INTEGER PRIMARY KEY, args TEXT, kwargs TEXT);
