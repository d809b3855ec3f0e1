"""Names of the files that commands read without the rest of the store. Imports nothing: `benchrun status` is fast."""

STATUS = "status.json"
RUN_STATE = "run_state.json"
LOCK = ".benchrun.lock"
LOG = "benchmark.log"
RUN_ERROR = "run_error.json"
OUTPUT = "output.log"
