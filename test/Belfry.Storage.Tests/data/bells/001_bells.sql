CREATE TABLE bell(
  name text NOT NULL PRIMARY KEY,
  weight int8,
  note text);

CREATE TABLE peal(at int8 NOT NULL PRIMARY KEY);
