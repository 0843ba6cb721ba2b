-- What several servers on one store must know of each other.

CREATE TABLE lease(               -- who does what only one may do: read a source, lead
  name text PRIMARY KEY,
  holder uuid NOT NULL, host text NOT NULL,
  until int8 NOT NULL) WITH (fillfactor = 50);

CREATE TABLE touched(             -- what was changed of late, a row for each commit, in the order of the commits; kept for a minute
  id int8 GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  writer uuid NOT NULL,
  at int8 NOT NULL,
  runs uuid[], sources int4[], attempts int4[]);  -- null when they were too many
