"""The texts of Prediction & Insights."""

from __future__ import annotations

ACCURACY, DELAYS, OUTLIERS, MODEL = VIEWS = "Accuracy", "Delays and confidence", "Largest errors", "Model"
STAGE, FLIGHTS, MEASURE, ORDER = "Predicted", "Flights", "Metric", "Sorted by"
SEEN = {False: "not in the training data", True: "all"}
SEEN_HELP = "The model is trained on past flights. Its errors on replays of these flights are too small."
ORDERS = {False: "error in minutes", True: "error relative to the interval"}
INTRODUCTION = (
    "Predicted versus actual arrival delays of arrived flights. Errors are actual minus predicted: a positive error "
    "means that the flight arrived later than predicted. Dates are local to the origin. Test days are days that the "
    "model was not trained on."
)

ALL_KNOWN = (
    "The model was trained on all flights of the selection. Choose 'all' above, or see the metrics of the champion on "
    f"its test days in the view '{MODEL}'."
)

EMPTY = "No arrived flight with a prediction matches the filters. Widen the filters, or wait for arrivals."

ERRORS, INTERVALS = "Errors", "Intervals and confidence"
OVER_TIME, BY_AIRLINE, VERSIONS = "Metric by flight date", "Metric by airline", "Metrics by stage and model version"
ACTUAL, DISTRIBUTION = "Actual versus predicted delay", "Distribution of delays"
CALIBRATION, BY_CONFIDENCE = "Calibration of the confidence", "Error by confidence"
COVERAGE, LARGEST = "Interval coverage by predicted delay", "Largest errors and anomalies"
IMPORTANCE, TEST_DAYS, DRIFT = "Feature importance", "Metrics of the champion on test days", "Feature drift"

EVALUATED, MAE, RMSE, BIAS, MAPE = "Evaluated", "MAE", "RMSE", "Bias", "MAPE"
KNOWN = "{} in training data"
RMSE_NOTE, WIDTH_NOTE = "weights large errors", "lower to upper"
BIAS_NOTES = {True: "later than predicted", False: "earlier than predicted"}
STATED_SHARE, ANOMALIES_NOTE = "predicted {}", "{} flights"
TEST_DAYS_NOTE = "test days {:.1f} min"
EVALUATED_HELP = "Predictions for flights that have arrived, and the share of flights that the model was trained on."
MAE_HELP = "Mean absolute error."
RMSE_HELP = "Root mean squared error: large errors have more weight than in the MAE."
BIAS_HELP = "Mean of actual minus predicted: positive if flights arrive later than predicted."
MAPE_ON = "on {} of flights"
MAPE_HELP = (
    "Mean absolute percentage error: the error as a share of the actual delay. It is undefined for flights on time, so "
    "it includes only flights at least {:.0f} minutes late or early."
)
IN_INTERVAL, WIDTH, ACCURATE, STATED, ANOMALIES = (
    "Interval coverage",
    "Mean interval width",
    "Within 15 min",
    "Confidence",
    "Anomalies",
)
TARGET, TARGET_PCT = "target 90%", 90.0
IN_INTERVAL_HELP = "Share of flights whose delay is within the predicted interval."
WIDTH_HELP = "Mean distance between the lower and the upper bound of the interval."
ACCURATE_HELP = "Share of predictions with an error of at most 15 minutes."
STATED_NOTE = "of an error within 15 min"
STATED_HELP = "Mean predicted probability of an error within 15 minutes. It should equal the observed share."
ANOMALIES_HELP = (
    "Predictions whose error is at least {:.0f} times the distance from the prediction to the bound of its interval."
)

MEASURES = {
    "mean_absolute_error_minutes": "Mean absolute error (MAE)",
    "root_mean_squared_error_minutes": "Root mean squared error (RMSE)",
    "mean_error_minutes": "Bias (actual minus predicted)",
    "percentage_error_pct": "Percentage error (MAPE)",
    "in_interval_pct": "Interval coverage",
    "accurate_pct": "Within 15 minutes",
    "anomalies_pct": "Anomalies",
}
UNITS = {"minutes": "min", "pct": "%"}
DAY, PREDICTIONS, VALUE_HOVER = "Flight date", "Predictions", "{name}: {value}, {count:,} predictions"
MEASURED, REFERENCE = "This day", {"mean_absolute_error_minutes": "Test days", "in_interval_pct": "Target"}
OVER_TIME_SAYS = "{measure} by flight date: {last} on {day}, {mean} overall; minimum {low}, maximum {high}."
SMALL = " Small points: fewer than {} predictions."
HOLLOW = " Hollow points: most flights were in the training data."
OVER_TIME_HEADLINE, BY_AIRLINE_HEADLINE = "{mean} overall, {last} on {day}", "{high_name} is highest: {high}"
BY_AIRLINE_SAYS = "{measure}: minimum {low_name} with {low}, maximum {high_name} with {high}."
PERCENTAGE_SAYS = " It includes {share} of the flights: those at least 15 minutes late or early."

