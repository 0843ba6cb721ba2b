-- What the full-text index knows of itself; it is there only while it is switched on. Its tables are called text_, the number of their week, and a number that
-- never comes again: who still reads by an older snapshot must not meet a table that is empty for him.
CREATE TABLE text_week(
  week int8 PRIMARY KEY,          -- since 1970
  part int8 GENERATED ALWAYS AS IDENTITY,
  filled int8 NOT NULL,           -- runs before this instant are in it, but for those in text_due
  runs int8 NOT NULL);            -- how many were ever put in

CREATE TABLE text_due(            -- runs that came, or changed, since their stretch was filled
  id int8 GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
  at int8 NOT NULL);

CREATE INDEX text_due_at ON text_due(at);

-- A function for the triggers that note what comes; they are made when the index is switched on.
CREATE FUNCTION text_came() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  INSERT INTO belfry.text_due(at) SELECT at FROM came;
  RETURN NULL;
END $$;
