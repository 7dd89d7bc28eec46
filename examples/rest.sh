#!/bin/sh
# A run logged and found by curl alone: what any language can do that speaks HTTP. It needs curl, and sed to read the answers.
#
# MLFLOW_TRACKING_URI=http://127.0.0.1:5000 sh examples/rest.sh
set -eu
server="${MLFLOW_TRACKING_URI:-http://127.0.0.1:5000}"
experiment="rest by curl"

# call <endpoint> <JSON>; --fail-with-body shows what the server says when it refuses.
call() {
  curl --silent --show-error --fail-with-body "$server/api/2.0/mlflow/$1" --header 'Content-Type: application/json' --data "$2"
}
# field <name>: the text of that name in the JSON that is read.
field() {
  { tr -d '\n'; echo; } | sed -n "s/.*\"$1\": *\"\([^\"]*\)\".*/\1/p"
}
now() {
  echo "$(date +%s)000"
}

# The experiment of that name, made if there is none.
if found=$(curl --silent --fail --get "$server/api/2.0/mlflow/experiments/get-by-name" --data-urlencode "experiment_name=$experiment"); then
  experiment_id=$(echo "$found" | field experiment_id)
else
  experiment_id=$(call experiments/create "{\"name\": \"$experiment\"}" | field experiment_id)
fi

run=$(call runs/create "{\"experiment_id\": \"$experiment_id\", \"run_name\": \"by curl\", \"start_time\": $(now)}")
run_id=$(echo "$run" | field run_id)

call runs/log-batch "{
  \"run_id\": \"$run_id\",
  \"params\": [{\"key\": \"learning_rate\", \"value\": \"0.1\"}],
  \"tags\": [{\"key\": \"language\", \"value\": \"sh\"}],
  \"metrics\": [
    {\"key\": \"loss\", \"value\": 0.9, \"timestamp\": $(now), \"step\": 0},
    {\"key\": \"loss\", \"value\": 0.4, \"timestamp\": $(now), \"step\": 1}
  ]
}" > /dev/null

# Files of a run go through the server, whether it keeps them in a folder or in S3: mlflow-artifacts:/<path of the run>.
files="$server/api/2.0/mlflow-artifacts/artifacts/$(echo "$run" | field artifact_uri | sed 's|^mlflow-artifacts:/*||')"
echo 'logged by curl' | curl --silent --show-error --fail-with-body --upload-file - "$files/note.txt" > /dev/null

call runs/update "{\"run_id\": \"$run_id\", \"status\": \"FINISHED\", \"end_time\": $(now)}" > /dev/null

call runs/search "{
  \"experiment_ids\": [\"$experiment_id\"],
  \"filter\": \"metrics.loss < 0.5 and tags.language = 'sh'\",
  \"order_by\": [\"attributes.start_time DESC\"],
  \"max_results\": 1
}" | field run_name
curl --silent --show-error --fail-with-body "$files/note.txt"
