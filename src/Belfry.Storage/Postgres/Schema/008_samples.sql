-- What was measured. A series is one quantity of one subject; its row tells the latest, and a text keeps nothing but that.
CREATE TABLE series(
  id int4 PRIMARY KEY,
  source text NOT NULL, kind text NOT NULL, subject text NOT NULL,
  at int8 NOT NULL, value float8, text text,
  minutes int8 NOT NULL,          -- samples before this instant are one a minute
  fives int8 NOT NULL,            -- before this one, one each five minutes
  UNIQUE(source, kind, subject)) WITH (fillfactor = 50);

CREATE TABLE sample(              -- fixed widths first
  at int8 NOT NULL,
  value float8 NOT NULL,          -- the mean, where several became one
  series int4 NOT NULL,
  peak float8,                    -- the largest of them, when it is another
  PRIMARY KEY(series, at));
