-- Instants are microseconds since 1970 UTC. Passwords and tokens stand here as hashes only. The keys that seal sessions stand here as they are:
-- who can read this store could make himself a session.

CREATE TABLE access_change(       -- one row, counted up with each change of accounts and tokens: servers then read them again
  id int8 NOT NULL PRIMARY KEY,
  number int8 NOT NULL);

INSERT INTO access_change(id, number) VALUES(1, 0);

CREATE TABLE access_user(
  name text NOT NULL PRIMARY KEY,
  hash text,                      -- of the password; null where there is none
  role int8 NOT NULL,             -- Role
  email text,
  purge int8, del int8,           -- 1 given, 0 taken, null as the role has it
  disabled int8 NOT NULL,
  stamp text NOT NULL,            -- sessions that bear another are over
  origin int8 NOT NULL,           -- AccountOrigin
  subject text,                   -- who that is at the single sign-on: issuer and id
  made int8 NOT NULL,
  UNIQUE(subject));

CREATE TABLE access_token(
  name text NOT NULL PRIMARY KEY,
  hash text NOT NULL,             -- SHA-256
  scopes text NOT NULL,
  made int8 NOT NULL,
  made_by text NOT NULL,
  expires int8,
  used int8,                      -- written once a minute at most
  UNIQUE(hash));

CREATE TABLE access_audit(
  at int8 NOT NULL PRIMARY KEY,   -- the next free microsecond
  who text NOT NULL,
  via text NOT NULL,              -- session, token, proxy, command, link, sign-on
  address text NOT NULL,
  what text NOT NULL,             -- login, user.add …
  about text NOT NULL,            -- which user, which token
  detail text NOT NULL);

CREATE TABLE access_key(          -- keys that seal sessions and forms
  id text NOT NULL PRIMARY KEY,
  xml text NOT NULL);
