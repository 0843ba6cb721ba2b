CREATE TABLE run_stop(            -- runs at work that are to end, in whatever process they are; emptied after a minute, as others come
  run text NOT NULL PRIMARY KEY,
  reason text NOT NULL,
  at int8 NOT NULL);
