-- Cost of single spans as numbers, for the charts of MLflow 3.17; until now it was in their JSON alone.

ALTER TABLE spans ADD COLUMN input_cost DOUBLE PRECISION;

ALTER TABLE spans ADD COLUMN output_cost DOUBLE PRECISION;

ALTER TABLE spans ADD COLUMN total_cost DOUBLE PRECISION;
