-- Instants are microseconds since 1970 UTC.

CREATE TABLE task_switch(         -- one row
  id int8 NOT NULL PRIMARY KEY,
  number int8 NOT NULL,           -- counted up with each switch: processes then read them again
  held int8 NOT NULL);            -- no condition starts anything

INSERT INTO task_switch(id, number, held) VALUES(1, 0, 0);

CREATE TABLE task_definition(     -- the tasks that processes registered
  name text NOT NULL PRIMARY KEY,
  source text NOT NULL,
  condition text NOT NULL,
  options text NOT NULL,          -- a JSON object
  parameters text NOT NULL,       -- a JSON array
  process text NOT NULL,          -- that registered it last
  registered int8 NOT NULL,       -- first
  seen int8 NOT NULL,
  disabled int8);                 -- 1 off, 0 on, null as its options say
