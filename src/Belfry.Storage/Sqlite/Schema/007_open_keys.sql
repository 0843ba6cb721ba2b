-- Open runs by their id and by that of their parent. A random key per row would halve the speed of a log with very many of them, so keys are sorted
-- only within 4,096 places: place >> 12 << 36 | 24 bits of the id << 12 | place & 4095. Without any key, open runs are looked through.
CREATE TABLE open_key(key INTEGER PRIMARY KEY);
