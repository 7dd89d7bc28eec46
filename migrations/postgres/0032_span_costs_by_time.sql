-- Costs of an experiment's spans by their own time, for the charts: only calls of models have some.
CREATE INDEX IF NOT EXISTS spans_with_costs ON spans (experiment_id, start_time_unix_nano)
  WHERE input_cost IS NOT NULL OR output_cost IS NOT NULL OR total_cost IS NOT NULL;
