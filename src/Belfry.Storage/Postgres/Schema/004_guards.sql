-- Every id has a row in run_key from its first event on, that of attempt 1, whatever became of it: of two writers that meet it first only one can make it.
-- What follows carries the version of each of its rows (xmin), so nobody needs locks any more.
DROP TABLE life_lock;

INSERT INTO run_key(at, id, source, attempt)
SELECT DISTINCT ON (id, source) at, id, source, 1
FROM (SELECT at, id, source, attempt FROM run_open UNION ALL SELECT at, id, source, attempt FROM run_kept UNION ALL SELECT at, id, source, attempt FROM run_key) AS stored
ORDER BY id, source, attempt
ON CONFLICT DO NOTHING;
