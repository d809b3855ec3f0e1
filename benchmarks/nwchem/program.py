"""How NWChem is run: its environment and its time."""

from collections.abc import Mapping

# A unit takes seconds: so long means that the iterations will never converge.
TIME_LIMIT_S = 300.0
# One unit is one core, however many units run beside it.
CHILD_ENVIRONMENT: Mapping[str, str] = {
    "OMP_NUM_THREADS": "1",
    # Without mpirun, Open MPI 4 starts a daemon: it would only be in the way.
    "OMPI_MCA_ess_singleton_isolated": "1",
}