PREDICTED_DELAY, ACTUAL_DELAY, DELAY = "Predicted delay (min)", "Actual delay (min)", "Delay (min)"
EARLIER, LATER = "earlier", "later"
SAME, MEAN_ACTUAL, COUNT_BAR = "Actual = predicted", "Mean actual delay", "Flights"
CELL_HOVER = "predicted {x} min, actual {y} min: {n:,} flights"
MEAN_HOVER, SHARE_HOVER = "predicted {bin} min: mean actual delay {value}", "{name} {bin} min: {share} of flights"
CONFIDENCE_HOVER, COVERAGE_HOVER = "Confidence {}", "Predicted {} min"
GAIN_HOVER = "{name}: {share} of the gain"
ACTUAL_SAYS = (
    "{n} flights. On the dashed line, actual equals predicted; {near} are within one bin of {step} min of it. "
    "The first and the last bin contain all values beyond."
)
ACTUAL_HEADLINE = "{near} of flights within {step} min of the prediction"
PREDICTED, ACTUALLY = "Predicted", "Actual"
DISTRIBUTION_SAYS = (
    "{predicted} of flights were predicted to be at least 30 minutes late, {actual} were. Bins of {step} min; the "
    "first and the last contain all values beyond. Predictions vary less than actual delays because they are expected "
    "values."
)
DISTRIBUTION_HEADLINE = "At least 30 min late: predicted {predicted}, actual {actual}"
SHARE_OF_FLIGHTS = "Flights (%)"
CONFIDENCE, AS_STATED, FOUND = "Predicted confidence (%)", "Perfect calibration", "Within 15 min"
WITHIN = "Within 15 min (%)"
CALIBRATION_SAYS = (
    "Expected calibration error: {gap:.1f} percentage points between the predicted confidence and the observed share "
    "within 15 minutes. At the most frequent confidence, {stated}, the share is {found}. Larger points: more "
    "predictions."
)
CALIBRATION_HEADLINE = "Confidence is off by {gap:.1f} percentage points"
MEAN_ERROR = "MAE (min)"
BY_CONFIDENCE_SAYS = (
    "The MAE is {low_error:.1f} min at the lowest confidence ({low}) and {high_error:.1f} min at the highest ({high})."
)
BY_CONFIDENCE_HEADLINE = "{high_error:.1f} min at the highest confidence, {low_error:.1f} min at the lowest"
COVERAGE_SHARE, FOUND_INSIDE = "Interval coverage (%)", "Observed"
COVERAGE_SAYS = (
    "{share} of all delays are within their interval; the target is 90% at every predicted delay. Minimum: {low} for "
    "predictions of {low_bin} min. Bins with fewer than {fewest} predictions are omitted."
)

COVERAGE_HEADLINE = "{share} of delays within their interval, target 90%"
NO_CHAMPION = "No model has been promoted yet. Run 'skytier train'."
NO_DRIFT = "No drift has been computed for these dates yet. The drift DAG computes it hourly for each complete day."
LARGEST_SAYS = (
    "Error / margin: the error divided by the distance from the prediction to the bound of its interval on that side. "
    "Above 1 the delay is outside the interval; from {:.0f} it is an anomaly."
)
TEST_DAYS_SAYS = "Flights from {first} to {last}, which {version} was not trained on, compared with two baselines."
PREDICTORS = {
    "model": "Champion",
    "train_median": "Baseline: median of the training days",
    "airline_hour_mean": "Baseline: mean by airline and hour",
}
GAIN = "Gain (%)"
IMPORTANCE_SAYS = (
    "Of {count} features, {first} has the highest importance ({share} of the gain); the top five have "
    "{five}. Gain is the reduction of the training loss by the splits on a feature."
)
IMPORTANCE_HEADLINE = "{first} leads: {share} of the gain"
BEYOND = "▲"
BANDS = (
    "below 0.1:<br>stable",
    "0.1 to 0.25:<br>moderate",
    "above 0.25:<br>significant",
    f"{BEYOND} above every<br>training day",
)
STABILITY = "Stability index"
DRIFT_SAYS = (
    "Population stability index on {day}: {shifted} of {all} features are above 0.25, {moved} between 0.1 and 0.25. A "
    "single day always differs from the months of the training; {beyond} features ({mark}) are above every single "
    "training day. Index of the prediction errors: {errors}. Shown are the {shown} features with the highest index, "
    "without calendar features, over all airlines and origins."
)
DRIFT_HEADLINE = "{shifted} of {all} features above 0.25 on {day}"
DRIFT_HOVER = "{name}, {day}: {value:.2f}{reference}, {flights:,} flights"
DRIFT_REFERENCE = ", maximum of a training day {:.2f}"
UNKNOWN = "unknown"
