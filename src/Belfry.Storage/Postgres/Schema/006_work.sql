-- Several processes start tasks and execute calls by one store.

CREATE TABLE process(             -- those that do; each renews its row every second
  id uuid PRIMARY KEY,
  name text NOT NULL,             -- as the log names it in the runs that it has in hand
  until int8 NOT NULL) WITH (fillfactor = 50);

CREATE TABLE last_start(          -- of each task the start that was granted last: whoever decided upon another one was late
  task int4 PRIMARY KEY,
  at int8 NOT NULL,
  run uuid NOT NULL, attempt int4 NOT NULL) WITH (fillfactor = 50);

CREATE TABLE call(                -- calls that wait, and those at work; their runs stand in the log besides
  key uuid PRIMARY KEY,           -- as that of a run
  number int8 GENERATED ALWAYS AS IDENTITY,  -- the order in which they came
  id text NOT NULL, task text NOT NULL, queue text NOT NULL, priority int4 NOT NULL,
  due int8 NOT NULL, submitted int8 NOT NULL, eta int8, expires int8,
  args text, kwargs text, parent text, root text, keyed bool NOT NULL,
  attempt int4 NOT NULL,
  owner uuid, worker text, claimed int8);    -- null while it waits

CREATE INDEX call_waiting ON call(priority DESC, due, number) WHERE owner IS NULL;
CREATE INDEX call_due ON call(due) WHERE owner IS NULL;
CREATE INDEX call_owner ON call(owner) WHERE owner IS NOT NULL;
