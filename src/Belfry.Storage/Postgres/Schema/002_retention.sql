CREATE TABLE deleted(             -- ids of runs deleted before their age: their late events are not stored
  id uuid NOT NULL, source int4 NOT NULL,
  gone int8 NOT NULL,             -- when; what is newer is no late event
  until int8 NOT NULL,            -- then events are too old anyway, and this is forgotten
  PRIMARY KEY(id, source));

CREATE TABLE lacking(hour int8 PRIMARY KEY);  -- hours whose figures cannot be made of rows again, because some are deleted
