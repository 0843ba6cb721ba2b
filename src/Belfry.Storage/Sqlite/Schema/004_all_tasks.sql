-- The cells that stand for all tasks, one for each minute and hour: bars and sums of a long span read these alone, not one for each task.
CREATE INDEX minute_all ON minute(cell) WHERE cell & 1048575 = 1048575;
CREATE INDEX hour_all ON hour(cell) WHERE cell & 1048575 = 1048575;
