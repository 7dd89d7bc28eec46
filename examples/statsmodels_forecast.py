"""Forecasts with statsmodels: Holt-Winters and ARIMA on a series made here, their errors by horizon, the better one stored.

The metric `absolute_error` has a point for each month ahead, which the charts of a run show by step.

pip install mlflow==3.17.2 statsmodels
MLFLOW_TRACKING_URI=http://127.0.0.1:5000 python examples/statsmodels_forecast.py
"""

import mlflow
import numpy
import pandas
from statsmodels.tsa.api import ARIMA, ExponentialSmoothing

HORIZON = 12

mlflow.set_experiment("forecasting")

month = numpy.arange(120)
noise = numpy.random.default_rng(7).normal(scale=3, size=month.size)
sales = pandas.Series(
    200 + 1.5 * month + 25 * numpy.sin(2 * numpy.pi * month / 12) + noise,
    index=pandas.date_range("2016-01-01", periods=month.size, freq="MS"),
    name="sales",
)
past, future = sales[:-HORIZON], sales[-HORIZON:]
data = mlflow.data.from_pandas(past.rename_axis("month").reset_index(), name="monthly sales")


def log_forecast(name, params, fitted):
    """Logs the params, how far off the forecast is, and the fitted model. Answers the run's id."""
    with mlflow.start_run(run_name=name) as run:
        mlflow.log_input(data, context="training")
        mlflow.log_params({"model": name, "horizon": HORIZON, **params})
        errors = (fitted.forecast(HORIZON) - future).abs()
        for ahead, error in enumerate(errors, start=1):
            mlflow.log_metric("absolute_error", error, step=ahead)
        mlflow.log_metrics(
            {
                "mean_absolute_error": errors.mean(),
                "mean_absolute_percentage_error": 100 * (errors / future).mean(),
                "root_mean_squared_error": (errors**2).mean() ** 0.5,
            }
        )
        mlflow.statsmodels.log_model(fitted, name="forecaster")
        return run.info.run_id


smoothing = {"trend": "add", "seasonal": "add", "seasonal_periods": 12}
first = log_forecast("Holt-Winters", smoothing, ExponentialSmoothing(past, **smoothing).fit())
orders = {"order": (1, 1, 1), "seasonal_order": (0, 1, 1, 12)}
second = log_forecast("ARIMA", orders, ARIMA(past, **orders).fit())

runs = mlflow.search_runs(
    experiment_names=["forecasting"],
    filter_string=f"attributes.run_id IN ('{first}', '{second}')",
    order_by=["metrics.root_mean_squared_error"],
)
for _, run in runs.iterrows():
    history = mlflow.MlflowClient().get_metric_history(run.run_id, "absolute_error")
    print(f"{run['params.model']}: off by {run['metrics.mean_absolute_percentage_error']:.1f} %, {len(history)} months ahead")

[output] = mlflow.get_run(runs.loc[0, "run_id"]).outputs.model_outputs
model = mlflow.statsmodels.load_model(f"models:/{output.model_id}")
print(f"the better one, read back, says for {future.index[0]:%B %Y}: {model.forecast(1).iloc[0]:.0f}")
