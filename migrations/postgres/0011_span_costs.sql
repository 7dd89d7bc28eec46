-- Cost of single spans as numbers, for the charts of MLflow 3.17; until now it was in their JSON alone. A span may have no type.

ALTER TABLE spans ADD COLUMN IF NOT EXISTS input_cost DOUBLE PRECISION;

ALTER TABLE spans ADD COLUMN IF NOT EXISTS output_cost DOUBLE PRECISION;

ALTER TABLE spans ADD COLUMN IF NOT EXISTS total_cost DOUBLE PRECISION;

ALTER TABLE spans ALTER COLUMN type DROP NOT NULL;
