CREATE TABLE dictionary(id INTEGER PRIMARY KEY, bytes BLOB NOT NULL);  -- of zstd, made of the site's own payloads; never changed
